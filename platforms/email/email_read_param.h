/* SPDX-License-Identifier: MIT */
/* email_read_param - values with parameters: Content-Type and Content-Disposition (RFC 2045, 5.1; RFC 2231).
 *
 * Knows no parameter's meaning. Reads unquoted names with blanks, quotes without end, backslashes that are meant, and
 * all ways in which file names that are not ASCII were ever sent. */
#ifndef PLATFORMS_EMAIL_READ_PARAM_H
#define PLATFORMS_EMAIL_READ_PARAM_H

#include "core/buf.h"

/* With the NUL; longer words are none. */
#define EMAIL_READ_PARAM_WORD_SIZE 128

/* The first word of `value` in small letters, "attachment" or, with `slash`, "text/plain"; "" when it is none. */
void email_read_param_word(const char *value, int slash, char out[EMAIL_READ_PARAM_WORD_SIZE]);
/* Replaces `out` by the parameter's text, `name` in small letters: unquoted, joined, decoded, at most `max` bytes of
 * tidy UTF-8. `charset` is for raw 8-bit bytes, as in email_read_word_decode(). 0: there is none or it is empty. */
int email_read_param_text(
	const char *value, const char *name, const char *charset, size_t max, struct buf *out);
/* The same as it stands, only unquoted and joined, for tokens: boundary, charset. */
int email_read_param_raw(const char *value, const char *name, struct buf *out);

#endif
