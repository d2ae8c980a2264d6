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

/* HOST[:PORT] of `len` bytes. */
static int host_parse(struct redis_host *h, const char *text, size_t len, struct err *e)
{
	const char *end = text + len;
	const char *colon;

	if (len > 0 && *text == '[') {
		const char *close = memchr(text, ']', len);
		if (close == NULL)
			return err_set(e, ERR_CONFIG, "a bracket is not closed");
		h->host = mem_dup(text + 1, (size_t)(close - text - 1));
		colon = close + 1;
	} else {
		colon = memchr(text, ':', len);
		if (colon == NULL)
			colon = end;
		h->host = mem_dup(text, (size_t)(colon - text));
	}
	if (*h->host == '\0')
		return err_set(e, ERR_CONFIG, "the host is missing");
	if (colon < end) {
		char *port = mem_dup(colon + 1, (size_t)(end - colon - 1));
		int rc = *colon == ':' ? number_parse(port, 1, 65535, &h->port) : -1;
		mem_free(port);
		if (rc < 0)
			return err_set(
				e, ERR_CONFIG, "the port has to be a number from 1 to 65535");
	}
	return 0;
}

/* "", "/" or "/N". */
static int db_parse(struct redis_url *u, const char *text, struct err *e)
{
	if (text[0] == '/' && text[1] != '\0' && number_parse(text + 1, 0, 1000000, &u->db) < 0)
		return err_set(e, ERR_CONFIG, "the database has to be a number");
	return 0;
}

static int tcp_parse(struct redis_url *u, const char *rest, struct err *e)
{
	struct redis_host h = {.port = 6379};
	size_t len = strcspn(rest, "/");
	int rc = host_parse(&h, rest, len, e);

	u->host = h.host;
	u->port = h.port;
	return rc < 0 ? rc : db_parse(u, rest + len, e);
}

static int sentinel_parse(struct redis_url *u, const char *rest, struct err *e)
{
	const char *slash = rest + strcspn(rest, "/");
	size_t len;

	for (;; rest += len + 1) {
		struct redis_host *h;
		int rc;

		len = strcspn(rest, ",/");
		u->sentinels = mem_realloc(
			u->sentinels, (u->n_sentinels + 1) * sizeof *u->sentinels);
		h = &u->sentinels[u->n_sentinels++];
		*h = (struct redis_host){.port = 26379};
		rc = host_parse(h, rest, len, e);
		if (rc < 0)
			return rc;
		if (rest + len == slash)
			break;
	}
	len = *slash == '/' ? strcspn(slash + 1, "/") : 0;
	if (len == 0)
		return err_set(
			e, ERR_CONFIG, "the name of the master is missing behind the sentinels");
	u->master = mem_dup(slash + 1, len);
	return db_parse(u, slash + 1 + len, e);
}

int redis_url_parse(struct redis_url *u, const char *text, struct err *e)
{
	int rc;

	memset(u, 0, sizeof *u);
	if (strncmp(text, "redis://", 8) == 0)
		rc = tcp_parse(u, login_parse(u, text + 8), e);
	else if (strncmp(text, "unix://", 7) == 0)
		rc = unix_parse(u, login_parse(u, text + 7), e);
	else if (strncmp(text, "sentinel://", 11) == 0)
		rc = sentinel_parse(u, login_parse(u, text + 11), e);
	else if (strncmp(text, "rediss://", 9) == 0)
		rc = err_set(e, ERR_UNSUPPORTED,
			"this build's hiredis has no TLS; use a tunnel or a local socket");
	else
		rc = err_set(e, ERR_CONFIG, "has to begin with redis://, unix:// or sentinel://");
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
	for (size_t i = 0; i < u->n_sentinels; i++)
		mem_free(u->sentinels[i].host);
	mem_free(u->sentinels);
	mem_free(u->master);
	mem_free(u->host);
	mem_free(u->path);
	mem_free(u->user);
	mem_free(u->password);
	memset(u, 0, sizeof *u);
}

char *redis_url_show(const struct redis_url *u)
{
	const char *host = u->n_sentinels > 0 ? u->sentinels[0].host : u->host;
	int port = u->n_sentinels > 0 ? u->sentinels[0].port : u->port;

	if (u->path != NULL)
		return mem_printf("%s/%d", u->path, u->db);
	return mem_printf(strchr(host, ':') != NULL ? "%s%s[%s]:%d/%d" : "%s%s%s:%d/%d",
		u->master != NULL ? u->master : "", u->master != NULL ? "@" : "", host, port,
		u->db);
}
