/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap_mailbox.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int is_control(gunichar c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

int imap_mailbox_equals(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || (strcasecmp(a, "INBOX") == 0 && strcasecmp(b, "INBOX") == 0);
}

/* --- to the server ---------------------------------------------------------------------------------------------- */

/* A run of characters beyond ASCII: UTF-16 in base64, bits that wait for more in `bits`. */
struct shift {
	struct buf *out;
	uint32_t bits;
	int n;
};

static void shift_unit(struct shift *s, unsigned unit)
{
	s->bits = s->bits << 16 | unit;
	s->n += 16;
	while (s->n >= 6) {
		s->n -= 6;
		buf_add_char(s->out, digits[s->bits >> s->n & 63]);
	}
	s->bits &= (1u << s->n) - 1;
}

static const char *encode_run(const char *at, struct buf *out)
{
	struct shift s = {.out = out};

	buf_add_char(out, '&');
	for (; (unsigned char)*at >= 0x80; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		if (c >= 0x10000) {
			shift_unit(&s, 0xD800 + ((c - 0x10000) >> 10));
			shift_unit(&s, 0xDC00 + ((c - 0x10000) & 0x3FF));
		} else {
			shift_unit(&s, c);
		}
	}
	if (s.n > 0)
		buf_add_char(out, digits[s.bits << (6 - s.n) & 63]);
	buf_add_char(out, '-');
	return at;
}

int imap_mailbox_encode(const char *utf8, struct buf *out, struct err *e)
{
	size_t len = strlen(utf8);

	if (len == 0 || len > IMAP_MAILBOX_BYTES || !g_utf8_validate(utf8, (gssize)len, NULL))
		return err_set(e, ERR_INVALID, "this can not be the name of a folder");
	for (const char *at = utf8; *at != '\0'; at = g_utf8_next_char(at))
		if (is_control(g_utf8_get_char(at)))
			return err_set(e, ERR_INVALID,
				"the name of a folder has a control character in it");
	if (strcasecmp(utf8, "INBOX") == 0)
		utf8 = "INBOX";
	while (*utf8 != '\0') {
		if ((unsigned char)*utf8 >= 0x80) {
			utf8 = encode_run(utf8, out);
			continue;
		}
		buf_add_char(out, *utf8);
		if (*utf8++ == '&')
			buf_add_char(out, '-');
	}
	return 0;
}

/* --- from the server -------------------------------------------------------------------------------------------- */

static void add_char(struct buf *out, gunichar c)
{
	char text[6];

	if (is_control(c))
		c = '?';
	buf_add(out, text, (size_t)g_unichar_to_utf8(c, text));
}

/* UTF-16 units become characters; a lone surrogate is an error. */
static int unshift_unit(unsigned unit, unsigned *high, struct buf *out)
{
	if (unit >= 0xD800 && unit < 0xDC00) {
		if (*high != 0)
			return -1;
		*high = unit;
		return 0;
	}
	if (unit >= 0xDC00 && unit < 0xE000) {
		if (*high == 0)
			return -1;
		add_char(out, 0x10000 + ((*high - 0xD800) << 10) + (unit - 0xDC00));
		*high = 0;
		return 0;
	}
	if (*high != 0)
		return -1;
	add_char(out, unit);
	return 0;
}

/* What is between "&" and "-". */
static int decode_run(const char *at, const char *end, struct buf *out)
{
	uint32_t bits = 0;
	unsigned high = 0;
	int n = 0;

	for (; at < end; at++) {
		const char *digit = *at != '\0' ? strchr(digits, *at) : NULL;
		if (digit == NULL)
			return -1;
		bits = (bits << 6 | (uint32_t)(digit - digits)) & 0x3FFFFF;
		n += 6;
		if (n < 16)
			continue;
		n -= 16;
		if (unshift_unit(bits >> n & 0xFFFF, &high, out) < 0)
			return -1;
	}
	return high == 0 && n < 6 && (bits & ((1u << n) - 1)) == 0 ? 0 : -1;
}

static int decode(const char *at, const char *end, struct buf *out)
{
	while (at < end) {
		const char *minus;
		if ((unsigned char)*at >= 0x80)
			return -1;
		if (*at != '&') {
			add_char(out, (gunichar)*at++);
			continue;
		}
		minus = memchr(at, '-', (size_t)(end - at));
		if (minus == NULL)
			return -1;
		if (minus == at + 1)
			buf_add_char(out, '&');
		else if (decode_run(at + 1, minus, out) < 0)
			return -1;
		at = minus + 1;
	}
	return 0;
}

void imap_mailbox_decode(const char *bytes, size_t len, struct buf *out)
{
	const char *at = bytes, *end = bytes + len;
	size_t before = out->len;

	if (len == 0 || decode(bytes, end, out) == 0)
		return;
	out->len = before;
	while (at < end) {
		gunichar c = g_utf8_get_char_validated(at, end - at);
		if (c == (gunichar)-1 || c == (gunichar)-2) {
			buf_add_char(out, '?');
			at++;
			continue;
		}
		add_char(out, c);
		at = c == 0 ? at + 1 : g_utf8_next_char(at);
	}
}
