/* SPDX-License-Identifier: MIT */
/* fcgi_records - FastCGI 1.0 records, both ways.
 *
 * Pure: bytes in, pieces of records out, and the records of an answer. Knows no socket, no HTTP, and not in which order
 * records make sense (fcgi_intake.c does). Layouts and numbers: FastCGI specification, sections 3.3, 3.4, 5 and 8. */
#ifndef GATEWAY_FCGI_RECORDS_H
#define GATEWAY_FCGI_RECORDS_H

#include "core/buf.h"

#define FCGI_HEAD_SIZE   8
#define FCGI_CONTENT_MAX 65535

enum fcgi_type {
	FCGI_TYPE_BEGIN = 1,
	FCGI_TYPE_ABORT = 2,
	FCGI_TYPE_END = 3,
	FCGI_TYPE_PARAMS = 4,
	FCGI_TYPE_STDIN = 5,
	FCGI_TYPE_STDOUT = 6,
	FCGI_TYPE_GET_VALUES = 9,
	FCGI_TYPE_GET_VALUES_RESULT = 10,
	FCGI_TYPE_UNKNOWN = 11
};

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
/* Appends the answer to a management record (id 0, section 4): FCGI_GET_VALUES gets an empty result, since no value is
 * worth knowing, any other FCGI_UNKNOWN_TYPE. */
void fcgi_put_management(struct buf *out, unsigned type);

/* Takes records apart. Zero-initialise. Holds one record head at most: contents are passed through. */
struct fcgi_reader {
	unsigned char head[FCGI_HEAD_SIZE];
	size_t have;    /* bytes of `head` so far */
	size_t content; /* bytes of the record's content still to come */
	size_t padding;
};

struct fcgi_piece {
	unsigned type; /* enum fcgi_type, or any other byte */
	unsigned id;
	const unsigned char *bytes; /* points into what was given to fcgi_reader_next() */
	size_t len;
	size_t total; /* length of the record's whole content */
	int is_last;  /* the record's content ends with this piece */
};

/* Takes bytes from `*bytes` (advances it and lowers `*len`) up to the end of a piece of content. A record without
 * content is one empty piece. Returns 1 with `*piece` filled, 0 when all bytes are used up, -1 when this is not
 * FastCGI 1.0: then the reader is of no use any more. */
int fcgi_reader_next(
	struct fcgi_reader *r, const unsigned char **bytes, size_t *len, struct fcgi_piece *piece);

struct fcgi_pair {
	const char *name, *value; /* not terminated; point into the input */
	size_t name_len, value_len;
};

/* Takes the next name-value pair (section 3.4) from `*bytes`. Returns 1, 0 at the end, -1 when a length does not fit. */
int fcgi_pair_next(const char **bytes, size_t *len, struct fcgi_pair *pair);

#endif
