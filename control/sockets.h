/* SPDX-License-Identifier: MIT */
/* sockets - the listening sockets the supervisor holds for its gateways.
 *
 * They stay open while gateways come and go: a restart refuses no connection, and several gateways share them. A
 * reload takes over those whose address did not change. */
#ifndef CONTROL_SOCKETS_H
#define CONTROL_SOCKETS_H

#include "core/base.h"

struct conf;
struct err;

#define SOCKETS_ADMINS 64 /* as many as `gateways` allows */

struct sockets_one {
	char *address; /* as configured; NULL: not served */
	int fd;        /* -1: not served */
};

struct sockets {
	char *dir;
	struct sockets_one listen;
	struct sockets_one fastcgi;
	struct sockets_one admin[SOCKETS_ADMINS]; /* of gateway i: the configured port plus i */
};

/* Opens what `c` names. `old` may be NULL; where it has the same address, its socket is shared (a duplicate: both are
 * released). < 0: ERR_CONFIG as address_listen(), and `s` is empty. */
int sockets_open(struct sockets *s, const struct conf *c, const struct sockets *old, struct err *e);
/* Closes them. The files of unix sockets which `kept` (may be NULL) does not serve are removed. */
void sockets_release(struct sockets *s, const struct sockets *kept);

#endif
