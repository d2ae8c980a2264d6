/* SPDX-License-Identifier: MIT */
/* xmpp_write_message - message stanzas out of activities.
 *
 * Everything here takes what a client sent, checks it, and GIVES a stanza (xmpp_stanza_release()), or NULL with `e` filled
 * (ERR_INVALID, ERR_TOO_LARGE). Ids are the caller's: unique in the stream, not to be guessed by strangers. Pure. The
 * context serves as allocator only. docs/platforms/xmpp.md has every field. */
#ifndef PLATFORMS_XMPP_WRITE_MESSAGE_H
#define PLATFORMS_XMPP_WRITE_MESSAGE_H

#include <jansson.h>
#include <strophe.h>

#include "core/err.h"

/* Where a message goes. */
struct xmpp_write_message_head {
	const char *
		id; /* not NULL; the client's own `object.id` if it gave one, see xmpp_write_message_own_id() */
	const char *
		to; /* a JID; for a room the bare one, for a private word to an occupant room/nick */
	int room;   /* 1: to everybody in the room: type `groupchat` */
	int occupant; /* 1: in private to somebody in a room (XEP-0045, 7.5): `to` is room/nick */
};

/* The id that the client chose for its message: `object.id` when it is a string of 1 to 256 bytes; else NULL. Borrowed. */
const char *xmpp_write_message_own_id(const json_t *object);

/* `object`: {"text", "subject"?, "thread"?, "lang"?, "replaces"?: id of the message that this one corrects,
 * "chatState"?: active (default with a text), composing, paused, inactive, gone, "receipt"?: ask for a delivery receipt
 * (default true; never in rooms)}. Without a text but with chatState: that alone, not stored anywhere (XEP-0334). */
xmpp_stanza_t *xmpp_write_message(xmpp_ctx_t *ctx, const struct xmpp_write_message_head *head,
	const json_t *object, struct err *e);
/* Sets a room's subject; `topic` "" clears it. XEP-0045, 8.1. */
xmpp_stanza_t *xmpp_write_message_topic(xmpp_ctx_t *ctx, const struct xmpp_write_message_head *head,
	const char *topic, struct err *e);
/* Tells the sender of message `of` that it was received (XEP-0184) or displayed (XEP-0333): `word` is one of the two. Type
 * chat, or groupchat for "displayed" in a room. */
xmpp_stanza_t *xmpp_write_message_receipt(xmpp_ctx_t *ctx,
	const struct xmpp_write_message_head *head, const char *of, const char *word,
	struct err *e);
/* Invites `who` into the room `head->to` (XEP-0045, 7.8.2). `reason` NULL: none. */
xmpp_stanza_t *xmpp_write_message_invite(xmpp_ctx_t *ctx,
	const struct xmpp_write_message_head *head, const char *who, const char *reason,
	struct err *e);

#endif
