/* SPDX-License-Identifier: MIT */
/* curl_guard - keeps a libcurl handle away from addresses that core/outbound does not allow.
 *
 * The guard opens the handle's sockets: it sees every address after name resolution, for each hop, and refuses those
 * that are not allowed. What it refused last is remembered for the error text. It knows no protocol: core/http.c has
 * one per transfer, a mail platform one per connection. */
#ifndef CORE_CURL_GUARD_H
#define CORE_CURL_GUARD_H

#include <arpa/inet.h>
#include <curl/curl.h>

#include "core/base.h"

struct outbound;

struct curl_guard {
	unsigned magic;
	const struct outbound *outbound;
	int opened;                     /* an address of this hop was allowed */
	char blocked[INET6_ADDRSTRLEN]; /* the last one that was not, or "" */
};

/* Sets CURLOPT_OPENSOCKETFUNCTION and -DATA of `easy`. `g` is KEPT by it and must stay where it is, and `outbound` is
 * KEPT by `g`, as long as `easy` lives. Nothing is to be released. */
void curl_guard_init(struct curl_guard *g, const struct outbound *outbound, CURL *easy);
/* Forgets what happened: another hop begins. */
void curl_guard_reset(struct curl_guard *g);
/* The address that was refused when no other of the host was allowed, so that the transfer could not connect; else
 * NULL. Borrowed until the next connect. */
const char *curl_guard_blocked(const struct curl_guard *g);

#endif
