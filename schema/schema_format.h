/* SPDX-License-Identifier: MIT */
/* schema_format - what the files that check formats share. Each check reads a text that is valid
 * UTF-8, may hold NULs and ends at `end`; a NUL of its own follows. */
#ifndef SCHEMA_SCHEMA_FORMAT_H
#define SCHEMA_SCHEMA_FORMAT_H

#include "schema/schema.h"

#include <stdbool.h>

struct format;
/* NULL when the draft does not have it, or it is not checked here; then it only describes. */
const struct format *format_find(const char *name, enum schema_draft draft);
const char *format_name(const struct format *f);
/* `text` is followed by a NUL that `len` does not count. */
bool format_holds(const struct format *f, const char *text, size_t len);

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
