/* SPDX-License-Identifier: MIT */
#include "platforms/email/pop_parse.h"

#include <string.h>
#include <strings.h>

enum { LINE_START, IN_LINE, DOT, DOT_CR };

void pop_parse_release(struct pop_parse *p)
{
	buf_release(&p->line);
}

void pop_parse_begin(struct pop_parse *p)
{
	buf_clear(&p->line);
	p->state = LINE_START;
	p->seen = 0;
}

int pop_parse_status(struct pop_parse *p, const char **bytes, size_t *len)
{
	const char *nl = memchr(*bytes, '\n', *len);
	size_t n = nl != NULL ? (size_t)(nl - *bytes) : *len;

	if (n > POP_PARSE_LINE - MIN(p->line.len, POP_PARSE_LINE))
		return -1;
	buf_add(&p->line, *bytes, n);
	n += nl != NULL;
	*bytes += n;
	*len -= n;
	if (nl == NULL)
		return 0;
	if (p->line.len > 0 && p->line.data[p->line.len - 1] == '\r')
		p->line.data[--p->line.len] = '\0';
	return 1;
}

static void keep(struct pop_parse *p, struct buf *out, size_t max, const char *bytes, size_t n)
{
	p->seen += n;
	if (out->len < max)
		buf_add(out, bytes, MIN(n, max - out->len));
}

/* A dot was the first byte of the line; `c` follows. */
static int after_dot(struct pop_parse *p, char c, struct buf *out, size_t max)
{
	if (c == '\n')
		return 1;
	if (p->state == DOT_CR)
		keep(p, out, max, "\r", 1);
	else if (c == '\r') {
		p->state = DOT_CR;
		return 0;
	}
	keep(p, out, max, &c, 1);
	p->state = IN_LINE;
	return 0;
}

int pop_parse_data(
	struct pop_parse *p, const char **bytes, size_t *len, struct buf *out, size_t max)
{
	const char *at = *bytes, *end = at + *len;
	int rc = 0;

	while (rc == 0 && at < end) {
		if (p->state == DOT || p->state == DOT_CR) {
			rc = after_dot(p, *at++, out, max);
		} else if (p->state == LINE_START && *at == '.') {
			p->state = DOT;
			at++;
		} else {
			const char *nl = memchr(at, '\n', (size_t)(end - at));
			const char *stop = nl != NULL ? nl + 1 : end;
			keep(p, out, max, at, (size_t)(stop - at));
			p->state = nl != NULL ? LINE_START : IN_LINE;
			at = stop;
		}
	}
	*len -= (size_t)(at - *bytes);
	*bytes = at;
	return rc;
}

int pop_parse_is_ok(const struct pop_parse *p)
{
	return strncasecmp(buf_str(&p->line), "+OK", 3) == 0;
}

const char *pop_parse_words(const struct pop_parse *p)
{
	const char *words = buf_str(&p->line);

	words += strcspn(words, " ");
	return words + strspn(words, " ");
}

int pop_parse_entry(const char **at, const char *end, struct pop_parse_entry *out)
{
	const char *c = *at, *nl = memchr(c, '\n', (size_t)(end - c));
	const char *stop = nl != NULL ? nl : end;
	uint64_t n = 0;

	*at = nl != NULL ? nl + 1 : end;
	if (stop > c && stop[-1] == '\r')
		stop--;
	for (; c < stop && *c >= '0' && *c <= '9' && n <= UINT32_MAX; c++)
		n = n * 10 + (uint64_t)(*c - '0');
	if (n == 0 || n > UINT32_MAX || c >= stop || *c != ' ')
		return -1;
	while (c < stop && *c == ' ')
		c++;
	*out = (struct pop_parse_entry){(uint32_t)n, c, (size_t)(stop - c)};
	return 0;
}
