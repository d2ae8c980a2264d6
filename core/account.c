/* SPDX-License-Identifier: MIT */
#include "core/account.h"

#include <string.h>

#include "core/err.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/scripts.h"

/* Holders renew their keys more often; what is left of a platform that is not run any more goes by itself. */
#define ACCOUNT_TTL_MS (60 * 60 * 1000)
/* A holder that never lives: no worker has this name. */
#define NOBODY "-"

static struct redis_args args; /* one loop per process: kept for its memory */

static void arg_key(const struct keys_name *key)
{
	redis_arg(&args, key->text, key->len);
}

static void call_begin(struct redis *r, enum script script, long long n_keys)
{
	redis_args_begin(&args);
	redis_arg_str(&args, "EVALSHA");
	redis_arg_str(&args, redis_script_sha(r, script));
	redis_arg_int(&args, n_keys);
}

unsigned account_shard(const char *key, unsigned shards)
{
	uint32_t sum = 2166136261u; /* FNV-1a: the key is a hash already */

	for (const char *c = key; *c != '\0'; c++)
		sum = (sum ^ (unsigned char)*c) * 16777619u;
	return sum % shards;
}

/* --- owning ------------------------------------------------------------------------------------------------------- */

struct own_call {
	account_own_fn *fn;
	void *arg;
};

static void on_own(void *arg, const struct redisReply *reply)
{
	struct own_call call = *(struct own_call *)arg;
	const struct redisReply *owner = redis_at(reply, 0), *record = redis_at(reply, 1);

	mem_free(arg);
	if (owner == NULL || owner->type != REDIS_REPLY_STRING || record == NULL ||
		record->type != REDIS_REPLY_STRING) {
		if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
			log_event(LOG_ERROR, "account.failed", LOG_STR("why", reply->str));
		call.fn(call.arg, -(int)ERR_REDIS, "", NULL, 0);
		return;
	}
	call.fn(call.arg, 0, owner->str, record->str, (size_t)record->len);
}

int account_own(struct redis *r, const struct account_ref *a, int room, long long max,
	account_own_fn *fn, void *arg)
{
	struct own_call *call = mem_alloc(sizeof *call);
	struct keys_name account, holders, queue, workers, held;
	int rc;

	*call = (struct own_call){fn, arg};
	keys_account(&account, a->shard, a->platform, a->key);
	keys_holders(&holders, a->shard, a->platform);
	keys_queue(&queue, a->shard, a->platform);
	keys_worker(&workers, a->shard, a->platform, "");
	keys_held(&held, a->shard, a->platform, "");
	call_begin(r, SCRIPT_OWN, 3);
	arg_key(&account);
	arg_key(&holders);
	arg_key(&queue);
	redis_arg_str(&args, KEYS_GROUP);
	redis_arg_str(&args, a->worker);
	redis_arg_str(&args, a->key);
	arg_key(&workers);
	arg_key(&held);
	redis_arg_int(&args, room != 0);
	redis_arg_int(&args, max);
	redis_arg_int(&args, ACCOUNT_TTL_MS);
	rc = redis_send(r, &args, on_own, call);
	if (rc < 0)
		mem_free(call);
	return rc;
}

/* --- taking over -------------------------------------------------------------------------------------------------- */

struct adopt_call {
	account_adopt_fn *fn;
	void *arg;
};

static size_t left_parse(const struct redisReply *list, struct account_left *out)
{
	size_t n = 0;

	for (size_t i = 1; i < list->elements; i++) {
		const struct redisReply *key = redis_at(list->element[i], 0);
		const struct redisReply *record = redis_at(list->element[i], 1);

		if (key == NULL || key->type != REDIS_REPLY_STRING ||
			key->len != CRYPT_TOKEN_SIZE - 1 || record == NULL ||
			record->type != REDIS_REPLY_STRING) {
			log_event(LOG_ERROR, "account.garbled", LOG_STR("key", redis_text(key)));
			continue;
		}
		memcpy(out[n].key, key->str, sizeof out[n].key);
		out[n].record = record->str;
		out[n++].record_len = (size_t)record->len;
	}
	return n;
}

static void on_adopt(void *arg, const struct redisReply *reply)
{
	struct adopt_call call = *(struct adopt_call *)arg;
	struct account_left *list;

	mem_free(arg);
	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
		if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
			log_event(LOG_ERROR, "account.failed", LOG_STR("why", reply->str));
		call.fn(call.arg, -(int)ERR_REDIS, 0, NULL, 0);
		return;
	}
	list = mem_array(reply->elements, sizeof *list);
	call.fn(call.arg, 0, redis_int(redis_at(reply, 0), 0) != 0, list, left_parse(reply, list));
	mem_free(list);
}

int account_adopt(struct redis *r, const struct account_ref *a, const struct account_adopt *o,
	account_adopt_fn *fn, void *arg)
{
	struct adopt_call *call = mem_alloc(sizeof *call);
	struct keys_name worker, holders, held, workers, all_held, accounts;
	int rc;

	*call = (struct adopt_call){fn, arg};
	keys_worker(&worker, a->shard, a->platform, a->worker);
	keys_holders(&holders, a->shard, a->platform);
	keys_held(&held, a->shard, a->platform, a->worker);
	keys_worker(&workers, a->shard, a->platform, "");
	keys_held(&all_held, a->shard, a->platform, "");
	keys_account(&accounts, a->shard, a->platform, "");
	call_begin(r, SCRIPT_ADOPT, 3);
	arg_key(&worker);
	arg_key(&holders);
	arg_key(&held);
	redis_arg_str(&args, a->worker);
	redis_arg_int(&args, o->worker_ttl_ms);
	arg_key(&workers);
	arg_key(&all_held);
	arg_key(&accounts);
	redis_arg_int(&args, o->max);
	redis_arg_str(&args, o->predecessor);
	redis_arg_int(&args, o->from_silent != 0);
	redis_arg_int(&args, ACCOUNT_TTL_MS);
	rc = redis_send(r, &args, on_adopt, call);
	if (rc < 0)
		mem_free(call);
	return rc;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

struct sample_call {
	account_sample_fn *fn;
	void *arg;
};

static void on_sample(void *arg, const struct redisReply *reply)
{
	struct sample_call call = *(struct sample_call *)arg;
	char keys[ACCOUNT_SAMPLE_MAX][CRYPT_TOKEN_SIZE];
	const struct redisReply *key;
	size_t n = 0;

	mem_free(arg);
	for (size_t i = 0; (key = redis_at(reply, i)) != NULL && n < ACCOUNT_SAMPLE_MAX; i++)
		if (key->type == REDIS_REPLY_STRING && key->len == CRYPT_TOKEN_SIZE - 1)
			memcpy(keys[n++], key->str, sizeof keys[0]);
	call.fn(call.arg, (const char(*)[CRYPT_TOKEN_SIZE])keys, n);
}

int account_sample(struct redis *r, const struct account_ref *a, account_sample_fn *fn, void *arg)
{
	struct sample_call *call = mem_alloc(sizeof *call);
	struct keys_name held;
	int rc;

	*call = (struct sample_call){fn, arg};
	keys_held(&held, a->shard, a->platform, a->worker);
	redis_args_begin(&args);
	redis_arg_str(&args, "SRANDMEMBER");
	arg_key(&held);
	redis_arg_int(&args, ACCOUNT_SAMPLE_MAX);
	rc = redis_send(r, &args, on_sample, call);
	if (rc < 0)
		mem_free(call);
	return rc;
}

/* --- leaving ------------------------------------------------------------------------------------------------------ */

static void leave(
	struct redis *r, const struct account_ref *a, const char *what, const struct buf *record)
{
	struct keys_name account, held, nobodys, holders;

	keys_account(&account, a->shard, a->platform, a->key);
	keys_held(&held, a->shard, a->platform, a->worker);
	keys_held(&nobodys, a->shard, a->platform, NOBODY);
	keys_holders(&holders, a->shard, a->platform);
	call_begin(r, SCRIPT_LEAVE, 4);
	arg_key(&account);
	arg_key(&held);
	arg_key(&nobodys);
	arg_key(&holders);
	redis_arg_str(&args, a->worker);
	redis_arg_str(&args, a->key);
	redis_arg_str(&args, what);
	redis_arg(&args, record != NULL ? record->data : "", record != NULL ? record->len : 0);
	redis_arg_int(&args, ACCOUNT_TTL_MS);
	redis_arg_str(&args, NOBODY);
	(void)redis_send(r, &args, NULL, NULL);
}

void account_record(struct redis *r, const struct account_ref *a, const struct buf *record)
{
	leave(r, a, record != NULL ? "record" : "forget", record);
}

void account_return(struct redis *r, const struct account_ref *a)
{
	leave(r, a, "return", NULL);
}

void account_release(struct redis *r, const struct account_ref *a)
{
	leave(r, a, "release", NULL);
}
