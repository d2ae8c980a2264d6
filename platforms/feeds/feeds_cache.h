/* SPDX-License-Identifier: MIT */
/* feeds_cache - parsed feeds by URL, with what a conditional request needs (RFC 9110, 13).
 *
 * Bounded in bytes and entries; the least recently used goes first. Knows no clock and no network: times are given,
 * in milliseconds of one monotonic clock. Single-threaded. */
#ifndef PLATFORMS_FEEDS_CACHE_H
#define PLATFORMS_FEEDS_CACHE_H

#include "platforms/feeds/feed.h"

#define FEEDS_CACHE_ENTRIES 1024

struct feeds_cache;

/* What a server said about its document; strings may be NULL. */
struct feeds_validators {
	const char *etag, *last_modified;
};

/* `max_bytes` 0 keeps nothing. GIVES. */
struct feeds_cache *feeds_cache_new(size_t max_bytes);
void feeds_cache_free(struct feeds_cache *c);

/* The feed of `url` or NULL; borrowed until the next call. A hit counts as use. */
struct feed *feeds_cache_get(struct feeds_cache *c, const char *url);
/* As above, but NULL when it is no longer fresh at `now_ms`. */
struct feed *feeds_cache_get_fresh(struct feeds_cache *c, const char *url, uint64_t now_ms);
/* Of a kept feed; both NULL when there is none. Borrowed until the next change. */
struct feeds_validators feeds_cache_validators(const struct feeds_cache *c, const char *url);
/* Keeps a reference to `f` and copies of the rest, in place of what was there. A feed that is larger than the whole
 * cache is not kept, and what was there is dropped. */
void feeds_cache_put(struct feeds_cache *c, const char *url, struct feed *f,
	const struct feeds_validators *v, uint64_t fresh_until_ms);
/* The server says that what is kept is still right. */
void feeds_cache_renew(struct feeds_cache *c, const char *url, uint64_t fresh_until_ms);
/* For tests and logs. */
size_t feeds_cache_bytes(const struct feeds_cache *c);

#endif
