/* SPDX-License-Identifier: MIT */
/* xmpp_write_iq - requests: roster, archive, discovery, carbons, ping; and the answers to those of others.
 *
 * As in xmpp_write_message.h: GIVES a stanza; those that can be asked for nonsense return NULL with `e` filled
 * (ERR_INVALID). `id` as there; `to` NULL: the own server or account. Pure. */
#ifndef PLATFORMS_XMPP_WRITE_IQ_H
#define PLATFORMS_XMPP_WRITE_IQ_H

#include <jansson.h>
#include <strophe.h>

#include "core/err.h"

/* The roster (RFC 6121, 2.1.3). */
xmpp_stanza_t *xmpp_write_iq_roster(xmpp_ctx_t *ctx, const char *id);
/* Adds or changes a contact. `object`: {"name"?, "groups"?: [up to 32 strings]}. */
xmpp_stanza_t *xmpp_write_iq_roster_set(
	xmpp_ctx_t *ctx, const char *id, const char *contact, const json_t *object, struct err *e);
/* Removes a contact with all subscriptions (RFC 6121, 2.5). */
xmpp_stanza_t *xmpp_write_iq_roster_remove(
	xmpp_ctx_t *ctx, const char *id, const char *contact, struct err *e);

/* The room's or the own (`to` NULL) archive (XEP-0313). `object`: {"with"?: JID, "start"?, "end"?: dates, "limit"?: 1 to
 * 200, default 50, "before"?, "after"?: an id of an earlier page, at most one of the two}. With neither: the newest page.
 * `id` serves as queryid, too. */
xmpp_stanza_t *xmpp_write_iq_history(
	xmpp_ctx_t *ctx, const char *id, const char *to, const json_t *object, struct err *e);

/* disco#info and disco#items (XEP-0030) of `to`, which is valid or NULL. */
xmpp_stanza_t *xmpp_write_iq_info(xmpp_ctx_t *ctx, const char *id, const char *to);
xmpp_stanza_t *xmpp_write_iq_items(xmpp_ctx_t *ctx, const char *id, const char *to);
/* Asks for copies of what the account's other clients send and get (XEP-0280). */
xmpp_stanza_t *xmpp_write_iq_carbons(xmpp_ctx_t *ctx, const char *id);
/* XEP-0199, XEP-0092. */
xmpp_stanza_t *xmpp_write_iq_ping(xmpp_ctx_t *ctx, const char *id, const char *to);
xmpp_stanza_t *xmpp_write_iq_version(xmpp_ctx_t *ctx, const char *id, const char *to);
/* Opens a new room (status 201) with the server's default settings (XEP-0045, 10.1.2): nobody else could enter before. */
xmpp_stanza_t *xmpp_write_iq_unlock(xmpp_ctx_t *ctx, const char *id, const char *room);

/* --- answers to a request of another: `iq` is one of type get or set -------------------------------------------------- */

/* The empty result. */
xmpp_stanza_t *xmpp_write_iq_done(const xmpp_stanza_t *iq);
/* Refuses with one of RFC 6120's conditions and an error type (cancel, modify, auth, wait). */
xmpp_stanza_t *xmpp_write_iq_refusal(
	const xmpp_stanza_t *iq, const char *type, const char *condition);
/* Answers what a client has to answer: disco#info, disco#items, version, ping, time; all else gets service-unavailable
 * (RFC 6120, 8.4). `now_ms` is the time of day. Never NULL. */
xmpp_stanza_t *xmpp_write_iq_answer(const xmpp_stanza_t *iq, int64_t now_ms);

#endif
