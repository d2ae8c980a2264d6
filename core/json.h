/* SPDX-License-Identifier: MIT */
/* json - what we add to jansson: bounded reading, writing into a buf, memory that is wiped.
 *
 * Jobs carry passwords, so all memory that jansson frees is overwritten first. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <jansson.h>

#include "core/buf.h"

struct err;

/* What a string in an object takes beside its key and its text, about, in bytes: the entry of a hash table, the value, and
 * what malloc() adds. */
#define JSON_ENTRY_SIZE 192

/* Before the first use of jansson in the process. */
void json_setup(void);
/* Any JSON value (RFC 8259); refuses nesting deeper than `max_depth`, duplicate keys, invalid UTF-8, U+0000, and numbers
 * beyond 64-bit integers and doubles. NULL with `e` filled (ERR_JSON). GIVES. */
json_t *json_read(const char *text, size_t len, unsigned max_depth, struct err *e);
/* Appends the value's compact text; numbers as short as they read back the same. Invalid UTF-8 does not occur:
 * jansson refuses it when a string is made. */
void json_append(struct buf *b, const json_t *value);
/* Appends `len` bytes of UTF-8 as a JSON string; what is not UTF-8 becomes U+FFFD. */
void json_append_string(struct buf *b, const char *text, size_t len);

#endif
