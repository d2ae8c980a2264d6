/* SPDX-License-Identifier: MIT */
/* xmpp_chat - the verb send: messages to people and rooms, and when they count as sent. */
#ifndef PLATFORMS_XMPP_CHAT_H
#define PLATFORMS_XMPP_CHAT_H

#include "platforms/xmpp/xmpp_account.h"
#include "platforms/xmpp/xmpp_read.h"

/* To every target. The job succeeds with {"id"} when the server has the message, fails when it bounced before. */
void xmpp_chat_send(struct xmpp_account *a, struct job *job);
/* XMPP_READ_BOUNCED: 1 when a job waited for it and has failed with it. */
int xmpp_chat_bounced(
	struct xmpp_account *a, const struct xmpp_read_news *news, const xmpp_stanza_t *stanza);

#endif
