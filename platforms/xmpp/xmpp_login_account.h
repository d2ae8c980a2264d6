/* SPDX-License-Identifier: MIT */
/* xmpp_login_account - whose account a stream is for: the parts of the address, and the password. Pure. */
#ifndef PLATFORMS_XMPP_LOGIN_ACCOUNT_H
#define PLATFORMS_XMPP_LOGIN_ACCOUNT_H

#include "core/err.h"
#include "core/mem.h"

struct xmpp_login_account {
	char *jid; /* bare */
	char *local, *domain;
	char *resource; /* NULL: the server's choice */
	struct secret password;
};

/* From a JID with or without a resource; both are copied. ERR_INVALID when it is no account's: then there is nothing to be
 * released. */
int xmpp_login_account_init(
	struct xmpp_login_account *a, const char *jid, const char *password, struct err *e);
/* Wipes the password. May be called again, and on one that is all zero. */
void xmpp_login_account_release(struct xmpp_login_account *a);

#endif
