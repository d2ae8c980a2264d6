/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read_head.h"

#include <string.h>
#include <strings.h>

#include "core/mem.h"

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Behind the line that begins at `at`; `len` when it is the last. */
static size_t next_line(const char *bytes, size_t len, size_t at)
{
	const char *nl = memchr(bytes + at, '\n', len - at);

	return nl != NULL ? (size_t)(nl - bytes) + 1 : len;
}

static int is_empty_line(const char *line, size_t len)
{
	return len == 0 || line[0] == '\n' || (len == 2 && memcmp(line, "\r\n", 2) == 0);
}

/* The length of the name of the field that `line` begins (RFC 5322, 3.6.8; blanks before the colon are obsolete, 4.5,
 * and seen); 0: it begins none. No field begins with "-": that is a boundary whose part has no empty line. */
static size_t name_length(const char *line, size_t len)
{
	size_t n = 0, end;

	while (n < len && line[n] > ' ' && line[n] < 0x7F && line[n] != ':')
		n++;
	for (end = n; end < len && is_blank(line[end]); end++)
		;
	return n > 0 && end < len && line[end] == ':' && line[0] != '-' ? n : 0;
}

static int is_separator(const char *line, size_t len)
{
	return (len > 5 && memcmp(line, "From ", 5) == 0) ||
	       (len > 6 && memcmp(line, ">From ", 6) == 0);
}

static void add(struct email_read_head *h, const char *line, size_t name_len, size_t len)
{
	struct email_read_head_field *f;
	const char *colon = memchr(line, ':', len);

	if (h->n == EMAIL_READ_HEAD_FIELDS) {
		h->cut = 1;
		return;
	}
	if (h->n % 16 == 0)
		h->fields = mem_realloc(h->fields, (h->n + 16) * sizeof *h->fields);
	f = &h->fields[h->n++];
	f->name = line;
	f->name_len = name_len;
	f->value = colon + 1;
	f->value_len = (size_t)(line + len - f->value);
	if (f->value_len > EMAIL_READ_HEAD_VALUE_BYTES) {
		f->value_len = EMAIL_READ_HEAD_VALUE_BYTES;
		h->cut = 1;
	}
}

void email_read_head_init(struct email_read_head *h, const char *bytes, size_t len)
{
	size_t at = 0;

	memset(h, 0, sizeof *h);
	while (at < len) {
		size_t end = next_line(bytes, len, at), name_len;

		if (is_empty_line(bytes + at, end - at)) {
			h->len = end;
			return;
		}
		if (is_separator(bytes + at, end - at)) {
			at = end;
			continue;
		}
		name_len = name_length(bytes + at, end - at);
		if (name_len == 0)
			break;
		while (end < len && is_blank(bytes[end]))
			end = next_line(bytes, len, end);
		if (at < EMAIL_READ_HEAD_BYTES)
			add(h, bytes + at, name_len, end - at);
		else
			h->cut = 1;
		at = end;
	}
	h->len = at;
}

void email_read_head_release(struct email_read_head *h)
{
	mem_free(h->fields);
	memset(h, 0, sizeof *h);
}

/* Unfolding takes out the line ends and leaves the blanks (RFC 5322, 2.2.3). */
static void unfold(const char *s, size_t len, struct buf *out)
{
	char *to = buf_reserve(out, len + 1), *start = to;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n' || (s[i] == '\r' && i + 1 < len && s[i + 1] == '\n'))
			continue;
		if (to > start || !is_blank(s[i]))
			*to++ = (char)(s[i] == '\0' || s[i] == '\r' ? ' ' : s[i]);
	}
	while (to > start && is_blank(to[-1]))
		to--;
	buf_added(out, (size_t)(to - start));
}

int email_read_head_value(
	const struct email_read_head *h, const char *name, size_t n, struct buf *out)
{
	size_t name_len = strlen(name);

	buf_clear(out);
	for (size_t i = 0; i < h->n; i++) {
		const struct email_read_head_field *f = &h->fields[i];

		if (f->name_len != name_len || strncasecmp(f->name, name, name_len) != 0)
			continue;
		if (n-- > 0)
			continue;
		unfold(f->value, f->value_len, out);
		return 1;
	}
	return 0;
}
