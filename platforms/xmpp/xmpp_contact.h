/* SPDX-License-Identifier: MIT */
/* xmpp_contact - the roster: fetching it, changing it, and the three verbs about friends (RFC 6121, 2 and 3). */
#ifndef PLATFORMS_XMPP_CONTACT_H
#define PLATFORMS_XMPP_CONTACT_H

#include "platforms/xmpp/xmpp_account.h"
#include "platforms/xmpp/xmpp_read.h"

/* Bytes that an account may take to remember its contacts: 10,000, and 40,000 would fit. Beyond, they are strangers. */
#define XMPP_CONTACT_SIZE_MAX (8u << 20)

/* Asks for the roster on a new stream: to know who may be told what, and to be told of changes. */
void xmpp_contact_refresh(struct xmpp_account *a);
/* A roster push said so (XMPP_READ_CONTACT). */
void xmpp_contact_note(struct xmpp_account *a, const struct xmpp_read_news *news);
/* 1 when the contact gets the own presence. `arg` is the account: for struct xmpp_read_self. */
int xmpp_contact_is_trusted(void *arg, const char *bare_jid);

/* The roster as messages and as the job's result. */
void xmpp_contact_fetch(struct xmpp_account *a, struct job *job);
/* `update` with objectType contact. */
void xmpp_contact_update(struct xmpp_account *a, struct job *job);
/* The verbs request-friend, make-friend, remove-friend. */
void xmpp_contact_request(struct xmpp_account *a, struct job *job);
void xmpp_contact_make(struct xmpp_account *a, struct job *job);
void xmpp_contact_remove(struct xmpp_account *a, struct job *job);

#endif
