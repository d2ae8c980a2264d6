/* SPDX-License-Identifier: MIT */
/* cors - which web pages may use the gateway (WHATWG Fetch, section 3.2): their own origin always, others as configured in
 * http.origins. A request without an Origin header does not come from a page. Pure. */
#ifndef GATEWAY_CORS_H
#define GATEWAY_CORS_H

#include <stddef.h>

#include "gateway/exchange.h"

struct conf;

int cors_allows(const struct conf *c, struct exchange *x);
/* Writes the headers an answer needs for the page to read it (3 at most); returns how many. Borrowed from `x`. */
size_t cors_headers(const struct conf *c, struct exchange *x, struct http_header *out);
/* What the answer to a preflight request has besides; ends with .name == NULL. */
extern const struct http_header cors_preflight[];

#endif
