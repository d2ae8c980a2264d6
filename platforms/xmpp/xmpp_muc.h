/* SPDX-License-Identifier: MIT */
/* xmpp_muc - what clients do in rooms (XEP-0045): the verbs join and leave; subject, nick and invitations by update. */
#ifndef PLATFORMS_XMPP_MUC_H
#define PLATFORMS_XMPP_MUC_H

#include "platforms/xmpp/xmpp_account.h"

/* Answers when inside. A second session of an account that is inside is told who is there. */
void xmpp_muc_join(struct xmpp_account *a, struct job *job);
/* For all sessions of the account. */
void xmpp_muc_leave(struct xmpp_account *a, struct job *job);
/* `update` with objectType topic, nick, invitation. */
void xmpp_muc_topic(struct xmpp_account *a, struct job *job);
void xmpp_muc_nick(struct xmpp_account *a, struct job *job);
void xmpp_muc_invite(struct xmpp_account *a, struct job *job);
/* Shows a changed presence to the rooms, too. */
void xmpp_muc_show(struct xmpp_account *a);

#endif
