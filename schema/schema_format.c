/* SPDX-License-Identifier: MIT */
/* The names of formats, and those with a grammar of their own. What looks like a URI is in
 * schema_format_uri.c. */
#include "schema/schema_format.h"
#include "schema/schema_pattern.h"

#include <string.h>
#include <strings.h>

struct format {
	const char *name;
	unsigned drafts; /* bit 1 << enum schema_draft */
	format_fn *holds;
};

bool take_char(struct cursor *c, const char *set)
{
	if (c->p == c->end || *c->p == '\0' || strchr(set, *c->p) == NULL)
		return false;
	c->p++;
	return true;
}

bool take_number(struct cursor *c, int digits, int max, int *out)
{
	int n = 0;

	for (int i = 0; i < digits; i++) {
		if (c->p == c->end || *c->p < '0' || *c->p > '9')
			return false;
		n = n * 10 + (*c->p++ - '0');
	}
	*out = n;
	return n <= max;
}

bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t take_digits(struct cursor *c)
{
	const char *start = c->p;

	while (c->p < c->end && is_digit(*c->p))
		c->p++;
	return (size_t)(c->p - start);
}

/* ---- RFC 3339 */

static bool take_date(struct cursor *c)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = 0, month = 0, day = 0;

	if (!take_number(c, 4, 9999, &year) || !take_char(c, "-") ||
		!take_number(c, 2, 12, &month) || !take_char(c, "-") ||
		!take_number(c, 2, 31, &day) || month < 1 || day < 1)
		return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= days[month - 1] + (month == 2 && leap);
}

/* RFC 3339 5.6: a leap second is the last of a day in UTC. */
static bool take_time(struct cursor *c)
{
	int hour = 0, minute = 0, second = 0, off_hour = 0, off_minute = 0;

	if (!take_number(c, 2, 23, &hour) || !take_char(c, ":") ||
		!take_number(c, 2, 59, &minute) || !take_char(c, ":") ||
		!take_number(c, 2, 60, &second))
		return false;
	if (take_char(c, ".") && take_digits(c) == 0)
		return false;
	if (!take_char(c, "Zz")) {
		bool minus = c->p < c->end && *c->p == '-';
		if (!take_char(c, "+-") || !take_number(c, 2, 23, &off_hour) ||
			!take_char(c, ":") || !take_number(c, 2, 59, &off_minute))
			return false;
		int shift = off_hour * 60 + off_minute;
		int at = hour * 60 + minute + (minus ? shift : 1440 - shift);
		hour = at / 60 % 24;
		minute = at % 60;
	}
	return second < 60 || (hour == 23 && minute == 59);
}

static bool is_date(struct cursor c)
{
	return take_date(&c) && c.p == c.end;
}

static bool is_time(struct cursor c)
{
	return take_time(&c) && c.p == c.end;
}

static bool is_date_time(struct cursor c)
{
	return take_date(&c) && take_char(&c, "Tt") && take_time(&c) && c.p == c.end;
}

/* Number and unit pairs, each unit once and in the order of `units`, none left out between two.
 * Gives how many. */
static int take_units(struct cursor *c, const char *units)
{
	const char *next = units;
	int n = 0;

	while (c->p < c->end && is_digit(*c->p)) {
		take_digits(c);
		const char *unit = c->p < c->end ? strchr(next, *c->p) : NULL;
		if (unit == NULL || *unit == '\0' || (n > 0 && unit != next))
			return -1;
		next = unit + 1;
		c->p++;
		n++;
	}
	return n;
}

/* RFC 3339, appendix A. */
static bool is_duration(struct cursor c)
{
	struct cursor weeks = c;

	if (!take_char(&c, "P"))
		return false;
	weeks = c;
	if (take_units(&weeks, "W") == 1)
		return weeks.p == weeks.end;
	int n = take_units(&c, "YMD");
	if (n >= 0 && take_char(&c, "T"))
		n = take_units(&c, "HMS");
	return n > 0 && c.p == c.end;
}

/* ---- addresses */

/* RFC 2673 3.2: four numbers, no leading zeros. */
bool take_ipv4(struct cursor *c)
{
	for (int i = 0; i < 4; i++) {
		const char *start = c->p;
		int n = 0;
		if (i > 0 && !take_char(c, "."))
			return false;
		start = c->p;
		while (c->p < c->end && is_digit(*c->p) && c->p - start < 3)
			n = n * 10 + (*c->p++ - '0');
		if (c->p == start || n > 255 || (*start == '0' && c->p - start > 1))
			return false;
	}
	return true;
}

static bool is_ipv4(struct cursor c)
{
	return take_ipv4(&c) && c.p == c.end;
}

/* RFC 4291 2.2. */
bool is_ipv6(struct cursor c)
{
	int groups = 0;
	bool gap = false;

	if (c.end - c.p >= 2 && c.p[0] == ':' && c.p[1] == ':') {
		gap = true;
		c.p += 2;
	}
	while (c.p < c.end) {
		struct cursor v4 = c;
		const char *start = c.p;
		if (take_ipv4(&v4) && v4.p == v4.end) {
			groups += 2;
			c.p = c.end;
			break;
		}
		while (c.p < c.end && is_hex(*c.p) && c.p - start < 4)
			c.p++;
		if (c.p == start)
			return false;
		groups++;
		if (c.p == c.end)
			break;
		if (!take_char(&c, ":") || c.p == c.end)
			return false;
		if (*c.p == ':') {
			if (gap)
				return false;
			gap = true;
			c.p++;
		}
	}
	return gap ? groups <= 7 : groups == 8;
}

/* RFC 1123 2.1: letters, digits and inner hyphens. Two hyphens in third place mark an encoded
 * label (RFC 5891 4.2.3.1); whether what it encodes is allowed would need tables of Unicode and
 * is not looked at. */
static bool is_label(const char *p, size_t len)
{
	if (len == 0 || len > 63 || *p == '-' || p[len - 1] == '-')
		return false;
	return len < 4 || p[2] != '-' || p[3] != '-' || (len > 4 && strncasecmp(p, "xn", 2) == 0);
}

static bool is_host(struct cursor c, bool unicode)
{
	if (c.end - c.p > 253)
		return false;
	for (;;) {
		const char *start = c.p;
		while (c.p < c.end && (is_letter(*c.p) || is_digit(*c.p) || *c.p == '-' ||
					      (unicode && (*c.p & 0x80))))
			c.p++;
		if (!is_label(start, (size_t)(c.p - start)))
			return false;
		if (c.p == c.end)
			return true;
		if (!take_char(&c, "."))
			return false;
	}
}

static bool is_hostname(struct cursor c)
{
	return is_host(c, false);
}

static bool is_local_part(const char *p, const char *end, bool unicode)
{
	static const char extra[] = "!#$%&'*+-/=?^_`{|}~";
	bool dot = true; /* none at the start, none twice, none at the end */

	if (end - p >= 2 && *p == '"') {
		for (p++; p < end - 1; p++) {
			if (*p == '"' || (unsigned char)*p < 0x20)
				return false;
			p += *p == '\\' && p < end - 2;
		}
		return *p == '"';
	}
	for (; p < end; p++) {
		bool atom = is_letter(*p) || is_digit(*p) || (unicode && (*p & 0x80)) ||
			    (*p != '\0' && strchr(extra, *p) != NULL);
		if (!atom && (*p != '.' || dot))
			return false;
		dot = *p == '.';
	}
	return !dot;
}

/* RFC 5321 4.1.2; with `unicode` RFC 6531. */
static bool is_mailbox(struct cursor c, bool unicode)
{
	const char *at = memrchr(c.p, '@', (size_t)(c.end - c.p));

	if (at == NULL || at - c.p > 64 || !is_local_part(c.p, at, unicode))
		return false;
	struct cursor host = {at + 1, c.end};
	if (host.p < host.end && *host.p == '[') {
		struct cursor inner = {host.p + 1, host.end - 1};
		if (inner.p >= inner.end || *inner.end != ']')
			return false;
		if (inner.end - inner.p > 5 && strncasecmp(inner.p, "IPv6:", 5) == 0)
			return is_ipv6((struct cursor){inner.p + 5, inner.end});
		return is_ipv4(inner);
	}
	return is_host(host, unicode);
}

static bool is_email(struct cursor c)
{
	return is_mailbox(c, false);
}

static bool is_idn_email(struct cursor c)
{
	return is_mailbox(c, true);
}

/* ---- the rest */

/* RFC 4122 3. */
static bool is_uuid(struct cursor c)
{
	if (c.end - c.p != 36)
		return false;
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? c.p[i] != '-' : !is_hex(c.p[i]))
			return false;
	}
	return true;
}

/* RFC 6901 3. */
static bool is_json_pointer(struct cursor c)
{
	if (c.p == c.end)
		return true;
	if (*c.p != '/')
		return false;
	for (; c.p < c.end; c.p++)
		if (*c.p == '~' && (c.p + 1 == c.end || (c.p[1] != '0' && c.p[1] != '1')))
			return false;
	return true;
}

static bool is_relative_json_pointer(struct cursor c)
{
	const char *start = c.p;
	size_t n = take_digits(&c);

	if (n == 0 || (*start == '0' && n > 1))
		return false;
	if (take_char(&c, "#"))
		return c.p == c.end;
	return is_json_pointer(c);
}

static bool is_regex(struct cursor c)
{
	return memchr(c.p, '\0', (size_t)(c.end - c.p)) == NULL && pattern_is_valid(c.p);
}

#define D7   (1 << SCHEMA_DRAFT_7)
#define D20  (1 << SCHEMA_DRAFT_2020_12)
#define BOTH (D7 | D20)

static const struct format formats[] = {
	{"date-time", BOTH, is_date_time},
	{"date", BOTH, is_date},
	{"time", BOTH, is_time},
	{"duration", D20, is_duration},
	{"email", BOTH, is_email},
	{"idn-email", BOTH, is_idn_email},
	{"hostname", BOTH, is_hostname},
	{"ipv4", BOTH, is_ipv4},
	{"ipv6", BOTH, is_ipv6},
	{"uri", BOTH, is_uri},
	{"uri-reference", BOTH, is_uri_reference},
	{"iri", BOTH, is_iri},
	{"iri-reference", BOTH, is_iri_reference},
	{"uri-template", BOTH, is_uri_template},
	{"uuid", D20, is_uuid},
	{"json-pointer", BOTH, is_json_pointer},
	{"relative-json-pointer", BOTH, is_relative_json_pointer},
	{"regex", BOTH, is_regex},
};

const struct format *format_find(const char *name, enum schema_draft draft)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0 && formats[i].drafts & (1u << draft))
			return &formats[i];
	return NULL;
}

const char *format_name(const struct format *f)
{
	return f->name;
}

bool format_holds(const struct format *f, const char *text, size_t len)
{
	return f->holds((struct cursor){text, text + len});
}
