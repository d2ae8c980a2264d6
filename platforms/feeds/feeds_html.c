/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_html.h"

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_SIZE 16

struct scan {
	const char *at, *end;
	struct buf *out;
	size_t start; /* of our text in `out` */
};

/* Elements whose content is not for reading. */
static const char *const hidden[] = {"script", "style", "head", "title", "template", "iframe",
	"object", "select", "textarea", NULL};
static const char *const blocks[] = {"address", "article", "aside", "blockquote", "br", "dd", "div",
	"dl", "dt", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
	"header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul",
	NULL};
static const char *const cells[] = {"td", "th", NULL};

static int is_one_of(const char *name, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(name, *list) == 0)
			return 1;
	return 0;
}

static int is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* --- output ----------------------------------------------------------------------------------------------------- */

static char last(const struct scan *s)
{
	return s->out->len > s->start ? s->out->data[s->out->len - 1] : '\n';
}

static void drop_blank(struct scan *s)
{
	while (s->out->len > s->start && is_blank(last(s)))
		s->out->data[--s->out->len] = '\0';
}

static void add_space(struct scan *s)
{
	if (!is_blank(last(s)))
		buf_add_char(s->out, ' ');
}

static void add_break(struct scan *s)
{
	drop_blank(s);
	if (s->out->len > s->start)
		buf_add_char(s->out, '\n');
}

/* A character that XML allows (XML 1.0, 2.2) and that is no C1 control; what is not leaves nothing. */
static void add_char(struct scan *s, unsigned long c)
{
	xmlChar utf8[8];

	if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xA0)
		add_space(s);
	else if (c >= 0x20 && (c < 0x7F || c > 0x9F) && c <= 0x10FFFF &&
		 (c < 0xD800 || c > 0xDFFF) && c != 0xFFFE && c != 0xFFFF)
		buf_add(s->out, utf8, (size_t)xmlCopyCharMultiByte(utf8, (int)c));
}

/* --- input ------------------------------------------------------------------------------------------------------ */

static size_t left(const struct scan *s)
{
	return (size_t)(s->end - s->at);
}

/* "&#8230;" or "&#x2026;" */
static int numeric_reference(struct scan *s)
{
	const char *p = s->at + 2;
	int hex = p < s->end && (*p | 0x20) == 'x';
	const char *digits = p + hex, *stop = digits;
	char copy[10];

	while (stop < s->end && stop - digits < (ptrdiff_t)sizeof copy - 1 &&
		(hex ? strchr("0123456789abcdefABCDEF", *stop) != NULL && *stop != '\0'
		     : is_digit(*stop)))
		stop++;
	if (stop == digits || stop >= s->end || *stop != ';')
		return -1;
	memcpy(copy, digits, (size_t)(stop - digits));
	copy[stop - digits] = '\0';
	add_char(s, strtoul(copy, NULL, hex ? 16 : 10));
	s->at = stop + 1;
	return 0;
}

static int named_reference(struct scan *s)
{
	const htmlEntityDesc *entity;
	char name[NAME_SIZE];
	size_t n = 0;

	while (n + 1 < sizeof name && n + 1 < left(s) &&
		(is_letter(s->at[1 + n]) || is_digit(s->at[1 + n]))) {
		name[n] = s->at[1 + n];
		n++;
	}
	name[n] = '\0';
	if (n == 0 || 1 + n >= left(s) || s->at[1 + n] != ';')
		return -1;
	entity = htmlEntityLookup((const xmlChar *)name);
	if (entity == NULL)
		return -1;
	add_char(s, entity->value);
	s->at += n + 2;
	return 0;
}

static void reference(struct scan *s)
{
	int rc = left(s) > 2 && s->at[1] == '#' ? numeric_reference(s) : named_reference(s);

	if (rc < 0)
		buf_add_char(s->out, *s->at++);
}

/* Moves behind the next `word`, or to the end. */
static void skip_past(struct scan *s, const char *word)
{
	const char *found = memmem(s->at, left(s), word, strlen(word));

	s->at = found != NULL ? found + strlen(word) : s->end;
}

/* Moves behind the ">" of a tag. One inside a quoted attribute value is none. */
static void skip_tag(struct scan *s)
{
	char before = '\0';

	while (s->at < s->end && *s->at != '>') {
		char c = *s->at++;
		if ((c == '"' || c == '\'') && before == '=') {
			const char *close = memchr(s->at, c, left(s));
			s->at = close != NULL ? close + 1 : s->end;
		}
		if (!is_blank(c))
			before = c;
	}
	if (s->at < s->end)
		s->at++;
}

/* Moves to the end tag of an element whose content is not wanted, or to the end. */
static void skip_content(struct scan *s, const char *name)
{
	size_t n = strlen(name);

	for (;;) {
		skip_past(s, "</");
		if (s->at == s->end)
			return;
		if (left(s) >= n && strncasecmp(s->at, name, n) == 0) {
			s->at -= 2;
			return;
		}
	}
}

/* At "<" or "</" with a letter behind it. */
static void tag(struct scan *s)
{
	int is_end = s->at[1] == '/';
	char name[NAME_SIZE];
	size_t n = 0;

	s->at += 1 + is_end;
	while (s->at < s->end && (is_letter(*s->at) || is_digit(*s->at))) {
		if (n + 1 < sizeof name)
			name[n++] = is_letter(*s->at) ? (char)(*s->at | 0x20) : *s->at;
		s->at++;
	}
	name[n] = '\0';
	skip_tag(s);
	if (!is_end && s->at < s->end && is_one_of(name, hidden))
		skip_content(s, name);
	if (is_one_of(name, blocks))
		add_break(s);
	else if (is_one_of(name, cells))
		add_space(s);
}

static void markup(struct scan *s)
{
	char next = left(s) > 1 ? s->at[1] : '\0';

	if (is_letter(next) || (next == '/' && left(s) > 2 && is_letter(s->at[2])))
		tag(s);
	else if (left(s) >= 4 && memcmp(s->at, "<!--", 4) == 0)
		skip_past(s, "-->");
	else if (next == '!' || next == '?' || next == '/')
		skip_past(s, ">");
	else
		buf_add_char(s->out, *s->at++);
}

static void plain(struct scan *s)
{
	unsigned char c = (unsigned char)*s->at;

	if (is_blank((char)c)) {
		add_space(s);
		s->at++;
	} else if (c == 0xC2 && left(s) > 1 && (unsigned char)s->at[1] == 0xA0) { /* U+00A0 */
		add_space(s);
		s->at += 2;
	} else {
		buf_add_char(s->out, *s->at++);
	}
}

void feeds_html_to_text(const char *html, size_t len, struct buf *out)
{
	struct scan s = {html, html + len, out, out->len};

	while (s.at < s.end) {
		if (*s.at == '<')
			markup(&s);
		else if (*s.at == '&')
			reference(&s);
		else
			plain(&s);
	}
	drop_blank(&s);
}
