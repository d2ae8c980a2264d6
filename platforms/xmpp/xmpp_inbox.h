/* SPDX-License-Identifier: MIT */
/* xmpp_inbox - what comes down the stream, handed to whom it concerns.
 *
 * Answers go to the request that waits for them, news about rooms and contacts to the files that know those, messages to the
 * sessions. What a stanza means, and whether to believe it, xmpp_read decides. */
#ifndef PLATFORMS_XMPP_INBOX_H
#define PLATFORMS_XMPP_INBOX_H

#include "platforms/xmpp/xmpp_account.h"
#include "platforms/xmpp/xmpp_read.h"

/* Borrowed for the call. */
void xmpp_inbox_take(struct xmpp_account *a, const xmpp_stanza_t *stanza);
/* The account's view of itself, for the readers; valid until something changes. */
struct xmpp_read_self xmpp_inbox_self(struct xmpp_account *a);

#endif
