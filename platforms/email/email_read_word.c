/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read_word.h"

#include <string.h>
#include <strings.h>

#include "platforms/email/email_charset.h"
#include "platforms/email/email_read_content.h"

#define CHARSET_SIZE 41
/* RFC 2047, 2 allows 75. The bound keeps the search for an end that is not there short. */
#define MAX_WORD ((size_t)2048)

struct word {
	char charset[CHARSET_SIZE];
	int base64;
	const char *text;
	size_t text_len, len;
};

/* Words that follow each other in one charset: they are converted together, since some programs cut characters. */
struct run {
	char charset[CHARSET_SIZE];
	struct buf bytes;
};

/* "=?charset*language?B?text?=": the language (RFC 2231, 5) is passed over. */
static int parse_word(const char *s, size_t len, struct word *w)
{
	const char *mark, *end;
	size_t n = 0;

	if (len < 8 || s[0] != '=' || s[1] != '?')
		return 0;
	mark = memchr(s + 2, '?', MIN(len - 2, (size_t)80));
	if (mark == NULL || (size_t)(s + len - mark) < 5 || mark[2] != '?')
		return 0;
	w->base64 = (mark[1] | 0x20) == 'b';
	if (!w->base64 && (mark[1] | 0x20) != 'q')
		return 0;
	for (const char *c = s + 2; c < mark && *c != '*' && n + 1 < sizeof w->charset; c++) {
		if (*c <= ' ' || *c >= 0x7F)
			return 0;
		w->charset[n++] = *c;
	}
	w->charset[n] = '\0';
	if (n == 0)
		return 0;
	w->text = mark + 3;
	end = memmem(w->text, MIN((size_t)(s + len - w->text), MAX_WORD), "?=", 2);
	if (end == NULL)
		return 0;
	w->text_len = (size_t)(end - w->text);
	w->len = (size_t)(end + 2 - s);
	return 1;
}

size_t email_read_word_length(const char *s, size_t len)
{
	struct word w;

	return parse_word(s, len, &w) ? w.len : 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The "Q" encoding (RFC 2047, 4.2); an escape that is none stays as it is. */
static void decode_q(const char *s, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '=' && i + 2 < len && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			buf_add_char(out, (char)(hex(s[i + 1]) << 4 | hex(s[i + 2])));
			i += 2;
		} else {
			buf_add_char(out, (char)(s[i] == '_' ? ' ' : s[i]));
		}
	}
}

static void flush(struct run *r, struct buf *out)
{
	if (r->bytes.len > 0)
		email_charset_decode(r->bytes.data, r->bytes.len, r->charset, SIZE_MAX, out);
	buf_clear(&r->bytes);
	r->charset[0] = '\0';
}

static void add_word(struct run *r, const struct word *w, struct buf *out)
{
	if (strcasecmp(r->charset, w->charset) != 0)
		flush(r, out);
	memcpy(r->charset, w->charset, sizeof r->charset);
	if (w->base64)
		email_read_content_decode(w->text, w->text_len, "base64", SIZE_MAX, &r->bytes);
	else
		decode_q(w->text, w->text_len, &r->bytes);
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int all_blank(const char *s, size_t len)
{
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	return len == 0;
}

static void add_plain(const char *s, size_t len, const char *charset, struct buf *out)
{
	if (len == 0)
		return;
	if (email_charset_is_utf8(s, len))
		charset = NULL;
	/* Old Japanese programs send their seven-bit encoding as it is. */
	else if (memmem(s, len, "\x1B$", 2) != NULL)
		charset = "iso-2022-jp";
	email_charset_decode(s, len, charset, SIZE_MAX, out);
}

/* Blanks between two words are not shown (RFC 2047, 6.2). */
static void decode(const char *s, size_t len, const char *charset, struct buf *out)
{
	struct run run = {0};
	size_t done = 0, at = 0;
	int after_word = 0;

	while (at + 8 <= len) {
		struct word w;
		const char *next = memmem(s + at, len - at, "=?", 2);

		if (next == NULL)
			break;
		at = (size_t)(next - s);
		if (!parse_word(next, len - at, &w)) {
			at += 2;
			continue;
		}
		if (!after_word || !all_blank(s + done, at - done)) {
			flush(&run, out);
			add_plain(s + done, at - done, charset, out);
		}
		add_word(&run, &w, out);
		at += w.len;
		done = at;
		after_word = 1;
	}
	flush(&run, out);
	add_plain(s + done, len - done, charset, out);
	buf_release(&run.bytes);
}

int email_read_word_tidy(const char *s, size_t len, size_t max, struct buf *out)
{
	char *to = buf_reserve(out, len + 1), *start = to;
	size_t n, fit;

	for (size_t i = 0; i < len; i++) {
		char c = (unsigned char)s[i] < 0x20 || s[i] == 0x7F ? ' ' : s[i];
		if (c != ' ' || (to > start && to[-1] != ' '))
			*to++ = c;
	}
	n = (size_t)(to - start);
	fit = email_charset_fit(start, n, max);
	buf_added(out, fit);
	while (out->len > 0 && fit > 0 && out->data[out->len - 1] == ' ') {
		out->data[--out->len] = '\0';
		fit--;
	}
	return fit < n && n > max;
}

int email_read_word_decode(
	const char *s, size_t len, const char *charset, size_t max, struct buf *out)
{
	struct buf text = BUF_INIT;
	int cut = 0;

	if (len > 0)
		decode(s, len, charset, &text);
	if (text.len > 0)
		cut = email_read_word_tidy(text.data, text.len, max, out);
	buf_release(&text);
	return cut;
}
