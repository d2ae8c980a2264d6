/* SPDX-License-Identifier: MIT */
/* fcgi_acceptors - the threads that wait for FastCGI requests and read them whole.
 *
 * The only file that uses libfcgi. Its calls block, so each thread accepts a connection, lets libfcgi read variables and
 * body, and puts the request on a list for the loop; then it waits for the next one. A peer that is slow or silent
 * is cut off by fcgi_acceptors_check(). This file writes no answers and knows nothing of the api.
 * Used by: gateway/front_fcgi.c. */
#ifndef GATEWAY_FCGI_ACCEPTORS_H
#define GATEWAY_FCGI_ACCEPTORS_H

#include <stdint.h>

#include "gateway/cgi.h"

#define FCGI_READ_MS 20000 /* a request has to be complete this long after its connection */

struct err;
struct fcgi_acceptors;

struct fcgi_request {
	struct fcgi_request *next;
	int fd; /* non-blocking; closed by fcgi_request_free() unless taken (-1) */
	unsigned id;
	int is_responder; /* 0: a role that is not offered (authorizer, filter) */
	int refused;      /* as exchange.refused: 0, 400, 413 */
	struct cgi_request cgi;
	struct buf body;
};

void fcgi_request_free(struct fcgi_request *r);

struct fcgi_acceptors_options {
	int listen_fd; /* TAKES, also on failure; made non-blocking */
	unsigned threads;
	size_t body_bytes;
	/* Called from the threads when the list is no longer empty; must be safe there and must not block. */
	void (*wake)(void *arg);
	void *arg;
};

/* GIVES. NULL with `e` filled when descriptors or threads cannot be had. */
struct fcgi_acceptors *fcgi_acceptors_open(
	const struct fcgi_acceptors_options *options, struct err *e);
/* The requests read so far, oldest first; GIVES each (fcgi_request_free). NULL when there are none. */
struct fcgi_request *fcgi_acceptors_take(struct fcgi_acceptors *a);
/* Cuts connections off whose request is not complete FCGI_READ_MS after it began. `now_ms` is uv_hrtime() in ms. */
void fcgi_acceptors_check(struct fcgi_acceptors *a, uint64_t now_ms);
/* Connections that wait already are read; then the threads end and the listening socket is closed. Returns at once. */
void fcgi_acceptors_drain(struct fcgi_acceptors *a);
/* Ends the threads (cutting off what they read), waits for them, which is short, and frees. No wake() afterwards.
 * Sets NULL. */
void fcgi_acceptors_close(struct fcgi_acceptors **a);

#endif
