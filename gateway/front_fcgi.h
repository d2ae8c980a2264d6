/* SPDX-License-Identifier: MIT */
/* front_fcgi - requests that a web server hands over by FastCGI 1.0.
 *
 * libfcgi's accept and read block, so a few acceptor threads wait in FCGX_Accept_r(), read the whole body and hand the
 * request to the loop; from there on it is a descriptor, a request id and a few strings: the answer's FCGI_STDOUT and
 * FCGI_END_REQUEST records are written without blocking, a parked request holds no thread. */
#ifndef GATEWAY_FRONT_FCGI_H
#define GATEWAY_FRONT_FCGI_H

#include <uv.h>

#include "gateway/exchange.h"

struct err;
struct front_fcgi;

/* Serves the listening socket `listen_fd` (TAKES). `threads`: how many acceptors (1..64). GIVES in `*out`; < 0 with `e`
 * filled. The options are copied. */
int front_fcgi_open(uv_loop_t *loop, int listen_fd, unsigned threads,
	const struct front_options *options, struct front_fcgi **out, struct err *e);
/* No new requests; the open ones go on. */
void front_fcgi_drain(struct front_fcgi *f);
/* How many exchanges are open. */
size_t front_fcgi_count(const struct front_fcgi *f);
/* Ends everything (gone() for each open exchange) and frees; the loop must still run once for the handles to close.
 * Sets NULL. */
void front_fcgi_close(struct front_fcgi **f);

#endif
