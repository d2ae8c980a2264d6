/* SPDX-License-Identifier: MIT */
/* redis_rtt - how long something takes to go through Redis to another process and back: the
 * ceiling for latency.
 *
 * Two processes, one blocking connection each: push, blocking read, push, blocking read. With
 * lists or with streams. Every payload that comes back is compared with the one sent. */
#include "bench/lib/clock.h"
#include "bench/lib/hist.h"
#include "bench/lib/opt.h"
#include "core/base.h"
#include "core/mem.h"
#include <hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_THERE "bench:rtt:there"
#define KEY_BACK  "bench:rtt:back"
#define BYTES_MIN 24u
#define BYTES_MAX 65536u

struct rtt {
	const char *socket, *kind;
	double seconds;
	unsigned bytes;
	int streams;
	redisContext *redis;
	struct hist hist;
};

static void NO_RETURN quit(const char *what, const char *why)
{
	fprintf(stderr, "redis_rtt: %s: %s\n", what, why);
	exit(2);
}

/* Never an error reply: any failure ends the program. The caller frees. */
static redisReply *command(
	redisContext *r, const char *fmt, const char *key, const char *data, size_t len)
{
	redisReply *reply = data != NULL ? redisCommand(r, fmt, key, data, len)
					 : redisCommand(r, fmt, key);
	if (reply == NULL)
		quit(fmt, r->errstr);
	if (reply->type == REDIS_REPLY_ERROR)
		quit(fmt, reply->str);
	return reply;
}

static redisContext *connect_to(const char *path)
{
	redisContext *r = redisConnectUnix(path);
	if (r == NULL || r->err != 0)
		quit(path, r != NULL ? r->errstr : "no memory");
	return r;
}

static void push(struct rtt *t, const char *key, const char *data)
{
	freeReplyObject(command(t->redis,
		t->streams ? "XADD %s MAXLEN ~ 1000 * d %b" : "LPUSH %s %b", key, data, t->bytes));
}

static const redisReply *element(const redisReply *r, size_t i)
{
	if (r->type != REDIS_REPLY_ARRAY || i >= r->elements)
		quit("read", "an answer of another form");
	return r->element[i];
}

/* Waits for one entry and copies its payload, which has to be `bytes` long. */
static void pull(struct rtt *t, const char *key, char *data)
{
	redisReply *r = command(t->redis,
		t->streams ? "XREADGROUP GROUP g c COUNT 1 BLOCK 0 NOACK STREAMS %s >"
			   : "BRPOP %s 0",
		key, NULL, 0);
	const redisReply *v;
	if (t->streams) { /* [[key, [[id, [d, payload]]]]] */
		const redisReply *entry = element(element(element(r, 0), 1), 0);
		v = element(element(entry, 1), 1);
	} else {
		v = element(r, 1);
	}
	if (v->type != REDIS_REPLY_STRING || (size_t)v->len != t->bytes)
		quit("read", "a payload of another length");
	memcpy(data, v->str, t->bytes);
	freeReplyObject(r);
}

static void prepare(struct rtt *t)
{
	const char *keys[] = {KEY_THERE, KEY_BACK};
	t->redis = connect_to(t->socket);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		freeReplyObject(command(t->redis, "DEL %s", keys[i], NULL, 0));
		if (t->streams)
			freeReplyObject(command(
				t->redis, "XGROUP CREATE %s g $ MKSTREAM", keys[i], NULL, 0));
	}
}

/* The other process: sends everything back, until it is killed. */
static void NO_RETURN reflect(struct rtt *t)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	char *data = mem_alloc(t->bytes);
	t->redis = connect_to(t->socket);
	for (;;) {
		pull(t, KEY_THERE, data);
		push(t, KEY_BACK, data);
	}
}

static void measure(struct rtt *t)
{
	char *out = mem_alloc(t->bytes + 1), *in = mem_alloc(t->bytes + 1);
	memset(out, 'x', t->bytes);
	uint64_t start = clock_ns(), stop = start + (uint64_t)(t->seconds * 1e9), now = start;
	for (unsigned long n = 0; now < stop; n++) {
		char number[BYTES_MIN];
		memcpy(out, number, (size_t)snprintf(number, sizeof(number), "%lu ", n));
		uint64_t sent = clock_ns();
		push(t, KEY_THERE, out);
		pull(t, KEY_BACK, in);
		now = clock_ns();
		if (memcmp(in, out, t->bytes) != 0)
			quit("read", "another payload than the one sent");
		hist_add(&t->hist, now - sent);
	}
	printf("{\"round_trips_per_s\":%.1f,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"max_"
	       "us\":%.1f}\n",
		(double)t->hist.count * 1e9 / (double)(now - start),
		(double)hist_quantile(&t->hist, 0.5) / 1e3,
		(double)hist_quantile(&t->hist, 0.9) / 1e3,
		(double)hist_quantile(&t->hist, 0.99) / 1e3, (double)t->hist.max / 1e3);
	mem_free(out);
	mem_free(in);
}

int main(int argc, char **argv)
{
	static struct rtt t = {.kind = "streams", .seconds = 3, .bytes = 300};
	const struct opt opts[] = {
		{"socket", OPT_TEXT, &t.socket, "PATH  unix socket of the Redis server"},
		{"kind", OPT_TEXT, &t.kind, "WORD  streams (default) or lists"},
		{"bytes", OPT_COUNT, &t.bytes, "N     payload (300)"},
		{"seconds", OPT_SECONDS, &t.seconds, "S     (3)"}, {NULL, OPT_FLAG, NULL, NULL}};
	opt_read("redis_rtt - there and back between two processes through Redis; prints one JSON "
		 "object.",
		opts, argc, argv);
	t.streams = strcmp(t.kind, "streams") == 0;
	if (t.socket == NULL || (!t.streams && strcmp(t.kind, "lists") != 0) ||
		t.bytes < BYTES_MIN || t.bytes > BYTES_MAX)
		quit("options",
			"--socket is needed; --kind is streams or lists; --bytes 24 to 65536");
	prepare(&t);
	pid_t child = fork();
	if (child < 0)
		quit("fork", "failed");
	if (child == 0)
		reflect(&t);
	measure(&t);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	freeReplyObject(command(t.redis, "DEL %s", KEY_THERE, NULL, 0));
	freeReplyObject(command(t.redis, "DEL %s", KEY_BACK, NULL, 0));
	redisFree(t.redis);
	return 0;
}
