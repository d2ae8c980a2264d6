/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read_content.h"

#include <gmime/gmime.h>
#include <string.h>

/* Encoded bytes of one turn. */
#define CHUNK ((size_t)16384)

/* Behind the line "begin MODE NAME"; 0: there is none. */
static size_t skip_begin_line(const char *bytes, size_t len)
{
	const char *begin = len > 6 && memcmp(bytes, "begin ", 6) == 0
				    ? bytes
				    : memmem(bytes, len, "\nbegin ", 7);
	const char *nl;

	if (begin == NULL)
		return 0;
	nl = memchr(begin + 1, '\n', (size_t)(bytes + len - begin - 1));
	return nl != NULL ? (size_t)(nl - bytes) + 1 : len;
}

/* What has to be undone, and from where on. */
static GMimeContentEncoding find_kind(
	const char *bytes, size_t len, const char *encoding, size_t *at)
{
	GMimeContentEncoding kind = encoding != NULL ? g_mime_content_encoding_from_string(encoding)
						     : GMIME_CONTENT_ENCODING_DEFAULT;

	*at = 0;
	if (kind == GMIME_CONTENT_ENCODING_BASE64 || kind == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE)
		return kind;
	if (kind == GMIME_CONTENT_ENCODING_UUENCODE)
		*at = skip_begin_line(bytes, len);
	return *at > 0 ? kind : GMIME_CONTENT_ENCODING_DEFAULT;
}

/* Base64 without the signs that fill it up: GMime would keep the last one or two bytes. Its state counts the characters
 * that wait for a fourth, and is negative behind such a sign. */
static size_t missing_signs(GMimeContentEncoding kind, const GMimeEncoding *state)
{
	if (kind != GMIME_CONTENT_ENCODING_BASE64 || state->state < 2)
		return 0;
	return 4 - (size_t)state->state;
}

/* Decodes chunk by chunk; `out` NULL: counts only. Returns how many bytes there are, never many more than `max`. */
static size_t run(const char *bytes, size_t len, const char *encoding, size_t max, struct buf *out)
{
	size_t total = 0, at;
	GMimeContentEncoding kind = find_kind(bytes, len, encoding, &at);
	GMimeEncoding state;

	if (kind == GMIME_CONTENT_ENCODING_DEFAULT) {
		if (out != NULL)
			buf_add(out, bytes, MIN(len, max));
		return len;
	}
	g_mime_encoding_init_decode(&state, kind);
	if (kind == GMIME_CONTENT_ENCODING_UUENCODE)
		state.state |= GMIME_UUDECODE_STATE_BEGIN; /* that line is behind us */
	while (at < len && total <= max) {
		char decoded[CHUNK + 64];
		size_t take = MIN(CHUNK, len - at);
		size_t n = g_mime_encoding_step(&state, bytes + at, take, decoded);

		at += take;
		if (at == len)
			n += g_mime_encoding_step(
				&state, "==", missing_signs(kind, &state), decoded + n);
		if (out != NULL)
			buf_add(out, decoded, MIN(n, max - total));
		total += n;
	}
	return total;
}

int email_read_content_decode(
	const char *bytes, size_t len, const char *encoding, size_t max, struct buf *out)
{
	return run(bytes, len, encoding, max, out) > max;
}

size_t email_read_content_size(const char *bytes, size_t len, const char *encoding)
{
	return run(bytes, len, encoding, SIZE_MAX, NULL);
}
