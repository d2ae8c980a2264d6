/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_muc.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_date.h"
#include "platforms/xmpp/xmpp_fence.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_write_iq.h"
#include "platforms/xmpp/xmpp_write_message.h"
#include "platforms/xmpp/xmpp_write_presence.h"

/* Between two attempts to enter a room whose service is away. */
#define REENTER_MS 5000

/* What requests about rooms wait for: no stanza's id looks like this. */
enum wish { JOIN, LEAVE, NICK };

static char *wish_key(enum wish wish, const char *room)
{
	static const char *const words[] = {"join", "leave", "nick"};

	return mem_printf("%s:%s", words[wish], room);
}

static struct xmpp_request *wish_add(struct xmpp_account *a, enum wish wish,
	const struct xmpp_room *room, struct job *job, xmpp_request_fn *fn)
{
	char *key = wish_key(wish, room->jid);
	struct xmpp_request *r = xmpp_requests_add(
		a->requests, key, job, fn, mem_strdup(room->jid));

	mem_free(key);
	return r;
}

static struct xmpp_request *wish_find(
	struct xmpp_account *a, enum wish wish, const struct xmpp_room *room)
{
	char *key = wish_key(wish, room->jid);
	struct xmpp_request *r = xmpp_requests_find(a->requests, key);

	mem_free(key);
	return r;
}

/* 1 when somebody waited. The room may be gone afterwards, when it failed. */
static int wish_answer(
	struct xmpp_account *a, enum wish wish, const char *room, const struct err *e)
{
	char *key = wish_key(wish, room);
	size_t n = xmpp_requests_answer(a->requests, key, NULL, e);

	mem_free(key);
	return n > 0;
}

/* --- entering --------------------------------------------------------------------------------------------------------------- */

static int enter(struct xmpp_account *a, struct xmpp_room *room, long long history, struct err *e)
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

static json_t *joined_object(const struct xmpp_room *room)
{
	json_t *object = json_pack("{sssssI}", "address", room->jid, "nick", room->nick,
		"occupants", (json_int_t)json_object_size(room->occupants));

	if (room->created)
		json_object_set_new(object, "created", json_true());
	return object;
}

static void on_joined(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, r->data);
	xmpp_stanza_t *s;

	UNUSED(answer);
	if (e == NULL && room != NULL) {
		job_done(r->job, joined_object(room));
		return;
	}
	/* It may let us in after all: we are not waiting there any more. */
	if (room != NULL && !room->entered && wish_find(a, JOIN, room) == NULL) {
		s = e->code == ERR_TIMEOUT ? xmpp_write_presence_leave(xmpp_link_ctx(a->link),
						     room->jid, room->nick, NULL, NULL)
					   : NULL;
		if (s != NULL)
			xmpp_account_send(a, s);
		xmpp_rooms_remove(a->rooms, room);
	}
	job_fail(r->job, e);
}

static void rename_self(
	struct xmpp_account *a, struct xmpp_room *room, const char *nick, struct job *job)
{
	struct err e;
	xmpp_stanza_t *s = xmpp_write_presence_nick(
		xmpp_link_ctx(a->link), room->jid, nick, a->presence, &e);

	if (s == NULL) {
		job_fail(job, &e);
		return;
	}
	/* Which of several changes of the nick has come true is told by the nick. */
	wish_add(a, NICK, room, job, on_joined)->to = mem_strdup(nick);
	xmpp_account_send(a, s);
}

/* A second session of the account enters: it is told who is there, as the room told the first. */
static void join_again(
	struct xmpp_account *a, struct xmpp_room *room, const char *nick, struct job *job)
{
	if (strcmp(room->nick, nick) != 0) {
		rename_self(a, room, nick, job);
		return;
	}
	psession_send(job_psession(job), xmpp_room_attendance(room));
	job_done(job, joined_object(room));
}

/* The nick: the client's, that of the address, the actor's name, the account's own name. */
static const char *nick_of(const json_t *activity, const struct xmpp_jid *jid, const char *fallback)
{
	const char *nick = activity_object_string(activity, "nick", NULL);
	const char *name = json_string_value(json_object_get(activity_actor(activity), "name"));

	if (nick != NULL)
		return nick;
	if (jid->resource != NULL)
		return jid->resource;
	return name != NULL && xmpp_jid_is_resource(name) ? name : fallback;
}

static void join_first(
	struct xmpp_account *a, const char *address, const char *nick, struct job *job)
{
	const json_t *activity = job_activity(job);
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, address);
	struct err e;
	int rc;

	if (room == NULL && (room = xmpp_rooms_add(a->rooms, address, nick, &e)) == NULL) {
		job_fail(job, &e);
		return;
	}
	xmpp_room_set_nick(room, nick);
	xmpp_room_set_password(room, activity_object_string(activity, "password", NULL));
	rc = enter(a, room, activity_object_integer(activity, "history", 20), &e);
	if (rc < 0) {
		xmpp_rooms_remove(a->rooms, room);
		job_fail(job, &e);
		return;
	}
	wish_add(a, JOIN, room, job, on_joined);
}

static void join(struct xmpp_account *a, const char *address, const char *nick, struct job *job)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, address);
	struct err e;

	if (room == NULL || (!room->view.inside && wish_find(a, JOIN, room) == NULL)) {
		join_first(a, address, nick, job);
	} else if (room->view.inside) {
		join_again(a, room, nick, job);
	} else if (strcmp(room->nick, nick) != 0) {
		err_set(&e, ERR_BUSY, "the room is being entered under another name");
		job_fail(job, &e);
	} else {
		wish_add(a, JOIN, room, job, on_joined);
	}
}

void xmpp_muc_join(struct xmpp_account *a, struct job *job)
{
	const char *address = activity_target_address(job_activity(job), 0);
	const char *nick;
	struct xmpp_jid jid, own;
	char *room, *name;
	struct err e;

	if (xmpp_jid_parse(address, &jid, &e) < 0) {
		job_fail(job, &e);
		return;
	}
	xmpp_jid_parse(a->login.jid, &own, NULL);
	name = mem_dup(own.local, own.local_len);
	nick = nick_of(job_activity(job), &jid, name);
	room = mem_dup(address, jid.bare_len);
	if (xmpp_jid_is_resource(nick)) {
		join(a, room, nick, job);
	} else {
		err_set(&e, ERR_INVALID, "this cannot be a name in a room");
		job_fail(job, &e);
	}
	mem_free(room);
	mem_free(name);
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
		room->outside_at_ms = uv_hrtime() / 1000000;
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
	if (is_passing(e) && (room->outside_at_ms == 0 ||
				     uv_hrtime() / 1000000 - room->outside_at_ms < patience))
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
	} else if (enter(a, room, xmpp_account_setting(a, "history_max"), &e) < 0) {
		tell_left(a, room, &e);
	} else {
		wish_add(a, JOIN, room, NULL, on_reentered);
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
		if (room->entered && !room->view.inside && wish_find(a, JOIN, room) == NULL)
			enter_again(a, room);
	}
}

void xmpp_muc_enter_all(struct xmpp_account *a)
{
	for (struct xmpp_room *room = xmpp_rooms_first(a->rooms); room != NULL; room = room->next)
		xmpp_room_outside(room);
	platform_timer_free(&a->reenter);
	on_reenter(a);
}

void xmpp_muc_restore(struct xmpp_account *a, const json_t *kept)
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

/* --- news -------------------------------------------------------------------------------------------------------------------- */

static void on_unlocked(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	UNUSED(answer);
	/* Should it stay locked, it is entered all the same; its owner may configure it by another client. */
	UNUSED(e);
	wish_answer(a, JOIN, r->data, NULL);
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
		wish_answer(a, JOIN, room->jid, NULL);
}

void xmpp_muc_entered(struct xmpp_account *a, struct xmpp_read_news *news)
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
	r = wish_find(a, NICK, room);
	if (r == NULL || strcmp(r->to, room->nick) != 0)
		return;
	xmpp_account_keep(a);
	wish_answer(a, NICK, room->jid, NULL);
}

void xmpp_muc_left(struct xmpp_account *a, struct xmpp_read_news *news)
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
	if (shut_down && room->entered && wish_find(a, LEAVE, room) == NULL)
		try_later(a, room);
	else
		xmpp_rooms_remove(a->rooms, room);
	wish_answer(a, LEAVE, news->room, NULL);
	wish_answer(a, JOIN, news->room, &lost);
	wish_answer(a, NICK, news->room, &lost);
	xmpp_account_keep(a);
}

void xmpp_muc_refused(struct xmpp_account *a, struct xmpp_read_news *news)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, news->room);

	if (room == NULL)
		return;
	if (room->view.inside)
		wish_answer(a, NICK, news->room, &news->why);
	else if (!wish_answer(a, JOIN, news->room, &news->why))
		xmpp_rooms_remove(a->rooms, room);
}

void xmpp_muc_occupant(struct xmpp_account *a, struct xmpp_read_news *news)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, news->room);

	if (room == NULL)
		return;
	xmpp_rooms_note(a->rooms, room, news);
	xmpp_account_tell_all(a->ps, news->messages);
}

/* --- leaving, and showing oneself ------------------------------------------------------------------------------------------ */

static void on_left(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	UNUSED(a);
	UNUSED(answer);
	if (e != NULL)
		job_fail(r->job, e);
	else
		job_done(r->job, NULL);
}

void xmpp_muc_leave(struct xmpp_account *a, struct job *job)
{
	const char *address = activity_target_address(job_activity(job), 0);
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, address);
	xmpp_stanza_t *s;
	struct err e;

	if (room == NULL) {
		err_set(&e, ERR_NOT_FOUND, "this account is not in the room");
		job_fail(job, &e);
		return;
	}
	if (!room->view.inside && wish_find(a, JOIN, room) == NULL) {
		xmpp_rooms_remove(a->rooms, room);
		xmpp_account_keep(a);
		job_done(job, NULL);
		return;
	}
	s = xmpp_write_presence_leave(xmpp_link_ctx(a->link), room->jid, room->nick,
		activity_object_string(job_activity(job), "text", NULL), &e);
	if (s == NULL) {
		job_fail(job, &e);
		return;
	}
	wish_add(a, LEAVE, room, job, on_left);
	xmpp_account_send(a, s);
}

/* The room of the target, if the account is in it; else the job has failed. */
static struct xmpp_room *room_of(struct xmpp_account *a, struct job *job)
{
	const char *address = activity_target_address(job_activity(job), 0);
	struct xmpp_room *room = address != NULL ? xmpp_rooms_find(a->rooms, address) : NULL;
	struct err e;

	if (room != NULL && room->view.inside)
		return room;
	err_set(&e, ERR_NOT_FOUND, "this account is not in the room");
	job_fail(job, &e);
	return NULL;
}

void xmpp_muc_nick(struct xmpp_account *a, struct job *job)
{
	const char *nick = activity_object_string(job_activity(job), "nick", "");
	struct xmpp_room *room = room_of(a, job);

	if (room != NULL && strcmp(room->nick, nick) == 0)
		job_done(job, joined_object(room));
	else if (room != NULL)
		rename_self(a, room, nick, job);
}

void xmpp_muc_topic(struct xmpp_account *a, struct job *job)
{
	const char *topic = activity_object_string(job_activity(job), "topic", "");
	struct xmpp_room *room = room_of(a, job);
	char id[XMPP_ACCOUNT_ID_SIZE];
	struct xmpp_write_message_head head = {.id = id, .room = 1};
	xmpp_stanza_t *s;
	struct err e;

	if (room == NULL)
		return;
	head.to = room->jid;
	xmpp_account_id(a, id);
	s = xmpp_write_message_topic(xmpp_link_ctx(a->link), &head, topic, &e);
	if (s == NULL) {
		job_fail(job, &e);
		return;
	}
	xmpp_account_send(a, s);
	xmpp_fence_job(a, id, job);
}

void xmpp_muc_show(struct xmpp_account *a)
{
	const char *show = json_string_value(json_object_get(a->presence, "show"));
	const struct xmpp_room *room = xmpp_rooms_first(a->rooms);
	xmpp_stanza_t *s;
	struct err e;

	/* The server itself tells the rooms that the account has gone offline (RFC 6121, 4.6.4). */
	if (show != NULL && strcmp(show, "offline") == 0)
		return;
	for (; room != NULL; room = room->next) {
		char *self = room->view.inside ? xmpp_jid_join(room->jid, room->nick) : NULL;

		s = self != NULL
			    ? xmpp_write_presence(xmpp_link_ctx(a->link), self, a->presence, &e)
			    : NULL;
		if (s != NULL)
			xmpp_account_send(a, s);
		mem_free(self);
	}
}
