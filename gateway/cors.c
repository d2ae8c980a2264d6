/* SPDX-License-Identifier: MIT */
#include "gateway/cors.h"

#include <string.h>
#include <strings.h>

#include "core/conf.h"

const struct http_header cors_preflight[] = {
	{"Allow", "GET, POST, DELETE, OPTIONS"},
	{"Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS"},
	{"Access-Control-Allow-Headers", "Content-Type, Authorization, Accept, Last-Event-ID"},
	{"Access-Control-Max-Age", "600"},
	{NULL, NULL},
};

/* The page was served from the name by which the gateway is addressed; the scheme may differ where TLS ends in front. */
static int is_own(struct exchange *x, const char *origin)
{
	const char *host = exchange_header(x, "Host");
	const char *authority = strstr(origin, "://");

	return host != NULL && authority != NULL && strcasecmp(authority + 3, host) == 0;
}

static int is_listed(const struct conf *c, const char *origin)
{
	for (size_t i = 0; i < c->http_origins.n; i++)
		if (strcmp(c->http_origins.items[i], "*") == 0 ||
			strcasecmp(c->http_origins.items[i], origin) == 0)
			return 1;
	return 0;
}

int cors_allows(const struct conf *c, struct exchange *x)
{
	const char *origin = exchange_header(x, "Origin");

	return origin == NULL || is_own(x, origin) || is_listed(c, origin);
}

size_t cors_headers(const struct conf *c, struct exchange *x, struct http_header *out)
{
	const char *origin = exchange_header(x, "Origin");

	if (origin == NULL || !(is_own(x, origin) || is_listed(c, origin)))
		return 0;
	out[0] = (struct http_header){"Access-Control-Allow-Origin", origin};
	out[1] = (struct http_header){
		"Access-Control-Expose-Headers", "Location, Sockethub-Session, Retry-After"};
	out[2] = (struct http_header){"Vary", "Origin"};
	return 3;
}
