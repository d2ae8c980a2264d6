/* SPDX-License-Identifier: MIT */
/* feeds_map - between a struct feed and activities: which articles a job asks for, and how one looks as a message.
 *
 * Pure. docs/platforms/feeds.md has the table of what is selected; tests/unit/test_feeds_map.c has a case per row. */
#ifndef PLATFORMS_FEEDS_MAP_H
#define PLATFORMS_FEEDS_MAP_H

#include <jansson.h>

#include "platforms/feeds/feed.h"

struct err;

#define FEEDS_DEFAULT_LIMIT 10
#define FEEDS_MAX_LIMIT     1000

enum feeds_bound_kind { BOUND_NONE, BOUND_DATE, BOUND_LINK };

/* Where a selection begins or ends; the article it names is outside. */
struct feeds_bound {
	enum feeds_bound_kind kind;
	int64_t date_ms;  /* BOUND_DATE */
	const char *link; /* BOUND_LINK; borrowed from the options' JSON */
	int has_date;     /* BOUND_LINK: date_ms stands in when no article has the link */
};

struct feeds_options {
	size_t limit;
	int newest_first;
	struct feeds_bound after, before;
};

/* Indices into feed->entries, in the order of sending. */
struct feeds_selection {
	size_t *at;
	size_t n;
};

/* Reads the `object` of a fetch; what is not there gets its default. `object` has to live as long as `o`.
 * < 0: ERR_INVALID, naming the key. */
int feeds_options_read(const json_t *object, struct feeds_options *o, struct err *e);

/* GIVES in `s`; release with feeds_selection_release(). */
void feeds_select(const struct feed *f, const struct feeds_options *o, struct feeds_selection *s);
void feeds_selection_release(struct feeds_selection *s);

/* The message for one article: `url` is the feed's address as the job gave it, `reader` the job's actor. GIVES. */
json_t *feeds_message(
	const struct feed *f, const struct feed_entry *entry, const char *url, const char *reader);
/* {"totalArticles":n,"articleLinks":[...]}: of the whole feed, in its order; at most FEEDS_MAX_LIMIT links. GIVES. */
json_t *feeds_summary(const struct feed *f);

#endif
