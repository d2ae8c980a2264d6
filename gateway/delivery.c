/* SPDX-License-Identifier: MIT */
#include "gateway/delivery.h"

#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/keyring.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/redis.h"

#define DELIVERY_MAGIC 0xDE110001u
#define LINGER_MS      10000
#define SWEEP_MS       1000

enum mailbox_state {
	UNSUBSCRIBED, /* the subscriber is down, or the command could not be sent */
	SUBSCRIBING,  /* sent */
	LIVE,         /* acknowledged */
	UNSUBSCRIBING, /* sent; hiredis forgets the channel when the answer comes, so nothing is sent until then */
};

struct mailbox {
	struct session_ref session;
	struct delivery *delivery;
	enum mailbox_state state;
	struct waiter *waiters;
	uint64_t idle_since_ms;      /* valid while there are no waiters */
	struct mailbox *prev, *next; /* in `idle`, oldest first, while there are no waiters */
	UT_hash_handle hh;
};

/* One key per platform, derived at first use. */
struct platform_key {
	char name[49];
	struct crypt_key key;
};

struct delivery {
	unsigned magic;
	uv_loop_t *loop;
	struct hub *hub;
	const struct keyring *keyring;
	struct mailbox *mailboxes; /* by session.h; one hash for all shards */
	struct mailbox *idle;
	struct platform_key *keys;
	size_t n_keys;
	uv_timer_t sweep;
	struct buf text; /* scratch for opened messages */
};

/* --- opening ---------------------------------------------------------------------------------------------------------- */

static const struct crypt_key *key_of(struct delivery *d, const char *platform)
{
	struct platform_key *k;

	for (size_t i = 0; i < d->n_keys; i++)
		if (strcmp(d->keys[i].name, platform) == 0)
			return &d->keys[i].key;
	d->keys = mem_realloc(d->keys, (d->n_keys + 1) * sizeof *d->keys);
	k = &d->keys[d->n_keys];
	snprintf(k->name, sizeof k->name, "%s", platform);
	if (keyring_platform(d->keyring, platform, &k->key, NULL) < 0)
		return NULL;
	d->n_keys++;
	return &k->key;
}

const char *delivery_open_entry(struct delivery *d, const struct session_ref *s,
	const struct outbox_entry *entry, struct buf *text)
{
	const struct crypt_key *key = key_of(d, entry->platform);
	char ad[SESSION_AD_SIZE];

	session_ad(s, SESSION_AD_MESSAGE, ad);
	if (key != NULL && crypt_open(key, ad, entry->blob, entry->blob_len, text) == 0)
		return buf_str(text);
	log_event(LOG_ERROR, "delivery.sealed", LOG_STR("platform", entry->platform),
		LOG_STR("session", s->h), LOG_STR("cursor", entry->cursor));
	return NULL;
}

/* --- subscriptions ----------------------------------------------------------------------------------------------------- */

static int channel_send(struct mailbox *m, const char *command)
{
	static struct redis_args a; /* one loop per process: kept for its memory */
	struct keys_name channel;

	keys_outbox(&channel, m->session.shard, m->session.h);
	redis_args_begin(&a);
	redis_arg_str(&a, command);
	redis_arg(&a, channel.text, channel.len);
	return redis_send(hub_subscriber(m->delivery->hub, m->session.shard), &a, NULL, NULL);
}

static void subscribe(struct mailbox *m)
{
	m->state = channel_send(m, "SUBSCRIBE") < 0 ? UNSUBSCRIBED : SUBSCRIBING;
}

static void mailbox_free(struct mailbox *m)
{
	struct delivery *d = m->delivery;

	DL_DELETE(d->idle, m);
	HASH_DEL(d->mailboxes, m);
	mem_free(m);
}

static void unsubscribe(struct mailbox *m)
{
	if (m->state == LIVE && channel_send(m, "UNSUBSCRIBE") == 0)
		m->state = UNSUBSCRIBING;
	else if (m->state != SUBSCRIBING)
		mailbox_free(m);
}

static void on_sweep(uv_timer_t *timer)
{
	CAST(delivery, d, timer->data, DELIVERY_MAGIC);
	uint64_t now = uv_now(d->loop);
	struct mailbox *m, *next;

	DL_FOREACH_SAFE (d->idle, m, next) {
		if (now - m->idle_since_ms < LINGER_MS)
			break;
		if (m->state != UNSUBSCRIBING)
			unsubscribe(m);
	}
}

static struct mailbox *mailbox_find(const struct delivery *d, const char *h)
{
	struct mailbox *m;

	HASH_FIND_STR(d->mailboxes, h, m);
	return m;
}

/* --- waiters -------------------------------------------------------------------------------------------------------------- */

int delivery_attach(struct delivery *d, const struct session_ref *s, struct waiter *w)
{
	struct mailbox *m = mailbox_find(d, s->h);

	if (m == NULL) {
		m = mem_alloc(sizeof *m);
		m->session = *s;
		m->delivery = d;
		HASH_ADD_STR(d->mailboxes, session.h, m);
		subscribe(m);
	} else if (m->waiters == NULL) {
		DL_DELETE(d->idle, m);
	}
	DL_APPEND(m->waiters, w);
	w->mailbox = m;
	return m->state == LIVE;
}

void delivery_detach(struct waiter *w)
{
	struct mailbox *m = w->mailbox;

	if (m == NULL)
		return;
	w->mailbox = NULL;
	DL_DELETE(m->waiters, w);
	if (m->waiters != NULL)
		return;
	m->idle_since_ms = uv_now(m->delivery->loop);
	DL_APPEND(m->delivery->idle, m);
}

static void went_live(struct mailbox *m)
{
	struct waiter *w, *next;

	m->state = LIVE;
	DL_FOREACH_SAFE (m->waiters, w, next)
		w->ready(w);
}

static void session_ended(struct mailbox *m)
{
	struct waiter *w, *next;

	DL_FOREACH_SAFE (m->waiters, w, next) {
		delivery_detach(w);
		w->ended(w);
	}
}

static void message_deliver(struct delivery *d, struct mailbox *m, const struct redisReply *payload)
{
	struct outbox_entry entry;
	struct waiter *w, *next;
	const char *text;
	int rc = outbox_wakeup_parse(payload->str, (size_t)payload->len, &entry);

	if (rc < 0)
		log_event(LOG_ERROR, "delivery.garbled", LOG_STR("session", m->session.h));
	if (rc == 0)
		session_ended(m);
	if (rc <= 0 || m->waiters == NULL)
		return;
	buf_clear(&d->text);
	text = delivery_open_entry(d, &m->session, &entry, &d->text);
	DL_FOREACH_SAFE (m->waiters, w, next)
		w->message(w, &entry, text, d->text.len);
}

/* --- the hub's events ------------------------------------------------------------------------------------------------------- */

void delivery_on_subscriber(struct delivery *d, unsigned shard, int up)
{
	struct mailbox *m, *next;

	HASH_ITER (hh, d->mailboxes, m, next) {
		if (m->session.shard != shard)
			continue;
		m->state = UNSUBSCRIBED;
		if (m->waiters == NULL)
			mailbox_free(m);
		else if (up)
			subscribe(m);
	}
}

void delivery_on_commands(struct delivery *d, unsigned shard)
{
	struct mailbox *m, *next;

	HASH_ITER (hh, d->mailboxes, m, next)
		if (m->session.shard == shard && m->state == LIVE)
			went_live(m);
}

void delivery_on_push(struct delivery *d, unsigned shard, const struct redisReply *reply)
{
	const char *kind = redis_text(redis_at(reply, 0));
	const char *channel = redis_text(redis_at(reply, 1));
	struct keys_name prefix;
	struct mailbox *m;

	keys_outbox(&prefix, shard, "");
	if (strncmp(channel, prefix.text, prefix.len) != 0)
		return;
	m = mailbox_find(d, channel + prefix.len);
	if (m == NULL)
		return;
	if (strcmp(kind, "message") == 0 && redis_at(reply, 2)->type == REDIS_REPLY_STRING) {
		message_deliver(d, m, redis_at(reply, 2));
	} else if (strcmp(kind, "subscribe") == 0) {
		went_live(m);
	} else if (strcmp(kind, "unsubscribe") == 0) {
		m->state = UNSUBSCRIBED;
		if (m->waiters != NULL)
			subscribe(m); /* somebody came while the command was under way */
		else
			mailbox_free(m);
	}
}

/* --- life --------------------------------------------------------------------------------------------------------------------- */

struct delivery *delivery_open(uv_loop_t *loop, struct hub *hub, const struct keyring *keyring)
{
	struct delivery *d = mem_alloc(sizeof *d);

	d->magic = DELIVERY_MAGIC;
	d->loop = loop;
	d->hub = hub;
	d->keyring = keyring;
	uv_timer_init(loop, &d->sweep);
	d->sweep.data = d;
	uv_timer_start(&d->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	return d;
}

static void on_closed(uv_handle_t *h)
{
	CAST(delivery, d, h->data, DELIVERY_MAGIC);

	for (size_t i = 0; i < d->n_keys; i++)
		crypt_key_wipe(&d->keys[i].key);
	mem_free(d->keys);
	buf_release(&d->text);
	mem_free(d);
}

void delivery_close(struct delivery **dp)
{
	struct delivery *d = *dp;
	struct mailbox *m, *next;

	*dp = NULL;
	if (d == NULL)
		return;
	HASH_ITER (hh, d->mailboxes, m, next) {
		assert(m->waiters == NULL);
		mailbox_free(m);
	}
	uv_close((uv_handle_t *)&d->sweep, on_closed);
}

size_t delivery_count(const struct delivery *d)
{
	return HASH_COUNT(d->mailboxes);
}
