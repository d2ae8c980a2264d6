/* SPDX-License-Identifier: MIT */
/* redis_url - the address of a Redis: redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], unix://[[USER]:PASSWORD@]/PATH[?db=N], or
 * sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]/NAME[/DB] for the master that sentinels watch by that NAME;
 * user and password are the master's, sentinels are asked without.
 * rediss:// (TLS) is understood and refused by name: hiredis 0.14 has no TLS. Pure. */
#ifndef CORE_REDIS_URL_H
#define CORE_REDIS_URL_H

#include "core/base.h"

struct err;

struct redis_host {
	char *host;
	int port;
};

struct redis_url {
	char *host; /* NULL: a unix socket, or sentinels */
	char *path; /* of the unix socket; NULL: TCP */
	int port;
	struct redis_host *sentinels; /* NULL: none; `host` and `path` are NULL beside them */
	size_t n_sentinels;
	char *master; /* the name the sentinels know it by */
	int db;
	char *user;     /* NULL: the default user */
	char *password; /* NULL: no AUTH; wiped on release */
};

/* < 0: ERR_CONFIG with what is wrong; `u` is empty then. Percent-encoding is undone in user and password. */
int redis_url_parse(struct redis_url *u, const char *text, struct err *e);
void redis_url_release(struct redis_url *u);
/* For people and logs, without the password: "127.0.0.1:6379/0", "NAME@127.0.0.1:26379/0" (the first sentinel). GIVES. */
char *redis_url_show(const struct redis_url *u);

#endif
