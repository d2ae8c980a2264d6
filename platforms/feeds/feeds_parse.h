/* SPDX-License-Identifier: MIT */
/* feeds_parse - the bytes of an RSS 0.9x, 1.0, 2.0 or Atom 0.3, 1.0 document as a struct feed.
 *
 * Forgiving with what people publish (blanks before the declaration, HTML entities, wrong encodings, missing end),
 * unforgiving with what attackers do: no entity declared by the document is expanded, nothing is loaded, elements,
 * names, depth and text are bounded. Pure: any thread, no global state but libxml2's own initialisation.
 * feeds_xml.c builds the tree, this file reads it. */
#ifndef PLATFORMS_FEEDS_PARSE_H
#define PLATFORMS_FEEDS_PARSE_H

#include "core/base.h"
#include "platforms/feeds/feed.h"

struct err;

/* `content_type` is the HTTP field's value or NULL; `base` the URL of the document, for relative links, or NULL.
 * GIVES a feed in `*out`, or < 0 (ERR_REMOTE, "Error: Not a feed..." with the first XML error and its line). What
 * can be read of a broken document is a feed when a title or an article was found. */
int feeds_parse(const char *bytes, size_t len, const char *content_type, const char *base,
	struct feed **out, struct err *e) MUST_USE;

#endif
