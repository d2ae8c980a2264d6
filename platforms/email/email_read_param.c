/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read_param.h"

#include <string.h>
#include <strings.h>

#include "platforms/email/email_charset.h"
#include "platforms/email/email_read_word.h"

/* Parameters looked at, and pieces of one that RFC 2231, 3 cut. */
#define MAX_PARAMS 64
#define MAX_PIECES 64

/* One parameter, or one piece; points into the value. */
struct piece {
	const char *name, *text;
	size_t name_len, text_len;
	int quoted;
};

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Characters of type names that are seen: a token (RFC 2045, 5.1) without what could be mischief in a display. */
static int is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-+._!#$&^", c) != NULL;
}

void email_read_param_word(const char *value, int slash, char out[EMAIL_READ_PARAM_WORD_SIZE])
{
	size_t n = 0, slashes = 0;

	out[0] = '\0';
	for (const char *c = value; *c != '\0' && *c != ';'; c++) {
		char low = (char)(*c >= 'A' && *c <= 'Z' ? *c + 0x20 : *c);

		if (is_blank(low) || low == '"' || low == '\'') /* quoted types are seen */
			continue;
		slashes += low == '/';
		if ((!is_word_char(low) && low != '/') || n + 1 == EMAIL_READ_PARAM_WORD_SIZE) {
			out[0] = '\0';
			return;
		}
		out[n++] = low;
	}
	out[n] = '\0';
	if (slashes != (slash ? 1 : 0) || out[0] == '/' || (n > 0 && out[n - 1] == '/'))
		out[0] = '\0';
}

/* Behind the closing quote, or the end of the text when there is none. */
static const char *quote_end(const char *p)
{
	for (; *p != '\0' && *p != '"'; p++)
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
	return p;
}

/* The parameter that begins at or behind `p`; returns where the next one may begin, NULL at the end. */
static const char *next_piece(const char *p, struct piece *out)
{
	const char *end;

	while (is_blank(*p) || *p == ';')
		p++;
	if (*p == '\0')
		return NULL;
	out->name = p;
	while (*p != '\0' && *p != '=' && *p != ';')
		p++;
	end = p;
	while (end > out->name && is_blank(end[-1]))
		end--;
	out->name_len = (size_t)(end - out->name);
	out->text = p;
	out->text_len = 0;
	out->quoted = 0;
	if (*p != '=')
		return p;
	for (p++; is_blank(*p); p++)
		;
	out->quoted = *p == '"';
	if (out->quoted) {
		out->text = p + 1;
		p = quote_end(out->text);
		out->text_len = (size_t)(p - out->text);
		return p + strcspn(p, ";");
	}
	out->text = p;
	p += strcspn(p, ";");
	for (end = p; end > out->text && is_blank(end[-1]); end--)
		;
	out->text_len = (size_t)(end - out->text);
	return p;
}

/* A backslash before anything but a quote or a backslash is one: names of Windows have them. */
static void add_text(const struct piece *p, struct buf *out)
{
	for (size_t i = 0; i < p->text_len; i++) {
		const char *c = p->text + i;

		if (p->quoted && *c == '\\' && i + 1 < p->text_len && (c[1] == '"' || c[1] == '\\'))
			c = p->text + ++i;
		buf_add_char(out, *c);
	}
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_percent(const char *s, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '%' && i + 2 < len && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			buf_add_char(out, (char)(hex(s[i + 1]) << 4 | hex(s[i + 2])));
			i += 2;
		} else {
			buf_add_char(out, s[i]);
		}
	}
}

/* --- RFC 2231 --------------------------------------------------------------------------------------------------- */

/* Which piece of `name` it is: "name" is -1, "name*" 0 and extended, "name*3" 3, "name*3*" 3 and extended. -2: none. */
static int piece_number(const struct piece *p, const char *name, int *extended)
{
	size_t len = strlen(name);
	const char *c = p->name + len, *end = p->name + p->name_len;
	int n = 0;

	*extended = 0;
	if (p->name_len < len || strncasecmp(p->name, name, len) != 0)
		return -2;
	if (c == end)
		return -1;
	if (*c++ != '*')
		return -2;
	if (c == end) {
		*extended = 1;
		return 0;
	}
	if (end[-1] == '*') {
		*extended = 1;
		end--;
	}
	if (c == end || end - c > 3)
		return -2;
	for (; c < end; c++) {
		if (*c < '0' || *c > '9')
			return -2;
		n = 10 * n + (*c - '0');
	}
	return n;
}

/* What was found of one parameter: the pieces in order, or the plain form. */
struct found {
	struct piece plain, pieces[MAX_PIECES];
	int extended[MAX_PIECES];
	unsigned char have[MAX_PIECES], have_plain;
};

static void find(const char *value, const char *name, struct found *f)
{
	struct piece p;
	const char *at = value + strcspn(value, ";");

	memset(f, 0, sizeof *f);
	for (int i = 0; i < MAX_PARAMS && (at = next_piece(at, &p)) != NULL; i++) {
		int extended, n = piece_number(&p, name, &extended);

		if (n == -1 && !f->have_plain) {
			f->plain = p;
			f->have_plain = 1;
		} else if (n >= 0 && n < MAX_PIECES && !f->have[n]) {
			f->pieces[n] = p;
			f->extended[n] = extended;
			f->have[n] = 1;
		}
	}
}

/* "charset'language'text" begins an extended value (RFC 2231, 4). The charset goes to `charset`. */
static size_t skip_charset(const struct piece *p, char charset[EMAIL_READ_PARAM_WORD_SIZE])
{
	const char *first = memchr(p->text, '\'', p->text_len), *second;
	size_t n;

	if (first == NULL)
		return 0;
	n = (size_t)(first - p->text);
	second = memchr(first + 1, '\'', p->text_len - n - 1);
	if (second == NULL || n >= EMAIL_READ_PARAM_WORD_SIZE)
		return 0;
	memcpy(charset, p->text, n);
	charset[n] = '\0';
	return (size_t)(second + 1 - p->text);
}

/* All pieces up to the first that is missing. `charset` stays as it is when no piece names one. */
static void join(const struct found *f, char charset[EMAIL_READ_PARAM_WORD_SIZE], struct buf *out)
{
	for (int i = 0; i < MAX_PIECES && f->have[i]; i++) {
		const struct piece *p = &f->pieces[i];
		size_t skip = 0;

		if (!f->extended[i]) {
			add_text(p, out);
			continue;
		}
		if (i == 0)
			skip = skip_charset(p, charset);
		add_percent(p->text + skip, p->text_len - skip, out);
	}
}

int email_read_param_text(
	const char *value, const char *name, const char *charset, size_t max, struct buf *out)
{
	char own[EMAIL_READ_PARAM_WORD_SIZE] = "";
	struct buf raw = BUF_INIT, text = BUF_INIT;
	struct found f;

	buf_clear(out);
	find(value, name, &f);
	join(&f, own, &raw);
	if (own[0] != '\0') {
		email_charset_decode(buf_str(&raw), raw.len, own, SIZE_MAX, &text);
		email_read_word_tidy(buf_str(&text), text.len, max, out);
	} else {
		/* Most programs encode names as if they were words of a text, which RFC 2047, 5 forbids. */
		if (raw.len == 0 && f.have_plain)
			add_text(&f.plain, &raw);
		email_read_word_decode(buf_str(&raw), raw.len, charset, max, out);
	}
	buf_release(&raw);
	buf_release(&text);
	return out->len > 0;
}

int email_read_param_raw(const char *value, const char *name, struct buf *out)
{
	char own[EMAIL_READ_PARAM_WORD_SIZE] = "";
	struct found f;

	buf_clear(out);
	find(value, name, &f);
	if (f.have_plain)
		add_text(&f.plain, out);
	else
		join(&f, own, out);
	return out->len > 0;
}
