/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read_address.h"

#include <string.h>
#include <strings.h>

#include "platforms/email/email_charset.h"
#include "platforms/email/email_read_word.h"

/* One mailbox while it is read: raw bytes. */
struct reader {
	const char *at, *end;
	const char *charset;
	json_t *list;
	struct buf words;   /* outside of brackets, unquoted */
	struct buf angle;   /* within <> */
	struct buf comment; /* within () */
	int has_angle, cut;
	int no_quotes, no_comments; /* one had no end: from here on the sign means nothing */
};

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void shorten(struct buf *b, size_t len)
{
	b->len = len;
	if (b->data != NULL)
		b->data[len] = '\0';
}

/* --- what a mailbox is made of ---------------------------------------------------------------------------------- */

/* From a quote to its partner, without the signs. 0: it has none. */
static int take_quoted(struct reader *r, struct buf *to)
{
	const char *p = r->at + 1;
	size_t before = to->len;

	for (; p < r->end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < r->end)
			p++;
		buf_add_char(to, *p);
	}
	if (p >= r->end) {
		shorten(to, before);
		r->no_quotes = 1;
		return 0;
	}
	r->at = p + 1;
	return 1;
}

/* Comments nest (RFC 5322, 3.2.2). Several become one text. */
static int take_comment(struct reader *r)
{
	const char *p = r->at + 1;
	size_t before = r->comment.len;
	int depth = 1;

	for (; p < r->end && depth > 0; p++) {
		if (*p == '\\' && p + 1 < r->end)
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			continue;
		buf_add_char(&r->comment, *p);
	}
	if (depth > 0) {
		shorten(&r->comment, before);
		r->no_comments = 1;
		return 0;
	}
	buf_add_char(&r->comment, ' ');
	r->at = p;
	return 1;
}

/* A quoted local part keeps its quotes. */
static void take_quoted_local(struct reader *r)
{
	size_t before = r->angle.len;

	buf_add_char(&r->angle, '"');
	if (take_quoted(r, &r->angle)) {
		buf_add_char(&r->angle, '"');
		return;
	}
	shorten(&r->angle, before);
	r->at++;
}

/* "<@relay,@other:ann@example.org>": the route (RFC 5322, 4.4) is dropped. Otherwise a comma says that ">" is missing. */
static void take_angle(struct reader *r)
{
	const char *colon;
	int route;

	buf_clear(&r->angle);
	r->has_angle = 1;
	r->at++;
	route = r->at < r->end && *r->at == '@';
	while (r->at < r->end && *r->at != '>' && (*r->at != ',' || route)) {
		if (*r->at == '"' && !r->no_quotes)
			take_quoted_local(r);
		else if (*r->at == '<') /* "<<ann@example.org>>" */
			r->at++;
		else
			buf_add_char(&r->angle, *r->at++);
	}
	while (r->at < r->end && *r->at == '>')
		r->at++;
	colon = route && r->angle.len > 0 ? memchr(r->angle.data, ':', r->angle.len) : NULL;
	if (colon != NULL)
		buf_consume(&r->angle, (size_t)(colon + 1 - r->angle.data));
}

/* --- a whole mailbox -------------------------------------------------------------------------------------------- */

/* An address has no blanks outside of quotes, whatever is around the "@". */
static json_t *address_json(struct reader *r, const char *s, size_t len)
{
	struct buf text = BUF_INIT;
	size_t n = 0;
	int quoted = 0;
	json_t *value;

	email_charset_decode(
		s, len, email_charset_is_utf8(s, len) ? NULL : r->charset, SIZE_MAX, &text);
	for (size_t i = 0; i < text.len; i++) {
		quoted ^= text.data[i] == '"';
		if (quoted || !is_blank(text.data[i]))
			text.data[n++] = text.data[i];
	}
	if (n > EMAIL_READ_ADDRESS_BYTES)
		r->cut = 1;
	n = email_charset_fit(buf_str(&text), n, EMAIL_READ_ADDRESS_BYTES);
	value = json_stringn(buf_str(&text), n);
	buf_release(&text);
	return value;
}

static json_t *name_json(struct reader *r, const char *s, size_t len)
{
	struct buf text = BUF_INIT;
	json_t *value;

	r->cut |= email_read_word_decode(s, len, r->charset, EMAIL_READ_ADDRESS_BYTES, &text);
	value = json_stringn(buf_str(&text), text.len);
	buf_release(&text);
	return value;
}

/* Where the address begins in words without brackets: the last one when it has an "@" ("Ann ann@example.org"), or
 * is the only one ("root"). Otherwise at the end: all are a name. */
static size_t address_start(const char *s, size_t len)
{
	size_t from = len;

	while (from > 0 && !is_blank(s[from - 1]))
		from--;
	if (memchr(s + from, '@', len - from) == NULL && from > 0)
		return len;
	return email_read_word_length(s + from, len - from) > 0 ? len : from;
}

/* "ann @ example.org" is one word (RFC 5322, 4.4). */
static void join_at(struct buf *words)
{
	size_t n = 0;

	for (size_t i = 0; i < words->len; i++) {
		char c = words->data[i];

		if (is_blank(c) && n > 0 && words->data[n - 1] == '@')
			continue;
		while (c == '@' && n > 0 && is_blank(words->data[n - 1]))
			n--;
		words->data[n++] = c;
	}
	shorten(words, n);
}

static void finish(struct reader *r)
{
	const char *words = buf_str(&r->words), *name = words;
	size_t len, start, name_len;
	json_t *address, *pair = json_object();

	if (!r->has_angle)
		join_at(&r->words);
	len = r->words.len;
	while (len > 0 && is_blank(words[len - 1]))
		len--;
	start = name_len = r->has_angle ? len : address_start(words, len);
	if (r->has_angle)
		address = address_json(r, buf_str(&r->angle), r->angle.len);
	else
		address = address_json(r, words + start, len - start);
	if (name_len == 0) {
		name = buf_str(&r->comment);
		name_len = r->comment.len;
	}
	json_object_set_new(pair, "address", address);
	json_object_set_new(pair, "name", name_json(r, name, name_len));
	if (json_string_length(address) + json_string_length(json_object_get(pair, "name")) > 0)
		json_array_append(r->list, pair);
	json_decref(pair);
	buf_clear(&r->words);
	buf_clear(&r->angle);
	buf_clear(&r->comment);
	r->has_angle = 0;
}

/* Anything else: an encoded word as a whole, since some have commas in them. */
static void take_plain(struct reader *r)
{
	size_t n = 0;

	if (*r->at == '=')
		n = email_read_word_length(r->at, (size_t)(r->end - r->at));
	if (n == 0)
		n = 1;
	if (r->words.len > 0 || !is_blank(*r->at))
		buf_add(&r->words, r->at, n);
	r->at += n;
}

int email_read_address_list(const char *value, size_t len, const char *charset, json_t *list)
{
	struct reader r = {.at = value, .end = value + len, .charset = charset, .list = list};

	while (r.at < r.end && json_array_size(list) < EMAIL_READ_ADDRESS_MAX) {
		char c = *r.at;

		if (c == '"' && !r.no_quotes && take_quoted(&r, &r.words))
			continue;
		if (c == '(' && !r.no_comments && take_comment(&r))
			continue;
		if (c == '<') {
			take_angle(&r);
		} else if (c == ',' ||
			   c == ';') { /* the latter ends a group, or is how Outlook lists */
			finish(&r);
			r.at++;
		} else if (c == ':' && !r.has_angle) { /* what was before named a group */
			buf_clear(&r.words);
			r.at++;
		} else {
			take_plain(&r);
		}
	}
	if (r.at < r.end)
		r.cut = 1;
	else
		finish(&r);
	buf_release(&r.words);
	buf_release(&r.angle);
	buf_release(&r.comment);
	return r.cut;
}
