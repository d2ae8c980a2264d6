/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_observe.h"

#include <string.h>
#include <utlist.h>

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_place.h"
#include "platforms/email/email_poll.h"
#include "platforms/email/email_server.h"
#include "platforms/email/email_watch.h"
#include "platforms/platform.h"

#define SPOT_MAGIC   0x73706f74u
#define WAITER_MAGIC 0x65777465u

/* A job that waits for its folder to be observed. */
struct waiter {
	unsigned magic;
	struct spot *spot;
	struct job *job;
	int bodies;
	struct waiter *prev, *next;
};

/* What is observed: a folder, or the POP3 maildrop. */
struct spot {
	unsigned magic;
	struct email_observer *observer;
	enum email_way way;
	char *folder;
	char *topics[2];           /* for headers only, and with bodies */
	struct email_watch *watch; /* EMAIL_WAY_IMAP */
	struct email_poll *poll;   /* EMAIL_WAY_POP */
	int online;
	int was_online; /* the subscribers know of it: they are told what happens */
	int restored;   /* taken over from a predecessor */
	int renumbered; /* what was there when it came online counts as known */
	struct waiter *waiters;
	struct spot *prev, *next;
};

struct email_observer {
	struct email_account *account;
	struct spot *spots;
	unsigned n_spots;
};

static struct psession *ps_of(const struct spot *s)
{
	return email_account_psession(s->observer->account);
}

/* --- spots ---------------------------------------------------------------------------------------------------------- */

static size_t subscribers(const struct spot *s)
{
	return psession_subscribers(ps_of(s), s->topics[0]) +
	       psession_subscribers(ps_of(s), s->topics[1]);
}

/* What a successor has to know; nothing when nothing is observed: then it need not come. */
static void keep(const struct email_observer *o)
{
	json_t *state = json_object(), *folders = json_object();
	const struct spot *s;

	DL_FOREACH (o->spots, s) {
		if (!s->was_online)
			continue;
		if (s->way == EMAIL_WAY_IMAP)
			json_object_set_new(folders, s->folder, email_watch_position(s->watch));
		else
			json_object_set_new(state, "pop", email_poll_position(s->poll));
	}
	if (json_object_size(folders) > 0)
		json_object_set(state, "imap", folders);
	json_decref(folders);
	if (json_object_size(state) == 0) {
		json_decref(state);
		state = NULL;
	}
	psession_keep(email_account_psession(o->account), state);
}

static void spot_free(struct spot *s)
{
	struct email_observer *o = s->observer;

	assert(s->waiters == NULL);
	DL_DELETE(o->spots, s);
	o->n_spots--;
	email_watch_free(&s->watch);
	email_poll_free(&s->poll);
	mem_free(s->topics[0]);
	mem_free(s->topics[1]);
	mem_free(s->folder);
	mem_free(s);
}

/* Frees it when nobody wants it any more; 1 then. */
static int spot_end(struct spot *s)
{
	struct email_observer *o = s->observer;

	if (s->waiters != NULL || subscribers(s) > 0)
		return 0;
	spot_free(s);
	keep(o);
	return 1;
}

static struct spot *spot_find(const struct email_observer *o, const struct email_place *place)
{
	struct spot *s;

	DL_FOREACH (o->spots, s)
		if (s->way == place->way && strcmp(s->folder, place->folder) == 0)
			return s;
	return NULL;
}

/* --- what the subscribers get ------------------------------------------------------------------------------------------ */

static json_t *without_body(const json_t *message)
{
	json_t *copy = json_copy((json_t *)message);
	json_t *object = json_copy(json_object_get(message, "object"));

	json_object_del(object, "text");
	json_object_del(object, "html");
	json_object_del(object, "attachments");
	json_object_del(object, "truncated");
	json_object_set_new(copy, "object", object);
	return copy;
}

static void on_message(void *arg, json_t *message)
{
	CAST(spot, s, arg, SPOT_MAGIC);

	if (psession_subscribers(ps_of(s), s->topics[0]) > 0)
		psession_publish(ps_of(s), s->topics[0], without_body(message));
	if (psession_subscribers(ps_of(s), s->topics[1]) > 0)
		psession_publish(ps_of(s), s->topics[1], json_incref(message));
	json_decref(message);
	keep(s->observer);
}

static int on_wants_bodies(void *arg)
{
	CAST(spot, s, arg, SPOT_MAGIC);

	return psession_subscribers(ps_of(s), s->topics[1]) > 0;
}

static void tell(struct spot *s, const char *status, const char *text)
{
	const char *address = psession_actor(ps_of(s));
	json_t *object = json_pack("{ssssssss}", "objectType", "connect", "status", status,
		"protocol", s->way == EMAIL_WAY_IMAP ? "imap" : "pop", "folder", s->folder);
	json_t *message;

	if (text != NULL)
		json_object_set_new(object, "text", json_string(text));
	if (s->restored)
		json_object_set_new(object, "restored", json_true());
	if (s->renumbered)
		json_object_set_new(object, "renumbered", json_true());
	message = activity_message("connect", json_pack("{ss}", "address", address),
		json_pack("[{ss}]", "address", address), object);
	for (size_t i = 0; i < ARRAY_LEN(s->topics); i++)
		psession_publish(ps_of(s), s->topics[i], json_incref(message));
	json_decref(message);
}

/* --- jobs --------------------------------------------------------------------------------------------------------------- */

static void waiter_free(struct waiter *w)
{
	DL_DELETE(w->spot->waiters, w);
	mem_free(w);
}

static void waiter_answer(struct waiter *w)
{
	const struct spot *s = w->spot;
	struct psession *ps = job_psession(w->job);
	struct job *job = w->job;
	json_t *result = json_pack("{sssssb}", "protocol",
		s->way == EMAIL_WAY_IMAP ? "imap" : "pop", "folder", s->folder, "observing", 1);

	psession_unsubscribe(ps, s->topics[!w->bodies]);
	psession_subscribe(ps, s->topics[w->bodies]);
	waiter_free(w);
	job_done(job, result);
}

static void waiters_fail(struct spot *s, const struct err *e)
{
	while (s->waiters != NULL) {
		struct job *job = s->waiters->job;

		waiter_free(s->waiters);
		job_fail(job, e);
	}
}

/* --- the connection's states --------------------------------------------------------------------------------------------- */

static void on_online(struct spot *s, const struct err *note)
{
	s->online = 1;
	s->renumbered = note->code == ERR_CONFLICT;
	if (s->was_online)
		tell(s, "online", NULL);
	s->was_online = 1;
	s->restored = s->renumbered = 0;
	while (s->waiters != NULL)
		waiter_answer(s->waiters);
	if (!spot_end(s))
		keep(s->observer);
}

static void on_failed(struct spot *s, const struct err *cause)
{
	struct email_observer *o = s->observer;
	const struct err why = *cause;
	struct err e;

	email_server_log(s->way == EMAIL_WAY_IMAP ? email_account_imap(o->account, &e)
						  : email_account_pop(o->account, &e),
		ps_of(s), "email.observe-failed", &why);
	if (s->was_online)
		tell(s, "failed", why.text);
	waiters_fail(s, &why);
	spot_free(s);
	keep(o);
}

static void on_state(void *arg, enum email_watch_state state, const struct err *why)
{
	CAST(spot, s, arg, SPOT_MAGIC);

	s->online = 0;
	if (state == EMAIL_WATCH_ONLINE)
		on_online(s, why);
	else if (state == EMAIL_WATCH_FAILED)
		on_failed(s, why);
	else if (state == EMAIL_WATCH_RECONNECTING)
		tell(s, "reconnecting", why->text);
}

/* --- beginning ------------------------------------------------------------------------------------------------------------- */

static struct spot *spot_new(
	struct email_observer *o, enum email_way way, const char *folder, const json_t *position)
{
	struct spot *s = mem_alloc(sizeof *s);
	const struct email_watch_events events = {on_state, on_message, on_wants_bodies, s};
	const char *protocol = way == EMAIL_WAY_IMAP ? "imap" : "pop";

	s->magic = SPOT_MAGIC;
	s->observer = o;
	s->way = way;
	s->folder = mem_strdup(folder);
	s->topics[0] = mem_printf("%s headers %s", protocol, folder);
	s->topics[1] = mem_printf("%s bodies %s", protocol, folder);
	s->restored = s->was_online = position != NULL;
	DL_APPEND(o->spots, s);
	o->n_spots++;
	if (way == EMAIL_WAY_IMAP)
		s->watch = email_watch_new(o->account, folder, position, &events);
	else
		s->poll = email_poll_new(o->account, position, &events);
	return s;
}

/* The state was sealed by a worker like this one, but maybe of an older version: what does not fit is left out. */
static void restore(struct email_observer *o, const json_t *kept)
{
	const json_t *pop = json_object_get(kept, "pop");
	const char *folder;
	json_t *position;
	struct err e;

	if (email_account_imap(o->account, &e) != NULL)
		json_object_foreach (json_object_get(kept, "imap"), folder, position)
			spot_new(o, EMAIL_WAY_IMAP, folder, position);
	if (pop != NULL && email_account_pop(o->account, &e) != NULL)
		spot_new(o, EMAIL_WAY_POP, "INBOX", pop);
}

struct email_observer *email_observer_new(struct email_account *a)
{
	struct email_observer *o = mem_alloc(sizeof *o);
	const json_t *kept = psession_kept(email_account_psession(a));

	o->account = a;
	if (kept != NULL)
		restore(o, kept);
	return o;
}

void email_observer_free(struct email_observer *o)
{
	while (o->spots != NULL)
		spot_free(o->spots);
	mem_free(o);
}

/* --- the verb -------------------------------------------------------------------------------------------------------------- */

static void stop(struct email_observer *o, const struct email_place *place, struct job *job)
{
	struct spot *s = spot_find(o, place);
	json_t *result = json_pack("{sssssb}", "protocol",
		place->way == EMAIL_WAY_IMAP ? "imap" : "pop", "folder", place->folder, "observing",
		0);

	if (s != NULL) {
		psession_unsubscribe(job_psession(job), s->topics[0]);
		psession_unsubscribe(job_psession(job), s->topics[1]);
		spot_end(s);
	}
	job_done(job, result);
}

/* NULL with `e` filled when too much is observed already. */
static struct spot *spot_get(
	struct email_observer *o, const struct email_place *place, struct err *e)
{
	const unsigned most = email_account_limits(o->account)->folders;
	struct spot *s = spot_find(o, place);

	if (s != NULL)
		return s;
	if (o->n_spots >= most) {
		err_set(e, ERR_BUSY, "%u folders of this account are observed already", most);
		return NULL;
	}
	return spot_new(o, place->way, place->folder, NULL);
}

void email_observe_run(struct email_account *a, struct job *job)
{
	struct email_observer *o = email_account_observer(a);
	struct email_place place;
	struct waiter *w;
	struct spot *s;
	struct err e;

	if (email_place_read(a, job_activity(job), &place, &e) < 0) {
		job_fail(job, &e);
		return;
	}
	if (activity_object_boolean(job_activity(job), "stop", 0)) {
		stop(o, &place, job);
		return;
	}
	s = spot_get(o, &place, &e);
	if (s == NULL) {
		job_fail(job, &e);
		return;
	}
	w = mem_alloc(sizeof *w);
	w->magic = WAITER_MAGIC;
	w->spot = s;
	w->job = job;
	w->bodies = activity_object_boolean(job_activity(job), "includeBody", 0);
	DL_APPEND(s->waiters, w);
	job_set_data(job, w);
	if (s->online)
		waiter_answer(w);
}

void email_observe_cancel(struct email_account *a, struct job *job)
{
	CAST(waiter, w, job_data(job), WAITER_MAGIC);
	struct spot *s = w->spot;

	UNUSED(a);
	waiter_free(w);
	spot_end(s);
}

void email_observe_left(struct email_account *a)
{
	struct spot *s, *next;

	DL_FOREACH_SAFE (email_account_observer(a)->spots, s, next)
		spot_end(s);
}
