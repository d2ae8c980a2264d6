/* SPDX-License-Identifier: MIT */
#include "platforms/email/smtp_reply.h"

#include <string.h>

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 1: the last line of the reply. */
static int take_line(struct smtp_reply *r)
{
	const char *line = buf_str(&r->line);
	size_t len = r->line.len;
	int code;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]) ||
		(len > 3 && line[3] != ' ' && line[3] != '-'))
		return -1;
	code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
	if ((r->lines > 0 && code != r->code) || ++r->lines > SMTP_REPLY_LINES)
		return -1;
	r->code = code;
	if (len > 4 && r->text.len + len - 3 <= SMTP_REPLY_TEXT_MAX) {
		if (r->text.len > 0)
			buf_add_char(&r->text, '\n');
		buf_add(&r->text, line + 4, len - 4);
	}
	return len == 3 || line[3] == ' ';
}

/* The former reply was read: the next begins. */
static void begin(struct smtp_reply *r)
{
	buf_clear(&r->text);
	r->code = 0;
}

int smtp_reply_read(struct smtp_reply *r, const char *bytes, size_t len, size_t *used)
{
	*used = 0;
	if (r->lines == 0)
		begin(r);
	while (*used < len) {
		const char *from = bytes + *used, *end = memchr(from, '\n', len - *used);
		size_t n = end != NULL ? (size_t)(end - from) : len - *used;
		int last;
		if (r->line.len + n > SMTP_REPLY_LINE_MAX || memchr(from, '\0', n) != NULL)
			return -1;
		buf_add(&r->line, from, n);
		*used += n + (end != NULL);
		if (end == NULL)
			return 0;
		last = take_line(r);
		buf_clear(&r->line);
		if (last == 0)
			continue;
		r->lines = 0;
		return last;
	}
	return 0;
}

void smtp_reply_release(struct smtp_reply *r)
{
	buf_release(&r->text);
	buf_release(&r->line);
}
