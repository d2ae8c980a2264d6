/* SPDX-License-Identifier: MIT */
/* addr - where a server listens: "127.0.0.1:8080" or "unix:/path". No names are looked up. */
#ifndef BENCH_ADDR_H
#define BENCH_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct err;

struct addr {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_un un;
	} u;
	socklen_t len;
};

/* ERR_INVALID when `text` is neither of the two forms. */
int addr_parse(struct addr *a, const char *text, struct err *e);

/* A non-blocking socket that is connected or on its way (a refusal then shows at the first
 * read), or -errno. -EAGAIN: the backlog of a unix socket is full, try again later (connect(2)).
 * The caller closes it. */
int addr_connect(const struct addr *a);

#endif
