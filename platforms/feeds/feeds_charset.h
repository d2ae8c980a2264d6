/* SPDX-License-Identifier: MIT */
/* feeds_charset - the bytes of a document as valid UTF-8, whatever it was written in.
 *
 * The parser behind it is always told UTF-8, so every string that leaves it is valid and line numbers are right.
 * Pure; knows no XML but the declaration and no HTTP but the Content-Type value. */
#ifndef PLATFORMS_FEEDS_CHARSET_H
#define PLATFORMS_FEEDS_CHARSET_H

#include "core/buf.h"

struct err;

/* Appends the document to `out`: valid UTF-8 without byte order mark, leading blanks and characters that XML 1.0
 * (2.2) forbids. `content_type` may be NULL. Which encoding, the first that applies: a byte order mark; UTF-8 when
 * the Content-Type says so and the bytes agree; the XML declaration; the Content-Type's charset; UTF-8. Where UTF-8
 * is broken, each bad byte is read as windows-1252. Any thread. < 0: ERR_REMOTE (an encoding nobody knows). */
int feeds_charset_decode(
	const char *bytes, size_t len, const char *content_type, struct buf *out, struct err *e);

#endif
