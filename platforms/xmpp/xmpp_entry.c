/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_entry.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_date.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_write_iq.h"
#include "platforms/xmpp/xmpp_write_presence.h"

/* Between two attempts to enter a room whose service is away. */
#define REENTER_MS 5000

/* The schema lets no client choose such an id. */
static char *wish_key(enum xmpp_entry_wish wish, const char *room)
{
	static const char *const words[] = {"join", "leave", "nick"};

	return mem_printf("\n%s:%s", words[wish], room);
}

struct xmpp_request *xmpp_entry_wait(struct xmpp_account *a, enum xmpp_entry_wish wish,
	const struct xmpp_room *room, struct job *job, xmpp_request_fn *fn)
{
	char *key = wish_key(wish, room->jid);
	struct xmpp_request *r = xmpp_requests_add(
		a->requests, key, job, fn, mem_strdup(room->jid));

	mem_free(key);
	return r;
}

struct xmpp_request *xmpp_entry_find(
	struct xmpp_account *a, enum xmpp_entry_wish wish, const struct xmpp_room *room)
{
	char *key = wish_key(wish, room->jid);
	struct xmpp_request *r = xmpp_requests_find(a->requests, key);

	mem_free(key);
	return r;
}

/* 1 when somebody waited. The room may be gone afterwards, when it failed. */
static int wish_answer(
	struct xmpp_account *a, enum xmpp_entry_wish wish, const char *room, const struct err *e)
{
	char *key = wish_key(wish, room);
	size_t n = xmpp_requests_answer(a->requests, key, NULL, e);

	mem_free(key);
	return n > 0;
}

/* --- entering ----------------------------------------------------------------------------------------------------------- */

int xmpp_entry_send(
	struct xmpp_account *a, struct xmpp_room *room, long long history, struct err *e)
{
	char since[XMPP_DATE_SIZE];
	const struct xmpp_write_presence_join j = {
		.room = room->jid,
		.nick = room->nick,
		.password = (const char *)room->password.bytes,
		.history = history,
		.since = room->seen_ms > 0 ? since : NULL,
		.object = a->presence,
	};
	xmpp_stanza_t *s;

	xmpp_date_format(room->seen_ms, since);
	s = xmpp_write_presence_join(xmpp_link_ctx(a->link), &j, e);
	if (s == NULL)
		return -(int)e->code;
	xmpp_account_send(a, s);
	return 0;
}

/* --- entering again -------------------------------------------------------------------------------------------------------- */

/* The sessions think that they are in the room. Removes it. */
static void tell_left(struct xmpp_account *a, struct xmpp_room *room, const struct err *why)
{
	json_t *object = json_pack(
		"{sssssb}", "text", why->text, "condition", err_token((int)why->code), "own", 1);

	xmpp_account_tell(a, activity_message("leave", xmpp_map_occupant(room->jid, room->nick),
				     xmpp_map_to_room(room->jid), object));
	xmpp_rooms_remove(a->rooms, room);
	xmpp_account_keep(a);
}

static void on_reenter(void *arg);

/* What may have passed the next time. */
static int is_passing(const struct err *e)
{
	return e->code == ERR_REMOTE || e->code == ERR_RESOLVE || e->code == ERR_TIMEOUT;
}

static void try_later(struct xmpp_account *a, struct xmpp_room *room)
{
	if (room->outside_at_ms == 0)
		room->outside_at_ms = platform_now_ms();
	if (a->reenter == NULL)
		a->reenter = psession_timer(a->ps, REENTER_MS, on_reenter, a);
}

static void on_reentered(struct xmpp_account *a, struct xmpp_request *r,
	const xmpp_stanza_t *answer, const struct err *e)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, r->data);
	uint64_t patience = (uint64_t)xmpp_account_setting(a, "give_up_s") * 1000;

	UNUSED(answer);
	if (room == NULL || e == NULL)
		return;
	/* The stream was lost again: the next one enters. */
	if (a->state != XMPP_ACCOUNT_ONLINE)
		return;
	if (is_passing(e) &&
		(room->outside_at_ms == 0 || platform_now_ms() - room->outside_at_ms < patience))
		try_later(a, room);
	else
		tell_left(a, room, e);
}

static void enter_again(struct xmpp_account *a, struct xmpp_room *room)
{
	struct err e;

	if (room->lacks_password) {
		err_set(&e, ERR_FORBIDDEN,
			"the worker of this account was replaced, and the room wants its password "
			"again");
		tell_left(a, room, &e);
	} else if (xmpp_entry_send(a, room, xmpp_account_setting(a, "history_max"), &e) < 0) {
		tell_left(a, room, &e);
	} else {
		xmpp_entry_wait(a, XMPP_ENTRY_JOIN, room, NULL, on_reentered);
	}
}

static void on_reenter(void *arg)
{
	struct xmpp_account *a = xmpp_account_of(arg);
	struct xmpp_room *room, *next;

	a->reenter = NULL;
	if (a->state != XMPP_ACCOUNT_ONLINE)
		return;
	for (room = xmpp_rooms_first(a->rooms); room != NULL; room = next) {
		next = room->next;
		if (room->entered && !room->view.inside &&
			xmpp_entry_find(a, XMPP_ENTRY_JOIN, room) == NULL)
			enter_again(a, room);
	}
}

void xmpp_entry_enter_all(struct xmpp_account *a)
{
	for (struct xmpp_room *room = xmpp_rooms_first(a->rooms); room != NULL; room = room->next)
		xmpp_room_outside(room);
	platform_timer_free(&a->reenter);
	on_reenter(a);
}

void xmpp_entry_restore(struct xmpp_account *a, const json_t *kept)
{
	json_t *row;
	size_t i;
	struct err e;

	json_array_foreach ((json_t *)kept, i, row) {
		const char *jid = json_string_value(json_object_get(row, "address"));
		const char *nick = json_string_value(json_object_get(row, "nick"));
		struct xmpp_room *room;

		if (jid == NULL || nick == NULL || xmpp_rooms_find(a->rooms, jid) != NULL)
			continue;
		room = xmpp_rooms_add(a->rooms, jid, nick, &e);
		if (room == NULL)
			return;
		room->entered = 1;
		room->lacks_password = json_is_true(json_object_get(row, "password"));
		room->seen_ms = json_integer_value(json_object_get(row, "seen"));
	}
}

/* --- nobody waits to enter any more ------------------------------------------------------------------------------------------ */

static void on_abandoned(struct xmpp_account *a, struct xmpp_request *r,
	const xmpp_stanza_t *answer, const struct err *e);

static void leave(struct xmpp_account *a, const struct xmpp_room *room)
{
	xmpp_stanza_t *s = xmpp_write_presence_leave(
		xmpp_link_ctx(a->link), room->jid, room->nick, NULL, NULL);

	if (s != NULL)
		xmpp_account_send(a, s);
}

void xmpp_entry_failed(struct xmpp_account *a, const char *jid, const struct err *e)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, jid);

	if (room == NULL || room->entered || xmpp_entry_find(a, XMPP_ENTRY_JOIN, room) != NULL)
		return;
	/* It may let us in after all, and be told so when there is a stream: it may be resumed. */
	if (e->code == ERR_TIMEOUT && a->state != XMPP_ACCOUNT_ONLINE) {
		xmpp_entry_wait(a, XMPP_ENTRY_JOIN, room, NULL, on_abandoned);
		return;
	}
	if (e->code == ERR_TIMEOUT)
		leave(a, room);
	xmpp_rooms_remove(a->rooms, room);
	/* Whoever wanted out before it came so far has no other answer. */
	wish_answer(a, XMPP_ENTRY_LEAVE, jid, NULL);
}

static void on_left_again(struct xmpp_account *a, struct xmpp_request *r,
	const xmpp_stanza_t *answer, const struct err *e)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, r->data);

	UNUSED(answer);
	if (e != NULL && room != NULL && a->state != XMPP_ACCOUNT_GONE)
		tell_left(a, room, e);
}

/* It was let in for nobody. The room stays until it confirms that it was left: who asks to enter meanwhile shall not be taken for
 * the one who leaves. */
static void on_abandoned(struct xmpp_account *a, struct xmpp_request *r,
	const xmpp_stanza_t *answer, const struct err *e)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, r->data);

	UNUSED(answer);
	if (e != NULL) {
		xmpp_entry_failed(a, r->data, e);
		return;
	}
	if (room == NULL || xmpp_entry_find(a, XMPP_ENTRY_JOIN, room) != NULL ||
		xmpp_entry_find(a, XMPP_ENTRY_LEAVE, room) != NULL)
		return;
	xmpp_entry_wait(a, XMPP_ENTRY_LEAVE, room, NULL, on_left_again);
	leave(a, room);
}

void xmpp_entry_cancelled(struct xmpp_account *a)
{
	struct xmpp_room *room = xmpp_rooms_first(a->rooms);

	for (; room != NULL && a->state != XMPP_ACCOUNT_GONE; room = room->next)
		if (!room->entered && xmpp_entry_find(a, XMPP_ENTRY_JOIN, room) == NULL)
			xmpp_entry_wait(a, XMPP_ENTRY_JOIN, room, NULL, on_abandoned);
}

/* --- news -------------------------------------------------------------------------------------------------------------------- */

static void on_unlocked(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	UNUSED(answer);
	/* Should it stay locked, it is entered all the same; its owner may configure it by another client. */
	UNUSED(e);
	wish_answer(a, XMPP_ENTRY_JOIN, r->data, NULL);
}

static void unlock(struct xmpp_account *a, struct xmpp_room *room)
{
	char id[XMPP_ACCOUNT_ID_SIZE];
	struct xmpp_request *r;

	xmpp_account_id(a, id);
	r = xmpp_account_ask(a, xmpp_write_iq_unlock(xmpp_link_ctx(a->link), id, room->jid),
		room->jid, NULL, on_unlocked);
	r->data = mem_strdup(room->jid);
}

/* Inside since just now. */
static void entered_first(struct xmpp_account *a, struct xmpp_room *room, unsigned codes)
{
	room->view.inside = 1;
	room->entered = 1;
	room->outside_at_ms = 0;
	room->created = (codes & XMPP_READ_CODE_CREATED) != 0;
	xmpp_account_keep(a);
	if (room->created)
		unlock(a, room);
	else
		wish_answer(a, XMPP_ENTRY_JOIN, room->jid, NULL);
}

void xmpp_entry_entered(struct xmpp_account *a, struct xmpp_read_news *news)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, news->room);
	const struct xmpp_request *r;

	if (room == NULL)
		return;
	xmpp_room_set_nick(room, news->nick);
	xmpp_rooms_note(a->rooms, room, news);
	xmpp_account_tell_all(a->ps, news->messages);
	if (!room->view.inside) {
		entered_first(a, room, news->codes);
		return;
	}
	r = xmpp_entry_find(a, XMPP_ENTRY_NICK, room);
	if (r == NULL || strcmp(r->to, room->nick) != 0)
		return;
	xmpp_account_keep(a);
	wish_answer(a, XMPP_ENTRY_NICK, room->jid, NULL);
}

void xmpp_entry_left(struct xmpp_account *a, struct xmpp_read_news *news)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, news->room);
	struct err lost = news->why;
	int shut_down = (news->codes & XMPP_READ_CODE_SHUTDOWN) != 0;

	if (room == NULL)
		return;
	xmpp_account_tell_all(a->ps, news->messages);
	if (lost.code == ERR_NONE)
		err_set(&lost, ERR_REMOTE, "the room was left before it was entered");
	xmpp_room_outside(room);
	if (shut_down && room->entered && xmpp_entry_find(a, XMPP_ENTRY_LEAVE, room) == NULL)
		try_later(a, room);
	else
		xmpp_rooms_remove(a->rooms, room);
	wish_answer(a, XMPP_ENTRY_LEAVE, news->room, NULL);
	wish_answer(a, XMPP_ENTRY_JOIN, news->room, &lost);
	wish_answer(a, XMPP_ENTRY_NICK, news->room, &lost);
	xmpp_account_keep(a);
}

void xmpp_entry_refused(struct xmpp_account *a, struct xmpp_read_news *news)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, news->room);

	if (room == NULL)
		return;
	if (room->view.inside)
		wish_answer(a, XMPP_ENTRY_NICK, news->room, &news->why);
	else if (!wish_answer(a, XMPP_ENTRY_JOIN, news->room, &news->why))
		xmpp_rooms_remove(a->rooms, room);
}

void xmpp_entry_occupant(struct xmpp_account *a, struct xmpp_read_news *news)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, news->room);

	if (room == NULL)
		return;
	xmpp_rooms_note(a->rooms, room, news);
	xmpp_account_tell_all(a->ps, news->messages);
}

/* XEP-0045, 7.4: it says so of words from somebody who is not inside. Its server was restarted, or lost ours, and nobody told
 * us. */
void xmpp_entry_bounced(struct xmpp_account *a, const struct xmpp_read_news *news)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, news->from);

	if (room == NULL || !room->view.inside || xmpp_jid_find_resource(news->from) != NULL ||
		strcmp(news->condition, "not-acceptable") != 0)
		return;
	xmpp_room_outside(room);
	platform_timer_free(&a->reenter);
	on_reenter(a);
}
