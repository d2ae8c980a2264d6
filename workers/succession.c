/* SPDX-License-Identifier: MIT */
#include "workers/succession.h"

#include <string.h>
#include <utlist.h>

#include "core/account.h"
#include "core/conf.h"
#include "core/err.h"
#include "core/hub.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/queue.h"
#include "core/turn.h"
#include "platforms/platform.h"
#include "workers/census.h"
#include "workers/instance.h"
#include "workers/record.h"
#include "workers/vault.h"
#include "workers/worker.h"

#define SUCCESSION_MAGIC  0x50CC0001u
#define INHERITANCE_MAGIC 0x50CC0002u
#define ADOPT_MAX         50    /* accounts a second: each connects and shakes hands */
#define RENEW_MS          60000 /* how often what is held is looked at; its keys live an hour */

/* An account whose record is being made into an instance again: each of its sessions is asked for the credentials. */
struct inheritance {
	unsigned magic;
	struct succession *owner; /* NULL: the worker has ended */
	char key[CRYPT_TOKEN_SIZE];
	json_t *record;
	unsigned waiting; /* sessions asked for */
	int again;        /* Redis was away: to be asked once more */
	int opened;       /* there is, or was, an instance: nothing is opened any more */
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
	/* Places that are taken, beside the instances: accounts that jobs have asked for; inheritances that are not opened yet;
	 * and, only towards further adoptions, what Redis may give for those under way. */
	long long asking, inheriting, adopting;
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

static void record_write(struct succession *s, struct instance *in)
{
	struct account_ref a = ref_of(s, in->key);
	struct buf blob = BUF_INIT;

	if (in->keep == NULL) {
		if (in->recorded)
			account_record(redis_of(s, &a), &a, NULL);
		in->recorded = 0;
		return;
	}
	record_seal(in, &blob);
	account_record(redis_of(s, &a), &a, &blob);
	in->recorded = 1;
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

/* How many accounts more this worker may hold. */
static long long room(const struct succession *s)
{
	return s->max - (long long)instances_count(s->worker->instances) - s->asking -
	       s->inheriting;
}

static struct inheritance *inheritance_find(const struct succession *s, const char *key)
{
	struct inheritance *inh;

	DL_FOREACH (s->inheritances, inh)
		if (strcmp(inh->key, key) == 0)
			return inh;
	return NULL;
}

/* Its place is the instance's from now on. */
static void inheritance_opened(struct inheritance *inh)
{
	if (inh->opened)
		return;
	inh->opened = 1;
	inh->owner->inheriting--;
}

static void inheritance_free(struct inheritance *inh)
{
	if (inh->owner != NULL) {
		inheritance_opened(inh);
		DL_DELETE(inh->owner->inheritances, inh);
	}
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
	/* It was closed again: by a job, or for having been refused. */
	if (inh->opened && instances_find(w->instances, key) == NULL)
		return;
	if (instances_get(w->instances, &want, &e) == NULL) {
		log_event(LOG_WARN, "account.not-restored", LOG_STR("key", key),
			LOG_STR("why", e.text));
		return;
	}
	inheritance_opened(inh);
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
		struct heir *h = mem_alloc(sizeof *h);

		h->of = inh;
		h->topics = json_object_get(one, "t");
		if (record_session(w, one, &h->session) < 0) {
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

static void inherit(struct succession *s, const char *key, const struct succession_left *left)
{
	json_t *value = record_open(s->worker, key, left->record, left->len);
	struct inheritance *inh;

	if (value == NULL) {
		succession_closed(s, key);
		return;
	}
	inh = mem_alloc(sizeof *inh);
	inh->magic = INHERITANCE_MAGIC;
	inh->owner = s;
	memcpy(inh->key, key, strlen(key) + 1);
	inh->record = value;
	DL_APPEND(s->inheritances, inh);
	s->inheriting++;
	inheritance_ask(inh);
}

void succession_unneeded(struct succession *s, const char *key, const struct succession_left *left)
{
	const struct account_ref a = ref_of(s, key);

	if (s->leaving || instances_find(s->worker->instances, key) != NULL ||
		inheritance_find(s, key) != NULL)
		return;
	if (left->len == 0)
		succession_closed(s, key);
	else if (room(s) > 0)
		inherit(s, key, left);
	else
		account_return(redis_of(s, &a), &a);
}

/* --- taking over for a job ---------------------------------------------------------------------------------------------------- */

/* The job has the credentials, and the account's key is made of them: the sessions need not be asked for theirs. */
static void attach_heirs(const struct succession *s, struct instance *in, const json_t *record)
{
	struct session_ref session;
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(record, "sessions"), i, one) {
		if (record_session(s->worker, one, &session) < 0)
			continue;
		instance_attach(in, &session, json_object_get(one, "t"));
		census_ask(s->worker, &session); /* it may have ended since */
	}
}

struct instance *succession_get(struct succession *s, const struct instance_want *want,
	const struct succession_left *left, struct err *e)
{
	struct inheritance *inh = inheritance_find(s, want->key);
	struct instance_want with = *want;
	struct instance *in;
	json_t *record;

	if (left->len == 0 || instances_find(s->worker->instances, want->key) != NULL)
		return instances_get(s->worker->instances, want, e);
	record = record_open(s->worker, want->key, left->record, left->len);
	with.kept = json_object_get(record, "state");
	in = instances_get(s->worker->instances, &with, e);
	if (in != NULL)
		attach_heirs(s, in, record);
	json_decref(record);
	/* What is still being asked for it comes too late, or attaches again what is attached. */
	if (inh != NULL)
		inheritance_opened(inh);
	return in;
}

/* --- taking over from the dead ------------------------------------------------------------------------------------------------ */

/* Accounts of one shard that Redis was asked for. */
struct adoption {
	struct succession *owner;
	unsigned max;
};

static void on_adopted(void *arg, int rc, int lapsed, const struct account_left *accounts, size_t n)
{
	const struct adoption adoption = *(struct adoption *)arg;
	struct succession *s = adoption.owner;

	mem_free(arg);
	s->adopting -= adoption.max;
	if (call_over(s) || s->leaving || rc < 0)
		return;
	if (n > 0)
		log_event(LOG_INFO, "accounts.taken-over", LOG_INT("accounts", n));
	/* Jobs may have taken the room meanwhile. */
	for (size_t i = 0; i < n; i++)
		succession_unneeded(s, accounts[i].key,
			&(struct succession_left){accounts[i].record, accounts[i].record_len});
	if (lapsed && instances_first(s->worker->instances) != NULL)
		confirm_all(s);
}

/* A shard's part of what is adopted in a second. What cannot be shared goes to other shards each time. */
static unsigned adopt_share(const struct succession *s, unsigned shard)
{
	unsigned n = hub_shards(s->worker->hub), total, part;
	long long left = MAX(room(s) - s->adopting, 0);

	total = (unsigned)MIN(left + s->adopting, ADOPT_MAX);
	part = total / n + ((shard + uv_now(s->worker->loop) / 1000) % n < total % n);
	return (unsigned)MIN(left, part);
}

/* Sent also when there is no room: the answer tells whether this worker was taken for dead. */
static void adopt(
	struct succession *s, const struct account_ref *a, const char *predecessor, int may_judge)
{
	struct adoption *adoption = mem_alloc(sizeof *adoption);
	const struct account_adopt o = {
		.max = adopt_share(s, a->shard),
		.from_silent = may_judge,
		.predecessor = predecessor,
		.worker_ttl_ms = QUEUE_WORKER_TTL_MS,
	};

	*adoption = (struct adoption){s, o.max};
	if (account_adopt(redis_of(s, a), a, &o, on_adopted, adoption) < 0) {
		mem_free(adoption);
		return;
	}
	s->adopting += o.max;
	s->calls++;
}

/* What this worker holds and does not use: it was given the account for a job that was answered before it came here, or
 * Redis was away when it let the account go. */
static void on_sampled(void *arg, const char (*keys)[CRYPT_TOKEN_SIZE], size_t n)
{
	CAST(succession, s, arg, SUCCESSION_MAGIC);

	if (call_over(s) || s->leaving)
		return;
	for (size_t i = 0; i < n; i++)
		if (inheritance_find(s, keys[i]) == NULL)
			succession_closed(s, keys[i]);
}

void succession_beat(struct succession *s, unsigned shard, const char *predecessor, int may_judge)
{
	const struct worker *w = s->worker;
	const struct account_ref a = {shard, w->platform->name, w->name, ""};
	struct inheritance *inh, *next;

	if (s->leaving || w->platform->life != PLATFORM_PER_ACCOUNT)
		return;
	adopt(s, &a, predecessor, may_judge);
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
	return room(s) > 0;
}

int succession_has_place(const struct succession *s, const char *key)
{
	const struct inheritance *inh = inheritance_find(s, key);

	return instances_find(s->worker->instances, key) != NULL || (inh != NULL && !inh->opened) ||
	       room(s) > 0;
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
