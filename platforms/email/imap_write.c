/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap_write.h"

#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "platforms/email/imap_mailbox.h"

/* Longer strings become literals, which need no escapes and may be of any length. */
#define QUOTED_BYTES        200
#define LITERAL_MINUS_BYTES 4096

static_assert(IMAP_WRITE_STRING <= LITERAL_MINUS_BYTES, "RFC 7888, 5");

void imap_write_release(struct imap_write *w)
{
	buf_release(&w->out);
}

static void fail(struct imap_write *w, const char *text)
{
	if (w->err.code == ERR_NONE)
		err_set(&w->err, ERR_INVALID, "%s", text);
}

void imap_write_add(struct imap_write *w, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof text);
	buf_add(&w->out, text, (size_t)n);
}

static int is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s > '~')
			return 0;
	return 1;
}

static void add_literal(struct imap_write *w, const char *s, size_t len)
{
	imap_write_add(w, w->literal_plus ? "{%zu+}\r\n" : "{%zu}\r\n", len);
	if (!w->literal_plus) {
		if (w->n_pauses == IMAP_WRITE_PAUSES) {
			fail(w, "too many search strings");
			return;
		}
		w->pauses[w->n_pauses++] = w->out.len;
	}
	buf_add(&w->out, s, len);
}

static void add_quoted(struct imap_write *w, const char *s)
{
	buf_add_char(&w->out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_add_char(&w->out, '\\');
		buf_add_char(&w->out, *s);
	}
	buf_add_char(&w->out, '"');
}

void imap_write_string(struct imap_write *w, const char *utf8)
{
	size_t len = strlen(utf8);

	if (len > IMAP_WRITE_STRING || !g_utf8_validate(utf8, (gssize)len, NULL)) {
		fail(w, "a search string is too long or not UTF-8");
		return;
	}
	for (const char *c = utf8; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F) {
			fail(w, "a search string has a control character in it");
			return;
		}
	if (len <= QUOTED_BYTES && is_plain(utf8))
		add_quoted(w, utf8);
	else
		add_literal(w, utf8, len);
}

void imap_write_mailbox(struct imap_write *w, const char *utf8)
{
	struct buf name = BUF_INIT;
	struct err e;

	if (imap_mailbox_encode(utf8, &name, &e) < 0) {
		if (w->err.code == ERR_NONE)
			w->err = e;
	} else {
		add_quoted(w, buf_str(&name)); /* it is ASCII now */
	}
	buf_release(&name);
}

void imap_write_flags(struct imap_write *w, unsigned flags)
{
	const char *separator = "";

	buf_add_char(&w->out, '(');
	for (unsigned bit = 1; bit <= IMAP_FLAG_STORABLE; bit <<= 1) {
		if ((flags & bit) == 0)
			continue;
		imap_write_add(w, "%s%s", separator, imap_flag_name(bit));
		separator = " ";
	}
	buf_add_char(&w->out, ')');
}

static void add_range(struct imap_write *w, const char *separator, const struct imap_range *r)
{
	if (r->last == 0)
		imap_write_add(w, "%s%u:*", separator, r->first);
	else if (r->first == r->last)
		imap_write_add(w, "%s%u", separator, r->first);
	else
		imap_write_add(w, "%s%u:%u", separator, r->first, r->last);
}

void imap_write_ranges(struct imap_write *w, const struct imap_range *ranges, size_t n)
{
	if (n == 0 || n > IMAP_RANGES) {
		fail(w, n == 0 ? "no mail is named" : "too many mails for one operation");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (ranges[i].first == 0) {
			fail(w, "mails are numbered from 1");
			return;
		}
		add_range(w, i > 0 ? "," : "", &ranges[i]);
	}
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void imap_write_uids(struct imap_write *w, const uint32_t *uids, size_t n)
{
	struct imap_range ranges[IMAP_RANGES];
	uint32_t sorted[IMAP_RANGES];
	size_t n_ranges = 0;

	if (n == 0 || n > IMAP_RANGES) {
		imap_write_ranges(w, NULL, n);
		return;
	}
	memcpy(sorted, uids, n * sizeof *uids);
	qsort(sorted, n, sizeof *sorted, by_number);
	for (size_t i = 0; i < n; i++) {
		struct imap_range *last = n_ranges > 0 ? &ranges[n_ranges - 1] : NULL;
		if (last != NULL && sorted[i] - last->last <= 1)
			last->last = sorted[i];
		else
			ranges[n_ranges++] = (struct imap_range){sorted[i], sorted[i]};
	}
	imap_write_ranges(w, ranges, n_ranges);
}

void imap_write_part(struct imap_write *w, const char *part)
{
	const char *at = part;
	unsigned levels = 0;

	do {
		size_t n = strspn(at, "0123456789");
		if (n == 0 || n > 4 || *at == '0' || ++levels > 10)
			break;
		at += n;
		if (*at == '\0') {
			buf_add_str(&w->out, part);
			return;
		}
	} while (*at++ == '.');
	fail(w, "the number of a part is like 2 or 1.3");
}

/* --- searching -------------------------------------------------------------------------------------------------- */

static void add_key(struct imap_write *w, const char *key, const char *value)
{
	if (value == NULL)
		return;
	imap_write_add(w, " %s ", key);
	imap_write_string(w, value);
}

/* The day, as "1-Feb-2026" (RFC 3501, 9: date). */
static void add_day(struct imap_write *w, const char *key, int64_t at)
{
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t t = (time_t)at;
	struct tm tm;

	if (at == 0)
		return;
	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 0 || tm.tm_year > 8099) {
		fail(w, "a date is out of range");
		return;
	}
	imap_write_add(w, " %s %d-%s-%d", key, tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900);
}

static void add_flag_keys(struct imap_write *w, unsigned flags, const char *prefix)
{
	for (unsigned bit = 1; bit <= IMAP_FLAG_STORABLE; bit <<= 1)
		if (flags & bit)
			imap_write_add(w, " %s%s", prefix, imap_flag_name(bit) + 1);
}

void imap_write_search(struct imap_write *w, const struct imap_search *search)
{
	const struct {
		const char *key, *value;
	} keys[] = {{"FROM", search->from}, {"TO", search->to}, {"SUBJECT", search->subject},
		{"BODY", search->body}, {"TEXT", search->text},
		{"HEADER Message-ID", search->message_id}};
	size_t start;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].value != NULL && !is_plain(keys[i].value)) {
			imap_write_add(w, " CHARSET UTF-8");
			break;
		}
	start = w->out.len;
	if (search->uids.first != 0) {
		imap_write_add(w, " UID ");
		imap_write_ranges(w, &search->uids, 1);
	}
	add_flag_keys(w, search->with, "");
	add_flag_keys(w, search->without, "UN");
	add_day(w, "SINCE", search->since);
	add_day(w, "BEFORE", search->before);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		add_key(w, keys[i].key, keys[i].value);
	if (w->out.len == start)
		imap_write_add(w, " ALL");
}

int imap_write_end(struct imap_write *w, struct err *e)
{
	buf_add_str(&w->out, "\r\n");
	if (w->err.code == ERR_NONE)
		return 0;
	if (e != NULL)
		*e = w->err;
	return -(int)w->err.code;
}
