/* SPDX-License-Identifier: MIT */
#include "bench/lib/wire.h"
#include <string.h>
#include <strings.h>

struct field {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
};

static int named(const struct field *f, const char *name)
{
	return f->name_len == strlen(name) && strncasecmp(f->name, name, f->name_len) == 0;
}

static int says(const struct field *f, const char *value)
{
	return f->value_len == strlen(value) && strncasecmp(f->value, value, f->value_len) == 0;
}

/* Digits up to a space or the end; -1 when there are none or too many. */
static long long digits(const char *p, size_t len)
{
	long long v = 0;
	size_t i = 0;
	for (; i < len && p[i] >= '0' && p[i] <= '9'; i++)
		v = v * 10 + (p[i] - '0');
	return i > 0 && i <= 10 && (i == len || p[i] == ' ') ? v : -1;
}

static int take(struct answer *a, struct wire_framing *f, const struct field *fl)
{
	if (named(fl, "content-length")) {
		f->length = digits(fl->value, fl->value_len);
		return f->length < 0 ? -1 : 0;
	}
	if (named(fl, "transfer-encoding")) {
		f->chunked = says(fl, "chunked");
		return f->chunked ? 0 : -1;
	}
	if (named(fl, "connection")) {
		a->close = says(fl, "close");
	} else if (named(fl, "location")) {
		a->location = fl->value;
		a->location_len = fl->value_len;
	} else if (named(fl, "status")) {
		a->status = (int)digits(fl->value, fl->value_len);
		return a->status < 100 || a->status > 999 ? -1 : 0;
	}
	return 0;
}

/* The first letters of the names above: the other fields are not worth a comparison. */
static int interesting(char c)
{
	c |= 0x20;
	return c == 'c' || c == 't' || c == 'l' || c == 's';
}

int wire_fields(struct answer *a, struct wire_framing *f, const char *p, const char *end)
{
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL)
			return -1;
		const char *stop = eol > p && eol[-1] == '\r' ? eol - 1 : eol;
		if (interesting(*p)) {
			const char *colon = memchr(p, ':', (size_t)(stop - p));
			if (colon == NULL)
				return -1;
			const char *v = colon + 1;
			while (v < stop && *v == ' ')
				v++;
			struct field fl = {p, (size_t)(colon - p), v, (size_t)(stop - v)};
			if (take(a, f, &fl) < 0)
				return -1;
		}
		p = eol + 1;
	}
	return 0;
}
