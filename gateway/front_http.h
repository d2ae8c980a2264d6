/* SPDX-License-Identifier: MIT */
/* front_http - the gateway's own HTTP server: libmicrohttpd inside the event loop, without threads.
 *
 * A request that waits is suspended: a connection and a small exchange, no thread, no timer of its own here. Knows no path and no
 * job. TLS ends in the web server in front (docs/operations.md). */
#ifndef GATEWAY_FRONT_HTTP_H
#define GATEWAY_FRONT_HTTP_H

#include <uv.h>

#include "gateway/exchange.h"

struct err;
struct front_http;

/* Serves the listening socket `listen_fd` (TAKES, also on failure) with at most `connections` connections. The loop needs a
 * turn (core/turn.h). The options are copied. GIVES in `*out`; < 0 with `e` filled. */
int front_http_open(uv_loop_t *loop, int listen_fd, unsigned connections,
	const struct front_options *options, struct front_http **out, struct err *e);
/* No new connections; the open ones go on. */
void front_http_drain(struct front_http *f);
/* How many exchanges are open; at a drain, for a moment, also the connections whose first request has not come yet. */
size_t front_http_count(const struct front_http *f);
/* Ends everything (gone() for each exchange the api keeps) and frees; the loop has to run once more for the handles to
 * close. Sets NULL. */
void front_http_close(struct front_http **f);

#endif
