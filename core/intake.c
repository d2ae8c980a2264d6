/* SPDX-License-Identifier: MIT */
#include "core/intake.h"

#include <string.h>
#include <utlist.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/hub.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/scripts.h"
#include "core/turn.h"

#define BATCH_MAGIC    0x17AE0001u
#define BATCH_REQUESTS 64
#define BATCH_BYTES    (1 << 20)

/* Jobs of one request for one platform. */
struct intake_queue {
	unsigned platform; /* index into the list, from 1 */
	unsigned jobs;
};

struct intake {
	struct intakes *list;
	struct session_ref session;
	int create;
	unsigned char salt[CRYPT_SALT_SIZE];
	struct intake_queue *queues;
	unsigned n_queues;
	char **parts; /* platforms with credentials */
	unsigned n_parts;
	struct redis_args ops; /* the operations' words */
	unsigned n_ops;
	intake_done_fn *fn;
	void *arg;
	struct intake *prev, *next;
};

/* The requests of one shard and turn; after sending, those of one script call. */
struct batch {
	unsigned magic;
	struct intake *requests;
	unsigned n;
	size_t bytes;
	struct batch *next; /* in `lost` */
};

struct intakes_shard {
	struct intakes *list;
	unsigned shard;
	struct batch *batch; /* NULL: nothing collected */
	struct batch *
		lost; /* could not be sent; answered at the end of the turn, never from within intake_send() */
	struct turn_task flush;
	struct turn_task lose;
};

struct intakes {
	uv_loop_t *loop;
	const struct conf *conf;
	struct hub *hub;
	const char *const *platforms;
	size_t n_platforms;
	struct intakes_shard *shards;
	unsigned n_shards;
	struct redis_args args; /* kept for its memory */
};

/* --- one request ---------------------------------------------------------------------------------------------------- */

struct intake *intake_new(
	struct intakes *list, const struct session_ref *s, int create, const void *salt)
{
	struct intake *in = mem_alloc(sizeof *in);

	in->list = list;
	in->session = *s;
	in->create = create;
	if (salt != NULL)
		memcpy(in->salt, salt, sizeof in->salt);
	redis_args_words(&in->ops);
	return in;
}

void intake_free(struct intake *in)
{
	for (unsigned i = 0; i < in->n_parts; i++)
		mem_free(in->parts[i]);
	mem_free(in->parts);
	mem_free(in->queues);
	redis_args_release(&in->ops);
	mem_wipe(in->salt, sizeof in->salt);
	mem_free(in);
}

void intake_register(struct intake *in)
{
	redis_arg(&in->ops, "R", 1);
	in->n_ops++;
}

void intake_check(struct intake *in)
{
	redis_arg(&in->ops, "C", 1);
	in->n_ops++;
}

/* The number of `platform` among the request's parts, from 1. */
static unsigned part_of(struct intake *in, const char *platform)
{
	for (unsigned i = 0; i < in->n_parts; i++)
		if (strcmp(in->parts[i], platform) == 0)
			return i + 1;
	in->parts = mem_realloc(in->parts, (in->n_parts + 1) * sizeof *in->parts);
	in->parts[in->n_parts++] = mem_strdup(platform);
	return in->n_parts;
}

void intake_credentials(
	struct intake *in, const char *platform, const char *field, const struct buf *blob)
{
	redis_arg(&in->ops, "S", 1);
	redis_arg_str(&in->ops, platform);
	redis_arg_int(&in->ops, part_of(in, platform));
	redis_arg_str(&in->ops, field);
	redis_arg(&in->ops, blob->data, blob->len);
	in->n_ops++;
}

static unsigned platform_index(const struct intakes *list, const char *platform)
{
	size_t i = 0;

	while (i < list->n_platforms && strcmp(list->platforms[i], platform) != 0)
		i++;
	assert(i < list->n_platforms);
	return (unsigned)i + 1;
}

/* Counts one more job for the platform; gives its index. */
static unsigned queue_count(struct intake *in, const char *platform)
{
	unsigned index = platform_index(in->list, platform);

	for (unsigned i = 0; i < in->n_queues; i++)
		if (in->queues[i].platform == index) {
			in->queues[i].jobs++;
			return index;
		}
	in->queues = mem_realloc(in->queues, (in->n_queues + 1) * sizeof *in->queues);
	in->queues[in->n_queues++] = (struct intake_queue){index, 1};
	return index;
}

void intake_job(struct intake *in, const char *platform, const char *lane, const char *token,
	const struct buf *blob)
{
	redis_arg(&in->ops, "J", 1);
	redis_arg_int(&in->ops, queue_count(in, platform));
	redis_arg_str(&in->ops, token);
	redis_arg(&in->ops, blob->data, blob->len);
	redis_arg_str(&in->ops, lane);
	in->n_ops++;
}

/* --- the answer ----------------------------------------------------------------------------------------------------- */

static int status_of(const char *word)
{
	static const struct {
		const char *word;
		int rc;
	} words[] = {
		{"ok", 0},
		{"no-session", -(int)ERR_NO_SESSION},
		{"sessions-full", -(int)ERR_SESSIONS_FULL},
		{"outbox-full", -(int)ERR_OUTBOX_FULL},
		{"queue-full", -(int)ERR_QUEUE_FULL},
		{"rate", -(int)ERR_RATE},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].rc;
	return -(int)ERR_REDIS;
}

static void answer(struct intake *in, const struct redisReply *reply)
{
	int rc = reply != NULL ? status_of(redis_text(redis_at(reply, 0))) : -(int)ERR_REDIS;
	unsigned retry_ms = rc == -(int)ERR_RATE ? (unsigned)redis_int(redis_at(reply, 1), 1000)
						 : 1000;
	enum intake_op *ops = NULL;

	if (rc == 0) {
		ops = mem_array(in->n_ops, sizeof *ops);
		for (unsigned i = 0; i < in->n_ops; i++)
			ops[i] = (enum intake_op)redis_int(
				redis_at(reply, i + 1), INTAKE_NOT_REGISTERED);
	}
	in->fn(in->arg, rc, retry_ms, ops, in->n_ops);
	mem_free(ops);
	intake_free(in);
}

/* A reply that is none, or an error, answers every request of the batch with ERR_REDIS. */
static void on_reply(void *arg, const struct redisReply *reply)
{
	CAST(batch, b, arg, BATCH_MAGIC);
	struct intake *in, *next;
	size_t i = 0;

	if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
		log_event(LOG_ERROR, "intake.failed", LOG_STR("why", reply->str));
	DL_FOREACH_SAFE (b->requests, in, next)
		answer(in, redis_at(reply, i++));
	mem_free(b);
}

/* --- the script call ---------------------------------------------------------------------------------------------------- */

static void common_words(struct redis_args *a, const struct intakes *list)
{
	const struct conf *c = list->conf;

	redis_arg_int(a, c->session_ttl_s * 1000);
	redis_arg_int(a, MIN(c->session_unregistered_ttl_s, c->session_ttl_s) * 1000);
	redis_arg_int(a, SESSION_GRACE_MS);
	redis_arg_int(a, (c->limits_sessions + c->shards - 1) / c->shards);
	redis_arg_int(a, c->limits_outbox);
	redis_arg_int(a, c->limits_outbox_bytes);
	redis_arg_int(a, (c->limits_queue + c->shards - 1) / c->shards);
	redis_arg_int(a, c->limits_jobs_per_s);
	redis_arg_int(a, MAX(c->limits_jobs_per_request, c->limits_jobs_per_s));
	redis_arg_int(a, (long long)list->n_platforms);
	for (size_t i = 0; i < list->n_platforms; i++)
		redis_arg_str(a, list->platforms[i]);
}

static void common_keys(struct redis_args *a, const struct intakes_shard *sh)
{
	struct keys_name key;

	keys_sessions(&key, sh->shard);
	redis_arg(a, key.text, key.len);
	for (size_t i = 0; i < sh->list->n_platforms; i++) {
		keys_queue(&key, sh->shard, sh->list->platforms[i]);
		redis_arg(a, key.text, key.len);
		keys_up(&key, sh->shard, sh->list->platforms[i]);
		redis_arg(a, key.text, key.len);
	}
}

static void request_keys(struct redis_args *a, const struct intake *in)
{
	struct keys_name key;

	keys_session(&key, in->session.shard, in->session.h);
	redis_arg(a, key.text, key.len);
	keys_outbox(&key, in->session.shard, in->session.h);
	redis_arg(a, key.text, key.len);
	for (unsigned i = 0; i < in->n_parts; i++) {
		keys_part(&key, in->session.shard, in->session.h, in->parts[i]);
		redis_arg(a, key.text, key.len);
	}
}

static void request_words(struct redis_args *a, const struct intake *in)
{
	redis_arg_str(a, in->session.h);
	redis_arg_int(a, in->create);
	redis_arg(a, in->salt, in->create ? sizeof in->salt : 0);
	redis_arg_int(a, in->n_parts);
	redis_arg_int(a, in->n_queues);
	for (unsigned i = 0; i < in->n_queues; i++) {
		redis_arg_int(a, in->queues[i].platform);
		redis_arg_int(a, in->queues[i].jobs);
	}
	redis_arg_int(a, in->n_ops);
	redis_args_append(a, &in->ops);
}

static void on_flush(void *arg)
{
	struct intakes_shard *sh = arg;
	struct redis_args *a = &sh->list->args;
	struct redis *r = hub_commands(sh->list->hub, sh->shard);
	struct batch *b = sh->batch;
	struct intake *in;
	long long n_keys = 1 + 2 * (long long)sh->list->n_platforms;

	sh->batch = NULL;
	DL_FOREACH (b->requests, in)
		n_keys += 2 + in->n_parts;
	redis_args_begin(a);
	redis_arg_str(a, "EVALSHA");
	redis_arg_str(a, redis_script_sha(r, SCRIPT_INTAKE));
	redis_arg_int(a, n_keys);
	common_keys(a, sh);
	DL_FOREACH (b->requests, in)
		request_keys(a, in);
	common_words(a, sh->list);
	DL_FOREACH (b->requests, in)
		request_words(a, in);
	if (redis_send(r, a, on_reply, b) == 0)
		return;
	LL_APPEND(sh->lost, b);
	turn_queue(sh->list->loop, TURN_WORK, &sh->lose);
}

static void on_lose(void *arg)
{
	struct intakes_shard *sh = arg;

	while (sh->lost != NULL) {
		struct batch *b = sh->lost;

		sh->lost = b->next;
		on_reply(b, NULL);
	}
}

int intake_send(struct intake *in, intake_done_fn *fn, void *arg)
{
	struct intakes *list = in->list;
	struct intakes_shard *sh = &list->shards[in->session.shard];

	if (!redis_is_up(hub_commands(list->hub, sh->shard))) {
		intake_free(in);
		return -(int)ERR_REDIS;
	}
	in->fn = fn;
	in->arg = arg;
	if (sh->batch == NULL) {
		sh->batch = mem_alloc(sizeof *sh->batch);
		sh->batch->magic = BATCH_MAGIC;
		turn_queue(list->loop, TURN_WORK, &sh->flush);
	}
	DL_APPEND(sh->batch->requests, in);
	sh->batch->n++;
	sh->batch->bytes += in->ops.text.len;
	if (sh->batch->n == BATCH_REQUESTS || sh->batch->bytes > BATCH_BYTES) {
		turn_cancel(&sh->flush);
		on_flush(sh);
	}
	return 0;
}

/* --- life ------------------------------------------------------------------------------------------------------------------ */

struct intakes *intakes_open(uv_loop_t *loop, const struct conf *c, struct hub *hub,
	const char *const *platforms, size_t n)
{
	struct intakes *list = mem_alloc(sizeof *list);

	list->loop = loop;
	list->conf = c;
	list->hub = hub;
	list->platforms = platforms;
	list->n_platforms = n;
	list->n_shards = hub_shards(hub);
	list->shards = mem_array(list->n_shards, sizeof *list->shards);
	for (unsigned i = 0; i < list->n_shards; i++) {
		list->shards[i] = (struct intakes_shard){.list = list, .shard = i};
		list->shards[i].flush = (struct turn_task){.fn = on_flush, .arg = &list->shards[i]};
		list->shards[i].lose = (struct turn_task){.fn = on_lose, .arg = &list->shards[i]};
	}
	return list;
}

void intakes_close(struct intakes *list)
{
	for (unsigned i = 0; i < list->n_shards; i++) {
		turn_cancel(&list->shards[i].flush);
		turn_cancel(&list->shards[i].lose);
		on_lose(&list->shards[i]);
		if (list->shards[i].batch != NULL)
			on_reply(list->shards[i].batch, NULL);
	}
	redis_args_release(&list->args);
	mem_free(list->shards);
	mem_free(list);
}
