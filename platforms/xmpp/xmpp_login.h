/* SPDX-License-Identifier: MIT */
/* xmpp_login - from an open connection to a bound session: STARTTLS, SASL, resource binding or resumption.
 *
 * RFC 6120, 5 to 7, and XEP-0198, 5, as a machine that is fed elements. It asks its driver to encrypt and to open the
 * stream anew; the driver says when a stream is open. No password leaves before the connection is encrypted. libstrophe
 * carries bytes and elements only: of its own log-in it is not told. On the thread of the link. */
#ifndef PLATFORMS_XMPP_LOGIN_H
#define PLATFORMS_XMPP_LOGIN_H

#include <strophe.h>

#include "core/err.h"

struct xmpp_login;
struct xmpp_login_account;
struct xmpp_sm;

enum xmpp_login_next {
	XMPP_LOGIN_WAIT,  /* for the server */
	XMPP_LOGIN_TLS,   /* encrypt, then open a stream */
	XMPP_LOGIN_STREAM /* open a stream */
};

/* All are KEPT. A session in `sm` is resumed if the server has it; if not, `sm` is begun anew. GIVES. */
struct xmpp_login *xmpp_login_new(
	xmpp_conn_t *conn, const struct xmpp_login_account *account, struct xmpp_sm *sm);
void xmpp_login_free(struct xmpp_login **login);
/* The server has opened its side of the stream. */
void xmpp_login_opened(struct xmpp_login *login);
/* An element came. Nothing may come while the driver is asked for something: that is a failure. */
void xmpp_login_read(struct xmpp_login *login, xmpp_stanza_t *stanza);
/* What is to be done now; once. */
enum xmpp_login_next xmpp_login_next(struct xmpp_login *login);
/* ERR_NONE, or why there is no way on: ERR_TLS, ERR_AUTH, ERR_CONFLICT, ERR_REMOTE. Borrowed. */
const struct err *xmpp_login_error(const struct xmpp_login *login);
/* 1 when the session is bound: the element that was read last was the last of the log-in. */
int xmpp_login_is_done(const struct xmpp_login *login);
/* Then; borrowed. */
const char *xmpp_login_full_jid(const struct xmpp_login *login);
int xmpp_login_is_resumed(const struct xmpp_login *login);

#endif
