/* SPDX-License-Identifier: MIT */
#include "core/redis_url.h"

#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/mem.h"

static int number_parse(const char *text, long min, long max, int *out)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < min || n > max)
		return -1;
	*out = (int)n;
	return 0;
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

static char *percent_decode(const char *text, size_t len)
{
	char *out = mem_alloc(len + 1);
	char *to = out;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len && hex(text[i + 1]) >= 0 &&
			hex(text[i + 2]) >= 0) {
			*to++ = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
			i += 2;
		} else {
			*to++ = text[i];
		}
	}
	return out;
}

/* Takes "user:password@" off the front. */
static const char *login_parse(struct redis_url *u, const char *rest)
{
	const char *at = strchr(rest, '@');
	const char *slash = strchr(rest, '/');
	const char *colon;

	if (at == NULL || (slash != NULL && slash < at))
		return rest;
	colon = memchr(rest, ':', (size_t)(at - rest));
	if (colon == NULL)
		colon = at;
	if (colon > rest)
		u->user = percent_decode(rest, (size_t)(colon - rest));
	if (colon < at)
		u->password = percent_decode(colon + 1, (size_t)(at - colon - 1));
	return at + 1;
}

static int unix_parse(struct redis_url *u, const char *rest, struct err *e)
{
	const char *query = strchr(rest, '?');
	size_t len = query != NULL ? (size_t)(query - rest) : strlen(rest);

	if (*rest != '/')
		return err_set(e, ERR_CONFIG, "the path has to begin with a slash");
	u->path = mem_dup(rest, len);
	if (query != NULL &&
		(strncmp(query, "?db=", 4) != 0 || number_parse(query + 4, 0, 1000000, &u->db) < 0))
		return err_set(e, ERR_CONFIG, "only ?db=N may follow the path");
	return 0;
}

static int tcp_parse(struct redis_url *u, const char *rest, struct err *e)
{
	size_t len = strcspn(rest, "/");
	const char *db = rest + len;
	const char *colon;

	if (*rest == '[') {
		const char *close = memchr(rest, ']', len);
		if (close == NULL)
			return err_set(e, ERR_CONFIG, "a bracket is not closed");
		u->host = mem_dup(rest + 1, (size_t)(close - rest - 1));
		colon = close + 1;
	} else {
		colon = memchr(rest, ':', len);
		if (colon == NULL)
			colon = rest + len;
		u->host = mem_dup(rest, (size_t)(colon - rest));
	}
	if (*u->host == '\0')
		return err_set(e, ERR_CONFIG, "the host is missing");
	u->port = 6379;
	if (colon < rest + len) {
		char *port = mem_dup(colon + 1, (size_t)(rest + len - colon - 1));
		int rc = *colon == ':' ? number_parse(port, 1, 65535, &u->port) : -1;
		mem_free(port);
		if (rc < 0)
			return err_set(
				e, ERR_CONFIG, "the port has to be a number from 1 to 65535");
	}
	if (db[0] == '/' && db[1] != '\0' && number_parse(db + 1, 0, 1000000, &u->db) < 0)
		return err_set(e, ERR_CONFIG, "the database has to be a number");
	return 0;
}

int redis_url_parse(struct redis_url *u, const char *text, struct err *e)
{
	int rc;

	memset(u, 0, sizeof *u);
	if (strncmp(text, "redis://", 8) == 0)
		rc = tcp_parse(u, login_parse(u, text + 8), e);
	else if (strncmp(text, "unix://", 7) == 0)
		rc = unix_parse(u, login_parse(u, text + 7), e);
	else if (strncmp(text, "rediss://", 9) == 0)
		rc = err_set(e, ERR_UNSUPPORTED,
			"this build's hiredis has no TLS; use a tunnel or a local socket");
	else
		rc = err_set(e, ERR_CONFIG, "has to begin with redis:// or unix://");
	if (rc < 0) {
		err_prefix(e, "redis");
		redis_url_release(u);
	}
	return rc;
}

void redis_url_release(struct redis_url *u)
{
	if (u->password != NULL)
		mem_wipe(u->password, strlen(u->password));
	mem_free(u->host);
	mem_free(u->path);
	mem_free(u->user);
	mem_free(u->password);
	memset(u, 0, sizeof *u);
}

char *redis_url_show(const struct redis_url *u)
{
	if (u->path != NULL)
		return mem_printf("%s/%d", u->path, u->db);
	return mem_printf(
		strchr(u->host, ':') != NULL ? "[%s]:%d/%d" : "%s:%d/%d", u->host, u->port, u->db);
}
