/* SPDX-License-Identifier: MIT */
/* xmpp_reason - why a server ended a stream or refused a log-in, as an error that a client can read.
 *
 * The elements carry a condition and perhaps a text; both are the server's words and are cut. Pure. */
#ifndef PLATFORMS_XMPP_REASON_H
#define PLATFORMS_XMPP_REASON_H

#include <strophe.h>

#include "core/err.h"

/* Each takes the element and the `domain` of the server, fills `e`, and returns -e->code.
 * <stream:error/> (RFC 6120, 4.9): ERR_CONFLICT, ERR_AUTH or ERR_REMOTE. */
int xmpp_reason_stream(xmpp_stanza_t *error, const char *domain, struct err *e);
/* <failure/> of SASL (RFC 6120, 6.5): ERR_AUTH, or ERR_REMOTE when it is not the credentials' fault. */
int xmpp_reason_sasl(xmpp_stanza_t *failure, const char *domain, struct err *e);
/* An iq of type error that answers the request for a resource (RFC 6120, 7.7.2): ERR_CONFLICT or ERR_REMOTE. */
int xmpp_reason_bind(xmpp_stanza_t *iq, const char *domain, struct err *e);

#endif
