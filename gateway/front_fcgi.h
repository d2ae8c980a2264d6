/* SPDX-License-Identifier: MIT */
/* front_fcgi - requests that a web server hands over by FastCGI 1.0.
 *
 * A connection carries one request at a time. All of it happens in the loop: a request under way is a descriptor and a small
 * struct, never a thread. fcgi_intake.h says why libfcgi is not used. */
#ifndef GATEWAY_FRONT_FCGI_H
#define GATEWAY_FRONT_FCGI_H

#include <uv.h>

#include "gateway/exchange.h"

struct err;
struct front_fcgi;

/* Serves the listening socket `listen_fd` (TAKES, also on failure). More than `open_max` exchanges at a time are refused with
 * 503. GIVES in `*out`; < 0 with `e` filled. The options are copied. The handler may be called from within
 * front_fcgi_drain() too. */
int front_fcgi_open(uv_loop_t *loop, int listen_fd, size_t open_max,
	const struct front_options *options, struct front_fcgi **out, struct err *e);
/* Takes the connections that wait already, then closes the listening socket. What is open goes on. */
void front_fcgi_drain(struct front_fcgi *f);
/* How many exchanges are open. */
size_t front_fcgi_count(const struct front_fcgi *f);
/* Ends everything (gone() for each open exchange) and frees; the loop must still run once for the handles to close.
 * Sets NULL. */
void front_fcgi_close(struct front_fcgi **f);

#endif
