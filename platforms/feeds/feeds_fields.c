/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_fields.h"

#include <libxml/uri.h>
#include <string.h>
#include <strings.h>

#include "core/buf.h"
#include "platforms/feeds/feeds_date.h"
#include "platforms/feeds/feeds_html.h"
#include "platforms/feeds/feeds_text.h"
#include "platforms/feeds/feeds_xml.h"

/* --- strings ---------------------------------------------------------------------------------------------------- */

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A trimmed copy in the feed's memory. */
static const char *keep(struct feeds_fields *t, const char *s, size_t len)
{
	while (len > 0 && is_blank(s[0])) {
		s++;
		len--;
	}
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	return feed_copy(t->feed, s, feeds_text_fit(s, len, FEED_MAX_TEXT));
}

const char *feeds_fields_keep(struct feeds_fields *t, const char *s)
{
	return s != NULL ? keep(t, s, strlen(s)) : "";
}

static const char *text_of(struct feeds_fields *t, const xmlNode *n)
{
	struct buf b = BUF_INIT;
	const char *s;

	feeds_text_content(n, &b);
	s = keep(t, buf_str(&b), b.len);
	buf_release(&b);
	return s;
}

/* The text of an element that may hold HTML in it: titles mostly. */
static const char *plain_of(struct feeds_fields *t, const xmlNode *n)
{
	struct buf b = BUF_INIT, plain = BUF_INIT;
	const char *type = feeds_xml_attr(n, "type"), *name, *s;

	if (type == NULL && feeds_xml_name(n, &name) == NS_ATOM)
		type = "text"; /* RFC 4287, 3.1.1 */
	feeds_text_content(n, &b);
	if (type != NULL && strcmp(type, "text") == 0)
		buf_add(&plain, buf_str(&b), b.len);
	else
		feeds_html_to_text(buf_str(&b), b.len, &plain);
	s = keep(t, buf_str(&plain), plain.len);
	buf_release(&plain);
	buf_release(&b);
	return s;
}

/* A long base and many short links would make much out of little. */
static int is_full(const struct feeds_fields *t)
{
	return feed_size(t->feed) > FEED_MAX_SIZE;
}

void feeds_fields_set(const char **field, const char *value)
{
	if (**field == '\0')
		*field = value;
}

/* --- links ------------------------------------------------------------------------------------------------------ */

static int has_scheme(const char *s, const char *scheme)
{
	return strncasecmp(s, scheme, strlen(scheme)) == 0;
}

/* What may not stand in a URI (RFC 3986, 2) as %XX; browsers do the same. */
static void escape(const char *s, struct buf *out)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7F ||
			strchr("<>\"{}|\\^`", *s))
			buf_printf(out, "%%%02X", (unsigned char)*s);
		else
			buf_add_char(out, *s);
	}
}

const char *feeds_fields_url(struct feeds_fields *t, const char *link, const char *base)
{
	const char *s = feeds_fields_keep(t, link), *whole;
	struct buf escaped = BUF_INIT;
	xmlChar *built;

	if (strlen(s) > FEED_MAX_URL || is_full(t) || has_scheme(s, "javascript:") ||
		has_scheme(s, "vbscript:") || has_scheme(s, "data:"))
		return "";
	if (*s == '\0' || base == NULL || has_scheme(s, "http:") || has_scheme(s, "https:"))
		return s;
	escape(s, &escaped);
	built = xmlBuildURI((const xmlChar *)buf_str(&escaped), (const xmlChar *)base);
	buf_release(&escaped);
	if (built == NULL)
		return s;
	whole = feeds_fields_keep(t, (const char *)built);
	xmlFree(built);
	return strlen(whole) > FEED_MAX_URL ? "" : whole;
}

const char *feeds_fields_base(struct feeds_fields *t, const xmlNode *n)
{
	const char *own = feeds_xml_attr(n, "base"), *whole;

	if (own == NULL)
		return t->base;
	whole = feeds_fields_url(t, own, t->base);
	return *whole != '\0' ? whole : t->base;
}

/* --- parts of an entry or a feed -------------------------------------------------------------------------------- */

static void add_tag(struct feeds_fields *t, const char *tag)
{
	if (*tag == '\0' || t->n_tags == FEED_MAX_TAGS)
		return;
	for (size_t i = 0; i < t->n_tags; i++)
		if (strcmp(t->tags[i], tag) == 0)
			return;
	t->tags[t->n_tags++] = tag;
}

static void on_category(struct feeds_fields *t, const xmlNode *n)
{
	const char *term = feeds_xml_attr(n, "term"); /* Atom */

	if (term == NULL)
		term = feeds_xml_attr(n, "text"); /* iTunes */
	add_tag(t, term != NULL ? feeds_fields_keep(t, term) : text_of(t, n));
}

static void add_media(
	struct feeds_fields *t, const char *where, const char *type, const char *length)
{
	const char *link;

	if (where == NULL || t->n_media == FEED_MAX_MEDIA)
		return;
	link = feeds_fields_url(t, where, t->base);
	if (*link == '\0')
		return;
	for (size_t i = 0; i < t->n_media; i++)
		if (strcmp(t->media[i].url, link) == 0)
			return;
	t->media[t->n_media++] = (struct feed_media){
		link, feeds_fields_keep(t, type), feeds_fields_keep(t, length)};
}

static void on_enclosure(struct feeds_fields *t, const xmlNode *n)
{
	add_media(t, feeds_xml_attr(n, "url"), feeds_xml_attr(n, "type"),
		feeds_xml_attr(n, "length"));
}

static void on_media_content(struct feeds_fields *t, const xmlNode *n)
{
	const char *type = feeds_xml_attr(n, "type");

	if (type == NULL)
		type = feeds_xml_attr(n, "medium");
	add_media(t, feeds_xml_attr(n, "url"), type, feeds_xml_attr(n, "fileSize"));
}

static void on_thumbnail(struct feeds_fields *t, const xmlNode *n)
{
	add_media(t, feeds_xml_attr(n, "url"), "image", NULL);
}

/* RSS's has children, RDF's a reference, iTunes's an attribute. */
void feeds_fields_image(struct feeds_fields *t, const xmlNode *n)
{
	const char *where = feeds_xml_attr(n, "href");

	if (where == NULL)
		where = feeds_xml_attr(n, "resource");
	if (t->entry != NULL) {
		add_media(t, where, "image", NULL);
		return;
	}
	if (where != NULL)
		feeds_fields_set(&t->feed->image_url, feeds_fields_url(t, where, t->base));
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		if (feeds_xml_is(c, NS_RSS, "url"))
			t->feed->image_url = feeds_fields_url(t, text_of(t, c), t->base);
		else if (feeds_xml_is(c, NS_RSS, "title"))
			feeds_fields_set(&t->feed->image_title, text_of(t, c));
	}
}

static void on_logo(struct feeds_fields *t, const xmlNode *n)
{
	feeds_fields_set(
		&t->feed->image_url, feeds_fields_url(t, text_of(t, n), feeds_fields_base(t, n)));
}

static void on_icon(struct feeds_fields *t, const xmlNode *n)
{
	feeds_fields_set(
		&t->feed->favicon, feeds_fields_url(t, text_of(t, n), feeds_fields_base(t, n)));
}

static void on_title(struct feeds_fields *t, const xmlNode *n)
{
	feeds_fields_set(t->entry != NULL ? &t->entry->title : &t->feed->title, plain_of(t, n));
}

static void on_link(struct feeds_fields *t, const xmlNode *n)
{
	const char **field = t->entry != NULL ? &t->entry->link : &t->feed->link;
	const char *href = feeds_xml_attr(n, "href"), *rel = feeds_xml_attr(n, "rel");

	if (href == NULL)
		feeds_fields_set(
			field, feeds_fields_url(t, text_of(t, n), feeds_fields_base(t, n)));
	else if (rel == NULL || strcmp(rel, "alternate") == 0)
		feeds_fields_set(field, feeds_fields_url(t, href, feeds_fields_base(t, n)));
	else if (strcmp(rel, "enclosure") == 0 && t->entry != NULL)
		add_media(t, href, feeds_xml_attr(n, "type"), feeds_xml_attr(n, "length"));
}

static void on_orig_link(struct feeds_fields *t, const xmlNode *n)
{
	if (t->entry != NULL)
		feeds_fields_set(&t->entry->orig_link, feeds_fields_url(t, text_of(t, n), t->base));
}

/* A guid that is a URL is the link unless it says that it is not (RSS 2.0). */
static void on_permalink(struct feeds_fields *t, const xmlNode *n)
{
	const char *is_link = feeds_xml_attr(n, "isPermaLink"), *id;

	if (t->entry == NULL || (is_link != NULL && strcmp(is_link, "false") == 0))
		return;
	id = text_of(t, n);
	if (has_scheme(id, "http:") || has_scheme(id, "https:"))
		feeds_fields_set(&t->entry->link, feeds_fields_url(t, id, NULL));
}

static void on_id(struct feeds_fields *t, const xmlNode *n)
{
	if (t->entry != NULL)
		feeds_fields_set(&t->entry->id, text_of(t, n));
}

/* The earliest in this list that can be read wins; "updated" only when nothing says when it was published. */
static const char *const dates[] = {
	"pubDate", "published", "issued", "date", "created", "updated", "modified"};

static void on_date(struct feeds_fields *t, const xmlNode *n)
{
	const char *name;
	int64_t ms;
	int rank = 0;

	if (t->entry == NULL)
		return;
	feeds_xml_name(n, &name);
	while (rank < (int)ARRAY_LEN(dates) && strcmp(dates[rank], name) != 0)
		rank++;
	if (rank >= t->date_rank || feeds_date_parse(text_of(t, n), &ms) < 0)
		return;
	t->entry->date_ms = ms;
	t->date_rank = rank;
}

/* As markup: escaped HTML, XHTML children, or text (RFC 4287, 3.1.1). RSS does not say; it is HTML. */
static void markup_of(
	struct feeds_fields *t, const xmlNode *n, const char **html, const char **text)
{
	struct buf raw = BUF_INIT, markup = BUF_INIT, plain = BUF_INIT;
	const char *type = feeds_xml_attr(n, "type"), *name;
	const xmlNode *inner = n;
	int inline_markup = 0;

	if (type == NULL && feeds_xml_name(n, &name) == NS_ATOM)
		type = "text";
	for (const xmlNode *c = n->children; c != NULL; c = c->next)
		if (c->type == XML_ELEMENT_NODE) {
			inline_markup = 1;
			if (type != NULL && strcmp(type, "xhtml") == 0)
				inner = c; /* the div that has to be there is not part of it */
		}
	if (inline_markup) {
		feeds_text_markup(inner, &markup);
	} else {
		feeds_text_content(n, &raw);
		if (type != NULL && (strcmp(type, "text") == 0 || strcmp(type, "text/plain") == 0))
			feeds_text_to_html(buf_str(&raw), raw.len, &markup);
		else
			buf_add(&markup, buf_str(&raw), raw.len);
	}
	feeds_html_to_text(buf_str(&markup), markup.len, &plain);
	*html = keep(t, buf_str(&markup), markup.len);
	*text = keep(t, buf_str(&plain), plain.len);
	buf_release(&plain);
	buf_release(&markup);
	buf_release(&raw);
}

static void on_summary(struct feeds_fields *t, const xmlNode *n)
{
	if (t->entry == NULL)
		feeds_fields_set(&t->feed->description, plain_of(t, n));
	else if (*t->entry->summary_html == '\0')
		markup_of(t, n, &t->entry->summary_html, &t->entry->summary_text);
}

static void on_content(struct feeds_fields *t, const xmlNode *n)
{
	const char *src = feeds_xml_attr(n, "src");

	if (t->entry == NULL)
		return;
	if (src != NULL) /* out of line, RFC 4287, 4.1.3.2 */
		add_media(t, src, feeds_xml_attr(n, "type"), NULL);
	else if (*t->entry->content_html == '\0')
		markup_of(t, n, &t->entry->content_html, &t->entry->content_text);
}

static void on_language(struct feeds_fields *t, const xmlNode *n)
{
	if (t->entry == NULL)
		feeds_fields_set(&t->feed->language, text_of(t, n));
}

static void on_author(struct feeds_fields *t, const xmlNode *n)
{
	if (t->entry != NULL)
		return;
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		if (feeds_xml_is(c, NS_ATOM, "name")) {
			feeds_fields_set(&t->feed->author, text_of(t, c));
			return;
		}
	}
	feeds_fields_set(&t->feed->author, text_of(t, n));
}

/* RSS: the feed an item came from, as attribute and text. Atom: its head, as children. */
static void on_source(struct feeds_fields *t, const xmlNode *n)
{
	struct feed_entry *entry = t->entry;

	if (entry == NULL)
		return;
	feeds_fields_set(
		&entry->source_url, feeds_fields_url(t, feeds_xml_attr(n, "url"), t->base));
	if (feeds_xml_is(n, NS_RSS, "source"))
		feeds_fields_set(&entry->source_title, text_of(t, n));
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		if (feeds_xml_is(c, NS_ATOM, "title"))
			feeds_fields_set(&entry->source_title, plain_of(t, c));
		else if (feeds_xml_is(c, NS_ATOM, "link") && feeds_xml_attr(c, "href") != NULL)
			feeds_fields_set(&entry->source_url,
				feeds_fields_url(t, feeds_xml_attr(c, "href"), t->base));
	}
}

/* Elements that only group others: media:group. Nested ones are not entered twice, so there is no depth here. */
static void on_group(struct feeds_fields *t, const xmlNode *n)
{
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		if (feeds_xml_is(c, NS_MEDIA, "content"))
			on_media_content(t, c);
		else if (feeds_xml_is(c, NS_MEDIA, "thumbnail"))
			on_thumbnail(t, c);
	}
}

/* --- the vocabulary --------------------------------------------------------------------------------------------- */

typedef void element_fn(struct feeds_fields *t, const xmlNode *n);

/* In order of preference: of one field, what stands in pass 0 wins over pass 1 wherever it is in the document. */
static const struct {
	enum feeds_ns ns;
	const char *name;
	element_fn *read;
	int pass;
} words[] = {
	{NS_RSS, "title", on_title, 0},
	{NS_ATOM, "title", on_title, 0},
	{NS_DC, "title", on_title, 1},
	{NS_RSS, "link", on_link, 0},
	{NS_ATOM, "link", on_link, 1},
	{NS_FEEDBURNER, "origLink", on_orig_link, 0},
	{NS_RSS, "guid", on_id, 0},
	{NS_RSS, "guid", on_permalink, 1},
	{NS_ATOM, "id", on_id, 0},
	{NS_RSS, "pubDate", on_date, 0},
	{NS_ATOM, "published", on_date, 0},
	{NS_ATOM, "issued", on_date, 0},
	{NS_ATOM, "created", on_date, 0},
	{NS_ATOM, "updated", on_date, 0},
	{NS_ATOM, "modified", on_date, 0},
	{NS_DC, "date", on_date, 0},
	{NS_DC, "created", on_date, 0},
	{NS_DC, "modified", on_date, 0},
	{NS_RSS, "description", on_summary, 0},
	{NS_ATOM, "summary", on_summary, 0},
	{NS_ATOM, "subtitle", on_summary, 0},
	{NS_ATOM, "tagline", on_summary, 0},
	{NS_ITUNES, "summary", on_summary, 1},
	{NS_MEDIA, "description", on_summary, 1},
	{NS_DC, "description", on_summary, 1},
	{NS_CONTENT, "encoded", on_content, 0},
	{NS_ATOM, "content", on_content, 0},
	{NS_XHTML, "body", on_content, 1},
	{NS_RSS, "category", on_category, 0},
	{NS_ATOM, "category", on_category, 0},
	{NS_DC, "subject", on_category, 0},
	{NS_ITUNES, "category", on_category, 1},
	{NS_RSS, "enclosure", on_enclosure, 0},
	{NS_MEDIA, "content", on_media_content, 1},
	{NS_MEDIA, "thumbnail", on_thumbnail, 1},
	{NS_MEDIA, "group", on_group, 1},
	{NS_RSS, "image", feeds_fields_image, 0},
	{NS_ITUNES, "image", feeds_fields_image, 1},
	{NS_ATOM, "logo", on_logo, 0},
	{NS_ATOM, "icon", on_icon, 0},
	{NS_RSS, "language", on_language, 0},
	{NS_DC, "language", on_language, 1},
	{NS_ATOM, "author", on_author, 0},
	{NS_RSS, "managingEditor", on_author, 1},
	{NS_DC, "creator", on_author, 0},
	{NS_ITUNES, "author", on_author, 1},
	{NS_RSS, "source", on_source, 0},
	{NS_ATOM, "source", on_source, 0},
};

static void read_element(struct feeds_fields *t, const xmlNode *n, int pass)
{
	const char *name;
	enum feeds_ns ns = feeds_xml_name(n, &name);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].ns == ns && words[i].pass == pass && strcmp(words[i].name, name) == 0)
			words[i].read(t, n);
}

void feeds_fields_read(struct feeds_fields *t, const xmlNode *parent)
{
	const char *base = t->base;

	t->base = feeds_fields_base(t, parent);
	t->date_rank = (int)ARRAY_LEN(dates);
	t->n_tags = t->n_media = 0;
	for (int pass = 0; pass < 2; pass++)
		for (const xmlNode *n = parent->children; n != NULL && !is_full(t); n = n->next)
			if (n->type == XML_ELEMENT_NODE)
				read_element(t, n, pass);
	t->base = base;
}
