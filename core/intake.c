/* SPDX-License-Identifier: MIT */
#include "core/intake.h"

#include <string.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/scripts.h"

struct intake_platform {
	char name[KEYS_NAME_MAX + 1];
	unsigned jobs;    /* 0: only credentials */
	unsigned n_queue; /* 1, 2, ... among those with jobs; 0: none */
	unsigned n_part;  /* 1, 2, ... among those with credentials; 0: none */
};

struct intake {
	struct session_ref session;
	int create;
	unsigned char salt[CRYPT_SALT_SIZE];
	struct redis_args ops; /* the operations' words, without a head */
	unsigned n_ops;
	struct intake_platform *platforms;
	size_t n_platforms;
	unsigned n_queues, n_parts;
	intake_done_fn *fn;
	void *arg;
};

struct intake *intake_new(const struct session_ref *s, int create, const void *salt)
{
	struct intake *in = mem_alloc(sizeof *in);

	in->session = *s;
	in->create = create;
	if (salt != NULL)
		memcpy(in->salt, salt, sizeof in->salt);
	redis_args_words(&in->ops);
	return in;
}

void intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	redis_args_release(&in->ops);
	mem_free(in->platforms);
	mem_wipe(in->salt, sizeof in->salt);
	mem_free(in);
}

static struct intake_platform *platform_of(struct intake *in, const char *name)
{
	struct intake_platform *p;

	for (size_t i = 0; i < in->n_platforms; i++)
		if (strcmp(in->platforms[i].name, name) == 0)
			return &in->platforms[i];
	in->platforms = mem_realloc(in->platforms, (in->n_platforms + 1) * sizeof *in->platforms);
	p = &in->platforms[in->n_platforms++];
	memset(p, 0, sizeof *p);
	assert(strlen(name) <= KEYS_NAME_MAX);
	memcpy(p->name, name, strlen(name) + 1);
	return p;
}

void intake_register(struct intake *in)
{
	redis_arg_str(&in->ops, "R");
	in->n_ops++;
}

void intake_check(struct intake *in)
{
	redis_arg_str(&in->ops, "C");
	in->n_ops++;
}

void intake_credentials(
	struct intake *in, const char *platform, const char *field, const struct buf *blob)
{
	struct intake_platform *p = platform_of(in, platform);

	if (p->n_part == 0)
		p->n_part = ++in->n_parts;
	redis_arg_str(&in->ops, "S");
	redis_arg_str(&in->ops, platform);
	redis_arg_int(&in->ops, p->n_part);
	redis_arg_str(&in->ops, field);
	redis_arg(&in->ops, blob->data, blob->len);
	in->n_ops++;
}

void intake_job(struct intake *in, const char *platform, const char *token, const struct buf *blob)
{
	struct intake_platform *p = platform_of(in, platform);

	if (p->n_queue == 0)
		p->n_queue = ++in->n_queues;
	p->jobs++;
	redis_arg_str(&in->ops, "J");
	redis_arg_int(&in->ops, p->n_queue);
	redis_arg_str(&in->ops, token);
	redis_arg(&in->ops, blob->data, blob->len);
	in->n_ops++;
}

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

static void on_reply(void *arg, const struct redisReply *reply)
{
	struct intake *in = arg;
	int rc = reply != NULL ? status_of(redis_text(redis_at(reply, 0))) : -(int)ERR_REDIS;
	unsigned retry_ms = rc == -(int)ERR_RATE ? (unsigned)redis_int(redis_at(reply, 1), 1000)
						 : 1000;
	enum intake_op *ops = NULL;

	if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
		log_event(LOG_ERROR, "intake.failed", LOG_STR("why", reply->str));
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

/* The platform with the given number; the numbers run in the order of first use, the list need not. */
static const struct intake_platform *platform_by(
	const struct intake *in, unsigned n_queue, unsigned n_part)
{
	const struct intake_platform *p = in->platforms;

	while ((n_queue != 0 && p->n_queue != n_queue) || (n_part != 0 && p->n_part != n_part))
		p++;
	return p;
}

static void platform_keys_add(struct redis_args *a, const struct intake *in)
{
	struct keys_name key;

	for (unsigned n = 1; n <= in->n_queues; n++) {
		const char *name = platform_by(in, n, 0)->name;

		keys_queue(&key, in->session.shard, name);
		redis_arg(a, key.text, key.len);
		keys_up(&key, in->session.shard, name);
		redis_arg(a, key.text, key.len);
	}
	for (unsigned n = 1; n <= in->n_parts; n++) {
		keys_part(&key, in->session.shard, in->session.h, platform_by(in, 0, n)->name);
		redis_arg(a, key.text, key.len);
	}
}

static void session_keys_add(struct redis_args *a, const struct session_ref *s)
{
	struct keys_name key;

	keys_session(&key, s->shard, s->h);
	redis_arg(a, key.text, key.len);
	keys_sessions(&key, s->shard);
	redis_arg(a, key.text, key.len);
	keys_outbox(&key, s->shard, s->h);
	redis_arg(a, key.text, key.len);
}

static void words_add(struct redis_args *a, const struct intake *in, const struct conf *c)
{
	long long burst = MAX(c->limits_jobs_per_request, c->limits_jobs_per_s);

	redis_arg_str(a, in->session.h);
	redis_arg_int(a, in->create);
	redis_arg_int(a, c->session_ttl_s * 1000);
	redis_arg_int(a, MIN(c->session_unregistered_ttl_s, c->session_ttl_s) * 1000);
	redis_arg_int(a, (c->limits_sessions + c->shards - 1) / c->shards);
	redis_arg_int(a, c->limits_outbox);
	redis_arg_int(a, c->limits_outbox_bytes);
	redis_arg_int(a, (c->limits_queue + c->shards - 1) / c->shards);
	redis_arg_int(a, c->limits_jobs_per_s);
	redis_arg_int(a, burst);
	redis_arg(a, in->salt, sizeof in->salt);
	redis_arg_int(a, SESSION_GRACE_MS);
	redis_arg_int(a, in->n_ops);
	redis_arg_int(a, in->n_queues);
	for (unsigned n = 1; n <= in->n_queues; n++) {
		const struct intake_platform *p = platform_by(in, n, 0);

		redis_arg_str(a, p->name);
		redis_arg_int(a, p->jobs);
	}
}

int intake_send(
	struct intake *in, struct redis *r, const struct conf *c, intake_done_fn *fn, void *arg)
{
	static struct redis_args a; /* one loop per process: kept for its memory */
	int rc;

	in->fn = fn;
	in->arg = arg;
	redis_args_begin(&a);
	redis_arg_str(&a, "EVALSHA");
	redis_arg_str(&a, redis_script_sha(r, SCRIPT_INTAKE));
	redis_arg_int(&a, 3 + 2 * in->n_queues + in->n_parts);
	session_keys_add(&a, &in->session);
	platform_keys_add(&a, in);
	words_add(&a, in, c);
	redis_args_append(&a, &in->ops);
	rc = redis_send(r, &a, on_reply, in);
	if (rc < 0)
		intake_free(in);
	return rc;
}
