/* SPDX-License-Identifier: MIT */
/* xmpp_muc - being in rooms (XEP-0045): the verbs join and leave, subject and nick, and staying in them over a lost
 * stream. */
#ifndef PLATFORMS_XMPP_MUC_H
#define PLATFORMS_XMPP_MUC_H

#include "platforms/xmpp/xmpp_account.h"
#include "platforms/xmpp/xmpp_read.h"

/* On a new stream: enters again whatever room the account was in; a session is told of those that will not have it. */
void xmpp_muc_enter_all(struct xmpp_account *a);
/* What xmpp_rooms_kept() gave, in another worker: rooms to enter once there is a stream. NULL: none. */
void xmpp_muc_restore(struct xmpp_account *a, const json_t *kept);
/* Shows a changed presence to the rooms, too. */
void xmpp_muc_show(struct xmpp_account *a);

/* XMPP_READ_ENTERED, _LEFT, _REFUSED, _OCCUPANT. */
void xmpp_muc_entered(struct xmpp_account *a, struct xmpp_read_news *news);
void xmpp_muc_left(struct xmpp_account *a, struct xmpp_read_news *news);
void xmpp_muc_refused(struct xmpp_account *a, struct xmpp_read_news *news);
void xmpp_muc_occupant(struct xmpp_account *a, struct xmpp_read_news *news);

void xmpp_muc_join(struct xmpp_account *a, struct job *job);
void xmpp_muc_leave(struct xmpp_account *a, struct job *job);
/* `update` with objectType topic and nick. */
void xmpp_muc_topic(struct xmpp_account *a, struct job *job);
void xmpp_muc_nick(struct xmpp_account *a, struct job *job);

#endif
