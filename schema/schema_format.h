/* SPDX-License-Identifier: MIT */
/* schema_format - what the files that check formats share. Each check reads a text that is valid UTF-8, may hold
 * NULs and ends at `end`; a NUL of its own follows. */
#ifndef SCHEMA_SCHEMA_FORMAT_H
#define SCHEMA_SCHEMA_FORMAT_H

#include "schema/schema_priv.h"

struct cursor {
	const char *p, *end;
};
typedef bool format_fn(struct cursor c);

/* schema_format.c */
bool take_char(struct cursor *c, const char *set); /* one of these */
bool take_number(struct cursor *c, int digits, int max, int *out);
bool take_ipv4(struct cursor *c);
bool is_digit(char c);
bool is_letter(char c);
bool is_hex(char c);
format_fn is_ipv6;

/* schema_format_uri.c */
format_fn is_uri, is_uri_reference, is_iri, is_iri_reference, is_uri_template;

#endif
