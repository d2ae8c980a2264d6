/* SPDX-License-Identifier: MIT */
/* xmpp_sasl - the proof that one knows the password: SCRAM and PLAIN.
 *
 * SCRAM-SHA-512, -256 and -1 (RFC 5802, RFC 7677) without channel binding, PLAIN (RFC 4616) only when the server offers
 * nothing better. The server has to prove that it knows the password, too, with SCRAM. Pure but for the nonce: no I/O, no
 * XML; whether the stream is encrypted is the caller's to see to. */
#ifndef PLATFORMS_XMPP_SASL_H
#define PLATFORMS_XMPP_SASL_H

#include <stddef.h>

#include "core/err.h"

struct xmpp_sasl;
struct secret;

/* A name of mechanism is offered: remembers it in `*offer` (0 at first) when it is known. */
void xmpp_sasl_offer(unsigned *offer, const char *mechanism);
/* Begins with the best of `offer`. `user` is the JID's local part; `password` is KEPT. `nonce` NULL: a random one.
 * NULL when nothing in `offer` is known. GIVES. */
struct xmpp_sasl *xmpp_sasl_new(
	unsigned offer, const char *user, const struct secret *password, const char *nonce);
void xmpp_sasl_free(struct xmpp_sasl **sasl);
/* For the attribute `mechanism`. */
const char *xmpp_sasl_mechanism(const struct xmpp_sasl *sasl);
/* The first message, in base64. A secret with PLAIN; valid until the next call. */
const char *xmpp_sasl_begin(struct xmpp_sasl *sasl);
/* The answer to a challenge, both in base64; valid until the next call. `*answer` is "" for an empty one. ERR_REMOTE when
 * the server does not keep to the rules, ERR_AUTH when it does not know the password. */
int xmpp_sasl_answer(
	struct xmpp_sasl *sasl, const char *challenge, const char **answer, struct err *e);
/* What came with success, in base64; "" or NULL when there was nothing. As above. */
int xmpp_sasl_finish(struct xmpp_sasl *sasl, const char *data, struct err *e);

#endif
