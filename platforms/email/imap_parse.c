/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap_parse.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"

/* What a large literal left behind is given back, so that an idle connection is small. */
#define KEEP_BYTES ((size_t)256 << 10)

void imap_parse_init(struct imap_parse *p, const struct imap_parse_limits *limits)
{
	*p = (struct imap_parse){.limits = *limits};
}

void imap_parse_release(struct imap_parse *p)
{
	buf_release(&p->raw);
}

/* Forgets the response given out last. */
static void settle(struct imap_parse *p)
{
	if (p->end == 0)
		return;
	p->start = p->at = p->line_start = p->end;
	p->end = 0;
	p->lines = p->literals = 0;
	if (p->start < p->raw.len || p->raw.cap <= KEEP_BYTES)
		return;
	buf_release(&p->raw);
	p->start = p->at = p->line_start = 0;
}

/* Responses are only moved here, once per read and not once each. */
void imap_parse_add(struct imap_parse *p, const char *bytes, size_t len)
{
	settle(p);
	if (p->start > 0) {
		buf_consume(&p->raw, p->start);
		p->at -= p->start;
		p->line_start -= p->start;
		p->start = 0;
	}
	buf_add(&p->raw, bytes, len);
}

/* --- framing ---------------------------------------------------------------------------------------------------- */

/* A status' or continuation's line ends in free text, where "{3}" means nothing. */
static int ends_in_text(const char *line, size_t len)
{
	static const char *const words[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};
	const char *blank = memchr(line, ' ', len);
	const char *word = blank != NULL ? blank + 1 : line + len;
	size_t left = (size_t)(line + len - word);

	if (len > 0 && line[0] == '+')
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i]);
		if (left >= n && strncasecmp(word, words[i], n) == 0 &&
			(left == n || word[n] == ' '))
			return 1;
	}
	return 0;
}

/* The size of the literal that a line (without its end) announces: 1, 0 when it does not, -1 when it is absurd. */
static int announced(const char *line, size_t len, size_t *size)
{
	size_t at = len;
	size_t n = 0;

	if (len < 3 || line[--at] != '}')
		return 0;
	if (line[at - 1] == '+')
		at--;
	while (at > 0 && isdigit((unsigned char)line[at - 1]))
		at--;
	if (at == 0 || line[at - 1] != '{' || !isdigit((unsigned char)line[at]))
		return 0;
	for (size_t i = 0; isdigit((unsigned char)line[at]); at++, i++) {
		if (i == 10)
			return -1;
		n = n * 10 + (size_t)(line[at] - '0');
	}
	*size = n;
	return 1;
}

static int too_long(struct err *e)
{
	return err_set(e, ERR_TOO_LARGE, "the server sent a longer line than is accepted");
}

static int too_large(struct err *e)
{
	return err_set(e, ERR_TOO_LARGE, "the server sent more data at once than is accepted");
}

/* A line has ended at `nl`. 1: the response, too; 0: a literal follows. */
static int end_line(struct imap_parse *p, size_t nl, struct err *e)
{
	const char *line = p->raw.data + p->line_start;
	size_t len = nl - p->line_start;
	size_t size = 0;
	int rc;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	p->lines += nl + 1 - p->line_start;
	if (p->lines > p->limits.line_bytes)
		return too_long(e);
	p->at = p->line_start = nl + 1;
	if (p->literals == 0 && line == p->raw.data + p->start && ends_in_text(line, len))
		return 1;
	rc = announced(line, len, &size);
	if (rc == 0)
		return 1;
	if (rc < 0 || size > p->limits.literal_bytes - p->literals)
		return too_large(e);
	p->literals += size;
	p->literal_left = size;
	return 0;
}

/* 1: raw[start..at) is a response; 0: more bytes are needed. */
static int collect(struct imap_parse *p, struct err *e)
{
	int rc = 0;

	while (rc == 0 && p->at < p->raw.len) {
		size_t left = p->raw.len - p->at;
		if (p->literal_left > 0) {
			size_t n = MIN(left, p->literal_left);
			p->at += n;
			p->literal_left -= n;
			p->line_start = p->at;
			continue;
		}
		char *nl = memchr(p->raw.data + p->at, '\n', left);
		if (nl != NULL) {
			rc = end_line(p, (size_t)(nl - p->raw.data), e);
			continue;
		}
		p->at = p->raw.len;
		if (p->lines + p->at - p->line_start > p->limits.line_bytes)
			return too_long(e);
	}
	return rc;
}

/* --- the head of a response ------------------------------------------------------------------------------------- */

static void copy_upper(char *out, size_t size, const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < size - 1; i++)
		out[i] = (char)toupper((unsigned char)bytes[i]);
	out[i] = '\0';
}

static enum imap_parse_status status_of(const struct imap_parse_token *t)
{
	static const struct {
		const char *word;
		enum imap_parse_status status;
	} words[] = {{"OK", IMAP_PARSE_OK}, {"NO", IMAP_PARSE_NO}, {"BAD", IMAP_PARSE_BAD},
		{"BYE", IMAP_PARSE_BYE}, {"PREAUTH", IMAP_PARSE_PREAUTH}};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (imap_parse_token_is(t, words[i].word))
			return words[i].status;
	return IMAP_PARSE_DATA;
}

/* The "]" that ends a code; NULL: there is none. */
static const char *code_end(const char *at, const char *end)
{
	int quoted = 0;

	for (; at < end; at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == ']' && !quoted)
			return at;
	}
	return NULL;
}

/* `[CODE args] words`. A broken code is words. */
static void read_text(struct imap_parse_response *r, struct imap_parse_cursor *c)
{
	while (c->at < c->end && *c->at == ' ')
		c->at++;
	if (c->at < c->end && *c->at == '[') {
		const char *name = c->at + 1, *end = code_end(name, c->end), *at = name;
		if (end != NULL) {
			while (at < end && *at != ' ')
				at++;
			copy_upper(r->code, sizeof r->code, name, (size_t)(at - name));
			r->code_data = (struct imap_parse_cursor){at, end};
			c->at = end + 1;
		}
	}
	while (c->at < c->end && *c->at == ' ')
		c->at++;
	r->text = c->at;
	r->text_len = (size_t)(c->end - c->at);
	c->at = c->end;
}

static int not_imap(struct err *e)
{
	return err_set(e, ERR_REMOTE, "the server sent something that is not IMAP");
}

/* `* 12 NAME ...` or `* NAME ...` */
static int read_data(struct imap_parse_response *r, struct imap_parse_cursor *c,
	struct imap_parse_token *t, struct err *e)
{
	uint64_t n;

	if (imap_parse_token_number(t, UINT32_MAX, &n) == 0) {
		r->number = (uint32_t)n;
		imap_parse_token_next(c, t);
	}
	if (t->type != IMAP_TOKEN_ATOM)
		return not_imap(e);
	copy_upper(r->name, sizeof r->name, t->bytes, t->len);
	r->data = *c;
	return 1;
}

static int read_head(struct imap_parse_response *r, struct imap_parse_cursor c, struct err *e)
{
	struct imap_parse_token t;

	*r = (struct imap_parse_response){.kind = IMAP_PARSE_TAGGED, .text = c.end};
	r->data = r->code_data = (struct imap_parse_cursor){c.end, c.end};
	if (c.at < c.end && *c.at == '+') {
		r->kind = IMAP_PARSE_CONTINUE;
		c.at++;
		read_text(r, &c);
		return 1;
	}
	if (imap_parse_token_next(&c, &t) != IMAP_TOKEN_ATOM || t.len >= sizeof r->tag)
		return not_imap(e);
	if (t.len == 1 && t.bytes[0] == '*')
		r->kind = IMAP_PARSE_UNTAGGED;
	else
		memcpy(r->tag, t.bytes, t.len);
	if (imap_parse_token_next(&c, &t) != IMAP_TOKEN_ATOM)
		return not_imap(e);
	r->status = status_of(&t);
	if (r->status != IMAP_PARSE_DATA) {
		read_text(r, &c);
		return 1;
	}
	return r->kind == IMAP_PARSE_UNTAGGED ? read_data(r, &c, &t, e) : not_imap(e);
}

int imap_parse_next(struct imap_parse *p, struct imap_parse_response *r, struct err *e)
{
	struct imap_parse_cursor c;
	int rc;

	settle(p);
	rc = collect(p, e);
	if (rc <= 0)
		return rc;
	p->end = p->at;
	c.at = p->raw.data + p->start;
	c.end = p->raw.data + p->end - 1;
	if (c.end > c.at && c.end[-1] == '\r')
		c.end--;
	return read_head(r, c, e);
}
