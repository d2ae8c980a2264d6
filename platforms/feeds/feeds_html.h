/* SPDX-License-Identifier: MIT */
/* feeds_html - plain text out of HTML of any quality.
 *
 * A tokenizer of its own instead of libxml2's HTML parser: that one compares each attribute with all others and took
 * 32 s for a hostile feed of 5 MiB, and a tree is not needed to leave tags out. This takes time in proportion to the
 * input, whatever it is. Pure; any thread. */
#ifndef PLATFORMS_FEEDS_HTML_H
#define PLATFORMS_FEEDS_HTML_H

#include "core/buf.h"

/* Appends the text of `html` (valid UTF-8, so is the result): no tags, comments, scripts and styles, character
 * references resolved, blocks as lines, other runs of blanks as one space. Not longer than the input. */
void feeds_html_to_text(const char *html, size_t len, struct buf *out);

#endif
