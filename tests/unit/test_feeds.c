/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/mem.h"
#include "platforms/feeds/feeds_cache.h"
#include "tests/fake/httpd.h"
#include "tests/fake/psession.h"

extern const struct platform platform_feeds;

#define RSS(title, items)                                                                 \
	"<?xml version='1.0'?><rss version='2.0'><channel><title>" title "</title>" items \
	"</channel></rss>"
#define ITEM(n)                                                                     \
	"<item><title>t" #n "</title><link>http://e.org/" #n "</link><pubDate>0" #n \
	" Nov 2013 12:00:00 GMT</pubDate></item>"

static const char *const no_cache[] = {"Cache-Control: no-cache", NULL};
static const char *const long_life[] = {
	"Content-Type: text/xml", "Cache-Control: public, max-age=60", NULL};
static const char *const short_life[] = {"Last-Modified: Fri, 01 Nov 2013 12:00:00 GMT", NULL};
static const char *const moved[] = {"Location: /two", NULL};
static const char *const moved_inside[] = {"Location: http://[::1]:9/", NULL};
static struct buf big = BUF_INIT;

/* `big` is filled in before the first test. */
static struct httpd_reply replies[] = {
	{.path = "/one", .body = RSS("one", ITEM(3) ITEM(2) ITEM(1))},
	{.path = "/two", .headers = no_cache, .body = RSS("two", ITEM(5) ITEM(4))},
	{.path = "/slow", .delay_ms = 100, .body = RSS("slow", ITEM(1))},
	{.path = "/aged", .headers = long_life, .body = RSS("aged", ITEM(1))},
	{.path = "/tagged",
		.etag = "\"v1\"",
		.headers = short_life,
		.body = RSS("tagged", ITEM(1))},
	{.path = "/moved", .status = 301, .headers = moved},
	{.path = "/inside", .status = 302, .headers = moved_inside},
	{.path = "/broken", .body = "<rss><chan"},
	{.path = "/error", .status = 500, .body = RSS("error", ITEM(1))},
	{.path = "/big", .body = NULL},
	{.path = "/hang", .hang = 1},
	{.path = "/endless", .endless = 1},
	{NULL},
};

struct world {
	struct httpd *httpd;
	struct fake *fake;
};

static json_t *settings(int min_interval_s, int timeout_ms)
{
	return json_pack("{sisisisisi}", "cache_bytes", 16 << 20, "max_bytes", 5 << 20,
		"timeout_ms", timeout_ms, "min_interval_s", min_interval_s, "max_interval_s", 300);
}

static struct world *world_new(json_t *config)
{
	static const char *const allow[] = {"127.0.0.1", NULL};
	struct world *w = mem_alloc(sizeof *w);

	w->httpd = httpd_new(replies, NULL);
	w->fake = fake_new(&platform_feeds, config, allow);
	return w;
}

static void world_free(struct world *w)
{
	fake_free(w->fake);
	httpd_free(w->httpd);
	mem_free(w);
}

static int setup(void **state)
{
	*state = world_new(settings(10, 5000));
	return 0;
}

static int setup_without_interval(void **state)
{
	*state = world_new(settings(0, 400));
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

/* A fetch of the paths (up to NULL); TAKES `object`. One that does not begin with "/" is the whole address. */
static int fetch(struct world *w, const char *const *paths, json_t *object)
{
	json_t *target = json_array();

	for (; *paths != NULL; paths++) {
		char *url = (*paths)[0] == '/' ? httpd_url(w->httpd, *paths) : mem_strdup(*paths);
		json_array_append_new(target, json_pack("{ss}", "address", url));
		mem_free(url);
	}
	return fake_job(w->fake, json_pack("{s{ss}ssss soso}", "actor", "address", "ann", "verb",
					 "fetch", "platform", "feeds", "target", target, "object",
					 object != NULL ? object : json_object()));
}

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *text(const json_t *event, const char *key)
{
	const char *s = json_string_value(json_object_get(event, key));

	return s != NULL ? s : "";
}

/* The object of a success, borrowed. */
static const json_t *done(struct world *w, int job)
{
	const json_t *answer = fake_wait(w->fake, job);

	if (strcmp(text(answer, "ev"), "done") != 0)
		fail_msg("failed: %s", text(answer, "text"));
	return json_object_get(answer, "object");
}

static const char *failed(struct world *w, int job)
{
	const json_t *answer = fake_wait(w->fake, job);

	assert_string_equal(text(answer, "ev"), "fail");
	return text(answer, "text");
}

static const json_t *entry(struct world *w, const json_t *object, const char *path)
{
	char *url = httpd_url(w->httpd, path);
	const json_t *e = json_object_get(object, url);

	mem_free(url);
	assert_non_null(e);
	return e;
}

/* The titles of the articles that were sent for a job. */
static void titles(struct world *w, int job, char out[256])
{
	json_t *messages = fake_messages(w->fake, job), *m;
	size_t i;

	out[0] = '\0';
	json_array_foreach (messages, i, m) {
		assert_string_equal(text(m, "verb"), "post");
		if (strlen(out) < 240)
			strcat(out, text(json_object_get(m, "object"), "title"));
	}
	json_decref(messages);
}

static void a_feed_becomes_messages_and_a_result(void **state)
{
	struct world *w = *state;
	int job = fetch(w, PATHS("/one"), json_pack("{si}", "limit", 2));
	const json_t *object = done(w, job), *one = entry(w, object, "/one");
	char *url = httpd_url(w->httpd, "/one"), sent[256];
	json_t *messages = fake_messages(w->fake, job), *first = json_array_get(messages, 0);

	assert_int_equal(json_object_size(object), 1);
	assert_int_equal(json_integer_value(json_object_get(one, "totalArticles")), 3);
	assert_int_equal(json_array_size(json_object_get(one, "articleLinks")), 3);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(one, "articleLinks"), 0)),
		"http://e.org/3");
	titles(w, job, sent);
	assert_string_equal(sent, "t1t2");
	assert_string_equal(text(json_object_get(first, "actor"), "address"), url);
	assert_string_equal(
		text(json_array_get(json_object_get(first, "target"), 0), "address"), "ann");
	/* the result comes last */
	assert_int_equal(json_array_size(fake_events(w->fake)), 3);
	assert_string_equal(text(json_array_get(fake_events(w->fake), 2), "ev"), "done");
	json_decref(messages);
	mem_free(url);
}

static void several_feeds_are_fetched_side_by_side(void **state)
{
	struct world *w = *state;
	int job = fetch(w, PATHS("/slow", "/one", "/two", "/missing", "/one"), NULL);
	const json_t *object = done(w, job), *messages;
	char sent[256];

	assert_int_equal(json_object_size(object), 4);
	assert_int_equal(
		json_integer_value(json_object_get(entry(w, object, "/slow"), "totalArticles")), 1);
	assert_int_equal(
		json_integer_value(json_object_get(entry(w, object, "/two"), "totalArticles")), 2);
	assert_string_equal(json_string_value(entry(w, object, "/missing")),
		"Error: Not a feed: HTTP status 404");
	titles(w, job, sent);
	assert_int_equal(strlen(sent), 12); /* one, asked for twice, is sent once */
	assert_int_equal(httpd_count(w->httpd, "/one"), 1);
	messages = fake_events(w->fake);
	assert_string_equal(
		text(json_array_get(messages, json_array_size(messages) - 1), "ev"), "done");
}

static void failures_say_what_and_where(void **state)
{
	static const struct {
		const char *path, *code, *text; /* text: what follows the URL */
	} cases[] = {
		{"/missing", "remote", "Error: Not a feed: HTTP status 404"},
		{"/error", "remote", "Error: Not a feed: HTTP status 500"},
		{"/broken", "remote", "Error: Not a feed: line 1: "},
		{"/inside", "blocked", "connect [::1]: the address ::1 is not allowed"},
		{"/endless", "too-large", "127.0.0.1 sent more than 5242880 bytes"},
		{"http://127.0.0.1:1/x", "connect", "connect ECONNREFUSED 127.0.0.1"},
		{"http://127.0.0.2/x", "blocked",
			"connect 127.0.0.2: the address 127.0.0.2 is not allowed"},
		{"http://no-such-host.invalid/", "resolve",
			"getaddrinfo ENOTFOUND no-such-host.invalid"},
		{"file:///etc/passwd", "invalid", "Invalid URI: only http and https are allowed"},
		{"nonsense", "invalid", "Invalid URI \"nonsense\""},
		{"http://u:p@127.0.0.1/", "invalid", "Invalid URI: user name and password"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *url = cases[i].path[0] == '/' ? httpd_url(w->httpd, cases[i].path)
						    : mem_strdup(cases[i].path);
		char *expected = mem_printf(
			"failed to fetch feed from url: %s : %s", url, cases[i].text);
		int job = fetch(w, PATHS(cases[i].path), NULL);
		const char *why = failed(w, job);
		if (strncmp(why, expected, strlen(expected)) != 0)
			fail_msg("\"%s\" instead of \"%s\"", why, expected);
		assert_string_equal(text(fake_wait(w->fake, job), "code"), cases[i].code);
		mem_free(expected);
		mem_free(url);
	}
}

static void the_first_failure_in_target_order_is_told(void **state)
{
	struct world *w = *state;
	const char *why = failed(w, fetch(w, PATHS("/missing", "nonsense"), NULL));

	assert_non_null(strstr(why, "HTTP status 404"));
}

static void unusable_jobs_fail_before_anything_is_fetched(void **state)
{
	struct world *w = *state;
	const char *many[52];
	char longest[3000];
	json_t *target;
	int job;

	assert_string_equal(
		failed(w, fetch(w, (const char *const[]){NULL}, NULL)), "invalid target array");
	assert_string_equal(
		failed(w, fetch(w, PATHS(""), NULL)), "no address found in first target object");
	assert_string_equal(failed(w, fetch(w, PATHS("/one", "/one", "/one", ""), NULL)),
		"no address found in target object 4");
	target = json_pack("[{ss}{s:n}]", "address", "http://127.0.0.1/", "address");
	job = fake_job(w->fake, json_pack("{s{ss}sssos{}}", "actor", "address", "ann", "verb",
					"fetch", "target", target, "object"));
	assert_string_equal(failed(w, job), "no address found in second target object");
	for (size_t i = 0; i < 51; i++)
		many[i] = "/one";
	many[51] = NULL;
	assert_string_equal(failed(w, fetch(w, many, NULL)), "too many targets: 50 at most");
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_non_null(
		strstr(failed(w, fetch(w, PATHS(longest), NULL)), "longer than 2048 bytes"));
	assert_non_null(
		strstr(failed(w, fetch(w, PATHS("/one"), json_pack("{ss}", "date", "soon"))),
			"date has to"));
	assert_int_equal(httpd_count(w->httpd, NULL), 0);
}

static void long_urls_leave_room_for_the_reason(void **state)
{
	struct world *w = *state;
	char path[1500];

	memset(path, 'x', sizeof path - 1);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	assert_non_null(strstr(failed(w, fetch(w, PATHS(path), NULL)), "HTTP status 404"));
}

static void a_fresh_feed_is_not_asked_for_again(void **state)
{
	struct world *w = *state;
	char sent[256];
	int job;

	done(w, fetch(w, PATHS("/one"), NULL));
	job = fetch(w, PATHS("/one"), json_pack("{ss}", "from", "before"));
	assert_false(fake_is_answered(w->fake, job));
	done(w, job);
	titles(w, job, sent);
	assert_string_equal(sent, "t3t2t1");
	assert_int_equal(httpd_count(w->httpd, "/one"), 1);
}

static void max_age_is_honoured(void **state)
{
	struct world *w = *state; /* no interval of our own */

	done(w, fetch(w, PATHS("/aged"), NULL));
	done(w, fetch(w, PATHS("/aged"), NULL));
	assert_int_equal(httpd_count(w->httpd, "/aged"), 1);
	done(w, fetch(w, PATHS("/two"), NULL));
	done(w, fetch(w, PATHS("/two"), NULL));
	assert_int_equal(httpd_count(w->httpd, "/two"), 2);
}

static void an_unchanged_feed_is_not_sent_again(void **state)
{
	struct world *w = *state;
	char sent[256];
	json_t *seen;
	const json_t *headers;
	int job;

	done(w, fetch(w, PATHS("/tagged"), NULL));
	job = fetch(w, PATHS("/tagged"), NULL);
	done(w, job);
	assert_int_equal(httpd_count(w->httpd, "/tagged"), 2);
	seen = httpd_last(w->httpd);
	headers = json_object_get(seen, "headers");
	assert_string_equal(text(headers, "If-None-Match"), "\"v1\"");
	assert_string_equal(text(headers, "If-Modified-Since"), "Fri, 01 Nov 2013 12:00:00 GMT");
	json_decref(seen);
	titles(w, job, sent);
	assert_string_equal(sent, "t1");
}

static void jobs_share_a_transfer(void **state)
{
	struct world *w = *state;
	int a = fetch(w, PATHS("/slow"), NULL), b = fetch(w, PATHS("/slow"), NULL);
	int c = fetch(w, PATHS("/slow", "/one"), NULL);

	fake_cancel(w->fake, a); /* the others still want it */
	done(w, b);
	done(w, c);
	assert_int_equal(httpd_count(w->httpd, "/slow"), 1);
	assert_false(fake_is_answered(w->fake, a));
}

static void redirects_are_followed_and_keep_the_address(void **state)
{
	struct world *w = *state;
	int job = fetch(w, PATHS("/moved"), NULL);
	json_t *messages;
	char *url = httpd_url(w->httpd, "/moved");

	assert_int_equal(json_integer_value(json_object_get(
				 entry(w, done(w, job), "/moved"), "totalArticles")),
		2);
	messages = fake_messages(w->fake, job);
	assert_string_equal(
		text(json_object_get(json_array_get(messages, 0), "actor"), "address"), url);
	json_decref(messages);
	mem_free(url);
}

static void time_is_bounded(void **state)
{
	struct world *w = *state;
	const char *why = failed(w, fetch(w, PATHS("/hang"), NULL));

	assert_non_null(strstr(why, "127.0.0.1 did not answer within 400 ms"));
}

static int is_second_answered(void *arg)
{
	return fake_is_answered(arg, 1);
}

static void many_articles_leave_room_for_others(void **state)
{
	struct world *w = *state;
	json_t *messages;
	int job;

	done(w, fetch(w, PATHS("/big"), json_pack("{si}", "limit", 1)));
	job = fetch(w, PATHS("/big"), json_pack("{si}", "limit", 1000));
	assert_int_equal(fake_run_until(w->fake, is_second_answered, w->fake, 20000), 0);
	messages = fake_messages(w->fake, job);
	assert_int_equal(json_array_size(messages), 1000);
	json_decref(messages);
}

static int is_hanging(void *arg)
{
	return httpd_count(arg, "/hang") > 0;
}

/* Whatever a job is doing, cancel() ends it: nothing leaks (sanitizers look), nothing fires. */
static void cancelled_jobs_are_silent(void **state)
{
	struct world *w = *state;
	int hanging = fetch(w, PATHS("/hang", "/one"), NULL), first = fetch(w, PATHS("/two"), NULL);

	fake_cancel(w->fake, first);
	assert_int_equal(fake_run_until(w->fake, is_hanging, w->httpd, 5000), 0);
	fake_cancel(w->fake, hanging);
	fake_run_for(w->fake, 50);
	assert_false(fake_is_answered(w->fake, hanging));
	assert_false(fake_is_answered(w->fake, first));
}

/* Cancels and closes at ever later moments: before, during and after the transfer and the parse. */
static void cancel_and_close_are_safe_at_any_moment(void **state)
{
	(void)state;
	for (unsigned turns = 0; turns < 40; turns++) {
		struct world *w = world_new(settings(0, 5000));
		int job = fetch(w, PATHS("/big", "/one"), json_pack("{si}", "limit", 1000));
		for (unsigned i = 0; i < turns && !fake_is_answered(w->fake, job); i++)
			uv_run(fake_loop(w->fake), UV_RUN_ONCE);
		if (turns % 2 == 0)
			fake_cancel(w->fake, job);
		world_free(w); /* cancels what is left and closes */
	}
}

static void the_cache_is_bounded_and_drops_the_oldest(void **state)
{
	struct feeds_cache *c = feeds_cache_new(100000);
	const struct feeds_validators v = {"e", NULL};

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct feed *f = feed_new();
		char url[32];
		snprintf(url, sizeof url, "http://e.org/%d", i);
		feed_alloc(f, 30000);
		feeds_cache_put(c, url, f, &v, 1000);
		if (i == 2)
			assert_non_null(feeds_cache_get(c, "http://e.org/0")); /* used again */
		feed_unref(&f);
		assert_true(feeds_cache_bytes(c) <= 100000);
	}
	assert_null(feeds_cache_get(c, "http://e.org/1"));
	assert_null(feeds_cache_get(c, "http://e.org/2"));
	assert_null(feeds_cache_get(c, "http://e.org/5"));
	assert_non_null(feeds_cache_get_fresh(c, "http://e.org/4", 999));
	assert_null(feeds_cache_get_fresh(c, "http://e.org/4", 1000));
	feeds_cache_renew(c, "http://e.org/4", 2000);
	assert_non_null(feeds_cache_get_fresh(c, "http://e.org/4", 1999));
	assert_string_equal(feeds_cache_validators(c, "http://e.org/4").etag, "e");
	assert_null(feeds_cache_validators(c, "http://e.org/4").last_modified);
	assert_null(feeds_cache_validators(c, "http://e.org/1").etag);
	feeds_cache_free(c);
}

static void what_is_too_large_for_the_cache_leaves_the_rest(void **state)
{
	struct feeds_cache *c = feeds_cache_new(100000);
	const struct feeds_validators v = {NULL, NULL};
	struct feed *small = feed_new(), *large = feed_new();

	(void)state;
	feed_alloc(large, 200000);
	feeds_cache_put(c, "small", small, &v, 1);
	feeds_cache_put(c, "large", large, &v, 1);
	assert_null(feeds_cache_get(c, "large"));
	assert_ptr_equal(feeds_cache_get(c, "small"), small);
	feeds_cache_put(c, "small", large, &v, 1); /* it grew: the old one is wrong now */
	assert_null(feeds_cache_get(c, "small"));
	assert_int_equal(feeds_cache_bytes(c), 0);
	for (int i = 0; i < FEEDS_CACHE_ENTRIES + 10; i++) {
		char url[32];
		struct feeds_cache *many = c;
		snprintf(url, sizeof url, "%d", i);
		feeds_cache_put(many, url, small, &v, 1);
	}
	assert_true(feeds_cache_bytes(c) <= 100000);
	feed_unref(&small);
	feed_unref(&large);
	feeds_cache_free(c);
}

static void verbs_are_those_of_the_schema_file(void **state)
{
	json_t *schema = json_load_file("schema/platforms/feeds.json", 0, NULL);
	const json_t *verbs = json_object_get(schema, "verbs");

	(void)state;
	assert_int_equal(json_object_size(verbs), 1);
	assert_non_null(json_object_get(verbs, platform_feeds.verbs[0].name));
	assert_null(platform_feeds.verbs[1].name);
	json_decref(schema);
}

static int group_setup(void **state)
{
	(void)state;
	buf_add_str(&big, "<rss><channel><title>big</title>");
	for (int i = 0; i < 2000; i++)
		buf_printf(&big, "<item><title>%d</title><description>%0500d</description></item>",
			i, i);
	buf_add_str(&big, "</channel></rss>");
	for (struct httpd_reply *r = replies; r->path != NULL; r++)
		if (strcmp(r->path, "/big") == 0)
			r->body = big.data;
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	buf_release(&big);
	return 0;
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define WITHOUT_INTERVAL(test) \
	cmocka_unit_test_setup_teardown(test, setup_without_interval, teardown)
	const struct CMUnitTest tests[] = {
		WITH(a_feed_becomes_messages_and_a_result),
		WITH(several_feeds_are_fetched_side_by_side),
		WITH(failures_say_what_and_where),
		WITH(the_first_failure_in_target_order_is_told),
		WITH(unusable_jobs_fail_before_anything_is_fetched),
		WITH(long_urls_leave_room_for_the_reason),
		WITH(a_fresh_feed_is_not_asked_for_again),
		WITHOUT_INTERVAL(max_age_is_honoured),
		WITHOUT_INTERVAL(an_unchanged_feed_is_not_sent_again),
		WITH(jobs_share_a_transfer),
		WITH(redirects_are_followed_and_keep_the_address),
		WITHOUT_INTERVAL(time_is_bounded),
		WITH(many_articles_leave_room_for_others),
		WITH(cancelled_jobs_are_silent),
		cmocka_unit_test(cancel_and_close_are_safe_at_any_moment),
		cmocka_unit_test(the_cache_is_bounded_and_drops_the_oldest),
		cmocka_unit_test(what_is_too_large_for_the_cache_leaves_the_rest),
		cmocka_unit_test(verbs_are_those_of_the_schema_file),
	};

	return cmocka_run_group_tests_name("feeds", tests, group_setup, group_teardown);
}
