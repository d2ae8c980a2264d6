/* SPDX-License-Identifier: MIT */
/* email_charset - bytes in whatever encoding a mail claims, as valid UTF-8.
 *
 * Never fails: names that are unknown or wrong are common, and a character that is not right is better than a mail
 * that is not there. Names from outside never reach iconv(3), which loads code by name. Pure, any thread. */
#ifndef PLATFORMS_EMAIL_CHARSET_H
#define PLATFORMS_EMAIL_CHARSET_H

#include "core/buf.h"

/* Appends the text: valid UTF-8 without byte order mark and without control characters but tab, LF and CR, at most
 * `max` bytes of whole characters. `label` is the name from outside, in any spelling; NULL: none. Unknown names,
 * ASCII, and UTF-8 are read as UTF-8 where it is valid and as windows-1252 where it is not; so is Latin-1, unless all
 * of the text is valid UTF-8. A character of UTF-8 that the end of the bytes cuts is left out. 1 when text was left out
 * because of `max`, else 0. */
int email_charset_decode(
	const char *bytes, size_t len, const char *label, size_t max, struct buf *out);
/* 1 when there are characters beyond ASCII and all are valid UTF-8 (the last one may be cut): chance hardly does that. */
int email_charset_is_utf8(const char *bytes, size_t len);
/* The length of the UTF-8 character (RFC 3629, 4) at `s`, of which `left` > 0 bytes are there; 0: it is none; -1: so far
 * valid, but the bytes end. */
int email_charset_character(const unsigned char *s, size_t left);
/* The length of the longest whole-character start of valid UTF-8 that fits into `max` bytes. */
size_t email_charset_fit(const char *s, size_t len, size_t max);

#endif
