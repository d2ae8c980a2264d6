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
	int more;      /* than CHUNK are new */
	json_t *known; /* unique ids, the newest last; NULL: no position yet */
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

static int is_known(const struct email_poll *p, const char *uid)
{
	json_t *known;
	size_t i;

	json_array_foreach (p->known, i, known)
		if (strcmp(json_string_value(known), uid) == 0)
			return 1;
	return 0;
}

/* --- the end of a look ------------------------------------------------------------------------------------------------- */

static void session_end(struct email_poll *p)
{
	email_pick_free(&p->pick);
	email_maildrop_end(&p->turn);
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

static void looked(struct email_poll *p)
{
	const int changed = p->state != EMAIL_WATCH_ONLINE;
	struct email_maildrop_turn *turn = p->turn;

	p->turn = NULL;
	email_pick_free(&p->pick);
	email_maildrop_commit(turn, NULL, NULL);
	p->retry = (struct email_retry){0};
	p->state = EMAIL_WATCH_ONLINE;
	wait_for(p, p->more ? 0 : email_account_limits(p->account)->poll_interval_ms);
	if (changed)
		p->events.state(p->events.arg, p->state, &(struct err){.code = ERR_NONE});
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

	if (e->code != ERR_NONE)
		failed(p, e);
	else
		looked(p);
}

/* Where the new ones begin. */
static size_t first_new(const struct email_poll *p, const struct pop_link_result *list)
{
	size_t i = list->n_entries;

	while (i > 0 && !is_known(p, list->entries[i - 1].uid))
		i--;
	return i;
}

static void known_init(struct email_poll *p, const struct pop_link_result *list)
{
	p->known = json_array();
	for (size_t i = 0; i < list->n_entries; i++)
		if (list->n_entries - i <= MAX_KNOWN)
			known_add(p, list->entries[i].uid);
}

static void on_turn(void *arg, const struct pop_link_result *list, const struct err *e)
{
	CAST(email_poll, p, arg, POLL_MAGIC);
	const struct email_pick_events events = {on_message, on_picked, p};
	struct email_pick_what what;
	struct err why = *e;
	size_t first;

	if (e->code == ERR_NONE && list->n_entries > 0 && *list->entries[0].uid == '\0')
		err_set(&why, ERR_UNSUPPORTED, "the server has no unique ids (UIDL)");
	if (e->code != ERR_NONE)
		p->turn = NULL;
	if (why.code != ERR_NONE) {
		failed(p, &why);
		return;
	}
	if (p->known == NULL)
		known_init(p, list);
	first = first_new(p, list);
	p->more = list->n_entries - first > CHUNK;
	if (first == list->n_entries) {
		looked(p);
		return;
	}
	what = (struct email_pick_what){list->entries + first, MIN(list->n_entries - first, CHUNK),
		p->events.wants_bodies(p->events.arg)};
	p->pick = email_pick_new(p->account, p->turn, &what, &events);
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
