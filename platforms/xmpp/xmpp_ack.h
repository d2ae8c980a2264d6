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
/* Asks for an acknowledgement if there is something to be acknowledged and no such question is open. */
void xmpp_ack_ask(struct xmpp_sm *sm, xmpp_conn_t *conn);
/* In a resumed session: sends again what the server has not got. */
void xmpp_ack_resend(struct xmpp_sm *sm, xmpp_conn_t *conn);

#endif
