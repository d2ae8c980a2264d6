/* SPDX-License-Identifier: MIT */
#include "bench/lib/reply.h"
#include "bench/lib/body.h"
#include <string.h>

/* The closing quote of the string that begins behind `p`; NULL when it is not there. */
static const char *string_end(const char *p, const char *end)
{
	for (const char *q = p; (q = memchr(q, '"', (size_t)(end - q))) != NULL; q++) {
		const char *back = q;
		while (back > p && back[-1] == '\\')
			back--;
		if ((q - back) % 2 == 0)
			return q;
	}
	return NULL;
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

static int begins(const char *p, const char *end, const char *text)
{
	size_t len = strlen(text);
	return (size_t)(end - p) >= len && memcmp(p, text, len) == 0;
}

static uint64_t number(const char *p, const char *end)
{
	uint64_t v = 0;
	for (int i = 0; i < 18 && p < end && *p >= '0' && *p <= '9'; i++, p++)
		v = v * 10 + (uint64_t)(*p - '0');
	return v;
}

/* A string at the object's own level ends at `quote`: if it is one of the keys we want, look at
 * its value. */
static void look(struct reply *r, const char *key, const char *quote, const char *end)
{
	const char *v = skip_space(quote + 1, end);
	if (v == end || *v != ':')
		return;
	v = skip_space(v + 1, end);
	size_t len = (size_t)(quote - key);
	if (len == 3 && memcmp(key, "rid", 3) == 0)
		r->rid = number(v, end);
	else if (len == 4 && memcmp(key, "verb", 4) == 0)
		r->confirm = begins(v, end, "\"confirm\"");
	else if (len == 6 && memcmp(key, "status", 6) == 0)
		r->ok = begins(v, end, "true");
}

int reply_next(struct reply *r, const char **p, const char *end)
{
	const char *q = memchr(*p, '{', (size_t)(end - *p));
	*r = (struct reply){0};
	int depth = 0;
	for (; q != NULL && q < end; q++) {
		if (*q == '"') {
			const char *quote = string_end(q + 1, end);
			if (quote == NULL)
				return 0;
			if (depth == 1)
				look(r, q + 1, quote, end);
			q = quote;
		} else if (*q == '{' || *q == '[') {
			depth++;
		} else if ((*q == '}' || *q == ']') && --depth == 0) {
			*p = q + 1;
			return *q == '}' ? 1 : -1;
		}
	}
	return 0;
}

const char *reply_check(const char *body, size_t len, uint64_t first, unsigned n)
{
	enum { CONFIRMED = 1, ANSWERED = 2 };
	unsigned char seen[BODY_RIDS_MAX] = {0};
	const char *p = body, *end = body + len;
	unsigned count = 0;
	struct reply r;
	if (len < 2 || *skip_space(body, end - 1) != '[')
		return "the body is not an array";
	while (reply_next(&r, &p, end) > 0) {
		if (r.rid < first || r.rid - first >= n)
			return "a reply has a rid that was not asked for";
		if (!r.ok)
			return "a reply has no status true";
		unsigned char bit = r.confirm ? CONFIRMED : ANSWERED;
		if (seen[r.rid - first] & bit)
			return "a job was answered twice";
		seen[r.rid - first] |= bit;
		count++;
	}
	if (*skip_space(p, end - 1) != ']')
		return "the array does not end";
	return count == 2 * n ? NULL : "a job has no confirmation or no result";
}
