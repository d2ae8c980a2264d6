/* SPDX-License-Identifier: MIT */
#include "control/status.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "control/private_redis.h"
#include "core/cli.h"
#include "core/conf.h"
#include "core/err.h"
#include "core/keys.h"
#include "core/mem.h"
#include "core/redis_url.h"

#define TIMEOUT_S 3
#define NO_AGE    (-1)

static const struct cli_program program = {
	.name = "sockethubctl status",
	.tag = "sockethubctl",
	.usage = "[--json] [options]",
	.summary = "Shows for each platform: workers alive, the accounts they hold, jobs that wait "
		   "and run, "
		   "the\n"
		   "oldest job's age, and jobs given up; and how many sessions live. Asks Redis, "
		   "not the "
		   "gateway.\n",
	.extra = "\n  --json            for machines\n"
		 "\nExit status: 0 all is well, 1 a platform has no living worker or Redis is "
		 "away, 2 usage.\n",
};

/* One platform in one shard; -1 where Redis gave no number. */
struct row {
	const char *platform;
	unsigned shard;
	long long workers;  /* alive */
	json_t *held;       /* worker's name -> accounts that it holds in this shard */
	long long accounts; /* their sum */
	long long queued;   /* waiting or running */
	long long running;  /* taken by a worker, not yet answered */
	long long age_ms;   /* of the oldest job; NO_AGE: none */
	long long buried;
};

/* --- asking --------------------------------------------------------------------------------------------------- */

/* GIVES a reply, freeReplyObject() it; NULL with `e` when the connection broke or Redis refused. */
static redisReply *ask(redisContext *r, struct err *e, const char *fmt, ...)
{
	redisReply *reply;
	va_list ap;

	va_start(ap, fmt);
	reply = redisvCommand(r, fmt, ap);
	va_end(ap);
	if (reply == NULL) {
		err_set(e, ERR_REDIS, "%s", r->errstr);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		err_set(e, ERR_REDIS, "%s", reply->str);
		freeReplyObject(reply);
		reply = NULL;
	}
	return reply;
}

static int ask_number(
	redisContext *r, const char *verb, const char *key, long long *out, struct err *e)
{
	redisReply *reply = ask(r, e, "%s %s", verb, key);

	if (reply == NULL)
		return -(int)ERR_REDIS;
	*out = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	freeReplyObject(reply);
	return 0;
}

/* The value of `name` in a flat array of names and values, or NULL. */
static const redisReply *member(const redisReply *pairs, const char *name)
{
	if (pairs->type != REDIS_REPLY_ARRAY)
		return NULL;
	for (size_t i = 0; i + 1 < pairs->elements; i += 2)
		if (pairs->element[i]->str != NULL && strcmp(pairs->element[i]->str, name) == 0)
			return pairs->element[i + 1];
	return NULL;
}

/* A worker's key has a number; one that has ended says so with a word, one that died has none. */
static int worker_lives(
	redisContext *r, const struct row *row, const char *worker, int *lives, struct err *e)
{
	struct keys_name key;
	redisReply *mark;

	keys_worker(&key, row->shard, row->platform, worker);
	mark = ask(r, e, "GET %s", key.text);
	if (mark == NULL)
		return -(int)ERR_REDIS;
	*lives = mark->str != NULL && mark->str[0] >= '0' && mark->str[0] <= '9';
	freeReplyObject(mark);
	return 0;
}

static int worker_add(redisContext *r, struct row *row, const char *worker, struct err *e)
{
	struct keys_name key;
	long long n = 0;
	int lives = 0;
	int rc = worker_lives(r, row, worker, &lives, e);

	if (rc < 0 || !lives)
		return rc;
	keys_held(&key, row->shard, row->platform, worker);
	rc = ask_number(r, "SCARD", key.text, &n, e);
	row->workers++;
	row->accounts += n;
	json_object_set_new(row->held, worker, json_integer(n));
	return rc;
}

/* Consumers are remembered by Redis after their death; alive is who has its own key. */
static int workers_count(redisContext *r, struct row *row, const char *queue, struct err *e)
{
	redisReply *consumers = ask(r, e, "XINFO CONSUMERS %s %s", queue, KEYS_GROUP);
	int rc = 0;

	/* No stream or no group yet: no worker has ever run. */
	if (consumers == NULL)
		return r->err != 0 ? -(int)ERR_REDIS : 0;
	for (size_t i = 0; rc == 0 && i < consumers->elements; i++) {
		const redisReply *name = member(consumers->element[i], "name");

		if (name != NULL && name->str != NULL && name->len <= 80)
			rc = worker_add(r, row, name->str, e);
	}
	freeReplyObject(consumers);
	return rc;
}

/* A stream's id begins with the time of its entry. */
static int age_find(redisContext *r, struct row *row, const char *queue, struct err *e)
{
	redisReply *first = ask(r, e, "XRANGE %s - + COUNT 1", queue);
	struct timeval now;

	if (first == NULL)
		return -(int)ERR_REDIS;
	if (first->type == REDIS_REPLY_ARRAY && first->elements == 1 &&
		first->element[0]->type == REDIS_REPLY_ARRAY && first->element[0]->elements > 0 &&
		first->element[0]->element[0]->str != NULL) {
		gettimeofday(&now, NULL);
		row->age_ms = (long long)now.tv_sec * 1000 + now.tv_usec / 1000 -
			      strtoll(first->element[0]->element[0]->str, NULL, 10);
		row->age_ms = MAX(row->age_ms, 0);
	}
	freeReplyObject(first);
	return 0;
}

static int pending_count(redisContext *r, struct row *row, const char *queue, struct err *e)
{
	redisReply *pending = ask(r, e, "XPENDING %s %s", queue, KEYS_GROUP);

	if (pending == NULL)
		return r->err != 0 ? -(int)ERR_REDIS : 0;
	if (pending->type == REDIS_REPLY_ARRAY && pending->elements > 0)
		row->running = pending->element[0]->integer;
	freeReplyObject(pending);
	return 0;
}

static int row_fill(redisContext *r, struct row *row, struct err *e)
{
	struct keys_name queue, buried;
	int rc;

	keys_queue(&queue, row->shard, row->platform);
	keys_buried(&buried, row->shard, row->platform);
	rc = workers_count(r, row, queue.text, e);
	if (rc == 0)
		rc = ask_number(r, "XLEN", queue.text, &row->queued, e);
	if (rc == 0)
		rc = pending_count(r, row, queue.text, e);
	if (rc == 0)
		rc = age_find(r, row, queue.text, e);
	if (rc == 0)
		rc = ask_number(r, "XLEN", buried.text, &row->buried, e);
	return rc;
}

static int sessions_count(redisContext *r, const struct conf *c, long long *out, struct err *e)
{
	int rc = 0;

	*out = 0;
	for (unsigned shard = 0; rc == 0 && shard < c->shards; shard++) {
		struct keys_name key;
		long long n = 0;

		keys_sessions(&key, shard);
		rc = ask_number(r, "ZCARD", key.text, &n, e);
		*out += n;
	}
	return rc;
}

/* --- connecting ----------------------------------------------------------------------------------------------- */

static int log_in(redisContext *r, const struct redis_url *u, struct err *e)
{
	redisReply *reply = NULL;

	if (u->user != NULL && u->password != NULL)
		reply = ask(r, e, "AUTH %s %s", u->user, u->password);
	else if (u->password != NULL)
		reply = ask(r, e, "AUTH %s", u->password);
	else
		reply = ask(r, e, "PING");
	if (reply == NULL)
		return -(int)ERR_REDIS;
	freeReplyObject(reply);
	reply = ask(r, e, "SELECT %d", u->db);
	freeReplyObject(reply);
	return reply != NULL ? 0 : -(int)ERR_REDIS;
}

/* Asks the sentinels for the master's address and puts it into `u`. */
static int master_find(struct redis_url *u, struct timeval timeout, struct err *e)
{
	for (size_t i = 0; u->host == NULL && i < u->n_sentinels; i++) {
		redisContext *r = redisConnectWithTimeout(
			u->sentinels[i].host, u->sentinels[i].port, timeout);
		redisReply *a = NULL;

		if (r != NULL && r->err == 0 && redisSetTimeout(r, timeout) == REDIS_OK)
			a = redisCommand(r, "SENTINEL get-master-addr-by-name %s", u->master);
		if (a != NULL && a->type == REDIS_REPLY_ARRAY && a->elements == 2) {
			u->host = mem_strdup(a->element[0]->str);
			u->port = atoi(a->element[1]->str);
		}
		freeReplyObject(a);
		redisFree(r);
	}
	if (u->host == NULL)
		return err_set(e, ERR_REDIS, "no sentinel knows where the master %s is", u->master);
	return 0;
}

/* GIVES in `*out`, redisFree() it; `*shown` GIVES the address for people. */
static int redis_connect(const struct conf *c, redisContext **out, char **shown, struct err *e)
{
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	char *text = c->redis != NULL ? mem_strdup(c->redis) : private_redis_url(c);
	struct redis_url u;
	redisContext *r = NULL;
	int rc = redis_url_parse(&u, text, e);

	mem_free(text);
	if (rc < 0)
		return rc;
	*shown = redis_url_show(&u);
	if (u.n_sentinels > 0 && (rc = master_find(&u, timeout, e)) < 0) {
		redis_url_release(&u);
		return rc;
	}
	r = u.path != NULL ? redisConnectUnixWithTimeout(u.path, timeout)
			   : redisConnectWithTimeout(u.host, u.port, timeout);
	if (r == NULL || r->err != 0)
		rc = err_set(e, ERR_REDIS, "%s: %s", *shown, r != NULL ? r->errstr : "no memory");
	else if (redisSetTimeout(r, timeout) != REDIS_OK || log_in(r, &u, e) < 0)
		rc = err_prefix(e, "%s", *shown);
	redis_url_release(&u);
	if (rc < 0 && r != NULL) {
		redisFree(r);
		r = NULL;
	}
	*out = r;
	return rc;
}

/* --- showing -------------------------------------------------------------------------------------------------- */

static void age_show(long long ms, char *out, size_t size)
{
	if (ms == NO_AGE)
		snprintf(out, size, "-");
	else if (ms < 10000)
		snprintf(out, size, "%lld ms", ms);
	else if (ms < 7200000)
		snprintf(out, size, "%lld s", ms / 1000);
	else if (ms < 259200000)
		snprintf(out, size, "%lld h", ms / 3600000);
	else
		snprintf(out, size, "%lld d", ms / 86400000);
}

static void table_print(const struct row *rows, size_t n, const char *redis, long long sessions)
{
	int width = (int)strlen("PLATFORM");

	for (size_t i = 0; i < n; i++)
		width = MAX(width, (int)strlen(rows[i].platform));
	printf("redis %s, %lld sessions\n", redis, sessions);
	printf("%-*s  SHARD  WORKERS  ACCOUNTS  WAITING  RUNNING   OLDEST  BURIED\n", width,
		"PLATFORM");
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		char age[32];

		age_show(row->age_ms, age, sizeof age);
		printf("%-*s  %5u  %7lld  %8lld  %7lld  %7lld  %7s  %6lld%s\n", width,
			row->platform, row->shard, row->workers, row->accounts,
			MAX(row->queued - row->running, 0), row->running, age, row->buried,
			row->workers == 0 ? "  no worker" : "");
	}
}

static void json_print(const struct row *rows, size_t n, const char *redis, long long sessions)
{
	json_t *list = json_array();
	json_t *root;

	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];

		json_array_append_new(list,
			json_pack("{s:s, s:i, s:I, s:I, s:O, s:I, s:I, s:o, s:I}", "platform",
				row->platform, "shard", (int)row->shard, "workers",
				(json_int_t)row->workers, "accounts", (json_int_t)row->accounts,
				"held", row->held, "waiting",
				(json_int_t)MAX(row->queued - row->running, 0), "running",
				(json_int_t)row->running, "oldest_ms",
				row->age_ms == NO_AGE ? json_null() : json_integer(row->age_ms),
				"buried", (json_int_t)row->buried));
	}
	root = json_pack("{s:s, s:I, s:o}", "redis", redis, "sessions", (json_int_t)sessions,
		"platforms", list);
	json_dumpf(root, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(root);
}

/* GIVES the rows, one per platform and shard; rows_free() them. */
static struct row *rows_make(const struct conf *c, size_t *n)
{
	size_t max = json_object_size(c->platforms) * (size_t)c->shards;
	struct row *rows = mem_array(max, sizeof *rows);
	const char *name;
	json_t *settings;

	*n = 0;
	json_object_foreach (c->platforms, name, settings)
		for (unsigned shard = 0; strlen(name) <= 32 && shard < c->shards; shard++)
			rows[(*n)++] = (struct row){.platform = name,
				.shard = shard,
				.held = json_object(),
				.age_ms = NO_AGE};
	return rows;
}

static void rows_free(struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_decref(rows[i].held);
	mem_free(rows);
}

static int report(const struct conf *c, redisContext *r, const char *redis, int as_json)
{
	size_t n;
	struct row *rows = rows_make(c, &n);
	long long sessions = 0;
	struct err e;
	int status = 0;
	int rc = sessions_count(r, c, &sessions, &e);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = row_fill(r, &rows[i], &e);
		if (rows[i].workers == 0)
			status = 1;
	}
	if (rc < 0) {
		fprintf(stderr, "sockethubctl: %s\n", e.text);
		status = 1;
	} else if (as_json) {
		json_print(rows, n, redis, sessions);
	} else {
		table_print(rows, n, redis, sessions);
	}
	rows_free(rows, n);
	return status;
}

int status_command(int argc, char **argv)
{
	struct conf c;
	redisContext *r = NULL;
	char *shown = NULL;
	struct err e;
	int as_json = 0, check_only, status = 1, n = 0;

	/* --json is this command's own; the rest is for cli_start(). */
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			as_json = 1;
		else
			argv[n++] = argv[i];
	}
	cli_start(&program, n, argv, &c, NULL, 0, &check_only);
	if (check_only)
		status = 0;
	else if (redis_connect(&c, &r, &shown, &e) < 0)
		fprintf(stderr, "sockethubctl: %s\n", e.text);
	else
		status = report(&c, r, shown, as_json);
	if (r != NULL)
		redisFree(r);
	mem_free(shown);
	conf_release(&c);
	return status;
}
