/* SPDX-License-Identifier: MIT */
/* xmpp_read - what a stanza that came means: messages for the sessions, and news for the account.
 *
 * Pure: a stanza and the account's view of itself go in, JSON and words come out. It decides what to believe: carbons and
 * roster pushes only from the own account, archive results only when asked for, a room's news only from that room. What the
 * account has to remember (rooms, occupants, open requests) it asks through the callbacks of `xmpp_read_self` and never
 * changes. Answers to iqs that the account sent are read by xmpp_read_result.h. docs/platforms/xmpp.md has every field. */
#ifndef PLATFORMS_XMPP_READ_H
#define PLATFORMS_XMPP_READ_H

#include <jansson.h>
#include <strophe.h>

#include "core/err.h"

/* A room that the account is in, or has asked to enter. */
struct xmpp_read_room {
	const char *nick; /* the own one: the one asked for until the room has answered */
	int inside;       /* 0: the own presence (status 110) has not come yet */
};

/* The account's view of itself; all of it borrowed for the call. The callbacks get `arg` and may be NULL: nothing known. */
struct xmpp_read_self {
	const char *actor;    /* own address as the sessions know it: the target of messages */
	const char *full_jid; /* as bound by the server */
	int64_t now_ms; /* time of day, ms since 1970: for XEP-0202, and to refuse dates that lie ahead */
	/* The room with this bare JID; NULL: not in it. Borrowed until the next call. */
	const struct xmpp_read_room *(*room)(void *arg, const char *room);
	/* 1 when the account has seen this nick in the room: what tells a `join` from a changed presence. */
	int (*occupant)(void *arg, const char *room, const char *nick);
	/* 1 when the contact may know that the account is online (roster subscription `from` or `both`): only such a sender
	 * gets a delivery receipt (XEP-0184, 8.2). */
	int (*trusted)(void *arg, const char *bare_jid);
	/* 1 when the query `queryid` of the archive at `archive` (bare JID: own or a room) is open. */
	int (*asked)(void *arg, const char *queryid, const char *archive);
	void *arg;
};

enum xmpp_read_kind {
	XMPP_READ_NOTHING,  /* not for us, or not to be believed; `reply` may be set all the same */
	XMPP_READ_MESSAGES, /* `messages`, for every session */
	/* The presence of a contact, or of another client of the own account: `from`, `here`, `messages`. */
	XMPP_READ_PRESENCE,
	/* A roster push: `jid` has `subscription` now. `messages`, and `reply` acknowledges it. */
	XMPP_READ_CONTACT,
	/* `messages`: one out of an archive, for who asked by `query`. `archive` is whose. */
	XMPP_READ_ARCHIVED,
	/* Own presence in `room` (status 110): entered, if not inside yet, with `nick` and `codes`; else something about it
	 * changed, maybe the nick. `messages`: the own `join` or `update`. */
	XMPP_READ_ENTERED,
	/* Own unavailable presence in `room`: `why` and `codes` tell left (why.code 0), kicked, banned, shut down. */
	XMPP_READ_LEFT,
	/* `room` refused to be entered, or the new nick when already inside: `why`, `condition`. No `messages`. */
	XMPP_READ_REFUSED,
	/* The presence of another in `room`: `nick`, `here`; `new_nick` when that is what has changed (also the own one: then
	 * XMPP_READ_ENTERED with it follows). `role`, `affiliation`, `jid` as far as the room tells. */
	XMPP_READ_OCCUPANT,
	/* A message of ours came back: `id`, `from`, `why`, `condition`. `messages` has the `error` for the sessions, to be
	 * sent unless a job waits for this id. */
	XMPP_READ_BOUNCED,
	/* An iq result for `id` from `from`. Check with xmpp_jid_answers(); then use xmpp_read_result.h on the stanza. */
	XMPP_READ_RESULT,
	/* The same, refused: `why` (for XMPP_ERROR_ABOUT_ANY), `condition`. */
	XMPP_READ_FAILED
};

/* Bits of `codes`: the status codes of XEP-0045, 15.6.2, that change what the account does. */
enum xmpp_read_code {
	XMPP_READ_CODE_SELF = 1 << 0, /* 110 */
	XMPP_READ_CODE_CREATED = 1
				 << 1, /* 201: the room is new, and locked until it is configured */
	XMPP_READ_CODE_NICK_GIVEN = 1 << 2,   /* 210: the room chose `nick` */
	XMPP_READ_CODE_BANNED = 1 << 3,       /* 301 */
	XMPP_READ_CODE_RENAMED = 1 << 4,      /* 303 */
	XMPP_READ_CODE_KICKED = 1 << 5,       /* 307 */
	XMPP_READ_CODE_AFFILIATION = 1 << 6,  /* 321: removed by a change of affiliation */
	XMPP_READ_CODE_MEMBERS_ONLY = 1 << 7, /* 322: removed, the room is for members now */
	XMPP_READ_CODE_SHUTDOWN = 1 << 8,     /* 332: the service goes down */
	XMPP_READ_CODE_PUBLIC = 1 << 9,       /* 100: occupants see each other's JIDs */
	XMPP_READ_CODE_DESTROYED = 1 << 10    /* <destroy/>: the room is no more */
};

/* What a stanza says. Members that the kind does not name are NULL or 0. */
struct xmpp_read_news {
	enum xmpp_read_kind kind;
	json_t *messages;     /* array of activities in order; never NULL, maybe empty */
	xmpp_stanza_t *reply; /* to be sent: answer to an iq, or a receipt; NULL: none */
	char *from;           /* as the stanza has it; NULL: the own server or account */
	char *id;
	char *room; /* bare JID */
	char *nick;
	char *new_nick;
	char *role,
		*affiliation; /* "moderator", "participant", "visitor"; "owner", "admin", "member", "none" */
	char *jid;            /* the occupant's real JID, if the room shows it */
	int here;
	unsigned codes; /* enum xmpp_read_code */
	char *query, *archive;
	struct err why;        /* code ERR_NONE: nothing went wrong */
	const char *condition; /* static; RFC 6120, 8.3.3 */
	char *subscription;    /* "none", "to", "from", "both", "remove" */
};

/* Reads a message, presence or iq. Fills `news`, which is to be released in every case. What makes no sense is
 * XMPP_READ_NOTHING. The reply is made with the stanza's own context. */
void xmpp_read_stanza(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news);
/* Frees what `news` holds and empties it. To keep a member (messages, reply), take it and set it NULL. */
void xmpp_read_release(struct xmpp_read_news *news);

#endif
