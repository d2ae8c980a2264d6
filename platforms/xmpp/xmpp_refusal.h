/* SPDX-License-Identifier: MIT */
/* xmpp_refusal - credentials that a server has just refused are not shown to it again at once.
 *
 * A page that tries a wrong password in a loop would cost a log-in for each job, and servers shut out addresses for less:
 * everybody's, for the worker has one. So what was refused is remembered for a few seconds, as a keyed hash: another
 * password, or another account, is not touched by it. Process-wide, on the loop only. */
#ifndef PLATFORMS_XMPP_REFUSAL_H
#define PLATFORMS_XMPP_REFUSAL_H

#include "core/err.h"

struct xmpp_credentials;

/* How long, in milliseconds. */
#define XMPP_REFUSAL_MS 5000

/* The server refused `l`, because of `why`. */
void xmpp_refusal_note(const struct xmpp_credentials *l, const struct err *why);
/* 0, or < 0 when it has refused these very credentials a moment ago: then `e` has the reason from then. */
int xmpp_refusal_check(const struct xmpp_credentials *l, struct err *e);

#endif
