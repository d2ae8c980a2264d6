/* SPDX-License-Identifier: MIT */
/* xmpp_credentials - the credentials of an account, as what a stream needs to know.
 *
 * The classic fields are username, password, server, resource, port; all but the first two may be absent where the address says
 * enough. Pure. */
#ifndef PLATFORMS_XMPP_CREDENTIALS_H
#define PLATFORMS_XMPP_CREDENTIALS_H

#include <jansson.h>

#include "core/err.h"

struct xmpp_credentials {
	char *jid;      /* with the resource to ask for */
	char *bare;     /* without it */
	char *password; /* wiped by xmpp_credentials_release() */
	char *host;     /* where to connect to; NULL: what the domain's SRV records say */
	unsigned port;  /* 0: the usual one */
	int tls;        /* from the first byte */
};

/* Reads the object that a client stored by `set`. `resource` is the one to use when it names none; NULL: one is made up.
 * A username without a domain gets that of `server`. A `server` that is the address's own domain, without a port, is no
 * reason to leave the SRV records aside. < 0: ERR_INVALID. To be released in every case. */
int xmpp_credentials_read(
	struct xmpp_credentials *l, const json_t *credentials, const char *resource, struct err *e);
void xmpp_credentials_release(struct xmpp_credentials *l);

#endif
