/* SPDX-License-Identifier: MIT */
#include "core/queue.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/scripts.h"

#define BURIED_MAX  1000
#define LEFT_TTL_MS 60000 /* for all the others to see it; then its silence says the same */

static struct redis_args args; /* one loop per process: kept for its memory */

static void queue_key(const struct queue_ref *q)
{
	struct keys_name key;

	keys_queue(&key, q->shard, q->platform);
	redis_arg(&args, key.text, key.len);
}

static void script_begin(struct redis *r, enum script script, long long n_keys)
{
	redis_args_begin(&args);
	redis_arg_str(&args, "EVALSHA");
	redis_arg_str(&args, redis_script_sha(r, script));
	redis_arg_int(&args, n_keys);
}

/* --- jobs out of replies ------------------------------------------------------------------------------------------ */

static int job_fill(struct queue_job *job, unsigned shard, const struct redisReply *id,
	const struct redisReply *const f[4])
{
	memset(job, 0, sizeof *job);
	if (id == NULL || id->type != REDIS_REPLY_STRING || (size_t)id->len >= sizeof job->id ||
		f[0] == NULL || f[1] == NULL || f[2] == NULL || f[1]->type != REDIS_REPLY_STRING ||
		(size_t)f[1]->len >= sizeof job->token || f[2]->type != REDIS_REPLY_STRING ||
		f[0]->type != REDIS_REPLY_STRING ||
		session_ref_from_tag(&job->session, shard, f[0]->str, (size_t)f[0]->len) < 0)
		return -(int)ERR_INVALID;
	memcpy(job->id, id->str, (size_t)id->len);
	memcpy(job->token, f[1]->str, (size_t)f[1]->len);
	if (f[3] != NULL && f[3]->type == REDIS_REPLY_STRING &&
		(size_t)f[3]->len < sizeof job->previous)
		memcpy(job->previous, f[3]->str, (size_t)f[3]->len);
	job->blob = f[2]->str;
	job->blob_len = (size_t)f[2]->len;
	return 0;
}

/* [[id, [s, h, j, token, d, blob, and maybe p, previous]], ...] */
static size_t entries_parse(const struct redisReply *list, unsigned shard, struct queue_job *jobs)
{
	size_t n = 0;

	for (size_t i = 0; i < list->elements; i++) {
		const struct redisReply *f = redis_at(list->element[i], 1);
		const struct redisReply *const values[4] = {
			redis_at(f, 1), redis_at(f, 3), redis_at(f, 5), redis_at(f, 7)};

		if (job_fill(&jobs[n], shard, redis_at(list->element[i], 0), values) < 0)
			log_event(LOG_ERROR, "queue.garbled",
				LOG_STR("id", redis_text(redis_at(list->element[i], 0))));
		else
			n++;
	}
	return n;
}

/* [[id, deliveries, started, h, token, blob, previous], ...] */
static size_t taken_parse(const struct redisReply *list, unsigned shard, struct queue_job *jobs)
{
	size_t n = 0;

	for (size_t i = 0; i < list->elements; i++) {
		const struct redisReply *row = list->element[i];
		const struct redisReply *const values[4] = {
			redis_at(row, 3), redis_at(row, 4), redis_at(row, 5), redis_at(row, 6)};

		if (job_fill(&jobs[n], shard, redis_at(row, 0), values) < 0) {
			log_event(LOG_ERROR, "queue.garbled",
				LOG_STR("id", redis_text(redis_at(row, 0))));
			continue;
		}
		jobs[n].deliveries = redis_int(redis_at(row, 1), 0);
		jobs[n].started = redis_int(redis_at(row, 2), 0) != 0;
		n++;
	}
	return n;
}

struct read_call {
	unsigned shard;
	queue_read_fn *fn;
	void *arg;
};

static struct read_call *read_call_new(unsigned shard, queue_read_fn *fn, void *arg)
{
	struct read_call *call = mem_alloc(sizeof *call);

	*call = (struct read_call){shard, fn, arg};
	return call;
}

static void read_deliver(const struct read_call *call, const struct redisReply *list,
	size_t (*parse)(const struct redisReply *, unsigned, struct queue_job *))
{
	struct queue_job *jobs = mem_array(list->elements, sizeof *jobs);

	call->fn(call->arg, 0, jobs, parse(list, call->shard, jobs));
	mem_free(jobs);
}

static int read_error(const struct read_call *call, const struct redisReply *reply)
{
	if (reply != NULL && reply->type != REDIS_REPLY_ERROR)
		return 0;
	if (reply != NULL && strncmp(reply->str, "NOGROUP", 7) == 0) {
		call->fn(call->arg, -(int)ERR_NOT_FOUND, NULL, 0);
		return 1;
	}
	if (reply != NULL)
		log_event(LOG_ERROR, "queue.failed", LOG_STR("why", reply->str));
	call->fn(call->arg, -(int)ERR_REDIS, NULL, 0);
	return 1;
}

static void on_read(void *arg, const struct redisReply *reply)
{
	struct read_call call = *(struct read_call *)arg;
	const struct redisReply *list = redis_at(redis_at(reply, 0), 1);

	mem_free(arg);
	if (read_error(&call, reply))
		return;
	if (list == NULL || list->type != REDIS_REPLY_ARRAY)
		call.fn(call.arg, 0, NULL, 0);
	else
		read_deliver(&call, list, entries_parse);
}

/* Sends `args`; the call belongs to the callback from here on. */
static int read_send(struct redis *r, redis_reply_fn *on_reply, struct read_call *call)
{
	int rc = redis_send(r, &args, on_reply, call);

	if (rc < 0)
		mem_free(call);
	return rc;
}

int queue_read(struct redis *r, const struct queue_ref *q, unsigned max, unsigned wait_ms,
	queue_read_fn *fn, void *arg)
{
	redis_args_begin(&args);
	redis_arg_str(&args, "XREADGROUP");
	redis_arg_str(&args, "GROUP");
	redis_arg_str(&args, KEYS_GROUP);
	redis_arg_str(&args, q->worker);
	redis_arg_str(&args, "COUNT");
	redis_arg_int(&args, max);
	redis_arg_str(&args, "BLOCK");
	redis_arg_int(&args, wait_ms);
	redis_arg_str(&args, "STREAMS");
	queue_key(q);
	redis_arg_str(&args, ">");
	return read_send(r, on_read, read_call_new(q->shard, fn, arg));
}

static void on_taken(void *arg, const struct redisReply *reply)
{
	struct read_call call = *(struct read_call *)arg;

	mem_free(arg);
	if (!read_error(&call, reply))
		read_deliver(&call, reply, taken_parse);
}

/* In the form of a take-over. Not XREADGROUP with an id: that would count as one more delivery of each. */
static const char own_script[] =
	"local out = {} "
	"local list = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[4], ARGV[5], "
	"ARGV[2]) "
	"if list.err then return {} end "
	"for _, p in ipairs(list) do "
	"local e = redis.call('XRANGE', KEYS[1], p[1], p[1])[1] "
	"if e then "
	"local started, f = redis.call('HEXISTS', KEYS[2], p[1]), e[2] "
	"out[#out + 1] = {p[1], p[4] - 1, started, f[2], f[4], f[6], f[8] or ''} "
	"end "
	"end "
	"return out";

static int read_own(struct redis *r, const struct queue_ref *q, const char *const range[2],
	unsigned max, struct read_call *call)
{
	struct keys_name started;

	keys_started(&started, q->shard, q->platform);
	redis_args_begin(&args);
	redis_arg_str(&args, "EVAL");
	redis_arg_str(&args, own_script);
	redis_arg_int(&args, 2);
	queue_key(q);
	redis_arg(&args, started.text, started.len);
	redis_arg_str(&args, KEYS_GROUP);
	redis_arg_str(&args, q->worker);
	redis_arg_str(&args, range[0]);
	redis_arg_str(&args, range[1]);
	redis_arg_int(&args, max);
	return read_send(r, on_taken, call);
}

int queue_read_own(struct redis *r, const struct queue_ref *q, unsigned max, const char *after,
	queue_read_fn *fn, void *arg)
{
	char from[QUEUE_ID_SIZE + 1];
	const char *const range[2] = {from, "+"};

	snprintf(from, sizeof from, strcmp(after, "0") == 0 ? "-" : "(%s", after);
	return read_own(r, q, range, max, read_call_new(q->shard, fn, arg));
}

int queue_read_handed(
	struct redis *r, const struct queue_ref *q, const char *id, queue_read_fn *fn, void *arg)
{
	const char *const range[2] = {id, id};

	return read_own(r, q, range, 1, read_call_new(q->shard, fn, arg));
}

/* In the form of a take-over, with the same mark of what had been started. */
static const char overdue_script[] =
	"if redis.call('EXISTS', KEYS[2]) == 1 then return {} end "
	"local out = {} "
	"for i, e in ipairs(redis.call('XRANGE', KEYS[1], '-', ARGV[1], 'COUNT', ARGV[2])) do "
	"local f = e[2] "
	"out[i] = {e[1], 0, redis.call('HEXISTS', KEYS[3], e[1]), f[2], f[4], f[6], f[8] or ''} "
	"end "
	"return out";

int queue_overdue(struct redis *r, const struct queue_ref *q, long long age_ms, unsigned max,
	queue_read_fn *fn, void *arg)
{
	struct keys_name up, started;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	keys_up(&up, q->shard, q->platform);
	keys_started(&started, q->shard, q->platform);
	redis_args_begin(&args);
	redis_arg_str(&args, "EVAL");
	redis_arg_str(&args, overdue_script);
	redis_arg_int(&args, 3);
	queue_key(q);
	redis_arg(&args, up.text, up.len);
	redis_arg(&args, started.text, started.len);
	redis_arg_int(&args, MAX(0, (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000 - age_ms));
	redis_arg_int(&args, max);
	return read_send(r, on_taken, read_call_new(q->shard, fn, arg));
}

/* --- heartbeat ---------------------------------------------------------------------------------------------------- */

int queue_beat(struct redis *r, const struct queue_ref *q, const struct queue_beat *b,
	queue_read_fn *fn, void *arg)
{
	struct keys_name up, worker, started, prefix;

	keys_up(&up, q->shard, q->platform);
	keys_worker(&worker, q->shard, q->platform, q->worker);
	keys_worker(&prefix, q->shard, q->platform, "");
	keys_started(&started, q->shard, q->platform);
	script_begin(r, SCRIPT_BEAT, 4);
	queue_key(q);
	redis_arg(&args, up.text, up.len);
	redis_arg(&args, worker.text, worker.len);
	redis_arg(&args, started.text, started.len);
	redis_arg_str(&args, KEYS_GROUP);
	redis_arg_str(&args, q->worker);
	redis_arg_int(&args, b->worker_ttl_ms);
	redis_arg_int(&args, b->up_ttl_ms);
	redis_arg(&args, prefix.text, prefix.len);
	redis_arg_str(&args, b->predecessor);
	redis_arg_int(&args, b->take_over);
	redis_arg_int(&args, b->load);
	return read_send(r, on_taken, read_call_new(q->shard, fn, arg));
}

void queue_leave(struct redis *r, const struct queue_ref *q)
{
	struct keys_name worker;

	keys_worker(&worker, q->shard, q->platform, q->worker);
	redis_args_begin(&args);
	redis_arg_str(&args, "SET");
	redis_arg(&args, worker.text, worker.len);
	redis_arg_str(&args, "left"); /* instead of its load */
	redis_arg_str(&args, "PX");
	redis_arg_int(&args, LEFT_TTL_MS);
	(void)redis_send(r, &args, NULL, NULL);
}

struct mark_call {
	queue_mark_fn *fn;
	void *arg;
};

static void on_mark(void *arg, const struct redisReply *reply)
{
	struct mark_call call = *(struct mark_call *)arg;

	mem_free(arg);
	if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
		call.fn(call.arg, -(int)ERR_REDIS);
	else
		call.fn(call.arg, reply->integer == 1   ? 0
				  : reply->integer == 0 ? -(int)ERR_NOT_FOUND
							: -(int)ERR_UNKNOWN_OUTCOME);
}

/* Sends `args`, whose reply is a number. */
static int mark_send(struct redis *r, queue_mark_fn *fn, void *arg)
{
	struct mark_call *call = mem_alloc(sizeof *call);
	int rc;

	*call = (struct mark_call){fn, arg};
	rc = redis_send(r, &args, on_mark, call);
	if (rc < 0)
		mem_free(call);
	return rc;
}

int queue_mark_started(
	struct redis *r, const struct queue_ref *q, const char *id, queue_mark_fn *fn, void *arg)
{
	struct keys_name started;

	keys_started(&started, q->shard, q->platform);
	script_begin(r, SCRIPT_START, 2);
	queue_key(q);
	redis_arg(&args, started.text, started.len);
	redis_arg_str(&args, KEYS_GROUP);
	redis_arg_str(&args, q->worker);
	redis_arg_str(&args, id);
	return mark_send(r, fn, arg);
}

int queue_hand(struct redis *r, const struct queue_ref *q, const char *id, const char *to,
	queue_mark_fn *fn, void *arg)
{
	struct keys_name channel;

	keys_handed(&channel, q->shard, q->platform, to);
	script_begin(r, SCRIPT_HAND, 1);
	queue_key(q);
	redis_arg_str(&args, KEYS_GROUP);
	redis_arg_str(&args, q->worker);
	redis_arg_str(&args, id);
	redis_arg_str(&args, to);
	redis_arg(&args, channel.text, channel.len);
	return mark_send(r, fn, arg);
}

int queue_is_open(
	struct redis *r, const struct queue_ref *q, const char *id, queue_mark_fn *fn, void *arg)
{
	redis_args_begin(&args);
	redis_arg_str(&args, "EVAL");
	redis_arg_str(&args, "return #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])");
	redis_arg_int(&args, 1);
	queue_key(q);
	redis_arg_str(&args, id);
	return mark_send(r, fn, arg);
}

void queue_bury(
	struct redis *r, const struct queue_ref *q, const struct queue_job *job, const char *why)
{
	struct keys_name key;

	keys_buried(&key, q->shard, q->platform);
	redis_args_begin(&args);
	redis_arg_str(&args, "XADD");
	redis_arg(&args, key.text, key.len);
	redis_arg_str(&args, "MAXLEN");
	redis_arg_int(&args, BURIED_MAX);
	redis_arg_str(&args, "*");
	redis_arg_str(&args, "id");
	redis_arg_str(&args, job->id);
	redis_arg_str(&args, "s");
	redis_arg_str(&args, job->session.h);
	redis_arg_str(&args, "why");
	redis_arg_str(&args, why);
	redis_arg_str(&args, "d");
	redis_arg(&args, job->blob, job->blob_len);
	(void)redis_send(r, &args, NULL, NULL);
}

/* --- finishing ---------------------------------------------------------------------------------------------------- */

struct queue_finish {
	unsigned shard;
	char platform[KEYS_NAME_MAX + 1];
	char *worker;               /* "": none */
	struct redis_args keys;     /* the outbox of each item */
	struct redis_args items;    /* complete items */
	struct redis_args head;     /* id, token, platform, force of the open item */
	struct redis_args messages; /* of the open item */
	struct buf result;          /* of the open item */
	unsigned n_messages;
	int open; /* an item is begun and not yet moved to `items` */
	size_t n;
	size_t bytes;
};

struct finish_call {
	size_t n;
	queue_finish_fn *fn;
	void *arg;
};

struct queue_finish *queue_finish_new(const struct queue_ref *q)
{
	struct queue_finish *f = mem_alloc(sizeof *f);

	f->shard = q->shard;
	snprintf(f->platform, sizeof f->platform, "%s", q->platform);
	f->worker = mem_strdup(q->worker != NULL ? q->worker : "");
	return f;
}

void queue_finish_free(struct queue_finish *f)
{
	if (f == NULL)
		return;
	redis_args_release(&f->keys);
	redis_args_release(&f->items);
	redis_args_release(&f->head);
	redis_args_release(&f->messages);
	buf_release(&f->result);
	mem_free(f->worker);
	mem_free(f);
}

static void item_close(struct queue_finish *f)
{
	if (!f->open)
		return;
	redis_args_append(&f->items, &f->head);
	redis_arg_int(&f->items, f->n_messages);
	redis_args_append(&f->items, &f->messages);
	redis_arg(&f->items, buf_str(&f->result), f->result.len);
	f->open = 0;
}

void queue_finish_item(struct queue_finish *f, const struct session_ref *s, const char *id,
	const char *token, unsigned flags)
{
	const char word[] = {(flags & QUEUE_FORCE) ? 'f' : '-', (flags & QUEUE_MARKED) ? 's' : '-',
		(flags & QUEUE_HOLDER) ? 'h' : '-'};
	struct keys_name key;

	item_close(f);
	keys_outbox(&key, s->shard, s->h);
	redis_arg(&f->keys, key.text, key.len);
	redis_args_words(&f->head);
	redis_arg_str(&f->head, id != NULL ? id : "");
	redis_arg_str(&f->head, token != NULL ? token : "-");
	redis_arg_str(&f->head, f->platform);
	redis_arg(&f->head, word, sizeof word);
	redis_args_words(&f->messages);
	buf_clear(&f->result);
	f->n_messages = 0;
	f->open = 1;
	f->n++;
}

void queue_finish_message(struct queue_finish *f, const struct buf *blob)
{
	redis_arg(&f->messages, blob->data, blob->len);
	f->n_messages++;
	f->bytes += blob->len;
}

void queue_finish_result(struct queue_finish *f, const struct buf *blob)
{
	buf_add(&f->result, blob->data, blob->len);
	f->bytes += blob->len;
}

size_t queue_finish_count(const struct queue_finish *f)
{
	return f->n;
}

size_t queue_finish_bytes(const struct queue_finish *f)
{
	return f->bytes;
}

static void on_finish(void *arg, const struct redisReply *reply)
{
	struct finish_call call = *(struct finish_call *)arg;
	enum queue_outcome *outcomes;

	mem_free(arg);
	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != call.n) {
		if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
			log_event(LOG_ERROR, "queue.finish-failed", LOG_STR("why", reply->str));
		call.fn(call.arg, -(int)ERR_REDIS, NULL, call.n);
		return;
	}
	outcomes = mem_array(call.n, sizeof *outcomes);
	for (size_t i = 0; i < call.n; i++)
		outcomes[i] = (enum queue_outcome)redis_int(redis_at(reply, i), QUEUE_STALE);
	call.fn(call.arg, 0, outcomes, call.n);
	mem_free(outcomes);
}

int queue_finish_send(struct queue_finish *f, struct redis *r, const struct conf *c,
	queue_finish_fn *fn, void *arg)
{
	const struct queue_ref q = {f->shard, f->platform, NULL};
	struct finish_call *call = mem_alloc(sizeof *call);
	struct keys_name started, worker;
	int rc;

	item_close(f);
	keys_started(&started, f->shard, f->platform);
	script_begin(r, SCRIPT_FINISH, 3 + f->keys.count);
	queue_key(&q);
	redis_arg(&args, started.text, started.len);
	if (*f->worker != '\0')
		keys_worker(&worker, f->shard, f->platform, f->worker);
	else
		keys_queue(&worker, f->shard, f->platform);
	redis_arg(&args, worker.text, worker.len);
	redis_args_append(&args, &f->keys);
	redis_arg_str(&args, KEYS_GROUP);
	redis_arg_int(&args, c->limits_outbox);
	redis_arg_int(&args, c->limits_outbox_bytes);
	redis_arg_str(&args, f->worker);
	redis_arg_int(&args, QUEUE_WORKER_TTL_MS);
	redis_args_append(&args, &f->items);
	*call = (struct finish_call){f->n, fn, arg};
	rc = redis_send(r, &args, on_finish, call);
	if (rc < 0)
		mem_free(call);
	return rc;
}
