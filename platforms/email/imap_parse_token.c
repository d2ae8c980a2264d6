/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap_parse_token.h"

#include <string.h>
#include <strings.h>

static int is_atom_char(char c)
{
	return (unsigned char)c > ' ' && c != '(' && c != ')' && c != '"' && c != 0x7F;
}

/* The names that may have a section behind them, which holds blanks and lists (RFC 3501, 9: msg-att-static). */
static int has_section(const char *name, size_t len)
{
	static const char *const names[] = {"BODY", "BINARY", "BINARY.SIZE"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
			return 1;
	return 0;
}

/* From "[" to behind "]"; NULL when there is no end. A bracket within quotes is none. */
static const char *section_end(const char *at, const char *end)
{
	int quoted = 0;

	for (; at < end && (unsigned char)*at >= ' '; at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\\' && quoted && at + 1 < end)
			at++;
		else if (*at == ']' && !quoted)
			return at + 1;
	}
	return NULL;
}

static enum imap_parse_token_type atom(struct imap_parse_cursor *c, struct imap_parse_token *t)
{
	const char *at = c->at;

	while (at < c->end && is_atom_char(*at)) {
		if (*at == '[' && has_section(c->at, (size_t)(at - c->at))) {
			at = section_end(at, c->end);
			if (at == NULL)
				return IMAP_TOKEN_BAD;
			continue;
		}
		at++;
	}
	if (at == c->at)
		return IMAP_TOKEN_BAD;
	t->bytes = c->at;
	t->len = (size_t)(at - c->at);
	c->at = at;
	return t->len == 3 && strncasecmp(t->bytes, "NIL", 3) == 0 ? IMAP_TOKEN_NIL
								   : IMAP_TOKEN_ATOM;
}

static enum imap_parse_token_type quoted(struct imap_parse_cursor *c, struct imap_parse_token *t)
{
	const char *at = c->at + 1;

	for (; at < c->end && *at != '"'; at++) {
		if (*at == '\\' && at + 1 < c->end) {
			t->escaped = 1;
			at++;
		}
		if (*at == '\r' || *at == '\n' || *at == '\0')
			return IMAP_TOKEN_BAD;
	}
	if (at >= c->end)
		return IMAP_TOKEN_BAD;
	t->bytes = c->at + 1;
	t->len = (size_t)(at - t->bytes);
	c->at = at + 1;
	return IMAP_TOKEN_STRING;
}

/* "{12}" CRLF and 12 bytes, the braces being at the cursor; "{12+}" and a bare LF are let pass. */
static enum imap_parse_token_type literal(struct imap_parse_cursor *c, struct imap_parse_token *t)
{
	const char *at = c->at + 1;
	size_t len = 0;
	int digits = 0;

	for (; at < c->end && *at >= '0' && *at <= '9' && digits < 10; at++, digits++)
		len = len * 10 + (size_t)(*at - '0');
	if (at < c->end && *at == '+')
		at++;
	if (digits == 0 || at >= c->end || *at++ != '}')
		return IMAP_TOKEN_BAD;
	if (at < c->end && *at == '\r')
		at++;
	if (at >= c->end || *at++ != '\n' || len > (size_t)(c->end - at))
		return IMAP_TOKEN_BAD;
	t->bytes = at;
	t->len = len;
	c->at = at + len;
	return IMAP_TOKEN_STRING;
}

enum imap_parse_token_type imap_parse_token_next(
	struct imap_parse_cursor *c, struct imap_parse_token *t)
{
	*t = (struct imap_parse_token){.type = IMAP_TOKEN_END};
	while (c->at < c->end && *c->at == ' ')
		c->at++;
	if (c->at >= c->end)
		return IMAP_TOKEN_END;
	switch (*c->at) {
	case '(':
		c->at++;
		t->type = IMAP_TOKEN_OPEN;
		break;
	case ')':
		c->at++;
		t->type = IMAP_TOKEN_CLOSE;
		break;
	case '"':
		t->type = quoted(c, t);
		break;
	case '{':
		t->type = literal(c, t);
		break;
	case '~': /* literal8 (RFC 3516, RFC 9051) */
		if (c->at + 1 < c->end && c->at[1] == '{') {
			c->at++;
			t->type = literal(c, t);
			break;
		}
		/* fall through */
	default:
		t->type = atom(c, t);
	}
	return t->type;
}

enum imap_parse_token_type imap_parse_token_peek(
	const struct imap_parse_cursor *c, struct imap_parse_token *t)
{
	struct imap_parse_cursor copy = *c;

	return imap_parse_token_next(&copy, t);
}

int imap_parse_token_skip(struct imap_parse_cursor *c)
{
	struct imap_parse_token t;
	unsigned depth = 0;

	do {
		switch (imap_parse_token_next(c, &t)) {
		case IMAP_TOKEN_BAD:
		case IMAP_TOKEN_END:
			return -1;
		case IMAP_TOKEN_OPEN:
			if (++depth > IMAP_PARSE_TOKEN_DEPTH)
				return -1;
			break;
		case IMAP_TOKEN_CLOSE:
			if (depth == 0)
				return -1;
			depth--;
			break;
		default:
			break;
		}
	} while (depth > 0);
	return 0;
}

int imap_parse_token_is(const struct imap_parse_token *t, const char *name)
{
	return t->type == IMAP_TOKEN_ATOM && strlen(name) == t->len &&
	       strncasecmp(name, t->bytes, t->len) == 0;
}

void imap_parse_token_text(const struct imap_parse_token *t, struct buf *out)
{
	if (!t->escaped) {
		buf_add(out, t->bytes, t->len);
		return;
	}
	for (size_t i = 0; i < t->len; i++) {
		if (t->bytes[i] == '\\' && i + 1 < t->len)
			i++;
		buf_add_char(out, t->bytes[i]);
	}
}

int imap_parse_token_number(const struct imap_parse_token *t, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (t->type != IMAP_TOKEN_ATOM || t->len == 0 || t->len > 19)
		return -1;
	for (size_t i = 0; i < t->len; i++) {
		if (t->bytes[i] < '0' || t->bytes[i] > '9')
			return -1;
		n = n * 10 + (uint64_t)(t->bytes[i] - '0');
	}
	if (n > max)
		return -1;
	*out = n;
	return 0;
}
