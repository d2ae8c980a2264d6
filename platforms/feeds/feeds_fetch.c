/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http.h"
#include "core/mem.h"
#include "platforms/feeds/feeds_cache.h"
#include "platforms/feeds/feeds_parse.h"
#include "platforms/feeds/feeds_xml.h"
#include "platforms/platform.h"

#define FETCH_MAGIC   0x66746368u
#define MAX_REDIRECTS 5
/* Longer validators are not worth to be sent back. */
#define VALIDATOR_SIZE 512

struct feeds_fetcher {
	struct http_client *http;
	struct feeds_cache *cache;
	struct feeds_fetch_limits limits;
	struct fetch *first; /* under way */
};

struct feeds_waiter {
	struct feeds_waiter *next;
	struct fetch *fetch;
	feeds_fetch_fn *done;
	void *arg;
};

/* One URL under way. First a transfer, then a parse, which can not be stopped: when the fetcher goes before it ends,
 * `fetcher` is NULL and the fetch frees itself. */
struct fetch {
	unsigned magic;
	struct feeds_fetcher *fetcher;
	struct fetch *next;
	char *url;
	struct feeds_waiter *waiters;
	struct http_transfer *transfer; /* NULL: parsing */
	/* the parse: the thread's between uv_queue_work() and on_parsed() */
	uv_work_t work;
	struct buf body;
	char *base, *content_type, *etag, *last_modified;
	uint64_t fresh_until_ms;
	struct feed *feed; /* before: the one that a 304 would confirm */
	struct err err;
};

struct feeds_fetcher *feeds_fetcher_new(
	struct http_client *http, const struct feeds_fetch_limits *limits)
{
	struct feeds_fetcher *f = mem_alloc(sizeof *f);

	feeds_xml_init();
	f->http = http;
	f->limits = *limits;
	f->cache = feeds_cache_new(limits->cache_bytes);
	return f;
}

static void fetch_free(struct fetch *x)
{
	http_cancel(&x->transfer);
	feed_unref(&x->feed);
	buf_release(&x->body);
	mem_free(x->base);
	mem_free(x->content_type);
	mem_free(x->etag);
	mem_free(x->last_modified);
	mem_free(x->url);
	mem_free(x);
}

void feeds_fetcher_free(struct feeds_fetcher *f)
{
	struct fetch *x, *next;

	if (f == NULL)
		return;
	for (x = f->first; x != NULL; x = next) {
		next = x->next;
		assert(x->waiters == NULL);
		x->fetcher = NULL; /* parsing: on_parsed() frees it */
	}
	feeds_cache_free(f->cache);
	mem_free(f);
}

static void unlink_fetch(struct fetch *x)
{
	struct fetch **at = &x->fetcher->first;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
}

/* Tells everybody and ends the fetch. A callback may start and cancel others. */
static void deliver(struct fetch *x, struct feed *f, const struct err *e)
{
	unlink_fetch(x);
	while (x->waiters != NULL) {
		struct feeds_waiter *w = x->waiters;
		x->waiters = w->next;
		w->done(w->arg, f, e);
		mem_free(w);
	}
	fetch_free(x);
}

/* --- parsing ---------------------------------------------------------------------------------------------------- */

/* In a thread of the pool; touches nothing but its own fetch. */
static void parse(uv_work_t *work)
{
	CAST(fetch, x, CONTAINER_OF(work, struct fetch, work), FETCH_MAGIC);

	if (feeds_parse(x->body.data, x->body.len, x->content_type, x->base, &x->feed, &x->err) < 0)
		x->feed = NULL;
	buf_release(&x->body);
}

static void on_parsed(uv_work_t *work, int status)
{
	CAST(fetch, x, CONTAINER_OF(work, struct fetch, work), FETCH_MAGIC);
	struct feeds_validators v = {x->etag, x->last_modified};

	UNUSED(status); /* never cancelled */
	if (x->fetcher == NULL) {
		fetch_free(x);
		return;
	}
	if (x->feed != NULL)
		feeds_cache_put(x->fetcher->cache, x->url, x->feed, &v, x->fresh_until_ms);
	deliver(x, x->feed, &x->err);
}

/* --- the transfer ----------------------------------------------------------------------------------------------- */

/* The time for which a response may be used again without asking: max-age (RFC 9111, 5.2.2.1) within our bounds. */
static uint64_t lifetime_ms(const struct feeds_fetch_limits *l, const char *cache_control)
{
	const char *age = cache_control != NULL ? strcasestr(cache_control, "max-age=") : NULL;
	unsigned long long ms = 0;

	if (age != NULL)
		ms = strtoull(age + strlen("max-age="), NULL, 10);
	ms = ms < l->max_interval_ms ? ms * 1000 : l->max_interval_ms;
	ms = MIN(ms, l->max_interval_ms);
	return MAX(ms, l->min_interval_ms);
}

static char *copy_validator(const char *value)
{
	return value != NULL && strlen(value) < VALIDATOR_SIZE ? mem_strdup(value) : NULL;
}

static void fail(struct fetch *x, enum err_code code, const char *text)
{
	struct err e;

	err_set(&e, code, "%s", text);
	deliver(x, NULL, &e);
}

/* 304: what was kept when we asked is right. */
static void on_not_modified(struct fetch *x)
{
	struct err e = {0};

	feeds_cache_renew(x->fetcher->cache, x->url, x->fresh_until_ms);
	deliver(x, x->feed, &e);
}

static void on_response(
	void *arg, struct http_transfer *t, struct http_response *r, const struct err *e)
{
	CAST(fetch, x, arg, FETCH_MAGIC);
	const char *cache_control;
	char text[80];

	x->transfer = NULL;
	if (e->code != ERR_NONE) {
		deliver(x, NULL, e);
		return;
	}
	cache_control = http_response_header(t, "Cache-Control");
	x->fresh_until_ms = platform_now_ms() + lifetime_ms(&x->fetcher->limits, cache_control);
	if (r->status == 304 && x->feed != NULL) {
		on_not_modified(x);
		return;
	}
	feed_unref(&x->feed);
	if (r->status < 200 || r->status > 299) {
		snprintf(text, sizeof text, "Error: Not a feed: HTTP status %d", r->status);
		fail(x, ERR_REMOTE, text);
		return;
	}
	x->content_type = mem_strdup(http_response_header(t, "Content-Type"));
	x->etag = copy_validator(http_response_header(t, "ETag"));
	x->last_modified = copy_validator(http_response_header(t, "Last-Modified"));
	x->base = mem_strdup(r->url);
	x->body.len = r->body.len;
	x->body.data = buf_take(&r->body);
	uv_queue_work(http_client_loop(x->fetcher->http), &x->work, parse, on_parsed);
}

static struct fetch *fetch_new(struct feeds_fetcher *f, const char *url)
{
	struct feeds_validators v = feeds_cache_validators(f->cache, url);
	const char *headers[4] = {
		"Accept: application/rss+xml, application/atom+xml, application/rdf+xml, "
		"application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"};
	struct http_request req = {.url = url,
		.headers = headers,
		.max_bytes = f->limits.max_bytes,
		.timeout_ms = f->limits.timeout_ms,
		.max_redirects = MAX_REDIRECTS};
	struct fetch *x = mem_alloc(sizeof *x);
	char *etag = NULL, *since = NULL;
	size_t n = 1;

	x->magic = FETCH_MAGIC;
	x->fetcher = f;
	x->url = mem_strdup(url);
	if (v.etag != NULL)
		headers[n++] = etag = mem_printf("If-None-Match: %s", v.etag);
	if (v.last_modified != NULL)
		headers[n++] = since = mem_printf("If-Modified-Since: %s", v.last_modified);
	if (n > 1)
		x->feed = feed_ref(feeds_cache_get(f->cache, url));
	x->transfer = http_start(f->http, &req, on_response, x);
	mem_free(etag);
	mem_free(since);
	x->next = f->first;
	f->first = x;
	return x;
}

/* --- waiters ---------------------------------------------------------------------------------------------------- */

struct feed *feeds_fetch_fresh(struct feeds_fetcher *f, const char *url)
{
	return feeds_cache_get_fresh(f->cache, url, platform_now_ms());
}

struct feeds_waiter *feeds_fetch_start(
	struct feeds_fetcher *f, const char *url, feeds_fetch_fn *done, void *arg)
{
	struct feeds_waiter *w = mem_alloc(sizeof *w);
	struct fetch *x = f->first;

	while (x != NULL && strcmp(x->url, url) != 0)
		x = x->next;
	if (x == NULL)
		x = fetch_new(f, url);
	w->done = done;
	w->arg = arg;
	w->fetch = x;
	w->next = x->waiters;
	x->waiters = w;
	return w;
}

void feeds_fetch_cancel(struct feeds_waiter **wp)
{
	struct feeds_waiter *w = *wp, **at;
	struct fetch *x;

	*wp = NULL;
	if (w == NULL)
		return;
	x = w->fetch;
	for (at = &x->waiters; *at != w; at = &(*at)->next)
		continue;
	*at = w->next;
	mem_free(w);
	/* A parse goes on for the cache. */
	if (x->waiters == NULL && x->transfer != NULL) {
		unlink_fetch(x);
		fetch_free(x);
	}
}
