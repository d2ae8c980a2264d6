/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read_body.h"

#include <string.h>
#include <strings.h>

#include "platforms/email/email_charset.h"
#include "platforms/email/email_read_content.h"

/* How far into a page its own word about its encoding is looked for (HTML, 13.2.3.2). */
#define META_BYTES ((size_t)1024)

/* --- which parts ------------------------------------------------------------------------------------------------ */

static enum email_read_body_kind kind_of(const struct email_read_tree_node *n)
{
	if (strcmp(n->disposition, "attachment") == 0)
		return EMAIL_READ_BODY_NONE;
	if (n->file_name != NULL && !n->named_in_type)
		return EMAIL_READ_BODY_NONE;
	if (strcmp(n->type, "text/html") == 0)
		return EMAIL_READ_BODY_HTML;
	/* A multipart in which its boundary does not occur: a person may make sense of it. */
	if (strcmp(n->type, "text/plain") == 0 || strncmp(n->type, "multipart/", 10) == 0)
		return EMAIL_READ_BODY_TEXT;
	return EMAIL_READ_BODY_NONE;
}

static int is_blank(const struct email_read_tree_node *n)
{
	for (size_t i = 0; i < n->len; i++)
		if (strchr(" \t\r\n", n->body[i]) == NULL || n->body[i] == '\0')
			return 0;
	return 1;
}

/* Takes part `i`, instead of those that are only other forms of it. */
static void take(struct email_read_body *b, const struct email_read_tree *t, int i,
	enum email_read_body_kind kind)
{
	for (int k = 0; k < i; k++) {
		int around;

		if (b->kind[k] != kind)
			continue;
		around = email_read_tree_common(t, k, i);
		if (strcmp(t->nodes[around].type, "multipart/alternative") == 0) {
			b->kind[k] = EMAIL_READ_BODY_NONE;
			b->passed[k] = 1;
		}
	}
	b->kind[i] = (unsigned char)kind;
}

static void choose(struct email_read_body *b, const struct email_read_tree *t)
{
	int n_taken = 0;

	for (int i = 0; i < t->n; i++) {
		const struct email_read_tree_node *n = &t->nodes[i];
		enum email_read_body_kind kind = kind_of(n);

		if (email_read_tree_is_multipart(n) || kind == EMAIL_READ_BODY_NONE)
			continue;
		/* Some programs name the text itself, but behind a text it is a file. */
		if (n->file_name != NULL && n_taken > 0 && n->disposition[0] == '\0')
			continue;
		if (is_blank(n)) {
			b->passed[i] = 1;
			continue;
		}
		take(b, t, i, kind);
		n_taken++;
	}
}

/* --- what they say ---------------------------------------------------------------------------------------------- */

/* CRLF and CR to LF from `start` on. */
static void unix_lines(struct buf *b, size_t start)
{
	size_t to = start;

	for (size_t i = start; i < b->len; i++) {
		char c = b->data[i];

		if (c == '\r' && i + 1 < b->len && b->data[i + 1] == '\n')
			continue;
		b->data[to++] = (char)(c == '\r' ? '\n' : c);
	}
	b->len = to;
	if (b->data != NULL)
		b->data[to] = '\0';
}

/* "charset=NAME" of a meta element; "" when there is none. */
static void meta_charset(const struct buf *page, char out[EMAIL_READ_PARAM_WORD_SIZE])
{
	size_t len = MIN(page->len, META_BYTES), n = 0;
	char head[META_BYTES + 1];
	const char *at;

	memcpy(head, buf_str(page), len);
	head[len] = '\0';
	at = strcasestr(head, "<meta");
	at = at != NULL ? strcasestr(at, "charset=") : NULL;
	at = at != NULL ? at + strlen("charset=") : "";
	at += strspn(at, "\"' ");
	while (n + 1 < EMAIL_READ_PARAM_WORD_SIZE && at[n] > ' ' && strchr("\"'>;/", at[n]) == NULL)
		n++;
	memcpy(out, at, n);
	out[n] = '\0';
}

static void add(
	struct email_read_body *b, const struct email_read_tree_node *n, struct buf *to, size_t max)
{
	struct buf raw = BUF_INIT;
	char charset[EMAIL_READ_PARAM_WORD_SIZE];
	size_t start;

	if (to->len > 0 && to->len < max)
		buf_add_char(to, '\n');
	start = to->len;
	if (start >= max) {
		b->cut = 1;
		return;
	}
	/* No encoding needs more than four bytes for a character that is one in UTF-8, but escapes between them. */
	b->cut |= email_read_content_decode(
		n->body, n->len, n->encoding, max < SIZE_MAX / 8 ? 8 * max : max, &raw);
	memcpy(charset, n->charset, sizeof charset);
	if (charset[0] == '\0' && to == &b->html)
		meta_charset(&raw, charset);
	b->cut |= email_charset_decode(buf_str(&raw), raw.len, charset, max - start, to);
	unix_lines(to, start);
	buf_release(&raw);
}

void email_read_body_init(struct email_read_body *b, const struct email_read_tree *t, size_t max)
{
	memset(b, 0, sizeof *b);
	choose(b, t);
	for (int i = 0; i < t->n; i++) {
		if (b->kind[i] == EMAIL_READ_BODY_TEXT)
			add(b, &t->nodes[i], &b->text, max);
		else if (b->kind[i] == EMAIL_READ_BODY_HTML)
			add(b, &t->nodes[i], &b->html, max);
	}
}

void email_read_body_set(struct buf *to, const struct buf *text)
{
	buf_clear(to);
	buf_add(to, buf_str(text), text->len);
	unix_lines(to, 0);
}

void email_read_body_release(struct email_read_body *b)
{
	buf_release(&b->text);
	buf_release(&b->html);
	memset(b, 0, sizeof *b);
}
