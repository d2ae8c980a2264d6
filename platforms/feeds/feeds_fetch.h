/* SPDX-License-Identifier: MIT */
/* feeds_fetch - from a URL to a struct feed: cache, conditional request, parsing off the loop.
 *
 * Whoever asks for the same URL while it is under way shares one transfer. Parsing runs in libuv's thread pool.
 * Knows nothing of jobs and activities. */
#ifndef PLATFORMS_FEEDS_FETCH_H
#define PLATFORMS_FEEDS_FETCH_H

#include "core/err.h"
#include "platforms/feeds/feed.h"

struct http_client;
struct feeds_fetcher;
struct feeds_waiter;

struct feeds_fetch_limits {
	size_t cache_bytes;
	size_t max_bytes; /* of a document */
	unsigned timeout_ms;
	/* A fetched feed answers by itself for this long; longer when its Cache-Control says so, up to the second. */
	unsigned min_interval_ms, max_interval_ms;
};

/* Called once, from the loop. `f` is NULL on failure; else borrowed, feed_ref() it to keep it. */
typedef void feeds_fetch_fn(void *arg, struct feed *f, const struct err *e);

/* `http` is KEPT until feeds_fetcher_free(). GIVES. */
struct feeds_fetcher *feeds_fetcher_new(
	struct http_client *http, const struct feeds_fetch_limits *limits);
/* No waiter may be left. A parse that runs ends by itself, within the next turns of the loop. */
void feeds_fetcher_free(struct feeds_fetcher *f);

/* The feed if it was fetched just now, else NULL: then feeds_fetch_start() it. Borrowed until the next call. */
struct feed *feeds_fetch_fresh(struct feeds_fetcher *f, const char *url);
/* `done` is never called from within. GIVES a handle that is valid until `done` or feeds_fetch_cancel(). Errors: those
 * of http_start(), and ERR_REMOTE "Error: Not a feed...". */
struct feeds_waiter *feeds_fetch_start(
	struct feeds_fetcher *f, const char *url, feeds_fetch_fn *done, void *arg);
/* No callback follows; the transfer ends when nobody else waits for it. Sets NULL; NULL inside is legal. */
void feeds_fetch_cancel(struct feeds_waiter **w);

#endif
