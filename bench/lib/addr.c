/* SPDX-License-Identifier: MIT */
#include "bench/lib/addr.h"
#include "core/err.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parse_unix(struct addr *a, const char *path, struct err *e)
{
	size_t len = strlen(path);
	if (len == 0 || len >= sizeof(a->u.un.sun_path))
		return err_set(e, ERR_INVALID, "unix:%s: empty or too long a path", path);
	a->u.un.sun_family = AF_UNIX;
	memcpy(a->u.un.sun_path, path, len + 1);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return 0;
}

int addr_parse(struct addr *a, const char *text, struct err *e)
{
	memset(a, 0, sizeof(*a));
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(a, text + 5, e);
	char host[INET_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	char *end = NULL;
	unsigned long port = colon != NULL ? strtoul(colon + 1, &end, 10) : 0;
	if (end == NULL || *end != '\0' || port > 65535 || (size_t)(colon - text) >= sizeof(host))
		return err_set(e, ERR_INVALID, "%s: neither IPV4:PORT nor unix:PATH", text);
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	a->u.in.sin_family = AF_INET;
	a->u.in.sin_port = htons((uint16_t)port);
	a->len = sizeof(a->u.in);
	if (inet_pton(AF_INET, host, &a->u.in.sin_addr) != 1)
		return err_set(e, ERR_INVALID, "%s: not an IPv4 address", host);
	return 0;
}

int addr_connect(const struct addr *a)
{
	int fd = socket(a->u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int one = 1;
	if (a->u.any.sa_family == AF_INET)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, &a->u.any, a->len) < 0 && errno != EINPROGRESS) {
		int sys = errno;
		close(fd);
		return -sys;
	}
	return fd;
}
