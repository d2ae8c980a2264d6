/* SPDX-License-Identifier: MIT */
#include "core/redis.h"

#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/redis_loop.h"
#include "core/redis_url.h"
#include "core/sentinel.h"

#define REDIS_MAGIC       0x7ED15001u
#define COMMAND_MAGIC     0x7ED15002u
#define BACKOFF_MIN_MS    20
#define BACKOFF_MAX_MS    1000
#define CONNECT_MS        5000
#define TICK_MS           1000
#define MAX_SCRIPTS       12
#define MAX_OUTPUT_BUFFER (256u << 20)

struct redis {
	unsigned magic;
	uv_loop_t *loop;
	const struct redis_url *url;
	char *name;
	char *shown;
	char *moved_host; /* where a MOVED or a sentinel pointed; NULL: the url's own host */
	int moved_port;
	struct sentinel *sentinel; /* NULL: the url has none */
	int asking;                /* the sentinels are being asked */
	unsigned timeout_ms;
	redis_state_fn *state;
	void *arg;
	const char *const *scripts;
	redis_reply_fn *push;
	char sha[MAX_SCRIPTS][41];
	redisAsyncContext *ac; /* NULL: not connected */
	int up;
	int closing;
	unsigned handshake_left; /* replies to come before up */
	unsigned scripts_seen;
	unsigned backoff_ms;
	unsigned in_flight;
	unsigned
		silent; /* ticks since the last reply came, or since the first command of a batch went out */
	uv_timer_t timer; /* down: the next attempt; else: the time-out check */
};

struct command {
	unsigned magic;
	struct redis *r;
	redis_reply_fn *fn;
	void *arg;
};

/* --- life of a connection --------------------------------------------------------------------------------------------- */

static void find_and_connect(struct redis *r);

static void on_timer(uv_timer_t *timer);

static void schedule(struct redis *r, unsigned ms)
{
	uv_timer_start(&r->timer, on_timer, ms, 0);
}

/* A node that is gone cannot tell where its slot went: ask the configured one again. */
static void moved_forget(struct redis *r)
{
	mem_free(r->moved_host);
	r->moved_host = NULL;
}

static void moved_set(struct redis *r, const char *host, size_t len, int port)
{
	moved_forget(r);
	r->moved_host = mem_dup(host, len);
	r->moved_port = port;
}

/* The context is gone or going: its callbacks come with NULL. */
static void went_down(struct redis *r, int was_up, const char *why)
{
	r->ac = NULL;
	r->up = 0;
	r->in_flight = 0;
	if (r->closing)
		return;
	if (r->sentinel != NULL)
		moved_forget(r); /* whoever was the master need not be it any more */
	log_event(was_up ? LOG_WARN : LOG_DEBUG, "redis.down", LOG_STR("name", r->name),
		LOG_STR("addr", r->shown), LOG_STR("why", why), LOG_INT("retry_ms", r->backoff_ms));
	schedule(r, r->backoff_ms);
	r->backoff_ms = MIN(r->backoff_ms * 2, BACKOFF_MAX_MS);
	if (was_up)
		r->state(r->arg, 0);
}

static void give_up(struct redis *r, const char *why)
{
	redisAsyncContext *ac = r->ac;
	int was_up = r->up;

	if (ac == NULL)
		return;
	ac->data = NULL; /* on_disconnect has nothing more to tell */
	r->ac = NULL;
	r->up = 0; /* the callbacks that redisAsyncFree() runs must not send */
	redisAsyncFree(ac);
	went_down(r, was_up, why);
}

static void on_timer(uv_timer_t *timer)
{
	CAST(redis, r, timer->data, REDIS_MAGIC);
	unsigned limit = r->up ? r->timeout_ms : CONNECT_MS;

	if (r->ac == NULL) {
		find_and_connect(r);
		return;
	}
	/* Ticks, not time: if this process was stopped, or busy for long, the answers have not been looked at yet. */
	r->silent++;
	if ((!r->up || r->in_flight > 0) && r->silent * TICK_MS > limit) {
		if (!r->up)
			moved_forget(r);
		give_up(r, "no answer in time");
	} else {
		schedule(r, TICK_MS);
	}
}

static void came_up(struct redis *r)
{
	r->up = 1;
	r->backoff_ms = BACKOFF_MIN_MS;
	log_event(LOG_DEBUG, "redis.up", LOG_STR("name", r->name), LOG_STR("addr", r->shown));
	r->state(r->arg, 1);
}

static void on_handshake(redisAsyncContext *ac, void *p, void *unused)
{
	const struct redisReply *reply = p;
	struct redis *r = ac->data;

	UNUSED(unused);
	if (r == NULL || reply == NULL)
		return;
	r->silent = 0;
	if (reply->type == REDIS_REPLY_ERROR) {
		log_event(LOG_ERROR, "redis.refused", LOG_STR("name", r->name),
			LOG_STR("addr", r->shown), LOG_STR("why", reply->str));
		r->backoff_ms = MAX(r->backoff_ms, 250);
		give_up(r, "the handshake failed");
		return;
	}
	if (reply->type == REDIS_REPLY_STRING && reply->len == 40 && r->scripts_seen < MAX_SCRIPTS)
		memcpy(r->sha[r->scripts_seen++], reply->str, 41);
	if (--r->handshake_left == 0)
		came_up(r);
}

static void handshake_send(struct redis *r, const char *const *words, size_t n)
{
	size_t lens[4];

	for (size_t i = 0; i < n; i++)
		lens[i] = strlen(words[i]);
	r->handshake_left++;
	redisAsyncCommandArgv(
		r->ac, on_handshake, NULL, (int)n, (const char **)(uintptr_t)words, lens);
}

static void handshake(struct redis *r)
{
	char db[16];

	r->handshake_left = 0;
	r->scripts_seen = 0;
	if (r->url->password != NULL && r->url->user != NULL)
		handshake_send(r, (const char *[]){"AUTH", r->url->user, r->url->password}, 3);
	else if (r->url->password != NULL)
		handshake_send(r, (const char *[]){"AUTH", r->url->password}, 2);
	if (r->url->db != 0) {
		snprintf(db, sizeof db, "%d", r->url->db);
		handshake_send(r, (const char *[]){"SELECT", db}, 2);
	}
	handshake_send(r, (const char *[]){"CLIENT", "SETNAME", r->name}, 3);
	for (size_t i = 0; r->scripts != NULL && r->scripts[i] != NULL; i++)
		handshake_send(r, (const char *[]){"SCRIPT", "LOAD", r->scripts[i]}, 3);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
	struct redis *r = ac->data;

	if (r == NULL)
		return;
	if (status != REDIS_OK) {
		moved_forget(r);
		went_down(r, 0, ac->errstr);
		return;
	}
	r->silent = 0;
	handshake(r);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
	struct redis *r = ac->data;

	UNUSED(status);
	if (r != NULL)
		went_down(r, r->up, ac->errstr);
}

static void connect_now(struct redis *r)
{
	const char *host = r->moved_host != NULL ? r->moved_host : r->url->host;
	int port = r->moved_host != NULL ? r->moved_port : r->url->port;
	redisAsyncContext *ac = r->url->path != NULL ? redisAsyncConnectUnix(r->url->path)
						     : redisAsyncConnect(host, port);

	if (ac == NULL || ac->err != 0) {
		char why[128];

		snprintf(why, sizeof why, "%s", ac != NULL ? ac->errstr : "out of memory");
		if (ac != NULL)
			redisAsyncFree(ac);
		moved_forget(r);
		went_down(r, 0, why);
		return;
	}
	r->ac = ac;
	ac->data = r;
	r->silent = 0;
	if (r->url->path == NULL)
		redisEnableKeepAlive(&ac->c);
	redis_loop_attach(r->loop, ac);
	redisAsyncSetConnectCallback(ac, on_connect);
	redisAsyncSetDisconnectCallback(ac, on_disconnect);
	schedule(r, TICK_MS);
}

static void on_found(void *arg, const char *host, int port, const char *why)
{
	CAST(redis, r, arg, REDIS_MAGIC);

	r->asking = 0;
	if (host == NULL) {
		went_down(r, 0, why);
		return;
	}
	moved_set(r, host, strlen(host), port);
	connect_now(r);
}

static void find_and_connect(struct redis *r)
{
	if (r->sentinel == NULL || r->moved_host != NULL) {
		connect_now(r);
	} else if (!r->asking) {
		r->asking = 1;
		sentinel_ask(r->sentinel, on_found, r);
	}
}

struct redis *redis_new(const struct redis_options *o)
{
	struct redis *r = mem_alloc(sizeof *r);

	r->magic = REDIS_MAGIC;
	r->loop = o->loop;
	r->url = o->url;
	r->name = mem_strdup(o->name);
	r->shown = redis_url_show(o->url);
	r->timeout_ms = o->timeout_ms;
	r->state = o->state;
	r->arg = o->arg;
	r->scripts = o->scripts;
	r->push = o->push;
	r->backoff_ms = BACKOFF_MIN_MS;
	if (o->url->n_sentinels > 0)
		r->sentinel = sentinel_new(o->loop, o->url);
	uv_timer_init(o->loop, &r->timer);
	r->timer.data = r;
	schedule(r, 0);
	return r;
}

static void on_closed(uv_handle_t *h)
{
	CAST(redis, r, h->data, REDIS_MAGIC);

	mem_free(r->name);
	mem_free(r->shown);
	mem_free(r->moved_host);
	mem_free(r);
}

void redis_free(struct redis **rp)
{
	struct redis *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	r->closing = 1;
	/* What this turn has queued, such as a worker's good-bye. May drop the connection by itself. */
	if (r->up)
		redisAsyncHandleWrite(r->ac);
	give_up(r, "closing");
	sentinel_free(&r->sentinel);
	uv_close((uv_handle_t *)&r->timer, on_closed);
}

void redis_renew(struct redis *r)
{
	if (r->up)
		give_up(r, "made anew");
}

int redis_is_up(const struct redis *r)
{
	return r->up;
}

const char *redis_script_sha(const struct redis *r, size_t n)
{
	assert(n < MAX_SCRIPTS);
	return r->sha[n];
}

const char *redis_address(const struct redis *r)
{
	return r->shown;
}

/* --- commands and replies --------------------------------------------------------------------------------------------- */

/* "MOVED SLOT HOST:PORT" (Redis Cluster specification); HOST may be an IPv6 address. */
static void moved_note(struct redis *r, const char *text)
{
	const char *host = strncmp(text, "MOVED ", 6) == 0 ? strchr(text + 6, ' ') : NULL;
	const char *colon = host != NULL ? strrchr(++host, ':') : NULL;
	int port = colon != NULL ? atoi(colon + 1) : 0;

	if (colon == NULL || colon == host || port < 1 || port > 65535)
		return;
	moved_set(r, host, (size_t)(colon - host), port);
}

/* Errors by which a server says "not me" or "not now"; the command was not run. */
static int is_elsewhere(struct redis *r, const struct redisReply *reply)
{
	static const char *const words[] = {
		"MOVED ", "READONLY ", "LOADING ", "NOSCRIPT ", "MASTERDOWN ", "CLUSTERDOWN "};

	if (reply->type != REDIS_REPLY_ERROR)
		return 0;
	moved_note(r, reply->str);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strncmp(reply->str, words[i], strlen(words[i])) == 0)
			return 1;
	return 0;
}

static void on_reply(redisAsyncContext *ac, void *p, void *data)
{
	CAST(command, c, data, COMMAND_MAGIC);
	const struct redisReply *reply = p;
	struct redis *r = c->r;
	redis_reply_fn *fn = c->fn;
	void *arg = c->arg;
	int elsewhere = 0;

	mem_free(c);
	if (r->ac == ac) {
		r->in_flight--;
		r->silent = 0;
		elsewhere = reply != NULL && is_elsewhere(r, reply);
	}
	if (fn != NULL)
		fn(arg, elsewhere ? NULL : reply);
	if (elsewhere && r->ac == ac) {
		log_event(LOG_WARN, "redis.elsewhere", LOG_STR("name", r->name),
			LOG_STR("why", reply->str));
		give_up(r, "the server said so");
	}
}

/* hiredis keeps one callback per channel and calls it for every message. */
static void on_push(redisAsyncContext *ac, void *p, void *unused)
{
	struct redis *r = ac->data;

	UNUSED(unused);
	if (r != NULL && p != NULL)
		r->push(r->arg, p);
}

int redis_send(struct redis *r, struct redis_args *a, redis_reply_fn *fn, void *arg)
{
	struct command *c;
	int rc;

	if (!r->up || sdslen(r->ac->c.obuf) > MAX_OUTPUT_BUFFER)
		return -(int)ERR_REDIS;
	redis_args_finish(a);
	if (r->push != NULL) {
		rc = redisAsyncFormattedCommand(
			r->ac, on_push, NULL, a->text.data + a->start, a->text.len - a->start);
		return rc == REDIS_OK ? 0 : -(int)ERR_REDIS;
	}
	c = mem_alloc(sizeof *c);
	*c = (struct command){COMMAND_MAGIC, r, fn, arg};
	if (redisAsyncFormattedCommand(r->ac, on_reply, c, a->text.data + a->start,
		    a->text.len - a->start) != REDIS_OK) {
		mem_free(c);
		return -(int)ERR_REDIS;
	}
	if (r->in_flight++ == 0)
		r->silent = 0;
	return 0;
}

const struct redisReply *redis_at(const struct redisReply *reply, size_t n)
{
	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || n >= reply->elements)
		return NULL;
	return reply->element[n];
}

long long redis_int(const struct redisReply *reply, long long fallback)
{
	char *end;
	long long n;

	if (reply == NULL)
		return fallback;
	if (reply->type == REDIS_REPLY_INTEGER)
		return reply->integer;
	if (reply->type != REDIS_REPLY_STRING || reply->len == 0)
		return fallback;
	n = strtoll(reply->str, &end, 10);
	return *end == '\0' ? n : fallback;
}

const char *redis_text(const struct redisReply *reply)
{
	return reply != NULL && (reply->type == REDIS_REPLY_STRING ||
					reply->type == REDIS_REPLY_STATUS)
		       ? reply->str
		       : "";
}
