/* SPDX-License-Identifier: MIT */
/* wire - how a request is put on a connection and how its answer is read back: HTTP/1.1 or
 * FastCGI.
 *
 * A request is a head, made once per session, and a tail, made once per run and shared by all
 * connections. Reading works on all bytes of an answer received so far and keeps no state:
 * answers are short and nearly always complete at the first read. It refuses whatever is not
 * framed properly. Sources: RFC 9112 (HTTP/1.1), FastCGI 1.0 specification, RFC 3875 (CGI
 * headers). */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "core/buf.h"

#define WIRE_ANSWER_MAX (16u << 20) /* bytes; more is refused */

struct wire_request {
	const char *method;
	const char *path;   /* with its query */
	const char *base;   /* FastCGI: SCRIPT_NAME, when `path` begins with it */
	const char *accept; /* NULL: any */
	size_t body_len;    /* bytes; 0: no body */
	int keep;           /* FastCGI: FCGI_KEEP_CONN */
};

/* All pointers are valid until the bytes given to read() or `scratch` change. */
struct answer {
	int status; /* 0: the head is not complete */
	const char *location;
	size_t location_len;
	const char *body;
	size_t body_len;
	int close; /* the server will close the connection */
};

struct wire {
	const char *name;
	/* Appends everything that goes before the body. */
	void (*head)(struct buf *out, const struct wire_request *r);
	/* Appends the body in its frame; returns where in `out` the body's first byte is. `len`
	 * <= body_max. */
	size_t (*tail)(struct buf *out, const char *body, size_t len);
	/* Bytes used when the answer is complete; 0 when more are needed (`a` then holds what is
	 * known so far); -1 when it is malformed. `scratch` is overwritten when the body does
	 * not lie there in one piece. */
	long (*read)(struct answer *a, const char *bytes, size_t len, struct buf *scratch);
	size_t body_max;
};

extern const struct wire wire_http;
extern const struct wire wire_fcgi;

/* For the two implementations. What the fields of a head say about the body that follows. */
struct wire_framing {
	long long length; /* -1: not given */
	int chunked;
};

/* Reads the field lines in [p, end), each ended by LF or CR LF: framing, Location, Connection,
 * and CGI's Status. 0 or -1. */
int wire_fields(struct answer *a, struct wire_framing *f, const char *p, const char *end);

#endif
