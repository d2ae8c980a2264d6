/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_utf8.h"

static int continues(const char *s, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xC0) != 0x80)
			return 0;
	return 1;
}

size_t xmpp_utf8_char(const char *s, size_t len, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = (unsigned char)s[0];
	size_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
	uint32_t v;

	if (n == 1) {
		*code = c;
		return 1;
	}
	if (c < 0xC2 || c > 0xF4 || len < n || !continues(s, n))
		return 0;
	v = c & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++)
		v = v << 6 | ((unsigned char)s[i] & 0x3F);
	if (v < least[n] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
		return 0;
	*code = v;
	return n;
}

int xmpp_utf8_is_text(uint32_t code)
{
	if (code < 0x20)
		return code == '\t' || code == '\n' || code == '\r';
	return code != 0x7F && code != 0xFFFE && code != 0xFFFF;
}

int xmpp_utf8_clean(struct buf *out, const char *s, size_t len, size_t max)
{
	static const char unknown[] = "\xEF\xBF\xBD";

	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t n = xmpp_utf8_char(s + at, len - at, &code);
		const char *from = n > 0 ? s + at : unknown;
		size_t size = n > 0 ? n : sizeof unknown - 1;

		at += n > 0 ? n : 1;
		if (n > 0 && !xmpp_utf8_is_text(code))
			continue;
		if (out->len + size > max)
			return 1;
		buf_add(out, from, size);
	}
	return 0;
}
