/* SPDX-License-Identifier: MIT */
/* feeds_fields - what the elements of a channel, an item or an entry say about it.
 *
 * The vocabulary of RSS, Atom and their usual extensions as a table: adding an element is a row and perhaps a
 * function. Knows no document: feeds_parse.c finds the channel and its entries and hands each to feeds_fields_read(). */
#ifndef PLATFORMS_FEEDS_FIELDS_H
#define PLATFORMS_FEEDS_FIELDS_H

#include <libxml/tree.h>

#include "platforms/feeds/feed.h"

/* What is being filled: the feed, or one of its entries. Lists are collected here first. */
struct feeds_fields {
	struct feed *feed;
	struct feed_entry *entry; /* NULL: the feed's own words */
	const char *base;         /* for relative links, or NULL */
	int date_rank;            /* of the date that was taken, private */
	struct feed_media media[FEED_MAX_MEDIA];
	const char *tags[FEED_MAX_TAGS];
	size_t n_media, n_tags;
};

/* Reads the children of `parent` into t->feed or t->entry, and begins new lists of tags and media. */
void feeds_fields_read(struct feeds_fields *t, const xmlNode *parent);
/* Reads one image element; RDF has the feed's outside of the channel. */
void feeds_fields_image(struct feeds_fields *t, const xmlNode *n);

/* The base for what is inside `n`: its xml:base on top of t->base (XML Base, 4). As long as the feed. */
const char *feeds_fields_base(struct feeds_fields *t, const xmlNode *n);
/* `link` made absolute, "" when it is too long or would run as a script. `link` and `base` may be NULL. */
const char *feeds_fields_url(struct feeds_fields *t, const char *link, const char *base);
/* A trimmed and bounded copy in the feed's memory; NULL gives "". */
const char *feeds_fields_keep(struct feeds_fields *t, const char *s);
/* The first to come wins: `value` does not replace what is there. */
void feeds_fields_set(const char **field, const char *value);

#endif
