/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_room.h"

#include <string.h>
#include <utlist.h>

#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"

struct xmpp_rooms {
	struct xmpp_room *list;
	size_t n, max, max_occupants;
};

/* --- the list --------------------------------------------------------------------------------------------------------- */

struct xmpp_rooms *xmpp_rooms_new(size_t max, size_t max_occupants)
{
	struct xmpp_rooms *rooms = mem_alloc(sizeof *rooms);

	rooms->max = max;
	rooms->max_occupants = max_occupants;
	return rooms;
}

void xmpp_rooms_free(struct xmpp_rooms **roomsp)
{
	struct xmpp_rooms *rooms = *roomsp;

	*roomsp = NULL;
	if (rooms == NULL)
		return;
	while (rooms->list != NULL)
		xmpp_rooms_remove(rooms, rooms->list);
	mem_free(rooms);
}

struct xmpp_room *xmpp_rooms_first(const struct xmpp_rooms *rooms)
{
	return rooms->list;
}

struct xmpp_room *xmpp_rooms_find(const struct xmpp_rooms *rooms, const char *jid)
{
	struct xmpp_room *room;

	DL_FOREACH (rooms->list, room)
		if (xmpp_jid_equals_bare(room->jid, jid))
			return room;
	return NULL;
}

struct xmpp_room *xmpp_rooms_add(
	struct xmpp_rooms *rooms, const char *jid, const char *nick, struct err *e)
{
	struct xmpp_room *room;

	if (rooms->n >= rooms->max) {
		err_set(e, ERR_BUSY,
			"this account is in %zu rooms, which is the limit: leave one first",
			rooms->n);
		return NULL;
	}
	room = mem_alloc(sizeof *room);
	room->jid = mem_strdup(jid);
	room->occupants = json_object();
	xmpp_room_set_nick(room, nick);
	DL_APPEND(rooms->list, room);
	rooms->n++;
	return room;
}

void xmpp_rooms_remove(struct xmpp_rooms *rooms, struct xmpp_room *room)
{
	DL_DELETE(rooms->list, room);
	rooms->n--;
	secret_release(&room->password);
	json_decref(room->occupants);
	mem_free(room->jid);
	mem_free(room->nick);
	mem_free(room);
}

/* --- one room --------------------------------------------------------------------------------------------------------- */

void xmpp_room_set_nick(struct xmpp_room *room, const char *nick)
{
	char *copy = mem_strdup(nick);

	mem_free(room->nick);
	room->nick = copy;
	room->view.nick = copy;
}

void xmpp_room_set_password(struct xmpp_room *room, const char *password)
{
	secret_release(&room->password);
	if (password != NULL && *password != '\0')
		secret_init(&room->password, password, strlen(password));
}

void xmpp_room_outside(struct xmpp_room *room)
{
	room->view.inside = 0;
	json_object_clear(room->occupants);
}

static void rename_occupant(struct xmpp_room *room, const char *nick, const char *new_nick)
{
	json_t *who = json_object_get(room->occupants, nick);

	if (who != NULL)
		json_object_set(room->occupants, new_nick, who);
	json_object_del(room->occupants, nick);
	if (strcmp(room->nick, nick) == 0)
		xmpp_room_set_nick(room, new_nick);
}

void xmpp_rooms_note(
	struct xmpp_rooms *rooms, struct xmpp_room *room, const struct xmpp_read_news *news)
{
	json_t *who;

	if (news->nick == NULL)
		return;
	if (!news->here) {
		json_object_del(room->occupants, news->nick);
		return;
	}
	if (news->new_nick != NULL) {
		rename_occupant(room, news->nick, news->new_nick);
		return;
	}
	if (json_object_get(room->occupants, news->nick) == NULL &&
		json_object_size(room->occupants) >= rooms->max_occupants)
		return;
	who = json_object();
	xmpp_map_set(who, "role", news->role);
	xmpp_map_set(who, "affiliation", news->affiliation);
	xmpp_map_set(who, "address", news->jid);
	json_object_set_new(room->occupants, news->nick, who);
}

json_t *xmpp_room_attendance(const struct xmpp_room *room)
{
	json_t *members = json_array(), *occupants = json_array(), *who;
	const char *nick;

	json_object_foreach (room->occupants, nick, who) {
		json_t *row = json_pack("{ss}", "name", nick);

		json_object_update(row, who);
		json_array_append_new(occupants, row);
		json_array_append_new(members, json_string(nick));
	}
	return xmpp_map_attendance(room->jid, members, occupants);
}

json_t *xmpp_rooms_kept(const struct xmpp_rooms *rooms)
{
	json_t *list = json_array();
	const struct xmpp_room *room;

	DL_FOREACH (rooms->list, room) {
		json_t *row;

		if (!room->entered)
			continue;
		row = json_pack("{ssss}", "address", room->jid, "nick", room->nick);
		if (room->password.len > 0)
			json_object_set_new(row, "password", json_true());
		if (room->seen_ms > 0)
			json_object_set_new(row, "seen", json_integer(room->seen_ms));
		json_array_append_new(list, row);
	}
	return list;
}
