/* SPDX-License-Identifier: MIT */
/* xmpp_history - `fetch` with objectType history: a page of the own archive or a room's (XEP-0313). */
#ifndef PLATFORMS_XMPP_HISTORY_H
#define PLATFORMS_XMPP_HISTORY_H

#include "platforms/xmpp/xmpp_account.h"
#include "platforms/xmpp/xmpp_read.h"

/* The messages go to the asker, then the result tells where the next page begins. */
void xmpp_history_fetch(struct xmpp_account *a, struct job *job);
/* XMPP_READ_ARCHIVED. */
void xmpp_history_archived(struct xmpp_account *a, const struct xmpp_read_news *news);
/* 1 when this archive (a bare JID) was asked by a query of this id. `arg` is the account: for struct xmpp_read_self. */
int xmpp_history_is_asked(void *arg, const char *queryid, const char *archive);

#endif
