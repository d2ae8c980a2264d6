/* SPDX-License-Identifier: MIT */
#include "workers/succession.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "core/account.h"
#include "core/conf.h"
#include "core/err.h"
#include "core/hub.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/queue.h"
#include "core/turn.h"
#include "platforms/platform.h"
#include "workers/census.h"
#include "workers/instance.h"
#include "workers/vault.h"
#include "workers/worker.h"

#define SUCCESSION_MAGIC  0x50CC0001u
#define INHERITANCE_MAGIC 0x50CC0002u
#define ADOPT_MAX         50    /* accounts a second: each connects and shakes hands */
#define RENEW_MS          60000 /* how often what is held is looked at; its keys live an hour */
#define AD_SIZE           (CRYPT_TOKEN_SIZE + 8)

/* An account whose record is being made into an instance again: each of its sessions is asked for the credentials. */
struct inheritance {
	unsigned magic;
	struct succession *owner; /* NULL: the worker has ended */
	char key[CRYPT_TOKEN_SIZE];
	json_t *record;
	unsigned waiting; /* sessions asked for */
	int again;        /* Redis was away: to be asked once more */
	struct inheritance *prev, *next;
};

/* A session of an inheritance that has been asked. */
struct heir {
	struct inheritance *of;
	struct session_ref session;
	const json_t *topics; /* in the record; NULL: none */
};

struct succession {
	unsigned magic;
	struct worker *worker;
	long long max;
	long long asking; /* accounts that jobs have asked for */
	int leaving;
	struct turn_task flush;
	uint64_t renewed_ms;
	struct inheritance *inheritances;
	unsigned calls; /* answers from Redis that still come with this as their argument */
	int closed;
};

static struct account_ref ref_of(const struct succession *s, const char *key)
{
	const struct worker *w = s->worker;

	return (struct account_ref){
		account_shard(key, hub_shards(w->hub)), w->platform->name, w->name, key};
}

static struct redis *redis_of(const struct succession *s, const struct account_ref *a)
{
	return hub_commands(s->worker->hub, a->shard);
}

static void record_ad(const char *key, char out[AD_SIZE])
{
	snprintf(out, AD_SIZE, "a:%s", key);
}

/* Answers of Redis may come after the end. 1 when this was the last one and `s` is gone. */
static int call_over(struct succession *s)
{
	s->calls--;
	if (!s->closed)
		return 0;
	if (s->calls == 0)
		mem_free(s);
	return 1;
}

/* --- writing it down ---------------------------------------------------------------------------------------------------- */

static json_t *record_make(const struct instance *in)
{
	json_t *sessions = json_array();
	const struct attached *a;

	DL_FOREACH (in->attached, a) {
		json_t *one = json_pack(
			"{s:i, s:s}", "n", (int)a->session.shard, "h", a->session.h);

		if (a->topics != NULL)
			json_object_set(one, "t", a->topics);
		json_array_append_new(sessions, one);
	}
	return json_pack(
		"{s:s, s:o, s:O}", "actor", in->actor, "sessions", sessions, "state", in->keep);
}

static void record_write(struct succession *s, struct instance *in)
{
	struct account_ref a = ref_of(s, in->key);
	struct buf text = BUF_INIT, blob = BUF_INIT;
	char ad[AD_SIZE];
	json_t *record;

	if (in->keep == NULL) {
		if (in->recorded)
			account_record(redis_of(s, &a), &a, NULL);
		in->recorded = 0;
		return;
	}
	record = record_make(in);
	json_append(&text, record);
	json_decref(record);
	record_ad(in->key, ad);
	crypt_seal(&s->worker->key, ad, text.data, text.len, &blob);
	account_record(redis_of(s, &a), &a, &blob);
	in->recorded = 1;
	mem_wipe(text.data, text.len);
	buf_release(&text);
	buf_release(&blob);
}

static void confirm(struct succession *s, const struct instance *in);

static void on_flush(void *arg)
{
	CAST(succession, s, arg, SUCCESSION_MAGIC);
	struct instance *in;

	for (in = instances_first(s->worker->instances); in != NULL; in = in->next) {
		if (!in->changed || in->state == INSTANCE_BROKEN)
			continue;
		/* A new one makes sure that the account was not let go of by an older one meanwhile. */
		if (!in->confirmed)
			confirm(s, in);
		in->confirmed = 1;
		in->changed = 0;
		record_write(s, in);
	}
}

void succession_connected(struct succession *s, unsigned shard)
{
	const struct worker *w = s->worker;
	struct instance *in;

	if (w->platform->life != PLATFORM_PER_ACCOUNT)
		return;
	for (in = instances_first(w->instances); in != NULL; in = in->next) {
		if (account_shard(in->key, hub_shards(w->hub)) != shard)
			continue;
		in->confirmed = 0;
		in->recorded = 1; /* or so it may be */
		succession_changed(s, in);
	}
}

void succession_changed(struct succession *s, struct instance *in)
{
	if (s->worker->platform->life != PLATFORM_PER_ACCOUNT)
		return;
	in->changed = 1;
	turn_queue(s->worker->loop, TURN_WORK, &s->flush);
}

void succession_closed(struct succession *s, const char *key)
{
	struct account_ref a = ref_of(s, key);

	/* Another instance may have taken this one's place, or another worker: it is not ours to let go of then. */
	if (s->leaving || s->worker->platform->life != PLATFORM_PER_ACCOUNT ||
		instances_find(s->worker->instances, key) != NULL)
		return;
	account_release(redis_of(s, &a), &a);
}

/* --- is it still ours? ---------------------------------------------------------------------------------------------------- */

struct confirmation {
	struct succession *owner;
	char key[CRYPT_TOKEN_SIZE];
};

static void on_confirmed(
	void *arg, int rc, const char *owner, const void *record, size_t record_len)
{
	struct confirmation c = *(struct confirmation *)arg;
	struct succession *s = c.owner;
	struct instance *in;
	struct err e;

	UNUSED(record);
	UNUSED(record_len);
	mem_free(arg);
	if (call_over(s) || s->leaving || rc < 0 || strcmp(owner, s->worker->name) == 0)
		return;
	in = instances_find(s->worker->instances, c.key);
	if (in == NULL)
		return;
	log_event(LOG_WARN, "account.lost", LOG_STR("key", c.key), LOG_STR("to", owner));
	err_set(&e, ERR_CONFLICT, "another worker serves this account now, try again");
	in->lost = 1;
	instance_broken(in, &e);
}

static void confirm(struct succession *s, const struct instance *in)
{
	struct confirmation *c = mem_alloc(sizeof *c);
	struct account_ref a = ref_of(s, in->key);

	c->owner = s;
	memcpy(c->key, in->key, sizeof c->key);
	if (account_own(redis_of(s, &a), &a, 1, s->max, on_confirmed, c) == 0)
		s->calls++;
	else
		mem_free(c);
}

static void confirm_all(struct succession *s)
{
	const struct instance *in;

	s->renewed_ms = uv_now(s->worker->loop);
	for (in = instances_first(s->worker->instances); in != NULL; in = in->next)
		if (in->state != INSTANCE_BROKEN)
			confirm(s, in);
}

/* --- taking over ------------------------------------------------------------------------------------------------------------ */

static void inheritance_free(struct inheritance *inh)
{
	if (inh->owner != NULL)
		DL_DELETE(inh->owner->inheritances, inh);
	json_decref(inh->record);
	mem_free(inh);
}

static void heir_settle(struct inheritance *inh)
{
	struct succession *s = inh->owner;

	if (inh->waiting > 0)
		return;
	if (s != NULL && inh->again)
		return; /* succession_beat() tries once more */
	if (s != NULL)
		succession_closed(s, inh->key);
	inheritance_free(inh);
}

static void restore(const struct heir *h, json_t *credentials)
{
	struct inheritance *inh = h->of;
	struct worker *w = inh->owner->worker;
	const char *actor = json_string_value(json_object_get(inh->record, "actor"));
	char key[CRYPT_TOKEN_SIZE];
	struct instance_want want = {&h->session, key, actor, credentials,
		json_object_get(inh->record, "state"), h->topics};
	struct err e;

	/* The session may have set others since. */
	instance_key(w, actor, credentials, key);
	if (strcmp(key, inh->key) != 0)
		return;
	if (instances_get(w->instances, &want, &e) == NULL)
		log_event(LOG_WARN, "account.not-restored", LOG_STR("key", key),
			LOG_STR("why", e.text));
	else
		census_ask(w, &h->session); /* it may have ended before it was attached */
}

static void on_credentials(void *arg, json_t *credentials, const struct err *e)
{
	struct heir *h = arg;
	struct inheritance *inh = h->of;

	inh->waiting--;
	if (inh->owner != NULL && e->code == ERR_NONE)
		restore(h, credentials);
	else if (e->code == ERR_REDIS)
		inh->again = 1;
	mem_free(h);
	heir_settle(inh);
}

static void inheritance_ask(struct inheritance *inh)
{
	struct worker *w = inh->owner->worker;
	const char *actor = json_string_value(json_object_get(inh->record, "actor"));
	const json_t *one;
	size_t i;

	inh->again = 0;
	inh->waiting++; /* ourselves: nothing is settled before all have been asked */
	json_array_foreach (json_object_get(inh->record, "sessions"), i, one) {
		const char *tag = json_string_value(json_object_get(one, "h"));
		json_int_t shard = json_integer_value(json_object_get(one, "n"));
		struct heir *h = mem_alloc(sizeof *h);

		h->of = inh;
		h->topics = json_object_get(one, "t");
		if (tag == NULL || shard < 0 || shard >= hub_shards(w->hub) ||
			session_ref_from_tag(&h->session, (unsigned)shard, tag, strlen(tag)) < 0) {
			mem_free(h);
		} else if (vault_get(w, &h->session, actor, on_credentials, h) < 0) {
			inh->again = 1;
			mem_free(h);
		} else {
			inh->waiting++;
		}
	}
	inh->waiting--;
	heir_settle(inh);
}

static json_t *record_open(
	const struct succession *s, const char *key, const void *record, size_t len)
{
	struct buf text = BUF_INIT;
	json_t *value = NULL;
	char ad[AD_SIZE];

	record_ad(key, ad);
	if (crypt_open(&s->worker->key, ad, record, len, &text) == 0)
		value = json_loadb(text.data, text.len, 0, NULL);
	if (text.data != NULL)
		mem_wipe(text.data, text.len);
	buf_release(&text);
	if (!json_is_string(json_object_get(value, "actor"))) {
		json_decref(value);
		return NULL;
	}
	return value;
}

void succession_inherit(
	struct succession *s, const char *key, const void *record, size_t record_len)
{
	json_t *value = record_open(s, key, record, record_len);
	struct inheritance *inh;

	if (value == NULL) {
		log_event(LOG_ERROR, "account.garbled", LOG_STR("key", key));
		succession_closed(s, key);
		return;
	}
	inh = mem_alloc(sizeof *inh);
	inh->magic = INHERITANCE_MAGIC;
	inh->owner = s;
	memcpy(inh->key, key, strlen(key) + 1);
	inh->record = value;
	DL_APPEND(s->inheritances, inh);
	inheritance_ask(inh);
}

static void on_adopted(void *arg, int rc, int lapsed, const struct account_left *accounts, size_t n)
{
	CAST(succession, s, arg, SUCCESSION_MAGIC);

	if (call_over(s) || s->leaving || rc < 0)
		return;
	if (n > 0)
		log_event(LOG_INFO, "accounts.taken-over", LOG_INT("accounts", n));
	for (size_t i = 0; i < n; i++)
		succession_inherit(s, accounts[i].key, accounts[i].record, accounts[i].record_len);
	if (lapsed && instances_first(s->worker->instances) != NULL)
		confirm_all(s);
}

static int is_inherited(const struct succession *s, const char *key)
{
	const struct inheritance *inh;

	DL_FOREACH (s->inheritances, inh)
		if (strcmp(inh->key, key) == 0)
			return 1;
	return 0;
}

/* What this worker holds and does not use: it was given the account for a job that was answered before it came here, or
 * Redis was away when it let the account go. */
static void on_sampled(void *arg, const char (*keys)[CRYPT_TOKEN_SIZE], size_t n)
{
	CAST(succession, s, arg, SUCCESSION_MAGIC);

	if (call_over(s) || s->leaving)
		return;
	for (size_t i = 0; i < n; i++)
		if (!is_inherited(s, keys[i]))
			succession_closed(s, keys[i]);
}

void succession_beat(struct succession *s, unsigned shard, const char *predecessor, int may_judge)
{
	const struct worker *w = s->worker;
	const struct account_ref a = {shard, w->platform->name, w->name, ""};
	long long room = s->max - (long long)instances_count(w->instances);
	const struct account_adopt o = {
		.max = (unsigned)MIN(MAX(room, 0), ADOPT_MAX),
		.from_silent = may_judge,
		.predecessor = predecessor,
		.worker_ttl_ms = QUEUE_WORKER_TTL_MS,
	};
	struct inheritance *inh, *next;

	if (s->leaving || w->platform->life != PLATFORM_PER_ACCOUNT)
		return;
	if (account_adopt(hub_commands(w->hub, shard), &a, &o, on_adopted, s) == 0)
		s->calls++;
	if (account_sample(hub_commands(w->hub, shard), &a, on_sampled, s) == 0)
		s->calls++;
	DL_FOREACH_SAFE (s->inheritances, inh, next)
		if (inh->again && inh->waiting == 0)
			inheritance_ask(inh);
	if (uv_now(w->loop) - s->renewed_ms > RENEW_MS)
		confirm_all(s);
}

/* --- life ---------------------------------------------------------------------------------------------------------------------- */

int succession_has_room(const struct succession *s)
{
	return (long long)instances_count(s->worker->instances) + s->asking < s->max;
}

void succession_asking(struct succession *s, int by)
{
	s->asking += by;
}

long long succession_max(const struct succession *s)
{
	return s->max;
}

struct succession *succession_open(struct worker *w)
{
	struct succession *s = mem_alloc(sizeof *s);
	const json_t *max = json_object_get(w->settings, "accounts");

	s->magic = SUCCESSION_MAGIC;
	s->worker = w;
	s->max = max != NULL ? json_integer_value(max) : 1000000000;
	s->flush = (struct turn_task){.fn = on_flush, .arg = s};
	s->renewed_ms = uv_now(w->loop);
	return s;
}

void succession_leave(struct succession *s)
{
	if (s->flush.queued)
		on_flush(s);
	turn_cancel(&s->flush);
	s->leaving = 1;
}

void succession_close(struct succession **sp)
{
	struct succession *s = *sp;
	struct inheritance *inh, *next;

	*sp = NULL;
	if (s == NULL)
		return;
	turn_cancel(&s->flush);
	DL_FOREACH_SAFE (s->inheritances, inh, next) {
		DL_DELETE(s->inheritances, inh);
		inh->owner = NULL;
		if (inh->waiting == 0)
			inheritance_free(inh);
	}
	s->closed = 1;
	s->calls++;
	(void)call_over(s);
}
