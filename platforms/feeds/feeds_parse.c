/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_parse.h"

#include <string.h>

#include "core/err.h"
#include "core/mem.h"
#include "platforms/feeds/feeds_charset.h"
#include "platforms/feeds/feeds_fields.h"
#include "platforms/feeds/feeds_text.h"
#include "platforms/feeds/feeds_xml.h"

static struct feed_tags keep_tags(struct feeds_fields *t)
{
	struct feed_tags tags = {NULL, t->n_tags};

	if (t->n_tags > 0) {
		tags.at = feed_alloc(t->feed, t->n_tags * sizeof *tags.at);
		memcpy(tags.at, t->tags, t->n_tags * sizeof *tags.at);
	}
	return tags;
}

static void read_entry(struct feeds_fields *t, struct feed_entry *entry, const xmlNode *n)
{
	*entry = (struct feed_entry){"", "", "", "", 0, "", "", "", "", "", "", {NULL, 0}, NULL, 0};
	t->entry = entry;
	feeds_fields_read(t, n);
	entry->tags = keep_tags(t);
	entry->n_media = t->n_media;
	if (t->n_media > 0) {
		entry->media = feed_alloc(t->feed, t->n_media * sizeof t->media[0]);
		memcpy(entry->media, t->media, t->n_media * sizeof t->media[0]);
	}
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

static void read_entries(struct feeds_fields *t, const xmlNode *parent, size_t room)
{
	struct feed *f = t->feed;

	for (const xmlNode *c = parent->children; c != NULL && f->n_entries < room; c = c->next)
		if (is_entry(c))
			read_entry(t, &f->entries[f->n_entries++], c);
}

/* RSS keeps the items inside the channel, RDF beside it, Atom has no channel. */
static void read_document(struct feeds_fields *t, const xmlNode *root)
{
	const xmlNode *channel = root;
	size_t n;

	for (const xmlNode *c = root->children; c != NULL; c = c->next)
		if (feeds_xml_is(c, NS_RSS, "channel")) {
			channel = c;
			break;
		}
	t->base = feeds_fields_base(t, root);
	feeds_fields_read(t, channel);
	if (*t->feed->image_url == '\0' || channel != root)
		for (const xmlNode *c = root->children; c != NULL && channel != root; c = c->next)
			if (feeds_xml_is(c, NS_RSS, "image"))
				feeds_fields_image(t, c);
	t->feed->tags = keep_tags(t);
	feeds_fields_set(&t->feed->language, feeds_fields_keep(t, feeds_xml_attr(root, "lang")));
	n = count_entries(channel) + (channel != root ? count_entries(root) : 0);
	n = MIN(n, (size_t)FEED_MAX_ENTRIES);
	if (n == 0)
		return;
	t->feed->entries = feed_alloc(t->feed, n * sizeof t->feed->entries[0]);
	t->base = feeds_fields_base(t, channel);
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
	return err_set(
		e, ERR_REMOTE, "Error: Not a feed%s%s%s", what, *why != '\0' ? ": " : "", why);
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
	struct feeds_fields *t;
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
