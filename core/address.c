/* SPDX-License-Identifier: MIT */
#include "core/address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/err.h"
#include "core/mem.h"

#define BACKLOG   4096
#define UNIX_WORD "unix:"

struct address {
	char host[256];
	char port[8];
	const char *path; /* of a unix socket, borrowed; else NULL */
};

static int address_parse(struct address *a, const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');
	size_t host_len = colon != NULL ? (size_t)(colon - text) : 0;
	char *end;
	long port;

	*a = (struct address){.path = NULL};
	if (strncmp(text, UNIX_WORD, strlen(UNIX_WORD)) == 0) {
		a->path = text + strlen(UNIX_WORD);
		return *a->path != '\0' ? 0
					: err_set(e, ERR_CONFIG, "%s: the path is missing", text);
	}
	if (host_len == 0)
		return err_set(
			e, ERR_CONFIG, "%s: has to be HOST:PORT, [V6]:PORT or unix:PATH", text);
	port = strtol(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port > 65535)
		return err_set(e, ERR_CONFIG, "%s: the port has to be a number up to 65535", text);
	if (text[0] == '[' && text[host_len - 1] == ']') {
		text++;
		host_len -= 2;
	} else if (memchr(text, ':', host_len) != NULL) {
		return err_set(e, ERR_CONFIG, "%s: an IPv6 address needs brackets", text);
	}
	if (host_len == 0 || host_len >= sizeof a->host)
		return err_set(e, ERR_CONFIG, "%s: the host is missing or too long", text);
	memcpy(a->host, text, host_len);
	snprintf(a->port, sizeof a->port, "%hu", (unsigned short)port);
	return 0;
}

int address_check(const char *text, struct err *e)
{
	struct address a;

	return address_parse(&a, text, e);
}

static int unix_fill(struct sockaddr_un *sa, const char *path, struct err *e)
{
	if (strlen(path) >= sizeof sa->sun_path)
		return err_set(e, ERR_CONFIG,
			"the path of a unix socket may have %zu bytes, choose a shorter one: %s",
			sizeof sa->sun_path - 1, path);
	memset(sa, 0, sizeof *sa);
	sa->sun_family = AF_UNIX;
	memcpy(sa->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Makes way for bind(): a socket file on which nobody answers is removed. */
static int stale_remove(const struct sockaddr_un *sa, struct err *e)
{
	struct stat st;
	int fd, rc, why;

	if (lstat(sa->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFIG, "%s: exists and is not a socket", sa->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_sys(e, ERR_CONFIG, errno, "socket");
	rc = connect(fd, (const struct sockaddr *)sa, sizeof *sa);
	why = errno;
	close(fd);
	if (rc == 0 || why != ECONNREFUSED)
		return err_set_sys(e, ERR_CONFIG, EADDRINUSE, "%s", sa->sun_path);
	return unlink(sa->sun_path) == 0 ? 0
					 : err_set_sys(e, ERR_CONFIG, errno, "%s", sa->sun_path);
}

static int unix_listen(const char *path, int *fd, struct err *e)
{
	struct sockaddr_un sa;
	int rc = unix_fill(&sa, path, e);

	if (rc == 0)
		rc = stale_remove(&sa, e);
	if (rc < 0)
		return rc;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Nobody can connect before listen(), so the mode is right from the first connection on. */
	if (*fd >= 0 && bind(*fd, (const struct sockaddr *)&sa, sizeof sa) == 0 &&
		chmod(path, 0660) == 0 && listen(*fd, BACKLOG) == 0)
		return 0;
	err_set_sys(e, ERR_CONFIG, errno, "%s", path);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -(int)ERR_CONFIG;
}

/* A socket bound to the first of the host's addresses that can be; -1 with errno set. */
static int bind_first(const struct addrinfo *found)
{
	int fd = -1, on = 1;

	for (; found != NULL && fd < 0; found = found->ai_next) {
		fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		if (bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
			int why = errno;
			close(fd);
			errno = why;
			fd = -1;
		}
	}
	return fd;
}

int address_listen(const char *text, const char *dir, int *fd, struct err *e)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	struct address a;
	int rc = address_parse(&a, text, e);

	*fd = -1;
	if (rc < 0)
		return rc;
	if (a.path != NULL) {
		char *path = *a.path == '/' ? mem_strdup(a.path) : mem_printf("%s/%s", dir, a.path);
		rc = unix_listen(path, fd, e);
		mem_free(path);
		return rc;
	}
	rc = getaddrinfo(a.host, a.port, &hints, &found);
	if (rc != 0)
		return err_set(e, ERR_CONFIG, "%s: %s", text, gai_strerror(rc));
	*fd = bind_first(found);
	if (*fd < 0)
		rc = err_set_sys(e, ERR_CONFIG, errno, "%s", text);
	freeaddrinfo(found);
	return rc;
}

char *address_show(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	char host[256], port[16];

	memset(&sa, 0, sizeof sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return mem_strdup("?");
	if (sa.ss_family == AF_UNIX)
		return mem_printf(UNIX_WORD "%s", ((struct sockaddr_un *)&sa)->sun_path);
	if (getnameinfo((struct sockaddr *)&sa, len, host, sizeof host, port, sizeof port,
		    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return mem_strdup("?");
	return mem_printf(sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

char *address_offset(const char *text, unsigned n)
{
	const char *colon = strrchr(text, ':');
	long port;

	if (n == 0)
		return mem_strdup(text);
	if (strncmp(text, UNIX_WORD, strlen(UNIX_WORD)) == 0)
		return mem_printf("%s.%u", text, n);
	assert(colon != NULL);
	port = strtol(colon + 1, NULL, 10);
	return mem_printf("%.*s:%ld", (int)(colon - text), text, port > 0 ? port + (long)n : 0);
}

void address_unlink(const char *text, const char *dir)
{
	struct address a;
	char *path;

	if (address_parse(&a, text, NULL) < 0 || a.path == NULL)
		return;
	path = *a.path == '/' ? mem_strdup(a.path) : mem_printf("%s/%s", dir, a.path);
	unlink(path);
	mem_free(path);
}

int address_inherited(const char *name)
{
	const char *text = getenv(name);
	struct stat st;
	int fd;

	if (text == NULL)
		return -1;
	fd = atoi(text);
	unsetenv(name);
	if (fd < 3 || fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}
