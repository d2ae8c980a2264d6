/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_map.h"

#include "core/err.h"
#include "core/mem.h"
#include "platforms/xmpp/xmpp_jid.h"

void xmpp_map_set(json_t *object, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(object, key, json_string(value));
}

json_t *xmpp_map_person(const char *address, const char *name)
{
	json_t *person = json_object();

	xmpp_map_set(person, "address", address);
	xmpp_map_set(person, "name", name);
	return person;
}

json_t *xmpp_map_contact(const char *jid, const char *name)
{
	char *bare = xmpp_jid_to_bare(jid);
	json_t *person = xmpp_map_person(bare != NULL ? bare : jid, name);

	xmpp_map_set(person, "resource", xmpp_jid_find_resource(jid));
	mem_free(bare);
	return person;
}

json_t *xmpp_map_occupant(const char *room, const char *nick)
{
	char *jid = nick != NULL ? xmpp_jid_join(room, nick) : NULL;
	json_t *person = xmpp_map_person(jid != NULL ? jid : room, nick);

	mem_free(jid);
	return person;
}

json_t *xmpp_map_to(const char *actor)
{
	return json_pack("[o]", xmpp_map_person(actor, NULL));
}

json_t *xmpp_map_to_room(const char *room)
{
	json_t *target = xmpp_map_person(room, NULL);

	xmpp_map_set(target, "objectType", "room");
	return json_pack("[o]", target);
}

json_t *xmpp_map_attendance(const char *room, json_t *members, json_t *occupants)
{
	json_t *object = json_object();

	xmpp_map_set(object, "objectType", "attendance");
	json_object_set_new(object, "members", members);
	if (occupants != NULL)
		json_object_set_new(object, "occupants", occupants);
	return activity_message(
		"observe", xmpp_map_occupant(room, NULL), xmpp_map_to_room(room), object);
}

json_t *xmpp_map_close(const char *actor)
{
	return activity_message("close", xmpp_map_person(actor, NULL), xmpp_map_to(actor), NULL);
}

json_t *xmpp_map_error(
	const char *actor, const char *from, const struct err *why, const char *condition)
{
	json_t *object = json_object();

	xmpp_map_set(object, "objectType", "error");
	xmpp_map_set(object, "text", why->text);
	xmpp_map_set(object, "condition", condition);
	return activity_message("error", xmpp_map_person(from != NULL ? from : "unknown", NULL),
		xmpp_map_to(actor), object);
}
