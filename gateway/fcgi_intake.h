/* SPDX-License-Identifier: MIT */
/* fcgi_intake - one FastCGI request as it comes in, from the first byte of a connection to its last.
 *
 * Pure: is fed what the socket gave, collects variables and body within bounds, says when the request is complete, and
 * afterwards whether the web server gave it up. Knows neither sockets nor the api. Read next: front_fcgi.c.
 *
 * Why not libfcgi: its reads block, so that a few slow uploads through Apache (which passes bodies on piece by piece)
 * kept all its threads busy for as long as they pleased; and version 2.4.2 overflows its stack when a peer asks for
 * more than three values in one FCGI_GET_VALUES record. */
#ifndef GATEWAY_FCGI_INTAKE_H
#define GATEWAY_FCGI_INTAKE_H

#include "gateway/cgi.h"
#include "gateway/fcgi_records.h"

enum fcgi_intake_state {
	FCGI_INTAKE_BEGIN,    /* nothing yet */
	FCGI_INTAKE_PARAMS,   /* variables are coming */
	FCGI_INTAKE_BODY,     /* the body is coming */
	FCGI_INTAKE_COMPLETE, /* `cgi`, `body` and `refused` are filled */
	FCGI_INTAKE_ABORTED,  /* FCGI_ABORT_REQUEST: nobody waits for an answer */
	FCGI_INTAKE_BAD       /* not FastCGI, or not in this order: the connection is of no use */
};

struct fcgi_intake {
	enum fcgi_intake_state state;
	size_t body_bytes; /* larger bodies are dropped: refused = 413 */
	unsigned id;       /* of the request; valid behind FCGI_INTAKE_BEGIN */
	int keeps_conn; /* FCGI_KEEP_CONN was asked for, and the request has been read to its end */
	int refused;    /* as exchange.refused: 0, 400, 413 */
	struct cgi_request cgi;
	struct buf body; /* may be taken over once complete */
	/* --- private --- */
	struct fcgi_reader reader;
	unsigned char begin[3]; /* role and flags */
	size_t n_begin;
	struct buf params;
	size_t n_body;
	unsigned n_replies;
};

/* `before`: the intake of the request that this connection carried before, or NULL. */
void fcgi_intake_init(struct fcgi_intake *in, size_t body_bytes, const struct fcgi_intake *before);
void fcgi_intake_release(struct fcgi_intake *in);
/* Takes `len` bytes that came; returns the state afterwards. Appends to `reply` what has to be answered whatever the
 * request is: management records, a role that is not offered (state FCGI_INTAKE_BAD), a second request at the same time. */
enum fcgi_intake_state fcgi_intake_feed(
	struct fcgi_intake *in, const void *bytes, size_t len, struct buf *reply);

#endif
