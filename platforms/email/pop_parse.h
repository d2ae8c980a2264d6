/* SPDX-License-Identifier: MIT */
/* pop_parse - the answers of a POP3 server: a status line, and data that ends with a dot (RFC 1939, 3).
 * Incremental, bounded, pure. */
#ifndef PLATFORMS_EMAIL_POP_PARSE_H
#define PLATFORMS_EMAIL_POP_PARSE_H

#include "core/buf.h"

#define POP_PARSE_LINE 1024 /* of a status line; 512 in RFC 2449 */

/* Embedded; zero-initialise, pop_parse_release(). */
struct pop_parse {
	struct buf line; /* the status line, without its end */
	int state;       /* of the data */
	size_t seen;     /* bytes of the data, also those that were dropped */
};

struct pop_parse_entry {
	uint32_t number;
	const char *text; /* what follows, to the line's end; borrowed */
	size_t len;
};

void pop_parse_release(struct pop_parse *p);
/* Another answer begins. */
void pop_parse_begin(struct pop_parse *p);
/* Takes the status line from the `*len` bytes at `*bytes` and moves these on. 1: it is in p->line; 0: more is
 * needed; -1: it is too long. */
int pop_parse_status(struct pop_parse *p, const char **bytes, size_t *len);
/* The same with the data behind: appended to `out`, without dot-stuffing, up to `max` bytes in all; the rest is
 * dropped. 1: it is complete; 0: more is needed. */
int pop_parse_data(
	struct pop_parse *p, const char **bytes, size_t *len, struct buf *out, size_t max);
/* 1 when the status line says +OK. */
int pop_parse_is_ok(const struct pop_parse *p);
/* The words of the status line. */
const char *pop_parse_words(const struct pop_parse *p);
/* The line at `*at`, up to `end`, of a LIST or UIDL: 0 with `*at` behind it, or -1 when it is not "NUMBER TEXT". */
int pop_parse_entry(const char **at, const char *end, struct pop_parse_entry *out);

#endif
