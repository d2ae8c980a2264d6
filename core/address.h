/* SPDX-License-Identifier: MIT */
/* address - where a program listens: "HOST:PORT", "[V6]:PORT" or "unix:PATH", as the configuration writes it.
 *
 * Only listening; connecting is the business of those who speak a protocol. A name in HOST is looked up with
 * getaddrinfo(), which blocks: for start-up, not for the running loop's requests. */
#ifndef CORE_ADDRESS_H
#define CORE_ADDRESS_H

#include "core/base.h"

struct err;

/* Opens a listening socket for `text`: backlog 4096, SO_REUSEADDR, close-on-exec, non-blocking (the last is a property
 * of the socket itself, shared by every process that inherits it). PORT 0: the system chooses. A relative PATH counts
 * from `dir`; its file gets mode 0660, and one left behind is replaced when nobody answers on it. 0 and `*fd`
 * (GIVES), or < 0: ERR_CONFIG, `e->sys` EADDRINUSE when another program listens there. */
int address_listen(const char *text, const char *dir, int *fd, struct err *e);
/* < 0 (ERR_CONFIG) when `text` cannot be an address. Looks nothing up, opens nothing. */
int address_check(const char *text, struct err *e);
/* The address a socket is bound to, in the same form. GIVES. */
char *address_show(int fd);
/* "HOST:PORT" with the port increased by `n` (port 0 stays); a unix path gets ".N". `text` has passed
 * address_check(). GIVES. */
char *address_offset(const char *text, unsigned n);
/* Removes the file of a unix address; nothing for others. `text` has passed address_check(). */
void address_unlink(const char *text, const char *dir);
/* The listening socket handed over in the environment variable `name` as a number: taken out of the environment and
 * made close-on-exec. -1 when there is none or it is not an open socket. GIVES. */
int address_inherited(const char *name);

/* What sockethubd puts into a gateway's environment; there the configuration's addresses are not bound again. */
#define ADDRESS_LISTEN_VARIABLE  "SOCKETHUB_LISTEN_FD"
#define ADDRESS_FASTCGI_VARIABLE "SOCKETHUB_FASTCGI_FD"
#define ADDRESS_ADMIN_VARIABLE   "SOCKETHUB_ADMIN_FD"

#endif
