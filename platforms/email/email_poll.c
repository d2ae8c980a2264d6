/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_poll.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_maildrop.h"
#include "platforms/email/email_pick.h"
#include "platforms/email/email_retry.h"
#include "platforms/platform.h"

#define POLL_MAGIC 0x65706f6cu
/* As many of the newest may be deleted between two looks without the rest being told again. */
#define MAX_KNOWN 100
#define CHUNK     20 /* mails of one look: bounds what is in memory */

struct email_poll {
	unsigned magic;
	struct email_account *account;
	struct email_watch_events events;
	enum email_watch_state state;
	struct email_maildrop_turn *turn; /* NULL: between two looks */
	struct email_pick *pick;
	struct platform_timer *timer;
	struct email_retry retry;
	int more;       /* than CHUNK are new */
	json_t *known;  /* unique ids, the newest last; NULL: no position yet */
	json_t *coming; /* what is known when the look is over */
};

static void look(struct email_poll *p);

static void on_timer(void *arg)
{
	CAST(email_poll, p, arg, POLL_MAGIC);

	p->timer = NULL;
	look(p);
}

static void wait_for(struct email_poll *p, unsigned ms)
{
	p->timer = psession_timer(email_account_psession(p->account), ms, on_timer, p);
}

static void known_add(struct email_poll *p, const char *uid)
{
	json_array_append_new(p->known, json_string(uid));
	if (json_array_size(p->known) > MAX_KNOWN)
		json_array_remove(p->known, 0);
}

/* --- the end of a look ------------------------------------------------------------------------------------------------- */

static void session_end(struct email_poll *p)
{
	email_pick_free(&p->pick);
	email_maildrop_end(&p->turn);
	json_decref(p->coming);
	p->coming = NULL;
}

static void failed(struct email_poll *p, const struct err *e)
{
	const enum email_watch_state before = p->state;
	const struct err why = *e;
	unsigned pause;

	session_end(p);
	pause = email_retry_next(&p->retry, email_account_limits(p->account), &why,
		uv_now(email_account_loop(p->account)));
	if (pause == 0 || before == EMAIL_WATCH_CONNECTING) {
		p->state = EMAIL_WATCH_FAILED;
		p->events.state(p->events.arg, p->state, &why);
		return;
	}
	wait_for(p, pause);
	/* Another client may hold the lock for a moment: that is no news. */
	if (before == EMAIL_WATCH_RECONNECTING || why.code == ERR_BUSY)
		return;
	p->state = EMAIL_WATCH_RECONNECTING;
	p->events.state(p->events.arg, p->state, &why);
}

/* Also of mails that the server does not give is enough known: they are not asked for again and again. */
static void looked(struct email_poll *p)
{
	struct email_maildrop_turn *turn = p->turn;

	p->turn = NULL;
	json_decref(p->known);
	p->known = p->coming;
	p->coming = NULL;
	email_pick_free(&p->pick);
	email_maildrop_commit(turn, NULL, NULL);
	/* Only now: a session that is lost at each look is one that does not come back. */
	p->retry = (struct email_retry){0};
	wait_for(p, p->more ? 0 : email_account_limits(p->account)->poll_interval_ms);
}

/* The last thing to do: the observer may free the poll. */
static void online(struct email_poll *p, int renumbered)
{
	struct err note = {.code = ERR_NONE};

	if (p->state == EMAIL_WATCH_ONLINE && !renumbered)
		return;
	p->state = EMAIL_WATCH_ONLINE;
	if (renumbered)
		err_set(&note, ERR_CONFLICT, "the mailbox was renumbered");
	p->events.state(p->events.arg, p->state, &note);
}

/* --- a look ------------------------------------------------------------------------------------------------------------ */

static void on_message(void *arg, json_t *message)
{
	CAST(email_poll, p, arg, POLL_MAGIC);

	known_add(p, json_string_value(json_object_get(json_object_get(message, "object"), "uid")));
	p->events.message(p->events.arg, message);
}

static void on_picked(void *arg, const struct err *e)
{
	CAST(email_poll, p, arg, POLL_MAGIC);

	if (e->code != ERR_NONE && e->code != ERR_NOT_FOUND)
		failed(p, e);
	else
		looked(p);
}

/* Where the new ones begin. */
static size_t first_new(const struct email_poll *p, const struct pop_link_result *list)
{
	json_t *set = json_object(), *uid;
	size_t i;

	json_array_foreach (p->known, i, uid)
		json_object_set_new(set, json_string_value(uid), json_true());
	for (i = list->n_entries; i > 0; i--)
		if (json_object_get(set, list->entries[i - 1].uid) != NULL)
			break;
	json_decref(set);
	return i;
}

/* Nothing is known of a mailbox with as many mails as before: the server names them otherwise now. Of a small one it is
 * believed that all were deleted and others came: to tell of a few mails twice is better than to miss one. */
static int is_renumbered(
	const struct email_poll *p, const struct pop_link_result *list, size_t first)
{
	const size_t n_known = json_array_size(p->known);

	return first == 0 && n_known >= CHUNK && list->n_entries >= n_known;
}

/* The newest of the first `n` of the list. */
static json_t *newest(const struct pop_link_result *list, size_t n)
{
	json_t *uids = json_array();

	for (size_t i = n > MAX_KNOWN ? n - MAX_KNOWN : 0; i < n; i++)
		json_array_append_new(uids, json_string(list->entries[i].uid));
	return uids;
}

static void pick_start(struct email_poll *p, const struct pop_link_entry *entries, size_t n)
{
	const struct email_pick_events events = {on_message, on_picked, p};
	const struct email_pick_what what = {entries, n, p->events.wants_bodies(p->events.arg)};

	p->pick = email_pick_new(p->account, p->turn, &what, &events);
}

static void on_turn(void *arg, const struct pop_link_result *list, const struct err *e)
{
	CAST(email_poll, p, arg, POLL_MAGIC);
	struct err why = *e;
	size_t first, n;
	int renumbered;

	if (e->code == ERR_NONE && list->n_entries > 0 && *list->entries[0].uid == '\0')
		err_set(&why, ERR_UNSUPPORTED, "the server has no unique ids (UIDL)");
	if (e->code != ERR_NONE)
		p->turn = NULL;
	if (why.code != ERR_NONE) {
		failed(p, &why);
		return;
	}
	first = p->known != NULL ? first_new(p, list) : list->n_entries;
	renumbered = is_renumbered(p, list, first);
	if (renumbered)
		first = list->n_entries;
	n = MIN(list->n_entries - first, CHUNK);
	p->more = list->n_entries - first > n;
	p->coming = newest(list, first + n);
	if (n > 0)
		pick_start(p, list->entries + first, n);
	else
		looked(p);
	online(p, renumbered);
}

static void look(struct email_poll *p)
{
	struct err e;

	p->turn = email_maildrop_ask(email_account_maildrop(p->account), on_turn, p, &e);
	if (p->turn == NULL)
		wait_for(p, email_account_limits(p->account)->poll_interval_ms);
}

/* --- life cycle ---------------------------------------------------------------------------------------------------------- */

struct email_poll *email_poll_new(
	struct email_account *a, const json_t *position, const struct email_watch_events *events)
{
	struct email_poll *p = mem_alloc(sizeof *p);
	const json_t *known = json_object_get(position, "known");
	json_t *uid;
	size_t i;

	p->magic = POLL_MAGIC;
	p->account = a;
	p->events = *events;
	p->state = EMAIL_WATCH_CONNECTING;
	if (json_is_array(known)) {
		p->known = json_array();
		json_array_foreach (known, i, uid)
			if (json_is_string(uid))
				known_add(p, json_string_value(uid));
		p->state = EMAIL_WATCH_RECONNECTING;
	}
	look(p);
	return p;
}

void email_poll_free(struct email_poll **pp)
{
	struct email_poll *p = *pp;

	*pp = NULL;
	if (p == NULL)
		return;
	platform_timer_free(&p->timer);
	session_end(p);
	json_decref(p->known);
	mem_free(p);
}

json_t *email_poll_position(const struct email_poll *p)
{
	return p->known != NULL ? json_pack("{so}", "known", json_copy(p->known)) : json_null();
}
