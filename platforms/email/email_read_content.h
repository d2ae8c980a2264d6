/* SPDX-License-Identifier: MIT */
/* email_read_content - the content of a part without its transfer encoding (RFC 2045, 6).
 *
 * Decoded content is never longer than encoded. What is broken is read as far as it makes sense: base64 with other
 * characters in it or without its end, quoted-printable with escapes that are none. */
#ifndef PLATFORMS_EMAIL_READ_CONTENT_H
#define PLATFORMS_EMAIL_READ_CONTENT_H

#include "core/buf.h"

/* Appends at most `max` bytes. `encoding` is the value of Content-Transfer-Encoding; NULL and what nobody knows: the
 * bytes as they are. 1 when bytes were left out because of `max`, else 0. */
int email_read_content_decode(
	const char *bytes, size_t len, const char *encoding, size_t max, struct buf *out);
/* How many bytes that would be without a bound; keeps none. */
size_t email_read_content_size(const char *bytes, size_t len, const char *encoding);

#endif
