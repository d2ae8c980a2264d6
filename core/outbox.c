/* SPDX-License-Identifier: MIT */
#include "core/outbox.h"

#include <stdio.h>
#include <string.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/scripts.h"
#include "core/stream_id.h"

int outbox_cursor_valid(const char *text)
{
	unsigned long long ms, seq;
	const char *end = stream_id_scan(text, &ms, &seq);

	return end != NULL && *end == '\0';
}

static int value_parse(const char *value, size_t len, struct outbox_entry *e)
{
	const char *end = value + len;
	const char *space = memchr(value, ' ', len);
	const char *platform;

	if (space == NULL)
		return -(int)ERR_INVALID;
	e->token = value;
	e->token_len = (size_t)(space - value);
	platform = space + 1;
	space = memchr(platform, ' ', (size_t)(end - platform));
	if (space == NULL || (size_t)(space - platform) >= sizeof e->platform)
		return -(int)ERR_INVALID;
	memcpy(e->platform, platform, (size_t)(space - platform));
	e->platform[space - platform] = '\0';
	e->blob = space + 1;
	e->blob_len = (size_t)(end - space - 1);
	return 1;
}

int outbox_wakeup_parse(const char *text, size_t len, struct outbox_entry *entry)
{
	const char *space = memchr(text, ' ', len);

	if (len == 3 && memcmp(text, "end", 3) == 0)
		return 0;
	if (space == NULL || (size_t)(space - text) >= sizeof entry->cursor)
		return -(int)ERR_INVALID;
	memcpy(entry->cursor, text, (size_t)(space - text));
	entry->cursor[space - text] = '\0';
	if (!outbox_cursor_valid(entry->cursor))
		return -(int)ERR_INVALID;
	return value_parse(space + 1, len - (size_t)(space + 1 - text), entry);
}

int outbox_entry_is_message(const struct outbox_entry *entry)
{
	return entry->token_len == 1 && entry->token[0] == '-';
}

struct read_call {
	outbox_read_fn *fn;
	void *arg;
};

static size_t entries_parse(const struct redisReply *list, struct outbox_entry *entries)
{
	size_t n = 0;

	for (size_t i = 0; i < list->elements; i++) {
		const struct redisReply *id = redis_at(list->element[i], 0);
		const struct redisReply *value = redis_at(list->element[i], 1);
		struct outbox_entry *e = &entries[n];

		if (!outbox_cursor_valid(redis_text(id)) || value == NULL ||
			value->type != REDIS_REPLY_STRING ||
			value_parse(value->str, (size_t)value->len, e) < 0) {
			log_event(LOG_ERROR, "outbox.garbled", LOG_STR("id", redis_text(id)));
			continue;
		}
		snprintf(e->cursor, sizeof e->cursor, "%s", id->str);
		n++;
	}
	return n;
}

static void on_read(void *arg, const struct redisReply *reply)
{
	struct read_call call = *(struct read_call *)arg;
	const struct redisReply *list = redis_at(reply, 1);
	struct outbox_entry *entries;

	mem_free(arg);
	if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
		log_event(LOG_ERROR, "outbox.failed", LOG_STR("why", reply->str));
	if (strcmp(redis_text(redis_at(reply, 0)), "no-session") == 0) {
		call.fn(call.arg, -(int)ERR_NO_SESSION, NULL, 0);
		return;
	}
	if (list == NULL || list->type != REDIS_REPLY_ARRAY) {
		call.fn(call.arg, -(int)ERR_REDIS, NULL, 0);
		return;
	}
	entries = mem_array(list->elements, sizeof *entries);
	call.fn(call.arg, 0, entries, entries_parse(list, entries));
	mem_free(entries);
}

int outbox_read(struct redis *r, const struct conf *c, const struct outbox_read *read,
	outbox_read_fn *fn, void *arg)
{
	static struct redis_args a; /* one loop per process: kept for its memory */
	const struct session_ref *s = &read->session;
	struct read_call *call;
	struct keys_name key;
	unsigned long long ms, seq;
	char keep[OUTBOX_CURSOR_SIZE] = "";
	int rc;

	if (stream_id_scan(read->ack, &ms, &seq) != NULL)
		snprintf(keep, sizeof keep, "%llu-%llu", ms, seq + 1);
	redis_args_begin(&a);
	redis_arg_str(&a, "EVALSHA");
	redis_arg_str(&a, redis_script_sha(r, SCRIPT_READ));
	redis_arg_int(&a, 3);
	keys_session(&key, s->shard, s->h);
	redis_arg(&a, key.text, key.len);
	keys_sessions(&key, s->shard);
	redis_arg(&a, key.text, key.len);
	keys_outbox(&key, s->shard, s->h);
	redis_arg(&a, key.text, key.len);
	redis_arg_str(&a, s->h);
	redis_arg_str(&a, read->after);
	redis_arg_str(&a, keep);
	redis_arg_int(&a, read->limit);
	redis_arg_int(&a, c->session_ttl_s * 1000);
	redis_arg_int(&a, MIN(c->session_unregistered_ttl_s, c->session_ttl_s) * 1000);
	redis_arg_int(&a, SESSION_GRACE_MS);
	redis_arg_int(&a, read->max_bytes);
	call = mem_alloc(sizeof *call);
	*call = (struct read_call){fn, arg};
	rc = redis_send(r, &a, on_read, call);
	if (rc < 0)
		mem_free(call);
	return rc;
}

void outbox_forget(struct redis *r, const struct session_ref *s,
	const char (*cursors)[OUTBOX_CURSOR_SIZE], size_t n)
{
	static struct redis_args a;
	struct keys_name key;

	keys_outbox(&key, s->shard, s->h);
	redis_args_begin(&a);
	redis_arg_str(&a, "XDEL");
	redis_arg(&a, key.text, key.len);
	for (size_t i = 0; i < n; i++)
		redis_arg_str(&a, cursors[i]);
	/* Redis away: the results stay and are delivered once more, which is the lesser evil. */
	(void)redis_send(r, &a, NULL, NULL);
}
