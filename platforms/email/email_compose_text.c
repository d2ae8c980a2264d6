/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_compose_text.h"

#include <libxml/HTMLparser.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

void email_compose_text_lines(struct buf *out, const char *text, size_t len, const char *newline)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\r' && text[i] != '\n')
			continue;
		buf_add(out, text + from, i - from);
		buf_add_str(out, newline);
		if (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n')
			i++;
		from = i + 1;
	}
	if (from < len) {
		buf_add(out, text + from, len - from);
		buf_add_str(out, newline);
	}
}

/* --- HTML ------------------------------------------------------------------------------------------------------- */

/* What is written so far ends in `newlines` line ends; `space` is owed before the next word. */
struct writer {
	struct buf *out;
	int newlines, space, pre;
};

static int is_one_of(const char *const *names, const xmlNode *node)
{
	for (; *names != NULL; names++)
		if (strcasecmp((const char *)node->name, *names) == 0)
			return 1;
	return 0;
}

static int is_hidden(const xmlNode *node)
{
	static const char *const names[] = {"head", "script", "style", "title", "template", NULL};

	return is_one_of(names, node);
}

/* How many line ends belong around it. */
static int lines_around(const xmlNode *node)
{
	static const char *const paragraphs[] = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul",
		"ol", "dl", "pre", "blockquote", "table", NULL};
	static const char *const blocks[] = {"div", "li", "tr", "dt", "dd", "hr", "section",
		"article", "header", "footer", "address", "form", "center", NULL};

	return is_one_of(paragraphs, node) ? 2 : is_one_of(blocks, node) ? 1 : 0;
}

static void end_lines(struct writer *w, int lines)
{
	if (w->out->len == 0 || lines == 0)
		return;
	for (; w->newlines < lines; w->newlines++)
		buf_add_char(w->out, '\n');
	w->space = 0;
}

static void add_word(struct writer *w, const char *word, size_t len)
{
	if (w->space && w->newlines == 0)
		buf_add_char(w->out, ' ');
	buf_add(w->out, word, len);
	w->space = w->newlines = 0;
}

static void add_preformatted(struct writer *w, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\r')
			continue;
		buf_add_char(w->out, *text);
		w->newlines = *text == '\n' ? w->newlines + 1 : 0;
	}
	w->space = 0;
}

static void add_text(struct writer *w, const char *text)
{
	static const char blanks[] = " \t\r\n\f";

	if (w->pre) {
		add_preformatted(w, text);
		return;
	}
	while (*text != '\0') {
		size_t blank = strspn(text, blanks), word = strcspn(text + blank, blanks);
		if (blank > 0)
			w->space = w->out->len > 0;
		if (word > 0)
			add_word(w, text + blank, word);
		text += blank + word;
	}
}

/* The address of a link, unless it is what the link shows. */
static void add_link(struct writer *w, xmlNode *node, size_t shown_at)
{
	xmlChar *href = xmlGetProp(node, (const xmlChar *)"href");
	const char *url = (const char *)href;

	if (url != NULL &&
		(strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0) &&
		strcmp(buf_str(w->out) + MIN(shown_at, w->out->len), url) != 0) {
		w->space = 1;
		add_word(w, "(", 1);
		add_word(w, url, strcspn(url, "\r\n"));
		add_word(w, ")", 1);
	}
	xmlFree(href);
}

static void add_node(struct writer *w, xmlNode *node);

static void add_element(struct writer *w, xmlNode *node)
{
	const int lines = lines_around(node);
	const int pre = strcasecmp((const char *)node->name, "pre") == 0;
	size_t before;

	if (strcasecmp((const char *)node->name, "br") == 0) {
		buf_add_char(w->out, '\n');
		w->newlines++;
		w->space = 0;
		return;
	}
	end_lines(w, lines);
	if (strcasecmp((const char *)node->name, "li") == 0)
		add_word(w, "* ", 2);
	before = w->out->len + (size_t)(w->space && w->newlines == 0);
	w->pre += pre;
	for (xmlNode *child = node->children; child != NULL; child = child->next)
		add_node(w, child);
	w->pre -= pre;
	if (strcasecmp((const char *)node->name, "a") == 0)
		add_link(w, node, before);
	if (strcasecmp((const char *)node->name, "td") == 0)
		w->space = 1;
	end_lines(w, lines);
}

/* Recursion is bounded: libxml2 refuses more than 256 levels. */
static void add_node(struct writer *w, xmlNode *node)
{
	if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
		add_text(w, (const char *)node->content);
	else if (node->type == XML_ELEMENT_NODE && !is_hidden(node))
		add_element(w, node);
}

void email_compose_text_of_html(struct buf *out, const char *html, size_t len)
{
	struct writer w = {.out = out};
	htmlDocPtr doc = NULL;

	if (len > 0 && len < INT_MAX)
		doc = htmlReadMemory(html, (int)len, NULL, "UTF-8",
			HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
				HTML_PARSE_NONET);
	if (doc != NULL && xmlDocGetRootElement(doc) != NULL)
		add_node(&w, xmlDocGetRootElement(doc));
	xmlFreeDoc(doc);
	while (out->len > 0 && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == ' '))
		out->data[--out->len] = '\0';
}
