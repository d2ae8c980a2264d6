/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_server_echo.h"

#include <sodium.h>
#include <string.h>

/* As many characters tell enough to guess the rest. */
#define TELLING ((size_t)8)

/* One form of the secret: any of its pieces gives it away. */
static int has_piece(const char *form, size_t len, const char *said)
{
	const size_t piece = MIN(len, TELLING), said_len = strlen(said);

	for (size_t i = 0; piece > 0 && i + piece <= len; i++)
		if (memmem(said, said_len, form + i, piece) != NULL)
			return 1;
	return 0;
}

static int is_quoted(const struct secret *secret, const char *said)
{
	char *form = mem_alloc(2 * secret->len);
	size_t n = 0;
	int found;

	for (size_t i = 0; i < secret->len; i++) {
		if (secret->bytes[i] == '"' || secret->bytes[i] == '\\')
			form[n++] = '\\';
		form[n++] = (char)secret->bytes[i];
	}
	found = has_piece(form, n, said);
	mem_wipe(form, n);
	mem_free(form);
	return found;
}

/* Base64 makes four characters of three bytes (RFC 4648, 4), so a text in the middle of another has three forms. `before`
 * bytes of something else stand in front here; the characters that depend on these, or on what follows, are left out. */
static int is_encoded(const struct secret *secret, size_t before, const char *said)
{
	const size_t len = before + secret->len;
	const size_t size = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
	const size_t first = before > 0 ? before + 1 : 0, end = len * 8 / 6;
	unsigned char *bytes = mem_alloc(len);
	char *form = mem_alloc(size);
	int found;

	memcpy(bytes + before, secret->bytes, secret->len);
	sodium_bin2base64(form, size, bytes, len, sodium_base64_VARIANT_ORIGINAL);
	found = end > first && has_piece(form + first, end - first, said);
	mem_wipe(bytes, len);
	mem_wipe(form, size);
	mem_free(bytes);
	mem_free(form);
	return found;
}

int email_server_echoes(const struct secret *secret, const char *said)
{
	if (secret->len == 0 || *said == '\0')
		return 0;
	return has_piece((const char *)secret->bytes, secret->len, said) ||
	       is_quoted(secret, said) || is_encoded(secret, 0, said) ||
	       is_encoded(secret, 1, said) || is_encoded(secret, 2, said);
}
