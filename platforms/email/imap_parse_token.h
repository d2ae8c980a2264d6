/* SPDX-License-Identifier: MIT */
/* imap_parse_token - the parts of a response: atoms, numbers, strings, lists (RFC 3501, 4 and 9).
 *
 * A cursor walks over the bytes of a whole response, which stay where they are. Nothing is allocated and nothing
 * recurses, so hostile nesting costs nothing. Pure. */
#ifndef PLATFORMS_EMAIL_IMAP_PARSE_TOKEN_H
#define PLATFORMS_EMAIL_IMAP_PARSE_TOKEN_H

#include "core/buf.h"

#define IMAP_PARSE_TOKEN_DEPTH 100 /* lists within lists that are skipped; more is an error */

struct imap_parse_cursor {
	const char *at, *end;
};

enum imap_parse_token_type {
	IMAP_TOKEN_BAD, /* not IMAP; the cursor stays there */
	IMAP_TOKEN_END,
	IMAP_TOKEN_ATOM, /* also numbers, flags, and BODY[...]<n> with all that is in the brackets */
	IMAP_TOKEN_NIL,
	IMAP_TOKEN_STRING, /* quoted or literal */
	IMAP_TOKEN_OPEN,   /* ( */
	IMAP_TOKEN_CLOSE   /* ) */
};

struct imap_parse_token {
	enum imap_parse_token_type type;
	const char *bytes; /* atom, string: any bytes, not terminated */
	size_t len;
	int escaped; /* a quoted string in which backslashes are to be undone: imap_parse_token_text() */
};

/* The next token; returns its type. */
enum imap_parse_token_type imap_parse_token_next(
	struct imap_parse_cursor *c, struct imap_parse_token *t);
/* As next(), but leaves the cursor where it is. */
enum imap_parse_token_type imap_parse_token_peek(
	const struct imap_parse_cursor *c, struct imap_parse_token *t);
/* Skips a whole value, be it a list. 0, or -1 when there is none or it is broken. */
int imap_parse_token_skip(struct imap_parse_cursor *c);
/* 1 when `t` is the atom `name`, in any case. */
int imap_parse_token_is(const struct imap_parse_token *t, const char *name);
/* Appends an atom's or string's bytes, without escapes. */
void imap_parse_token_text(const struct imap_parse_token *t, struct buf *out);
/* An atom that is a number up to `max`: 0, or -1. */
int imap_parse_token_number(const struct imap_parse_token *t, uint64_t max, uint64_t *out);

#endif
