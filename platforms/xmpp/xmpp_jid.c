/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_jid.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_utf8.h"

/* A character that no part may have: invisible or able to turn the direction of what follows, so that an address could
 * look like another (RFC 7613 and RFC 8265 disallow them, too). */
static int is_control(uint32_t c)
{
	return !xmpp_utf8_is_text(c) || c < 0x20 || (c >= 0x80 && c < 0xA0) ||
	       (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static int is_blank(uint32_t c)
{
	return c == ' ' || c == 0xA0 || c == 0xAD || c == 0x1680 || (c >= 0x2000 && c <= 0x200F) ||
	       c == 0x202F || (c >= 0x205F && c <= 0x2064) || c == 0x3000 || c == 0xFEFF;
}

static int allowed_in_local(uint32_t c)
{
	return !is_control(c) && !is_blank(c) && (c > 0x7F || strchr("\"&'/:<>@", (int)c) == NULL);
}

static int allowed_in_domain(uint32_t c)
{
	if (c > 0x7F)
		return !is_control(c) && !is_blank(c);
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c != '\0' && strchr("-._[]:", (int)c) != NULL);
}

static int allowed_in_resource(uint32_t c)
{
	return !is_control(c);
}

/* What is wrong with a part; NULL: nothing. */
static const char *fault(const char *s, size_t len, int (*allowed)(uint32_t))
{
	if (len == 0)
		return "is empty";
	if (len > XMPP_JID_PART_MAX)
		return "is longer than 1023 bytes";
	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t n = xmpp_utf8_char(s + at, len - at, &code);
		if (n == 0)
			return "is not UTF-8";
		if (!allowed(code))
			return "has a character that is not allowed there";
		at += n;
	}
	return NULL;
}

/* No label of a name may be empty. */
static const char *domain_fault(const char *s, size_t len)
{
	const char *why = fault(s, len, allowed_in_domain);

	if (why == NULL && (s[0] == '.' || s[len - 1] == '.' || memmem(s, len, "..", 2) != NULL))
		return "has an empty label";
	return why;
}

/* The first '/' ends the bare JID, and the first '@' before it the local part (RFC 7622, 3.1). */
static void split(const char *text, struct xmpp_jid *jid)
{
	const char *slash = strchr(text, '/');
	const char *at;

	memset(jid, 0, sizeof *jid);
	jid->bare_len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	at = memchr(text, '@', jid->bare_len);
	if (slash != NULL) {
		jid->resource = slash + 1;
		jid->resource_len = strlen(slash + 1);
	}
	if (at != NULL) {
		jid->local = text;
		jid->local_len = (size_t)(at - text);
	}
	jid->domain = at != NULL ? at + 1 : text;
	jid->domain_len = jid->bare_len - (size_t)(jid->domain - text);
}

int xmpp_jid_parse(const char *text, struct xmpp_jid *jid, struct err *e)
{
	const char *why;

	if (text == NULL || text[0] == '\0')
		return err_set(e, ERR_INVALID, "no XMPP address");
	split(text, jid);
	why = domain_fault(jid->domain, jid->domain_len);
	if (why != NULL)
		return err_set(e, ERR_INVALID, "the domain of the XMPP address %s", why);
	why = jid->local != NULL ? fault(jid->local, jid->local_len, allowed_in_local) : NULL;
	if (why != NULL)
		return err_set(e, ERR_INVALID, "the local part of the XMPP address %s", why);
	why = jid->resource != NULL ? fault(jid->resource, jid->resource_len, allowed_in_resource)
				    : NULL;
	if (why != NULL)
		return err_set(e, ERR_INVALID, "the resource of the XMPP address %s", why);
	return 0;
}

int xmpp_jid_parse_bare(const char *text, struct xmpp_jid *jid, struct err *e)
{
	int rc = xmpp_jid_parse(text, jid, e);

	if (rc == 0 && jid->resource != NULL)
		return err_set(e, ERR_INVALID, "the XMPP address may not have a resource here");
	return rc;
}

int xmpp_jid_is_valid(const char *text)
{
	struct xmpp_jid jid;

	return xmpp_jid_parse(text, &jid, NULL) == 0;
}

int xmpp_jid_is_resource(const char *text)
{
	return text != NULL && fault(text, strlen(text), allowed_in_resource) == NULL;
}

char *xmpp_jid_to_bare(const char *text)
{
	struct xmpp_jid jid;

	return xmpp_jid_parse(text, &jid, NULL) == 0 ? mem_dup(text, jid.bare_len) : NULL;
}

char *xmpp_jid_join(const char *bare, const char *resource)
{
	return mem_printf("%s/%s", bare, resource);
}

const char *xmpp_jid_find_resource(const char *text)
{
	struct xmpp_jid jid;

	return xmpp_jid_parse(text, &jid, NULL) == 0 ? jid.resource : NULL;
}

/* --- comparing --------------------------------------------------------------------------------------------------- */

/* strncasecmp() would do as the locale bids. */
static int same_ignoring_case(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (a_len != b_len)
		return 0;
	for (size_t i = 0; i < a_len; i++) {
		unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];
		unsigned char lower = x | 0x20;
		if (x != y && (lower != (y | 0x20) || lower < 'a' || lower > 'z'))
			return 0;
	}
	return 1;
}

static int same_bare(const struct xmpp_jid *a, const struct xmpp_jid *b)
{
	return same_ignoring_case(a->domain, a->domain_len, b->domain, b->domain_len) &&
	       same_ignoring_case(a->local, a->local_len, b->local, b->local_len);
}

int xmpp_jid_equals(const char *a, const char *b)
{
	struct xmpp_jid x, y;

	if (xmpp_jid_parse(a, &x, NULL) < 0 || xmpp_jid_parse(b, &y, NULL) < 0 ||
		!same_bare(&x, &y) || x.resource_len != y.resource_len)
		return 0;
	return x.resource_len == 0 || memcmp(x.resource, y.resource, x.resource_len) == 0;
}

int xmpp_jid_equals_bare(const char *a, const char *b)
{
	struct xmpp_jid x, y;

	return xmpp_jid_parse(a, &x, NULL) == 0 && xmpp_jid_parse(b, &y, NULL) == 0 &&
	       same_bare(&x, &y);
}

int xmpp_jid_is_server_of(const char *text, const char *jid)
{
	struct xmpp_jid x, y;

	return xmpp_jid_parse_bare(text, &x, NULL) == 0 && x.local == NULL &&
	       xmpp_jid_parse(jid, &y, NULL) == 0 &&
	       same_ignoring_case(x.domain, x.domain_len, y.domain, y.domain_len);
}

int xmpp_jid_answers(const char *from, const char *to, const char *full_jid)
{
	struct xmpp_jid jid;
	int to_self = to == NULL || (xmpp_jid_parse_bare(to, &jid, NULL) == 0 &&
					    xmpp_jid_equals_bare(to, full_jid));

	if (to_self && (from == NULL || xmpp_jid_equals_bare(from, full_jid)))
		return 1;
	if (to == NULL || xmpp_jid_is_server_of(to, full_jid))
		return from == NULL || xmpp_jid_is_server_of(from, full_jid);
	return xmpp_jid_equals(from, to);
}
