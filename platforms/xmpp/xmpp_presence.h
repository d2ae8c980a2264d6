/* SPDX-License-Identifier: MIT */
/* xmpp_presence - the own presence: the verb `update` without objectType, and announcing it on a new stream. */
#ifndef PLATFORMS_XMPP_PRESENCE_H
#define PLATFORMS_XMPP_PRESENCE_H

#include "platforms/xmpp/xmpp_account.h"

/* To the server, which tells the contacts. */
void xmpp_presence_announce(struct xmpp_account *a);
/* {"show"|"state"|"presence"|"type", "status"|"text"|"statusText", "priority", "roster"}: sets the presence, then sends the
 * contacts to the asker, as it was classic, unless `roster` is false. */
void xmpp_presence_update(struct xmpp_account *a, struct job *job);

#endif
