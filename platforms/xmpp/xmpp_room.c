/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_room.h"

#include <string.h>
#include <utlist.h>

#include "core/json.h"
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

/* --- who is in them ----------------------------------------------------------------------------------------------------- */

void xmpp_room_outside(struct xmpp_room *room)
{
	room->view.inside = 0;
	json_object_clear(room->occupants);
	room->occupants_size = 0;
}

/* A room chooses how long nicks and addresses are: up to 4 KiB of them for each occupant. */
static size_t size_of(const char *nick, const json_t *who)
{
	return JSON_ENTRY_SIZE + strlen(nick) + json_string_length(who);
}

static size_t size_of_all(const struct xmpp_rooms *rooms)
{
	const struct xmpp_room *room;
	size_t size = 0;

	DL_FOREACH (rooms->list, room)
		size += room->occupants_size;
	return size;
}

static void forget(struct xmpp_room *room, const char *nick)
{
	const json_t *who = json_object_get(room->occupants, nick);

	if (who == NULL)
		return;
	room->occupants_size -= size_of(nick, who);
	json_object_del(room->occupants, nick);
}

/* TAKES `who`. */
static void note(struct xmpp_rooms *rooms, struct xmpp_room *room, const char *nick, json_t *who)
{
	const json_t *known = json_object_get(room->occupants, nick);
	size_t before = known != NULL ? size_of(nick, known) : 0;
	size_t after = size_of(nick, who);

	if ((known == NULL && json_object_size(room->occupants) >= rooms->max_occupants) ||
		size_of_all(rooms) - before + after > XMPP_ROOM_OCCUPANTS_SIZE_MAX) {
		forget(room, nick);
		json_decref(who);
	} else if (json_object_set_new(room->occupants, nick, who) == 0) {
		room->occupants_size += after - before;
	}
}

static void rename_occupant(
	struct xmpp_rooms *rooms, struct xmpp_room *room, const char *nick, const char *new_nick)
{
	json_t *who = json_incref(json_object_get(room->occupants, nick));

	forget(room, nick);
	if (who != NULL)
		note(rooms, room, new_nick, who);
	if (strcmp(room->nick, nick) == 0)
		xmpp_room_set_nick(room, new_nick);
}

void xmpp_rooms_note(
	struct xmpp_rooms *rooms, struct xmpp_room *room, const struct xmpp_read_news *news)
{
	if (news->nick == NULL)
		return;
	if (!news->here)
		forget(room, news->nick);
	else if (news->new_nick != NULL)
		rename_occupant(rooms, room, news->nick, news->new_nick);
	else
		note(rooms, room, news->nick,
			json_sprintf("%s/%s/%s", news->role != NULL ? news->role : "",
				news->affiliation != NULL ? news->affiliation : "",
				news->jid != NULL ? news->jid : ""));
}

/* Up to the slash; what is behind it. */
static const char *take_word(json_t *row, const char *key, const char *text)
{
	size_t len = strcspn(text, "/");

	if (len > 0)
		json_object_set_new(row, key, json_stringn(text, len));
	return text[len] != '\0' ? text + len + 1 : text + len;
}

static json_t *occupant_row(const char *nick, const json_t *who)
{
	json_t *row = json_pack("{ss}", "name", nick);
	const char *text = json_string_value(who);

	text = take_word(row, "role", text);
	text = take_word(row, "affiliation", text);
	if (*text != '\0')
		xmpp_map_set(row, "address", text);
	return row;
}

json_t *xmpp_room_attendance(const struct xmpp_room *room)
{
	json_t *members = json_array(), *occupants = json_array(), *who;
	const char *nick;

	json_object_foreach (room->occupants, nick, who) {
		json_array_append_new(occupants, occupant_row(nick, who));
		json_array_append_new(members, json_string(nick));
	}
	return xmpp_map_attendance(room->jid, members, occupants);
}

/* --- for a successor ---------------------------------------------------------------------------------------------------- */

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
