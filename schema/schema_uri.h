/* SPDX-License-Identifier: MIT */
/* schema_uri - references between schemas: URIs (RFC 3986) and JSON pointers (RFC 6901). Only
 * text, no documents. */
#ifndef SCHEMA_SCHEMA_URI_H
#define SCHEMA_SCHEMA_URI_H

#include "core/buf.h"

#include <jansson.h>
#include <stdbool.h>

/* RFC 3986 5.2: `ref` against `base`, either may be relative. GIVES (mem_free). */
char *uri_resolve(const char *base, const char *ref);
/* Where the fragment starts (at '#'), or the end. */
const char *uri_fragment(const char *uri);
/* Undo %XX in place. False: malformed, or a NUL. */
bool uri_decode(char *text);
/* The next token of a JSON pointer: moves `*p` behind it and undoes ~0 and ~1 in place; `*p` is
 * NULL after the last. Gives NULL on bad escapes or when `*p` does not start with '/'. */
char *pointer_next(char **p);
/* What `token` names inside `json`, or NULL. */
json_t *pointer_step(const json_t *json, const char *token);
/* Append '/' and `token`, escaped. */
void pointer_add(struct buf *b, const char *token, size_t len);

#endif
