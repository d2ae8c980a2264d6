/* SPDX-License-Identifier: MIT */
/* xmpp_disco - the verb observe: who is in a room, what a room or a service is and has (XEP-0030, XEP-0045, XEP-0092). */
#ifndef PLATFORMS_XMPP_DISCO_H
#define PLATFORMS_XMPP_DISCO_H

#include "platforms/xmpp/xmpp_account.h"

/* The answer comes as a message `observe` to the asker, and as the object of the result. For a room that the account is
 * in, attendance is what its presences told; else what the room says to a stranger. */
void xmpp_disco_observe(struct xmpp_account *a, struct job *job);

#endif
