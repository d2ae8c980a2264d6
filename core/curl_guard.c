/* SPDX-License-Identifier: MIT */
#include "core/curl_guard.h"

#include <sys/socket.h>

#include "core/outbound.h"

#define CURL_GUARD_MAGIC 0x63677264u

/* CURLOPT_OPENSOCKETFUNCTION: called for each resolved address. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	CAST(curl_guard, g, arg, CURL_GUARD_MAGIC);
	const struct sockaddr_in *in = (const void *)&a->addr;
	const struct sockaddr_in6 *in6 = (const void *)&a->addr;

	if (purpose == CURLSOCKTYPE_IPCXN && outbound_allows(g->outbound, &a->addr)) {
		g->opened = 1;
		return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	}
	if (a->family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, g->blocked, sizeof g->blocked);
	else if (a->family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, g->blocked, sizeof g->blocked);
	return CURL_SOCKET_BAD;
}

void curl_guard_init(struct curl_guard *g, const struct outbound *outbound, CURL *easy)
{
	g->magic = CURL_GUARD_MAGIC;
	g->outbound = outbound;
	curl_guard_reset(g);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, g);
}

void curl_guard_reset(struct curl_guard *g)
{
	g->opened = 0;
	g->blocked[0] = '\0';
}

const char *curl_guard_blocked(const struct curl_guard *g)
{
	return g->blocked[0] != '\0' && !g->opened ? g->blocked : NULL;
}
