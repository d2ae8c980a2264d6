/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_text.h"

#include <string.h>
#include <strings.h>

#include "platforms/feeds/feed.h"

size_t feeds_text_fit(const char *s, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)s[max] & 0xC0) == 0x80)
		max--;
	return max;
}

/* Drop what is beyond the bound for results that began at `start`. */
static void cut(struct buf *out, size_t start)
{
	if (out->len - start <= FEED_MAX_TEXT)
		return;
	out->len = start + feeds_text_fit(out->data + start, out->len - start, FEED_MAX_TEXT);
	out->data[out->len] = '\0';
}

static int is_text(const xmlNode *n)
{
	return (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) &&
	       n->content != NULL;
}

static int is_named(const xmlNode *n, const char *const *names)
{
	if (n->type != XML_ELEMENT_NODE || n->name == NULL)
		return 0;
	for (; *names != NULL; names++)
		if (strcasecmp((const char *)n->name, *names) == 0)
			return 1;
	return 0;
}

/* The node after `n` in document order below `top`, not entering `n` when `enter` is 0. `left` is called for every
 * element that is left on the way. NULL at the end. An entity reference's child belongs to the DTD: never enter. */
static const xmlNode *walk(const xmlNode *n, const xmlNode *top, int enter,
	void (*left)(const xmlNode *n, struct buf *out), struct buf *out)
{
	if (enter && n->type == XML_ELEMENT_NODE && n->children != NULL)
		return n->children;
	while (n != top) {
		if (left != NULL && n->type == XML_ELEMENT_NODE)
			left(n, out);
		if (n->next != NULL)
			return n->next;
		n = n->parent;
	}
	return NULL;
}

void feeds_text_content(const xmlNode *parent, struct buf *out)
{
	size_t start = out->len;

	for (const xmlNode *n = parent; n != NULL && out->len - start <= FEED_MAX_TEXT;
		n = walk(n, parent, 1, NULL, NULL))
		if (is_text(n))
			buf_add_str(out, (const char *)n->content);
	cut(out, start);
}

void feeds_text_to_html(const char *text, size_t len, struct buf *out)
{
	size_t start = out->len;

	for (size_t i = 0; i < len && out->len - start <= FEED_MAX_TEXT; i++) {
		switch (text[i]) {
		case '&':
			buf_add_str(out, "&amp;");
			break;
		case '<':
			buf_add_str(out, "&lt;");
			break;
		case '>':
			buf_add_str(out, "&gt;");
			break;
		case '"':
			buf_add_str(out, "&quot;");
			break;
		default:
			buf_add_char(out, text[i]);
		}
	}
	cut(out, start);
}

/* --- XHTML to HTML -------------------------------------------------------------------------------------------- */

/* Elements without content have no end tag in HTML (HTML, 13.1.2). */
static const char *const void_names[] = {"area", "base", "br", "col", "embed", "hr", "img", "input",
	"link", "meta", "source", "track", "wbr", NULL};

static void end_tag(const xmlNode *n, struct buf *out)
{
	if (!is_named(n, void_names))
		buf_printf(out, "</%s>", n->name);
}

static void start_tag(const xmlNode *n, struct buf *out)
{
	buf_printf(out, "<%s", n->name);
	for (const xmlAttr *a = n->properties; a != NULL; a = a->next) {
		buf_printf(out, " %s=\"", a->name);
		for (const xmlNode *v = a->children; v != NULL; v = v->next)
			if (is_text(v))
				feeds_text_to_html((const char *)v->content,
					strlen((const char *)v->content), out);
		buf_add_char(out, '"');
	}
	buf_add_char(out, '>');
}

void feeds_text_markup(const xmlNode *parent, struct buf *out)
{
	size_t start = out->len;

	for (const xmlNode *n = parent; n != NULL && out->len - start <= FEED_MAX_TEXT;
		n = walk(n, parent, 1, end_tag, out)) {
		if (is_text(n))
			feeds_text_to_html(
				(const char *)n->content, strlen((const char *)n->content), out);
		else if (n != parent && n->type == XML_ELEMENT_NODE)
			start_tag(n, out);
	}
	cut(out, start);
}
