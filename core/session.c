/* SPDX-License-Identifier: MIT */
#include "core/session.h"

#include <string.h>

#include "core/err.h"
#include "core/keys.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/scripts.h"

void session_id_new(char sid[SESSION_ID_LEN + 1])
{
	crypt_token(sid);
}

static int is_token(const char *text, size_t len)
{
	if (len != SESSION_ID_LEN)
		return 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_'))
			return 0;
	}
	return 1;
}

int session_ref_init(struct session_ref *s, const char *sid, size_t len, unsigned shards)
{
	uint32_t sum = 2166136261u; /* FNV-1a: any even spread does, the tag is a hash already */

	if (!is_token(sid, len))
		return -(int)ERR_NO_SESSION;
	crypt_digest(NULL, sid, len, s->h);
	for (const char *c = s->h; *c != '\0'; c++)
		sum = (sum ^ (unsigned char)*c) * 16777619u;
	s->shard = sum % shards;
	return 0;
}

int session_ref_from_tag(struct session_ref *s, unsigned shard, const char *h, size_t len)
{
	if (!is_token(h, len))
		return -(int)ERR_NO_SESSION;
	s->shard = shard;
	memcpy(s->h, h, len);
	s->h[len] = '\0';
	return 0;
}

void session_key(
	const struct crypt_key *platform, const void *salt, size_t salt_len, struct crypt_key *out)
{
	crypt_derive(platform, "session", salt, salt_len, out);
}

void session_field(const struct crypt_key *platform, const char *actor, char out[CRYPT_TOKEN_SIZE])
{
	crypt_digest(platform, actor, strlen(actor), out);
}

void session_ad(const struct session_ref *s, char kind, char out[SESSION_AD_SIZE])
{
	out[0] = kind;
	out[1] = ':';
	memcpy(out + 2, s->h, sizeof s->h);
}

/* --- calls with a callback of their own kind ---------------------------------------------------------------------- */

struct salt_call {
	session_salt_fn *fn;
	void *arg;
};

static void on_salt(void *arg, const struct redisReply *reply)
{
	struct salt_call call = *(struct salt_call *)arg;

	mem_free(arg);
	if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
		call.fn(call.arg, -(int)ERR_REDIS, NULL, 0);
	else if (reply->type != REDIS_REPLY_STRING)
		call.fn(call.arg, 0, NULL, 0);
	else
		call.fn(call.arg, 0, reply->str, (size_t)reply->len);
}

int session_salt(struct redis *r, const struct session_ref *s, session_salt_fn *fn, void *arg)
{
	struct redis_args a = {0};
	struct salt_call *call = mem_alloc(sizeof *call);
	struct keys_name key;
	int rc;

	*call = (struct salt_call){fn, arg};
	keys_session(&key, s->shard, s->h);
	redis_args_begin(&a);
	redis_arg_str(&a, "HGET");
	redis_arg(&a, key.text, key.len);
	redis_arg_str(&a, "k");
	rc = redis_send(r, &a, on_salt, call);
	redis_args_release(&a);
	if (rc < 0)
		mem_free(call);
	return rc;
}

struct end_call {
	session_end_fn *fn;
	void *arg;
};

static void on_end(void *arg, const struct redisReply *reply)
{
	struct end_call call = *(struct end_call *)arg;

	mem_free(arg);
	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
		call.fn(call.arg, -(int)ERR_REDIS);
	else
		call.fn(call.arg, (int)reply->elements);
}

/* `h` NULL: the expired ones, `max` of them. */
static int end_send(
	struct redis *r, unsigned shard, const char *h, unsigned max, session_end_fn *fn, void *arg)
{
	struct redis_args a = {0};
	struct end_call *call = mem_alloc(sizeof *call);
	struct keys_name sessions, session, outbox, part, events;
	int rc;

	*call = (struct end_call){fn, arg};
	keys_sessions(&sessions, shard);
	keys_session(&session, shard, "");
	keys_outbox(&outbox, shard, "");
	keys_part(&part, shard, "", "");
	keys_events(&events, shard, "");
	redis_args_begin(&a);
	redis_arg_str(&a, "EVALSHA");
	redis_arg_str(&a, redis_script_sha(r, SCRIPT_END_SESSIONS));
	redis_arg_int(&a, 1);
	redis_arg(&a, sessions.text, sessions.len);
	redis_arg(&a, session.text, session.len);
	redis_arg(&a, outbox.text, outbox.len);
	redis_arg(&a, part.text, part.len);
	redis_arg(&a, events.text, events.len);
	redis_arg_int(&a, h != NULL ? 0 : max);
	redis_arg_str(&a, h != NULL ? h : "");
	rc = redis_send(r, &a, on_end, call);
	redis_args_release(&a);
	if (rc < 0)
		mem_free(call);
	return rc;
}

int session_end(struct redis *r, const struct session_ref *s, session_end_fn *fn, void *arg)
{
	return end_send(r, s->shard, s->h, 0, fn, arg);
}

int session_end_expired(
	struct redis *r, unsigned shard, unsigned max, session_end_fn *fn, void *arg)
{
	return end_send(r, shard, NULL, max, fn, arg);
}
