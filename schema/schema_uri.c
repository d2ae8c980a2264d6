/* SPDX-License-Identifier: MIT */
#include "schema/schema_uri.h"

#include "core/mem.h"
#include <string.h>

struct run_of { /* a part of a URI; at NULL: absent, which is not the same as empty */
	const char *at;
	size_t len;
};

struct uri {
	struct run_of scheme, authority, path, query, fragment;
};

/* Up to the first of `stop` or the end. */
static struct run_of take(const char **p, const char *stop)
{
	struct run_of r = {*p, strcspn(*p, stop)};

	*p += r.len;
	return r;
}

static bool has_scheme(const char *text)
{
	size_t len = strcspn(text, ":/?#");
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789+-.";

	return text[len] == ':' && len > 0 && strspn(text, allowed) == len;
}

/* RFC 3986, appendix B. */
static void split(const char *text, struct uri *u)
{
	memset(u, 0, sizeof *u);
	if (has_scheme(text)) {
		u->scheme = take(&text, ":");
		text++;
	}
	if (text[0] == '/' && text[1] == '/') {
		text += 2;
		u->authority = take(&text, "/?#");
	}
	u->path = take(&text, "?#");
	if (*text == '?') {
		text++;
		u->query = take(&text, "#");
	}
	if (*text == '#')
		u->fragment = (struct run_of){text + 1, strlen(text + 1)};
}

/* Drop the last segment of what was written since `start`, with its slash. */
static void drop_segment(struct buf *b, size_t start)
{
	while (b->len > start && b->data[b->len - 1] != '/')
		b->len--;
	if (b->len > start)
		b->len--;
}

/* RFC 3986 5.2.4, on segments: appends `path` without "." and "..". */
static void add_without_dots(struct buf *b, const char *path, size_t len)
{
	size_t start = b->len;
	const char *end = path + len;
	bool relative = len > 0 && *path != '/'; /* only below a base that is relative itself */

	if (relative) { /* the first segment has no slash */
		const char *slash = memchr(path, '/', len);
		size_t n = slash != NULL ? (size_t)(slash - path) : len;
		if (!(n == 1 && path[0] == '.') && !(n == 2 && memcmp(path, "..", 2) == 0))
			buf_add(b, path, n);
		path += n;
	}
	while (path < end) {
		const char *slash = memchr(path + 1, '/', (size_t)(end - path - 1));
		const char *stop = slash != NULL ? slash : end;
		size_t n = (size_t)(stop - path);
		bool up = n == 3 && memcmp(path, "/..", 3) == 0;
		if (up)
			drop_segment(b, start);
		bool bare = relative && b->len == start;
		if (!up && !(n == 2 && path[1] == '.'))
			buf_add(b, path + bare, n - bare);
		else if (stop == end && !bare)
			buf_add_char(b, '/');
		path = stop;
	}
}

/* RFC 3986 5.2.3: all of the base's path but its last segment, then the reference's. */
static void merge(struct buf *out, const struct uri *base, const struct uri *ref)
{
	struct buf whole = BUF_INIT;
	size_t keep = base->path.len;

	while (keep > 0 && base->path.at[keep - 1] != '/')
		keep--;
	if (base->authority.at != NULL && base->path.len == 0)
		buf_add_char(&whole, '/');
	buf_add(&whole, base->path.at, keep);
	buf_add(&whole, ref->path.at, ref->path.len);
	add_without_dots(out, buf_str(&whole), whole.len);
	buf_release(&whole);
}

static void add_part(struct buf *b, const char *before, struct run_of part, const char *after)
{
	if (part.at == NULL)
		return;
	buf_add_str(b, before);
	buf_add(b, part.at, part.len);
	buf_add_str(b, after);
}

char *uri_resolve(const char *base, const char *ref)
{
	struct buf out = BUF_INIT;
	struct uri b, r;

	split(base, &b);
	split(ref, &r);
	bool has_authority = r.scheme.at != NULL || r.authority.at != NULL;
	bool same_document = !has_authority && r.path.len == 0;
	add_part(&out, "", r.scheme.at != NULL ? r.scheme : b.scheme, ":");
	add_part(&out, "//", has_authority ? r.authority : b.authority, "");
	if (same_document)
		buf_add(&out, b.path.at, b.path.len);
	else if (has_authority || r.path.at[0] == '/')
		add_without_dots(&out, r.path.at, r.path.len);
	else
		merge(&out, &b, &r);
	add_part(&out, "?", same_document && r.query.at == NULL ? b.query : r.query, "");
	add_part(&out, "#", r.fragment, "");
	buf_add(&out, "", 0);
	return buf_take(&out);
}

const char *uri_fragment(const char *uri)
{
	return uri + strcspn(uri, "#");
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uri_decode(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; to++) {
		if (*from != '%') {
			*to = *from++;
			continue;
		}
		int high = hex(from[1]);
		int low = high < 0 ? -1 : hex(from[2]);
		if (low < 0 || high + low == 0)
			return false;
		*to = (char)(high * 16 + low);
		from += 3;
	}
	*to = '\0';
	return true;
}

char *pointer_next(char **p)
{
	char *token = *p;

	if (*token++ != '/')
		return NULL;
	char *to = token;
	const char *from = token;
	for (; *from != '\0' && *from != '/'; from++, to++) {
		*to = *from;
		if (*from != '~')
			continue;
		from++;
		if (*from != '0' && *from != '1')
			return NULL;
		*to = *from == '0' ? '~' : '/';
	}
	*p = *from == '\0' ? NULL : token + (from - token);
	/* The slash that ends this token is where the next call starts, so it may not become the
	 * NUL when the token had no escapes to make room. */
	if (*p != NULL && to == *p) {
		memmove(token - 1, token, (size_t)(to - token));
		token--;
		to--;
	}
	*to = '\0';
	return token;
}

json_t *pointer_step(const json_t *json, const char *token)
{
	size_t index = 0;

	if (json_is_object(json))
		return json_object_get(json, token);
	if (!json_is_array(json) || *token == '\0' || (token[0] == '0' && token[1] != '\0'))
		return NULL;
	for (const char *c = token; *c != '\0'; c++) {
		if (*c < '0' || *c > '9' || index > SIZE_MAX / 20)
			return NULL;
		index = index * 10 + (size_t)(*c - '0');
	}
	return json_array_get(json, index);
}

void pointer_add(struct buf *b, const char *token, size_t len)
{
	buf_add_char(b, '/');
	for (size_t i = 0; i < len; i++) {
		if (token[i] == '~')
			buf_add_str(b, "~0");
		else if (token[i] == '/')
			buf_add_str(b, "~1");
		else
			buf_add_char(b, token[i]);
	}
}
