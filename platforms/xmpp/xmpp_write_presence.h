/* SPDX-License-Identifier: MIT */
/* xmpp_write_presence - presence stanzas: own presence, subscriptions, rooms.
 *
 * As in xmpp_write_message.h: GIVES a stanza, or NULL with `e` filled (ERR_INVALID). Pure. */
#ifndef PLATFORMS_XMPP_WRITE_PRESENCE_H
#define PLATFORMS_XMPP_WRITE_PRESENCE_H

#include <jansson.h>
#include <strophe.h>

#include "core/err.h"

/* The own presence. `object`: {"show"?, "status"?, "priority"?: -128 to 127}. `show`: available, online, chat, away, dnd,
 * xa, or offline (type unavailable); absent: online. For a classic reason `available` is sent as `chat`. The modern names
 * `presence` (for show) and `content` (for status) are not known here: the gateway has renamed them. `state` and
 * `statusText`, as in incoming messages, are taken too. `to` NULL: broadcast; else directed (a room, for show and status
 * in it, or a person). */
xmpp_stanza_t *xmpp_write_presence(
	xmpp_ctx_t *ctx, const char *to, const json_t *object, struct err *e);

/* A presence of `type` subscribe, subscribed, unsubscribe or unsubscribed to the bare JID of `to` (RFC 6121, 3).
 * `text` NULL: no status in it. */
xmpp_stanza_t *xmpp_write_presence_subscription(
	xmpp_ctx_t *ctx, const char *to, const char *type, const char *text, struct err *e);

/* How to enter a room. */
struct xmpp_write_presence_join {
	const char *room; /* bare JID */
	const char *nick; /* not NULL */
	const char
		*password; /* NULL: none. The stanza holds it until it is sent: release it soon */
	long long history; /* how many former messages at most; -1: the room decides */
	const char *since; /* NULL, or a date (XEP-0082): no messages older than that */
	const json_t *object; /* show and status as in xmpp_write_presence(); NULL: none */
};

/* Enters (XEP-0045, 7.2). */
xmpp_stanza_t *xmpp_write_presence_join(
	xmpp_ctx_t *ctx, const struct xmpp_write_presence_join *j, struct err *e);
/* Changes the own nick in a room (XEP-0045, 7.6). `object` as in join. */
xmpp_stanza_t *xmpp_write_presence_nick(
	xmpp_ctx_t *ctx, const char *room, const char *nick, const json_t *object, struct err *e);
/* Leaves (XEP-0045, 7.14). `text` NULL: without a word. */
xmpp_stanza_t *xmpp_write_presence_leave(
	xmpp_ctx_t *ctx, const char *room, const char *nick, const char *text, struct err *e);

#endif
