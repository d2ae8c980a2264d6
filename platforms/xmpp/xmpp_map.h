/* SPDX-License-Identifier: MIT */
/* xmpp_map - the shapes in which people, rooms and what happens to them appear in messages.
 *
 * Small builders that the readers and the account share, so that a room looks the same in a subject, an attendance and an
 * error. docs/platforms/xmpp.md has the tables. Pure; knows no stanza. All results are GIVEN; strings are copied, and have
 * been through xmpp_xml or xmpp_jid before: valid UTF-8. */
#ifndef PLATFORMS_XMPP_MAP_H
#define PLATFORMS_XMPP_MAP_H

#include "core/activity.h"

struct err;

/* Adds a string member; `value` NULL: nothing happens. The one function here that makes nothing. */
void xmpp_map_set(json_t *object, const char *key, const char *value);

/* {"address":..., "name":...}; `name` NULL: none. */
json_t *xmpp_map_person(const char *address, const char *name);
/* As above for a JID: the resource leaves the address and becomes a member of its own:
 * {"address":"bob@example.org","resource":"phone"}. An invalid JID is taken as the address as it is. */
json_t *xmpp_map_contact(const char *jid, const char *name);
/* An occupant of a room: {"address":"room@muc.example.org/bob","name":"bob"}; `nick` NULL: the room itself. */
json_t *xmpp_map_occupant(const char *room, const char *nick);
/* [{"address":...}]: the target of what concerns the account `actor`. */
json_t *xmpp_map_to(const char *actor);
/* [{"address":..., "objectType":"room"}]: the target of what happens in a room. */
json_t *xmpp_map_to_room(const char *room);

/* verb `observe`, from and to the room: {"objectType":"attendance","members":[nicks]}. TAKES `members`. `occupants` is
 * TAKEN too, NULL: not known; else an array of {"name","role","affiliation","address"?}. */
json_t *xmpp_map_attendance(const char *room, json_t *members, json_t *occupants);
/* verb `close`, the classic word that a stream has ended for good: own address in actor and target, object {}. */
json_t *xmpp_map_close(const char *actor);
/* verb `error`: something that nobody waits for went wrong. `from` NULL: {"address":"unknown"}, as classic. The object is
 * {"objectType":"error","text":why->text,"condition":...}; `condition` (RFC 6120, 8.3.3 or 4.9.3) NULL: left out. */
json_t *xmpp_map_error(
	const char *actor, const char *from, const struct err *why, const char *condition);

#endif
