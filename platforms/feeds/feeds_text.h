/* SPDX-License-Identifier: MIT */
/* feeds_text - text and markup out of XML trees.
 *
 * Works on libxml2 trees and strings of valid UTF-8 and appends to a buf; results are valid UTF-8 of at most
 * FEED_MAX_TEXT bytes. Pure, any thread, no recursion. It does not make markup safe to show: that is the client's
 * duty, who alone knows where it goes. */
#ifndef PLATFORMS_FEEDS_TEXT_H
#define PLATFORMS_FEEDS_TEXT_H

#include <libxml/tree.h>

#include "core/buf.h"

/* The text of an element and all below it. Entity references stay unexpanded, whatever they claim to be. */
void feeds_text_content(const xmlNode *parent, struct buf *out);
/* The markup between an element's tags, without namespaces: XHTML as HTML. */
void feeds_text_markup(const xmlNode *parent, struct buf *out);
/* Plain text with &, <, > and " escaped. */
void feeds_text_to_html(const char *text, size_t len, struct buf *out);
/* The length of the longest whole-character start of `s` that fits into `max` bytes. */
size_t feeds_text_fit(const char *s, size_t len, size_t max);

#endif
