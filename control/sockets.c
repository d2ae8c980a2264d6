/* SPDX-License-Identifier: MIT */
#include "control/sockets.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/address.h"
#include "core/conf.h"
#include "core/err.h"
#include "core/mem.h"

/* The places of the whole set, one by one; NULL behind the last. */
static struct sockets_one *place(struct sockets *s, size_t i)
{
	if (i == 0)
		return &s->listen;
	if (i == 1)
		return &s->fastcgi;
	return i < 2 + SOCKETS_ADMINS ? &s->admin[i - 2] : NULL;
}

static const struct sockets_one *find(const struct sockets *s, const char *dir, const char *address)
{
	struct sockets_one *one;

	if (s == NULL || strcmp(s->dir, dir) != 0)
		return NULL;
	for (size_t i = 0; (one = place((struct sockets *)s, i)) != NULL; i++)
		if (one->address != NULL && strcmp(one->address, address) == 0)
			return one;
	return NULL;
}

/* TAKES `address`. */
static int open_one(struct sockets *s, struct sockets_one *one, char *address,
	const struct sockets *old, struct err *e)
{
	const struct sockets_one *have = find(old, s->dir, address);
	int rc = 0;

	if (have != NULL)
		one->fd = fcntl(have->fd, F_DUPFD_CLOEXEC, 3);
	else
		rc = address_listen(address, s->dir, &one->fd, e);
	if (rc == 0)
		one->address = address;
	else
		mem_free(address);
	return rc;
}

int sockets_open(struct sockets *s, const struct conf *c, const struct sockets *old, struct err *e)
{
	struct sockets_one *one;
	int rc = 0;

	memset(s, 0, sizeof *s);
	s->dir = mem_strdup(c->dir);
	for (size_t i = 0; (one = place(s, i)) != NULL; i++)
		one->fd = -1;
	if (c->admin != NULL)
		rc = address_check(c->admin, e);
	if (rc == 0 && c->listen != NULL)
		rc = open_one(s, &s->listen, mem_strdup(c->listen), old, e);
	if (rc == 0 && c->fastcgi != NULL)
		rc = open_one(s, &s->fastcgi, mem_strdup(c->fastcgi), old, e);
	for (unsigned i = 0; rc == 0 && c->admin != NULL && i < c->gateways; i++)
		rc = open_one(s, &s->admin[i], address_offset(c->admin, i), old, e);
	if (rc < 0)
		sockets_release(s, old);
	return rc;
}

void sockets_release(struct sockets *s, const struct sockets *kept)
{
	struct sockets_one *one;

	for (size_t i = 0; (one = place(s, i)) != NULL; i++) {
		if (one->address == NULL)
			continue;
		if (find(kept, s->dir, one->address) == NULL)
			address_unlink(one->address, s->dir);
		close(one->fd);
		mem_free(one->address);
	}
	mem_free(s->dir);
	memset(s, 0, sizeof *s);
}
