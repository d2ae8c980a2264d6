/* SPDX-License-Identifier: MIT */
/* RFC 3986 (URI), RFC 3987 (IRI), RFC 6570 (URI template). */
#include "schema/schema_format.h"

#include <string.h>

/* Classes of characters, RFC 3986 appendix A. */
#define SUB_DELIMS "!$&'()*+,;="
#define MARKS      "-._~"

/* Length of the UTF-8 sequence at `p` when RFC 3987 2.2 allows it (ucschar; iprivate with
 * `private`), else 0. */
static size_t unicode_length(struct cursor c, bool private)
{
	const unsigned char *p = (const unsigned char *)c.p;
	size_t n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
	uint32_t code = p[0] & (0x7Fu >> n);

	if (p[0] < 0xC0 || (size_t)(c.end - c.p) < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		code = code << 6 | (p[i] & 0x3F);
	bool is_private = (code >= 0xE000 && code <= 0xF8FF) || code >= 0xF0000;
	bool ucs = code >= 0xA0 && !(code >= 0xFDD0 && code <= 0xFDEF) && code < 0xFFF0;
	ucs = ucs ||
	      (code >= 0x10000 && (code & 0xFFFF) < 0xFFFE && !(code >= 0xE0000 && code < 0xE1000));
	return is_private ? (private ? n : 0) : ucs ? n : 0;
}

/* pchar and `extra`, as many as there are. */
static bool take_chars(struct cursor *c, const char *extra, bool iri, bool private)
{
	while (c->p < c->end) {
		char x = *c->p;
		size_t n = 1;
		if (x == '%') {
			if (c->end - c->p < 3 || !is_hex(c->p[1]) || !is_hex(c->p[2]))
				return false;
			n = 3;
		} else if (x & 0x80) {
			n = iri ? unicode_length(*c, private) : 0;
		} else if (!is_letter(x) && !is_digit(x) &&
			   (x == '\0' || (!strchr(MARKS SUB_DELIMS, x) && !strchr(extra, x)))) {
			n = 0;
		}
		if (n == 0)
			break;
		c->p += n;
	}
	return true;
}

/* "[...]": IPv6 or the form kept for later addresses. */
static bool take_literal(struct cursor *c)
{
	const char *end = memchr(c->p, ']', (size_t)(c->end - c->p));
	struct cursor inner = {c->p + 1, end};

	if (end == NULL)
		return false;
	c->p = end + 1;
	if (!take_char(&inner, "vV"))
		return is_ipv6(inner);
	const char *version = inner.p;
	while (inner.p < inner.end && is_hex(*inner.p))
		inner.p++;
	if (inner.p == version || !take_char(&inner, ".") || inner.p == inner.end)
		return false;
	return take_chars(&inner, ":", false, false) && inner.p == inner.end;
}

static bool take_authority(struct cursor *c, bool iri)
{
	struct cursor user = *c;

	if (take_chars(&user, ":", iri, false) && take_char(&user, "@"))
		*c = user;
	if (c->p < c->end && *c->p == '[') {
		if (!take_literal(c))
			return false;
	} else if (!take_chars(c, "", iri, false)) {
		return false;
	}
	if (take_char(c, ":"))
		while (c->p < c->end && is_digit(*c->p))
			c->p++;
	return c->p == c->end || strchr("/?#", *c->p) != NULL;
}

static bool take_scheme(struct cursor *c)
{
	struct cursor s = *c;

	if (s.p == s.end || !is_letter(*s.p))
		return false;
	while (s.p < s.end && (is_letter(*s.p) || is_digit(*s.p) ||
				      take_char(&(struct cursor){s.p, s.end}, "+-.")))
		s.p++;
	if (!take_char(&s, ":"))
		return false;
	*c = s;
	return true;
}

static bool holds(struct cursor c, bool iri, bool absolute)
{
	bool scheme = take_scheme(&c);

	if (!scheme && absolute)
		return false;
	if (c.end - c.p >= 2 && c.p[0] == '/' && c.p[1] == '/') {
		c.p += 2;
		if (!take_authority(&c, iri))
			return false;
	} else if (!scheme) { /* 4.2: no colon in the first segment of a relative path */
		if (!take_chars(&c, "@", iri, false) || (c.p < c.end && *c.p == ':'))
			return false;
	}
	if (!take_chars(&c, ":@/", iri, false))
		return false;
	if (take_char(&c, "?") && !take_chars(&c, ":@/?", iri, true))
		return false;
	if (take_char(&c, "#") && !take_chars(&c, ":@/?", iri, false))
		return false;
	return c.p == c.end;
}

bool is_uri(struct cursor c)
{
	return holds(c, false, true);
}

bool is_uri_reference(struct cursor c)
{
	return holds(c, false, false);
}

bool is_iri(struct cursor c)
{
	return holds(c, true, true);
}

bool is_iri_reference(struct cursor c)
{
	return holds(c, true, false);
}

/* ---- RFC 6570 */

/* varspec: a name, and ":length" or "*". */
static bool take_variable(struct cursor *c)
{
	const char *start = c->p;

	while (c->p < c->end) {
		if (*c->p == '%' && c->end - c->p >= 3 && is_hex(c->p[1]) && is_hex(c->p[2]))
			c->p += 3;
		else if (is_letter(*c->p) || is_digit(*c->p) || *c->p == '_' ||
			 (*c->p == '.' && c->p > start && c->p[-1] != '.'))
			c->p++;
		else
			break;
	}
	if (c->p == start || c->p[-1] == '.')
		return false;
	if (take_char(c, "*") || !take_char(c, ":"))
		return true;
	const char *length = c->p;
	while (c->p < c->end && is_digit(*c->p))
		c->p++;
	return c->p > length && c->p - length <= 4 && *length != '0';
}

static bool take_expression(struct cursor *c)
{
	take_char(c, "+#./;?&=,!@|");
	do {
		if (!take_variable(c))
			return false;
	} while (take_char(c, ","));
	return take_char(c, "}");
}

/* literals of 2.1 and its erratum (the apostrophe is let in): anything but controls, space and
 * these. */
static bool take_literal_char(struct cursor *c)
{
	unsigned char x = (unsigned char)*c->p;
	size_t n = 1;

	if (x == '%')
		n = c->end - c->p >= 3 && is_hex(c->p[1]) && is_hex(c->p[2]) ? 3 : 0;
	else if (x >= 0x80)
		n = unicode_length(*c, true);
	else if (x <= 0x20 || x == 0x7F || strchr("\"<>\\^`{|}", x) != NULL)
		n = 0;
	c->p += n;
	return n > 0;
}

bool is_uri_template(struct cursor c)
{
	while (c.p < c.end)
		if (!(take_char(&c, "{") ? take_expression(&c) : take_literal_char(&c)))
			return false;
	return true;
}
