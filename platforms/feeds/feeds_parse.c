/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_parse.h"

#include <libxml/uri.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/mem.h"
#include "platforms/feeds/feeds_charset.h"
#include "platforms/feeds/feeds_date.h"
#include "platforms/feeds/feeds_html.h"
#include "platforms/feeds/feeds_text.h"
#include "platforms/feeds/feeds_xml.h"

/* What is being filled: the feed, or one of its entries. */
struct target {
	struct feed *feed;
	struct feed_entry *entry; /* NULL: the feed's own words */
	const char *base;         /* for relative links, or NULL */
	int date_rank;            /* of the date that was taken, see dates[] */
	struct feed_media media[FEED_MAX_MEDIA];
	const char *tags[FEED_MAX_TAGS];
	size_t n_media, n_tags;
};

/* --- strings ---------------------------------------------------------------------------------------------------- */

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A trimmed copy in the feed's memory. */
static const char *keep(struct target *t, const char *s, size_t len)
{
	while (len > 0 && is_blank(s[0])) {
		s++;
		len--;
	}
	while (len > 0 && is_blank(s[len - 1]))
		len--;
	return feed_copy(t->feed, s, feeds_text_fit(s, len, FEED_MAX_TEXT));
}

static const char *keep_str(struct target *t, const char *s)
{
	return s != NULL ? keep(t, s, strlen(s)) : "";
}

static const char *text_of(struct target *t, const xmlNode *n)
{
	struct buf b = BUF_INIT;
	const char *s;

	feeds_text_content(n, &b);
	s = keep(t, buf_str(&b), b.len);
	buf_release(&b);
	return s;
}

/* The text of an element that may hold HTML in it: titles mostly. */
static const char *plain_of(struct target *t, const xmlNode *n)
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
static int is_full(const struct target *t)
{
	return feed_size(t->feed) > FEED_MAX_SIZE;
}

/* The first to come wins: later elements do not replace what is there. */
static void set(const char **field, const char *value)
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
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7F || strchr("<>\"{}|\\^`", *s))
			buf_printf(out, "%%%02X", (unsigned char)*s);
		else
			buf_add_char(out, *s);
	}
}

/* `link` made absolute. A base or link beyond the bound is dropped, and so are links that would run as a script. */
static const char *url(struct target *t, const char *link, const char *base)
{
	const char *s = keep_str(t, link), *whole;
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
	whole = keep_str(t, (const char *)built);
	xmlFree(built);
	return strlen(whole) > FEED_MAX_URL ? "" : whole;
}

/* The base for what is inside `n`: its xml:base on top of the one outside (XML Base, 4). */
static const char *base_in(struct target *t, const xmlNode *n)
{
	const char *own = feeds_xml_attr(n, "base"), *whole;

	if (own == NULL)
		return t->base;
	whole = url(t, own, t->base);
	return *whole != '\0' ? whole : t->base;
}

/* --- parts of an entry or a feed -------------------------------------------------------------------------------- */

static void add_tag(struct target *t, const char *tag)
{
	if (*tag == '\0' || t->n_tags == FEED_MAX_TAGS)
		return;
	for (size_t i = 0; i < t->n_tags; i++)
		if (strcmp(t->tags[i], tag) == 0)
			return;
	t->tags[t->n_tags++] = tag;
}

static void on_category(struct target *t, const xmlNode *n)
{
	const char *term = feeds_xml_attr(n, "term"); /* Atom */

	if (term == NULL)
		term = feeds_xml_attr(n, "text"); /* iTunes */
	add_tag(t, term != NULL ? keep_str(t, term) : text_of(t, n));
}

static void add_media(struct target *t, const char *where, const char *type, const char *length)
{
	const char *link;

	if (where == NULL || t->n_media == FEED_MAX_MEDIA)
		return;
	link = url(t, where, t->base);
	if (*link == '\0')
		return;
	for (size_t i = 0; i < t->n_media; i++)
		if (strcmp(t->media[i].url, link) == 0)
			return;
	t->media[t->n_media++] =
		(struct feed_media){link, keep_str(t, type), keep_str(t, length)};
}

static void on_enclosure(struct target *t, const xmlNode *n)
{
	add_media(t, feeds_xml_attr(n, "url"), feeds_xml_attr(n, "type"), feeds_xml_attr(n, "length"));
}

static void on_media_content(struct target *t, const xmlNode *n)
{
	const char *type = feeds_xml_attr(n, "type");

	if (type == NULL)
		type = feeds_xml_attr(n, "medium");
	add_media(t, feeds_xml_attr(n, "url"), type, feeds_xml_attr(n, "fileSize"));
}

static void on_thumbnail(struct target *t, const xmlNode *n)
{
	add_media(t, feeds_xml_attr(n, "url"), "image", NULL);
}

/* RSS's has children, RDF's a reference, iTunes's an attribute. */
static void on_image(struct target *t, const xmlNode *n)
{
	const char *where = feeds_xml_attr(n, "href");

	if (where == NULL)
		where = feeds_xml_attr(n, "resource");
	if (t->entry != NULL) {
		add_media(t, where, "image", NULL);
		return;
	}
	if (where != NULL)
		set(&t->feed->image_url, url(t, where, t->base));
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		if (feeds_xml_is(c, NS_RSS, "url"))
			t->feed->image_url = url(t, text_of(t, c), t->base);
		else if (feeds_xml_is(c, NS_RSS, "title"))
			set(&t->feed->image_title, text_of(t, c));
	}
}

static void on_logo(struct target *t, const xmlNode *n)
{
	set(&t->feed->image_url, url(t, text_of(t, n), base_in(t, n)));
}

static void on_icon(struct target *t, const xmlNode *n)
{
	set(&t->feed->favicon, url(t, text_of(t, n), base_in(t, n)));
}

static void on_title(struct target *t, const xmlNode *n)
{
	set(t->entry != NULL ? &t->entry->title : &t->feed->title, plain_of(t, n));
}

static void on_link(struct target *t, const xmlNode *n)
{
	const char **field = t->entry != NULL ? &t->entry->link : &t->feed->link;
	const char *href = feeds_xml_attr(n, "href"), *rel = feeds_xml_attr(n, "rel");

	if (href == NULL)
		set(field, url(t, text_of(t, n), base_in(t, n)));
	else if (rel == NULL || strcmp(rel, "alternate") == 0)
		set(field, url(t, href, base_in(t, n)));
	else if (strcmp(rel, "enclosure") == 0 && t->entry != NULL)
		add_media(t, href, feeds_xml_attr(n, "type"), feeds_xml_attr(n, "length"));
}

static void on_orig_link(struct target *t, const xmlNode *n)
{
	if (t->entry != NULL)
		set(&t->entry->orig_link, url(t, text_of(t, n), t->base));
}

static void on_id(struct target *t, const xmlNode *n)
{
	if (t->entry != NULL)
		set(&t->entry->id, text_of(t, n));
}

/* The earliest in this list that can be read wins; "updated" only when nothing says when it was published. */
static const char *const dates[] = {"pubDate", "published", "issued", "date", "created", "updated", "modified"};

static void on_date(struct target *t, const xmlNode *n)
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
static void markup_of(struct target *t, const xmlNode *n, const char **html, const char **text)
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

static void on_summary(struct target *t, const xmlNode *n)
{
	if (t->entry == NULL)
		set(&t->feed->description, plain_of(t, n));
	else if (*t->entry->summary_html == '\0')
		markup_of(t, n, &t->entry->summary_html, &t->entry->summary_text);
}

static void on_content(struct target *t, const xmlNode *n)
{
	const char *src = feeds_xml_attr(n, "src");

	if (t->entry == NULL)
		return;
	if (src != NULL) /* out of line, RFC 4287, 4.1.3.2 */
		add_media(t, src, feeds_xml_attr(n, "type"), NULL);
	else if (*t->entry->content_html == '\0')
		markup_of(t, n, &t->entry->content_html, &t->entry->content_text);
}

static void on_language(struct target *t, const xmlNode *n)
{
	if (t->entry == NULL)
		set(&t->feed->language, text_of(t, n));
}

static void on_author(struct target *t, const xmlNode *n)
{
	if (t->entry != NULL)
		return;
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		if (feeds_xml_is(c, NS_ATOM, "name")) {
			set(&t->feed->author, text_of(t, c));
			return;
		}
	}
	set(&t->feed->author, text_of(t, n));
}

/* RSS: the feed an item came from, as attribute and text. Atom: its head, as children. */
static void on_source(struct target *t, const xmlNode *n)
{
	struct feed_entry *entry = t->entry;

	if (entry == NULL)
		return;
	set(&entry->source_url, url(t, feeds_xml_attr(n, "url"), t->base));
	if (feeds_xml_is(n, NS_RSS, "source"))
		set(&entry->source_title, text_of(t, n));
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		if (feeds_xml_is(c, NS_ATOM, "title"))
			set(&entry->source_title, plain_of(t, c));
		else if (feeds_xml_is(c, NS_ATOM, "link") && feeds_xml_attr(c, "href") != NULL)
			set(&entry->source_url, url(t, feeds_xml_attr(c, "href"), t->base));
	}
}

/* Elements that only group others: media:group. Nested ones are not entered twice, so there is no depth here. */
static void on_group(struct target *t, const xmlNode *n)
{
	for (const xmlNode *c = n->children; c != NULL; c = c->next) {
		if (feeds_xml_is(c, NS_MEDIA, "content"))
			on_media_content(t, c);
		else if (feeds_xml_is(c, NS_MEDIA, "thumbnail"))
			on_thumbnail(t, c);
	}
}

/* --- the vocabulary --------------------------------------------------------------------------------------------- */

typedef void element_fn(struct target *t, const xmlNode *n);

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
	{NS_RSS, "image", on_image, 0},
	{NS_ITUNES, "image", on_image, 1},
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

static void read_element(struct target *t, const xmlNode *n, int pass)
{
	const char *name;
	enum feeds_ns ns = feeds_xml_name(n, &name);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].ns == ns && words[i].pass == pass && strcmp(words[i].name, name) == 0)
			words[i].read(t, n);
}

static struct feed_tags keep_tags(struct target *t)
{
	struct feed_tags tags = {NULL, t->n_tags};

	if (t->n_tags > 0) {
		tags.at = feed_alloc(t->feed, t->n_tags * sizeof *tags.at);
		memcpy(tags.at, t->tags, t->n_tags * sizeof *tags.at);
	}
	return tags;
}

static void fill(struct target *t, const xmlNode *parent)
{
	const char *base = t->base;

	t->base = base_in(t, parent);
	t->date_rank = (int)ARRAY_LEN(dates);
	t->n_tags = t->n_media = 0;
	for (int pass = 0; pass < 2; pass++)
		for (const xmlNode *n = parent->children; n != NULL && !is_full(t); n = n->next)
			if (n->type == XML_ELEMENT_NODE)
				read_element(t, n, pass);
	t->base = base;
}

/* --- the document ----------------------------------------------------------------------------------------------- */

static void read_entry(struct target *t, struct feed_entry *entry, const xmlNode *n)
{
	*entry = (struct feed_entry){"", "", "", "", 0, "", "", "", "", "", "", {NULL, 0}, NULL, 0};
	t->entry = entry;
	fill(t, n);
	entry->tags = keep_tags(t);
	entry->n_media = t->n_media;
	if (t->n_media > 0) {
		entry->media = feed_alloc(t->feed, t->n_media * sizeof t->media[0]);
		memcpy(entry->media, t->media, t->n_media * sizeof t->media[0]);
	}
	/* A guid is the link unless it says it is not (RSS 2.0); feeds that forget to say have it as a URL or not. */
	if (*entry->link == '\0' && (has_scheme(entry->id, "http:") || has_scheme(entry->id, "https:")))
		entry->link = url(t, entry->id, NULL);
	if (*entry->link == '\0')
		entry->link = entry->orig_link;
	t->entry = NULL;
}

static int is_entry(const xmlNode *n)
{
	return feeds_xml_is(n, NS_RSS, "item") || feeds_xml_is(n, NS_ATOM, "entry");
}

static size_t count_entries(const xmlNode *parent)
{
	size_t n = 0;

	for (const xmlNode *c = parent->children; c != NULL; c = c->next)
		n += (size_t)is_entry(c);
	return n;
}

static void read_entries(struct target *t, const xmlNode *parent, size_t room)
{
	struct feed *f = t->feed;

	for (const xmlNode *c = parent->children; c != NULL && f->n_entries < room; c = c->next)
		if (is_entry(c))
			read_entry(t, &f->entries[f->n_entries++], c);
}

/* RSS keeps the items inside the channel, RDF beside it, Atom has no channel. */
static void read_document(struct target *t, const xmlNode *root)
{
	const xmlNode *channel = root;
	size_t n;

	for (const xmlNode *c = root->children; c != NULL; c = c->next)
		if (feeds_xml_is(c, NS_RSS, "channel")) {
			channel = c;
			break;
		}
	t->base = base_in(t, root);
	fill(t, channel);
	if (*t->feed->image_url == '\0' || channel != root)
		for (const xmlNode *c = root->children; c != NULL && channel != root; c = c->next)
			if (feeds_xml_is(c, NS_RSS, "image"))
				on_image(t, c);
	t->feed->tags = keep_tags(t);
	set(&t->feed->language, keep_str(t, feeds_xml_attr(root, "lang")));
	n = count_entries(channel) + (channel != root ? count_entries(root) : 0);
	n = MIN(n, (size_t)FEED_MAX_ENTRIES);
	if (n == 0)
		return;
	t->feed->entries = feed_alloc(t->feed, n * sizeof t->feed->entries[0]);
	t->base = base_in(t, channel);
	read_entries(t, channel, n);
	if (channel != root)
		read_entries(t, root, n);
}

static int is_feed_root(const xmlNode *root)
{
	return feeds_xml_is(root, NS_RSS, "rss") || feeds_xml_is(root, NS_RSS, "RDF") ||
	       feeds_xml_is(root, NS_ATOM, "feed") || feeds_xml_is(root, NS_RSS, "channel");
}

static int refuse(struct err *e, const char *what, const char *why)
{
	return err_set(e, ERR_REMOTE, "Error: Not a feed%s%s%s", what, *why != '\0' ? ": " : "", why);
}

static int refuse_root(struct err *e, const xmlNode *root)
{
	const char *name = (const char *)root->name;

	return err_set(e, ERR_REMOTE, "Error: Not a feed: the document is <%.*s>",
		(int)feeds_text_fit(name, strlen(name), 60), name);
}

int feeds_parse(const char *bytes, size_t len, const char *content_type, const char *base,
	struct feed **out, struct err *e)
{
	struct target *t;
	struct buf raw = BUF_INIT, text = BUF_INIT;
	char why[200] = "";
	const xmlNode *root;
	xmlDocPtr doc = NULL;
	int rc = feeds_charset_decode(bytes, len, content_type, &raw, e);

	if (rc < 0)
		goto out;
	feeds_xml_repair(buf_str(&raw), raw.len, &text);
	buf_release(&raw);
	if (text.len == 0 || text.len > INT32_MAX) {
		rc = refuse(e, ": the document is empty", "");
		goto out;
	}
	doc = feeds_xml_read(text.data, text.len, why, sizeof why);
	root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
	if (root == NULL || !is_feed_root(root)) {
		rc = root != NULL ? refuse_root(e, root) : refuse(e, "", why);
		goto out;
	}
	t = mem_alloc(sizeof *t);
	t->feed = feed_new();
	t->base = base != NULL && strlen(base) <= FEED_MAX_URL ? base : NULL;
	read_document(t, root);
	if (*why != '\0' && t->feed->n_entries == 0 && *t->feed->title == '\0') {
		feed_unref(&t->feed);
		rc = refuse(e, "", why);
	} else {
		*out = t->feed;
	}
	mem_free(t);
out:
	if (doc != NULL)
		xmlFreeDoc(doc);
	buf_release(&raw);
	buf_release(&text);
	return rc;
}
