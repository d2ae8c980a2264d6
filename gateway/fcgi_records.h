/* SPDX-License-Identifier: MIT */
/* fcgi_records - the FastCGI 1.0 records that the loop writes and the few it still has to read.
 *
 * A request is read whole by libfcgi (fcgi_acceptors.c); afterwards only the answer is written, and the web server may
 * say that it lost interest. Pure: bytes in, bytes out; knows no socket and no HTTP. Layouts and numbers are those of
 * the FastCGI specification, sections 3.3, 5 and 8. */
#ifndef GATEWAY_FCGI_RECORDS_H
#define GATEWAY_FCGI_RECORDS_H

#include "core/buf.h"

#define FCGI_HEAD_SIZE   8
#define FCGI_CONTENT_MAX 65535

enum fcgi_status { /* protocolStatus of FCGI_END_REQUEST, section 5.5 */
	FCGI_STATUS_COMPLETE = 0,
	FCGI_STATUS_CANT_MPX = 1,
	FCGI_STATUS_UNKNOWN_ROLE = 3
};

/* Appends `len` bytes as FCGI_STDOUT records of request `id`. Nothing for 0 bytes: an empty record would end it. */
void fcgi_put_stdout(struct buf *out, unsigned id, const void *bytes, size_t len);
/* Appends what ends a request that was answered: an empty FCGI_STDOUT and FCGI_END_REQUEST. */
void fcgi_put_finish(struct buf *out, unsigned id);
/* Appends a bare FCGI_END_REQUEST: a request that is refused. */
void fcgi_put_end(struct buf *out, unsigned id, enum fcgi_status status);

/* What a web server may send behind a request. Zero-initialise. Holds at most one record head: contents are skipped. */
struct fcgi_reader {
	unsigned char head[FCGI_HEAD_SIZE];
	size_t have; /* bytes of `head` so far */
	size_t skip; /* bytes of content and padding still to come */
};

enum fcgi_event {
	FCGI_EVENT_NONE,  /* all bytes are used up */
	FCGI_EVENT_ABORT, /* FCGI_ABORT_REQUEST for `id` */
	FCGI_EVENT_BEGIN, /* FCGI_BEGIN_REQUEST for `id`: multiplexing, which is not offered */
	FCGI_EVENT_BAD    /* not FastCGI 1.0; the reader is of no use any more */
};

/* Takes bytes from `*bytes` (advances it and lowers `*len`) up to the next event, and names its request in `*id`.
 * Call again until it returns FCGI_EVENT_NONE or FCGI_EVENT_BAD. Records without meaning here are passed over. */
enum fcgi_event fcgi_reader_next(
	struct fcgi_reader *r, const unsigned char **bytes, size_t *len, unsigned *id);

#endif
