/* SPDX-License-Identifier: MIT */
/* xmpp_room - the rooms of one account, and who is in them.
 *
 * A room is there from the moment the account asks to enter until it has left; over a lost stream it stays, to be entered
 * again. A password lives as long as its room, in memory only. This file sends nothing and reads no stanza. */
#ifndef PLATFORMS_XMPP_ROOM_H
#define PLATFORMS_XMPP_ROOM_H

#include "core/mem.h"
#include "platforms/xmpp/xmpp_read.h"

/* Bytes that the occupants of all rooms of an account may take: 38,000 with ordinary names. */
#define XMPP_ROOM_OCCUPANTS_SIZE_MAX (8u << 20)

struct xmpp_rooms;

struct xmpp_room {
	char *jid;                  /* bare */
	char *nick;                 /* own; view.nick is the same */
	struct xmpp_read_room view; /* view.inside: the room has confirmed */
	int entered;                /* it has been inside once: a new stream enters it again */
	int created;                /* by entering it */
	int lacks_password;         /* only the worker before this one knew it */
	uint64_t outside_at_ms; /* monotonic; since when it cannot be entered again. 0: not so */
	struct secret password; /* none: length 0 */
	int64_t seen_ms;        /* when something last came from it, ms since 1970; 0: never */
	json_t *occupants; /* nick -> "role/affiliation/address", each may be empty: they are many */
	size_t occupants_size; /* bytes that they take, about */
	struct xmpp_room *prev, *next;
};

/* At most `max` rooms with `max_occupants` each. GIVES. */
struct xmpp_rooms *xmpp_rooms_new(size_t max, size_t max_occupants);
/* Wipes the passwords; sets NULL. */
void xmpp_rooms_free(struct xmpp_rooms **rooms);
/* The first of the list (follow ->next); NULL: none. Borrowed. */
struct xmpp_room *xmpp_rooms_first(const struct xmpp_rooms *rooms);
/* By its bare JID, or that of an occupant. NULL: not there. Borrowed. */
struct xmpp_room *xmpp_rooms_find(const struct xmpp_rooms *rooms, const char *jid);
/* A new room, not inside yet. `jid` is a valid bare JID that is not there yet. NULL with ERR_BUSY: too many. Borrowed. */
struct xmpp_room *xmpp_rooms_add(
	struct xmpp_rooms *rooms, const char *jid, const char *nick, struct err *e);
void xmpp_rooms_remove(struct xmpp_rooms *rooms, struct xmpp_room *room);

void xmpp_room_set_nick(struct xmpp_room *room, const char *nick);
/* `password` NULL: none. */
void xmpp_room_set_password(struct xmpp_room *room, const char *password);
/* The stream is new, or the service went down: the room is not entered any more, and nobody is known to be in it. */
void xmpp_room_outside(struct xmpp_room *room);
/* Takes note of XMPP_READ_OCCUPANT, and of XMPP_READ_ENTERED. Beyond the bounds, who comes is not noted. */
void xmpp_rooms_note(
	struct xmpp_rooms *rooms, struct xmpp_room *room, const struct xmpp_read_news *news);
/* The message `observe` with everybody noted. GIVES. */
json_t *xmpp_room_attendance(const struct xmpp_room *room);
/* [{"address","nick","password":true?,"seen"?: ms}]: what psession_keep() may keep. GIVES. */
json_t *xmpp_rooms_kept(const struct xmpp_rooms *rooms);

#endif
