/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_cache.h"

#include <string.h>

#include "core/mem.h"

/* A list in order of use: with this few entries a walk costs microseconds, and a fetch milliseconds. */
struct item {
	struct item *next;
	uint64_t hash;
	char *url, *etag, *last_modified;
	struct feed *feed;
	uint64_t fresh_until_ms;
	size_t bytes;
};

struct feeds_cache {
	struct item *first; /* most recently used */
	size_t n, bytes, max_bytes;
};

/* FNV-1a; spares most comparisons of long URLs. */
static uint64_t hash_of(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

struct feeds_cache *feeds_cache_new(size_t max_bytes)
{
	struct feeds_cache *c = mem_alloc(sizeof *c);

	c->max_bytes = max_bytes;
	return c;
}

/* The pointer that points at the item of `url`; at NULL when there is none. */
static struct item **find(struct feeds_cache *c, const char *url)
{
	uint64_t hash = hash_of(url);
	struct item **at = &c->first;

	while (*at != NULL && ((*at)->hash != hash || strcmp((*at)->url, url) != 0))
		at = &(*at)->next;
	return at;
}

static void drop(struct feeds_cache *c, struct item **at)
{
	struct item *i = *at;

	*at = i->next;
	c->n--;
	c->bytes -= i->bytes;
	feed_unref(&i->feed);
	mem_free(i->url);
	mem_free(i->etag);
	mem_free(i->last_modified);
	mem_free(i);
}

void feeds_cache_free(struct feeds_cache *c)
{
	if (c == NULL)
		return;
	while (c->first != NULL)
		drop(c, &c->first);
	mem_free(c);
}

static struct item *use(struct feeds_cache *c, const char *url)
{
	struct item **at = find(c, url), *i = *at;

	if (i != NULL) {
		*at = i->next;
		i->next = c->first;
		c->first = i;
	}
	return i;
}

struct feed *feeds_cache_get(struct feeds_cache *c, const char *url)
{
	struct item *i = use(c, url);

	return i != NULL ? i->feed : NULL;
}

struct feed *feeds_cache_get_fresh(struct feeds_cache *c, const char *url, uint64_t now_ms)
{
	struct item *i = use(c, url);

	return i != NULL && now_ms < i->fresh_until_ms ? i->feed : NULL;
}

struct feeds_validators feeds_cache_validators(const struct feeds_cache *c, const char *url)
{
	const struct item *i = *find((struct feeds_cache *)c, url);

	if (i == NULL)
		return (struct feeds_validators){NULL, NULL};
	return (struct feeds_validators){i->etag, i->last_modified};
}

void feeds_cache_renew(struct feeds_cache *c, const char *url, uint64_t fresh_until_ms)
{
	struct item *i = use(c, url);

	if (i != NULL)
		i->fresh_until_ms = fresh_until_ms;
}

static void shrink(struct feeds_cache *c)
{
	while (c->bytes > c->max_bytes || c->n > FEEDS_CACHE_ENTRIES) {
		struct item **last = &c->first;
		while ((*last)->next != NULL)
			last = &(*last)->next;
		drop(c, last);
	}
}

static size_t length_of(const char *s)
{
	return s != NULL ? strlen(s) : 0;
}

void feeds_cache_put(struct feeds_cache *c, const char *url, struct feed *f,
	const struct feeds_validators *v, uint64_t fresh_until_ms)
{
	struct item *i = mem_alloc(sizeof *i);
	struct item **old = find(c, url);

	i->hash = hash_of(url);
	i->url = mem_strdup(url);
	i->etag = mem_strdup(v->etag);
	i->last_modified = mem_strdup(v->last_modified);
	i->feed = feed_ref(f);
	i->fresh_until_ms = fresh_until_ms;
	i->bytes = sizeof *i + strlen(url) + length_of(v->etag) + length_of(v->last_modified) +
		   feed_size(f);
	if (*old != NULL)
		drop(c, old);
	i->next = c->first;
	c->first = i;
	c->n++;
	c->bytes += i->bytes;
	if (i->bytes > c->max_bytes)
		drop(c, &c->first); /* alone: it must not push all others out */
	shrink(c);
}

size_t feeds_cache_bytes(const struct feeds_cache *c)
{
	return c->bytes;
}
