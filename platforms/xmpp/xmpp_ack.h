/* SPDX-License-Identifier: MIT */
/* xmpp_ack - the elements of XEP-0198 within a session: who asks whom what has arrived.
 *
 * What is counted is in xmpp_sm; enabling and resuming belong to the log-in. Each function sends by itself: libstrophe has
 * something to write afterwards. On the thread of the link. */
#ifndef PLATFORMS_XMPP_ACK_H
#define PLATFORMS_XMPP_ACK_H

#include <strophe.h>

struct xmpp_sm;

/* An element of this namespace came. NULL, or how the server breaks the rules: "does not ...". */
const char *xmpp_ack_read(struct xmpp_sm *sm, xmpp_conn_t *conn, xmpp_stanza_t *stanza);
/* Answers the server's open question, if there is one and something new to say: with what is taken, so that traffic without a
 * pause does not put it off, and again until all is that had come when it asked. 1: sent. */
int xmpp_ack_answer(struct xmpp_sm *sm, xmpp_conn_t *conn);
/* The stream is about to be ended in order: what is taken and not confirmed is confirmed without a question, or the server would
 * keep it for later, or tell its senders that it did not arrive. */
void xmpp_ack_end(struct xmpp_sm *sm, xmpp_conn_t *conn);
/* Asks for an acknowledgement if there is something to be acknowledged and no such question is open. */
void xmpp_ack_ask(struct xmpp_sm *sm, xmpp_conn_t *conn);
/* In a resumed session: sends again what the server has not got. */
void xmpp_ack_resend(struct xmpp_sm *sm, xmpp_conn_t *conn);

#endif
