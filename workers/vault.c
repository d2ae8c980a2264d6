/* SPDX-License-Identifier: MIT */
#include "workers/vault.h"

#include <string.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/keys.h"
#include "core/mem.h"
#include "core/redis.h"
#include "platforms/platform.h"
#include "workers/worker.h"

/* Three commands in one write: the salt, the blob, and how many actors have credentials here. */
struct lookup {
	struct worker *worker;
	struct session_ref session;
	char *actor;
	vault_fn *fn;
	void *arg;
	struct buf salt, blob;
	int failed;
};

static void keep(struct lookup *l, struct buf *into, const struct redisReply *reply)
{
	if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
		l->failed = 1;
	else if (reply->type == REDIS_REPLY_STRING)
		buf_add(into, reply->str, (size_t)reply->len);
}

static void on_salt(void *arg, const struct redisReply *reply)
{
	struct lookup *l = arg;
	keep(l, &l->salt, reply);
}

static void on_blob(void *arg, const struct redisReply *reply)
{
	struct lookup *l = arg;
	keep(l, &l->blob, reply);
}

static json_t *blob_open(const struct lookup *l, struct err *e)
{
	struct crypt_key key;
	struct buf text = BUF_INIT;
	char ad[SESSION_AD_SIZE];
	json_t *credentials = NULL;

	session_key(&l->worker->key, l->salt.data, l->salt.len, &key);
	session_ad(&l->session, SESSION_AD_CREDENTIALS, ad);
	if (crypt_open(&key, ad, l->blob.data, l->blob.len, &text) == 0)
		credentials = json_loadb(text.data, text.len, 0, NULL);
	if (credentials == NULL)
		err_set(e, ERR_SEALED, "the credentials could not be opened; set them again");
	if (text.data != NULL)
		mem_wipe(text.data, text.len);
	buf_release(&text);
	crypt_key_wipe(&key);
	return credentials;
}

static void on_count(void *arg, const struct redisReply *reply)
{
	struct lookup *l = arg;
	struct err e = {.code = ERR_NONE};
	json_t *credentials = NULL;

	if (l->failed || reply == NULL || reply->type == REDIS_REPLY_ERROR)
		err_set(&e, ERR_REDIS, NULL);
	else if (l->blob.len > 0 && l->salt.len > 0)
		credentials = blob_open(l, &e);
	else if (redis_int(reply, 0) > 0)
		err_set(&e, ERR_NO_CREDENTIALS, "no key found for %s", l->actor);
	else
		err_set(&e, ERR_NO_CREDENTIALS, NULL);
	l->fn(l->arg, credentials, &e);
	json_decref(credentials);
	buf_release(&l->salt);
	buf_release(&l->blob);
	mem_free(l->actor);
	mem_free(l);
}

static int command(struct lookup *l, const char *word, const struct keys_name *key,
	const char *field, redis_reply_fn *fn)
{
	static struct redis_args a; /* one loop per process: kept for its memory */

	redis_args_begin(&a);
	redis_arg_str(&a, word);
	redis_arg(&a, key->text, key->len);
	if (field != NULL)
		redis_arg_str(&a, field);
	return redis_send(hub_commands(l->worker->hub, l->session.shard), &a, fn, l);
}

int vault_get(
	struct worker *w, const struct session_ref *s, const char *actor, vault_fn *fn, void *arg)
{
	struct lookup *l;
	struct keys_name session, part;
	char field[CRYPT_TOKEN_SIZE];

	if (!redis_is_up(hub_commands(w->hub, s->shard)))
		return -(int)ERR_REDIS;
	l = mem_alloc(sizeof *l);
	*l = (struct lookup){
		.worker = w, .session = *s, .actor = mem_strdup(actor), .fn = fn, .arg = arg};
	keys_session(&session, s->shard, s->h);
	keys_part(&part, s->shard, s->h, w->platform->name);
	session_field(&w->key, actor, field);
	/* On a connection that is up, either all three go out or none: they are only written at the end of the turn. */
	if (command(l, "HGET", &session, "k", on_salt) < 0) {
		mem_free(l->actor);
		mem_free(l);
		return -(int)ERR_REDIS;
	}
	if (command(l, "HGET", &part, field, on_blob) < 0 ||
		command(l, "HLEN", &part, NULL, on_count) < 0)
		l->failed = 1;
	return 0;
}
