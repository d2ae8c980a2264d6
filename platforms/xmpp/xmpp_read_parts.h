/* SPDX-License-Identifier: MIT */
/* xmpp_read_parts - what the files of xmpp_read share; nobody else includes it. */
#ifndef PLATFORMS_XMPP_READ_PARTS_H
#define PLATFORMS_XMPP_READ_PARTS_H

#include "platforms/xmpp/xmpp_read.h"

/* How a message reached us, when not directly. All zero: directly. */
struct xmpp_read_way {
	const char
		*carbon; /* "sent" or "received" by another client of the account; NULL: neither */
	const char *archive_id;       /* its id in an archive; NULL: it comes from none */
	const xmpp_stanza_t *wrapper; /* the <forwarded/> around it, which may have its date */
};

/* The readers of the three kinds of stanzas. They may rely on `news` being empty. */
void xmpp_read_message(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news);
void xmpp_read_presence(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news);
void xmpp_read_iq(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news);

/* A message with a carbon or an archive's result in it; the rest of such a message is not looked at. 1 when it was one,
 * believed or not. */
int xmpp_read_forward(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news);
/* Appends the messages that a stanza of type chat, normal, headline or groupchat means. 1: someone asked for a receipt. */
int xmpp_read_content(const xmpp_stanza_t *s, const struct xmpp_read_self *self,
	const struct xmpp_read_way *way, json_t *messages);

/* Appends to news->messages, and makes a XMPP_READ_NOTHING an XMPP_READ_MESSAGES. TAKES `message`. */
void xmpp_read_add(struct xmpp_read_news *news, json_t *message);
/* The account's room `bare_jid`, or NULL. */
const struct xmpp_read_room *xmpp_read_room(
	const struct xmpp_read_self *self, const char *bare_jid);
/* 1 when `from` can only be the account itself: its bare JID, or nothing at all (RFC 6120, 8.1.2.1). */
int xmpp_read_from_self(const xmpp_stanza_t *s, const struct xmpp_read_self *self);
/* The date of a delayed stanza (XEP-0203) as a JSON string, or NULL: none, malformed, or ahead of now. `by`: the sender's
 * room or NULL; what it or the own server says counts more than what the sender says. */
json_t *xmpp_read_delay(const xmpp_stanza_t *s, const struct xmpp_read_self *self, const char *by);
/* One roster item as the classic message, or NULL: no valid JID. `push`: 1 when it is news of a change. GIVES. */
json_t *xmpp_read_contact(const xmpp_stanza_t *item, const struct xmpp_read_self *self, int push);
/* The members that a contact's item has: subscription, ask, groups. Sets them in `object`. */
void xmpp_read_contact_fields(const xmpp_stanza_t *item, json_t *object);
/* The `subscription` of an item, one of RFC 6121's; "none" otherwise. Static. */
const char *xmpp_read_contact_subscription(const xmpp_stanza_t *item);

#endif
