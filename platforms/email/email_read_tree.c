/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read_tree.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_read_head.h"
#include "platforms/email/email_read_word.h"

/* RFC 2046, 5.1.1 allows 70. */
#define MAX_BOUNDARY 200
#define MAX_NAME     ((size_t)1000)

/* A multipart whose end was not seen yet. */
struct open_part {
	int node;
	char boundary[MAX_BOUNDARY];
	size_t len;
};

struct scan {
	struct email_read_tree *tree;
	const char *end;
	struct open_part open[EMAIL_READ_TREE_DEPTH];
	int n_open;
	int last; /* the part that the bytes at hand belong to; -1: none, they are between parts */
	struct buf value, text;
};

/* --- what a part says it is ------------------------------------------------------------------------------------- */

static void copy_word(char to[EMAIL_READ_PARAM_WORD_SIZE], const struct buf *from)
{
	if (from->len < EMAIL_READ_PARAM_WORD_SIZE)
		memcpy(to, buf_str(from), from->len + 1);
}

static void read_type(
	struct scan *s, const struct email_read_head *h, struct email_read_tree_node *n)
{
	int digest = n->parent >= 0 &&
		     strcmp(s->tree->nodes[n->parent].type, "multipart/digest") == 0;

	if (!email_read_head_value(h, "Content-Type", 0, &s->value)) {
		strcpy(n->type, digest ? "message/rfc822" : "text/plain");
		return;
	}
	email_read_param_word(buf_str(&s->value), 1, n->type);
	if (n->type[0] == '\0') /* "text", or nonsense (RFC 2045, 5.2) */
		strcpy(n->type, "text/plain");
	if (email_read_param_raw(buf_str(&s->value), "charset", &s->text))
		copy_word(n->charset, &s->text);
	if (email_read_param_text(buf_str(&s->value), "name", n->charset, MAX_NAME, &s->text)) {
		n->file_name = mem_strdup(buf_str(&s->text));
		n->named_in_type = 1;
	}
}

static void read_disposition(
	struct scan *s, const struct email_read_head *h, struct email_read_tree_node *n)
{
	if (!email_read_head_value(h, "Content-Disposition", 0, &s->value))
		return;
	email_read_param_word(buf_str(&s->value), 0, n->disposition);
	if (email_read_param_text(buf_str(&s->value), "filename", n->charset, MAX_NAME, &s->text)) {
		mem_free(n->file_name);
		n->file_name = mem_strdup(buf_str(&s->text));
		n->named_in_type = 0;
	}
}

static void read_rest(
	struct scan *s, const struct email_read_head *h, struct email_read_tree_node *n)
{
	if (email_read_head_value(h, "Content-Transfer-Encoding", 0, &s->value))
		email_read_param_word(buf_str(&s->value), 0, n->encoding);
	if (!email_read_head_value(h, "Content-ID", 0, &s->value))
		return;
	buf_clear(&s->text);
	email_read_word_decode(buf_str(&s->value), s->value.len, NULL, MAX_NAME, &s->text);
	if (s->text.len > 2 && s->text.data[0] == '<' && s->text.data[s->text.len - 1] == '>')
		n->cid = mem_dup(s->text.data + 1, s->text.len - 2);
	else if (s->text.len > 0)
		n->cid = mem_strdup(s->text.data);
}

/* --- the pass --------------------------------------------------------------------------------------------------- */

/* A multipart waits for its boundary, unless it names none or is too deep. */
static void push(struct scan *s, const struct email_read_head *h, int node)
{
	const struct email_read_tree_node *n = &s->tree->nodes[node];
	struct open_part *o = &s->open[s->n_open];

	if (strncmp(n->type, "multipart/", 10) != 0)
		return;
	if (s->n_open == EMAIL_READ_TREE_DEPTH) {
		s->tree->cut = 1;
		return;
	}
	email_read_head_value(h, "Content-Type", 0, &s->value);
	if (!email_read_param_raw(buf_str(&s->value), "boundary", &s->text) ||
		s->text.len >= MAX_BOUNDARY)
		return;
	o->node = node;
	o->len = s->text.len;
	memcpy(o->boundary, s->text.data, o->len);
	s->n_open++;
}

static void add_node(struct scan *s, const struct email_read_head *h, const char *body, int parent)
{
	struct email_read_tree *t = s->tree;
	struct email_read_tree_node *n;

	if (t->n % 8 == 0)
		t->nodes = mem_realloc(t->nodes, (size_t)(t->n + 8) * sizeof *t->nodes);
	n = &t->nodes[t->n];
	memset(n, 0, sizeof *n);
	n->parent = parent;
	n->body = body;
	if (parent >= 0) {
		n->number = ++t->nodes[parent].n_children;
		n->depth = t->nodes[parent].depth + 1;
	}
	read_type(s, h, n);
	read_disposition(s, h, n);
	read_rest(s, h, n);
	s->last = t->n;
	push(s, h, t->n++);
}

/* The open part whose boundary the line is (RFC 2046, 5.1.1), the inmost first, or -1. */
static int match(const struct scan *s, const char *line, size_t len, int *closes)
{
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r' ||
				  line[len - 1] == '\n'))
		len--;
	for (int i = s->n_open - 1; i >= 0; i--) {
		const struct open_part *o = &s->open[i];

		*closes = len == o->len + 4 && memcmp(line + len - 2, "--", 2) == 0;
		if ((len == o->len + 2 || *closes) && memcmp(line + 2, o->boundary, o->len) == 0)
			return i;
	}
	return -1;
}

/* The part at hand ends before the line end that belongs to the boundary line at `line`. */
static void end_part(struct scan *s, const char *line)
{
	struct email_read_tree_node *n;

	if (s->last < 0)
		return;
	n = &s->tree->nodes[s->last];
	if (line > n->body && line[-1] == '\n')
		line--;
	if (line > n->body && line[-1] == '\r')
		line--;
	n->len = (size_t)(line - n->body);
	s->last = -1;
}

/* A boundary line that ends at `next`: the parts within end, a new one begins or the whole one ends. */
static const char *at_boundary(struct scan *s, int level, int closes, const char *next)
{
	struct email_read_head head;
	int parent = s->open[level].node;

	s->n_open = level + !closes;
	if (closes)
		return next;
	if (s->tree->n == EMAIL_READ_TREE_PARTS) {
		s->tree->cut = 1;
		return s->end;
	}
	email_read_head_init(&head, next, (size_t)(s->end - next));
	s->tree->cut |= head.cut;
	next += head.len;
	add_node(s, &head, next, parent);
	email_read_head_release(&head);
	return next;
}

static void pass(struct scan *s, const char *at)
{
	while (s->n_open > 0 && at < s->end) {
		size_t left = (size_t)(s->end - at);
		const char *line = at, *nl;
		int level, closes = 0;

		if (left < 2 || memcmp(at, "--", 2) != 0) {
			nl = memmem(at, left, "\n--", 3);
			if (nl == NULL)
				break;
			line = nl + 1;
		}
		nl = memchr(line, '\n', (size_t)(s->end - line));
		at = nl != NULL ? nl + 1 : s->end;
		level = match(s, line, (size_t)(at - line), &closes);
		if (level < 0)
			continue;
		end_part(s, line);
		at = at_boundary(s, level, closes, at);
	}
}

void email_read_tree_init(struct email_read_tree *t, const struct email_read_head *head,
	const char *bytes, size_t len, int cut)
{
	struct scan s = {.tree = t, .end = bytes + len};

	memset(t, 0, sizeof *t);
	add_node(&s, head, bytes, -1);
	t->nodes[0].len = len;
	t->nodes[0].open = cut;
	pass(&s, bytes);
	if (s.last > 0) {
		t->nodes[s.last].len = (size_t)(s.end - t->nodes[s.last].body);
		t->nodes[s.last].open = cut;
	}
	for (int i = 1; i < t->n; i++)
		if (email_read_tree_is_multipart(&t->nodes[i]))
			t->nodes[i].len = 0;
	buf_release(&s.value);
	buf_release(&s.text);
}

void email_read_tree_release(struct email_read_tree *t)
{
	for (int i = 0; i < t->n; i++) {
		mem_free(t->nodes[i].file_name);
		mem_free(t->nodes[i].cid);
	}
	mem_free(t->nodes);
	memset(t, 0, sizeof *t);
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

int email_read_tree_is_multipart(const struct email_read_tree_node *node)
{
	return node->n_children > 0;
}

void email_read_tree_path(
	const struct email_read_tree *t, int node, char out[EMAIL_READ_TREE_PATH_SIZE])
{
	unsigned numbers[EMAIL_READ_TREE_DEPTH + 1];
	unsigned depth = t->nodes[node].depth;
	size_t len = 0;

	if (depth == 0) {
		strcpy(out, "1");
		return;
	}
	for (unsigned i = depth; i > 0; i--, node = t->nodes[node].parent)
		numbers[i - 1] = t->nodes[node].number;
	for (unsigned i = 0; i < depth; i++)
		len += (size_t)snprintf(out + len, EMAIL_READ_TREE_PATH_SIZE - len,
			i > 0 ? ".%u" : "%u", numbers[i]);
}

int email_read_tree_common(const struct email_read_tree *t, int a, int b)
{
	while (a != b) {
		if (t->nodes[a].depth >= t->nodes[b].depth)
			a = t->nodes[a].parent;
		else
			b = t->nodes[b].parent;
	}
	return a;
}
