/* SPDX-License-Identifier: MIT */
/* feed - one parsed feed, of any format, as plain values.
 *
 * All strings are valid UTF-8, never NULL ("" when absent) and live in the feed's own memory, which is released at
 * once with the last reference. Filled by feeds_parse.c, read-only afterwards, so that cache and jobs share it. The
 * reference count is not atomic: references are taken and dropped on the loop's thread only. */
#ifndef PLATFORMS_FEEDS_FEED_H
#define PLATFORMS_FEEDS_FEED_H

#include "core/base.h"

#define FEED_MAX_ENTRIES 10000
#define FEED_MAX_TAGS    64
#define FEED_MAX_MEDIA   32
/* Bounds of one text and of one URL, in bytes: what is longer is cut, or dropped. */
#define FEED_MAX_TEXT ((size_t)256 << 10)
#define FEED_MAX_URL  2048
/* Of a whole feed, in bytes; a document of 5 MiB makes some 20 MiB. */
#define FEED_MAX_SIZE ((size_t)48 << 20)

struct feed_media {
	const char *url, *type, *length;
};

struct feed_tags {
	const char **at;
	size_t n;
};

struct feed_entry {
	const char *title;
	const char *link;      /* the plain link */
	const char *orig_link; /* where a redirecting link leads, or "" */
	const char *id;
	int64_t date_ms;          /* since 1970, UTC; 0: undated */
	const char *summary_html; /* markup; "" when the feed has none */
	const char *summary_text; /* the same without markup */
	const char *content_html; /* the full article, or "" */
	const char *content_text;
	const char *source_title, *source_url;
	struct feed_tags tags;
	struct feed_media *media;
	size_t n_media;
};

struct feed {
	const char *title, *link, *description, *language, *author, *favicon;
	const char *image_url, *image_title;
	struct feed_tags tags;
	struct feed_entry *entries; /* in the order of the document */
	size_t n_entries;
	/* private */
	struct feed_block *blocks;
	size_t size;
	unsigned refs;
};

/* An empty feed with one reference: every string is "". GIVES, release with feed_unref(). */
struct feed *feed_new(void);
struct feed *feed_ref(struct feed *f);
/* Drops a reference and sets NULL; NULL inside is legal. */
void feed_unref(struct feed **f);

/* Zeroed memory that lives as long as the feed. */
void *feed_alloc(struct feed *f, size_t size);
/* A copy of `len` bytes plus a NUL, as long as the feed. */
const char *feed_copy(struct feed *f, const char *bytes, size_t len);
/* The bytes the feed occupies, for the cache's account. */
size_t feed_size(const struct feed *f);

#endif
