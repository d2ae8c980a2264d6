/* SPDX-License-Identifier: MIT */
/* email_read_word - the text of a header field: encoded words (RFC 2047) and raw 8-bit bytes as UTF-8.
 *
 * Knows no field's grammar. Reads what is sent, not only what is allowed: words of any length, without blanks around
 * them, broken by folds, with bytes of one character in two words, inside quotes. */
#ifndef PLATFORMS_EMAIL_READ_WORD_H
#define PLATFORMS_EMAIL_READ_WORD_H

#include "core/buf.h"

/* The length of the encoded word that begins at `s`, or 0. */
size_t email_read_word_length(const char *s, size_t len);
/* Appends the decoded text, at most `max` bytes, trimmed: valid UTF-8 without control characters, runs of blanks are
 * one. Raw bytes are UTF-8 where they can be, else in `charset`, the body's (NULL: unknown). 1 when `max` cut it. */
int email_read_word_decode(
	const char *s, size_t len, const char *charset, size_t max, struct buf *out);
/* Appends UTF-8 that was decoded otherwise in that same form. */
int email_read_word_tidy(const char *s, size_t len, size_t max, struct buf *out);

#endif
