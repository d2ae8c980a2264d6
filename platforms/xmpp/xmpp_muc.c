/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_muc.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_entry.h"
#include "platforms/xmpp/xmpp_fence.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_write_iq.h"
#include "platforms/xmpp/xmpp_write_message.h"
#include "platforms/xmpp/xmpp_write_presence.h"

/* --- entering --------------------------------------------------------------------------------------------------------------- */

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

	UNUSED(answer);
	if (e == NULL && room != NULL) {
		job_done(r->job, joined_object(room));
		return;
	}
	xmpp_entry_failed(a, r->data, e);
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
	xmpp_entry_wait(a, XMPP_ENTRY_NICK, room, job, on_joined)->to = mem_strdup(nick);
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
	rc = xmpp_entry_send(a, room, activity_object_integer(activity, "history", 20), &e);
	if (rc < 0) {
		xmpp_rooms_remove(a->rooms, room);
		job_fail(job, &e);
		return;
	}
	xmpp_entry_wait(a, XMPP_ENTRY_JOIN, room, job, on_joined);
}

static void join(struct xmpp_account *a, const char *address, const char *nick, struct job *job)
{
	struct xmpp_room *room = xmpp_rooms_find(a->rooms, address);
	struct err e;

	if (room == NULL ||
		(!room->view.inside && xmpp_entry_find(a, XMPP_ENTRY_JOIN, room) == NULL)) {
		join_first(a, address, nick, job);
	} else if (room->view.inside) {
		join_again(a, room, nick, job);
	} else if (strcmp(room->nick, nick) != 0) {
		err_set(&e, ERR_BUSY, "the room is being entered under another name");
		job_fail(job, &e);
	} else {
		xmpp_entry_wait(a, XMPP_ENTRY_JOIN, room, job, on_joined);
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
	if (!room->view.inside && xmpp_entry_find(a, XMPP_ENTRY_JOIN, room) == NULL) {
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
	xmpp_entry_wait(a, XMPP_ENTRY_LEAVE, room, job, on_left);
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

/* {"objectType":"invitation","room":...,"text"?}: to the target, as an invitation that comes in looks. */
void xmpp_muc_invite(struct xmpp_account *a, struct job *job)
{
	const json_t *activity = job_activity(job);
	const char *room = activity_object_string(activity, "room", "");
	char id[XMPP_ACCOUNT_ID_SIZE];
	const struct xmpp_write_message_head head = {.id = id, .to = room};
	xmpp_stanza_t *s;
	struct err e;

	xmpp_account_id(a, id);
	s = xmpp_write_message_invite(xmpp_link_ctx(a->link), &head,
		activity_target_address(activity, 0),
		activity_object_string(activity, "text", NULL), &e);
	if (s == NULL) {
		job_fail(job, &e);
		return;
	}
	xmpp_account_send(a, s);
	/* The room may refuse it: it is not the target. */
	xmpp_fence_job(a, id, job)->to = mem_strdup(room);
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
