/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/http.h"
#include "core/mem.h"
#include "core/outbound.h"
#include "tests/fake/httpd.h"

/* What a transfer ended with. */
struct answer {
	int done;
	struct err err;
	int status;
	char *body;
	size_t len;
	char *url;
	char *header; /* X-Test */
	struct world *stop;
};

struct world {
	uv_loop_t loop;
	uv_timer_t tick;
	struct outbound *outbound;
	struct http_client *client;
	struct httpd *httpd;
};

static const char *const gzip_header[] = {"Content-Encoding: gzip", NULL};
/* gzip of 1,000 times "sockethub ". */
static char gzip_body[512];
static size_t gzip_len;
static const char *redirect[8][2];
static const char *const x_test[] = {"X-Test: one", "Content-Type: text/plain", NULL};
static const char *flood[302];
static const char *const loop_header[] = {"Location: /loop", NULL};
static const char *const to_ok[] = {"Location: /ok", NULL};

static struct httpd_reply replies[] = {
	{.path = "/ok", .headers = x_test, .body = "hello"},
	{.path = "/empty", .status = 204},
	{.path = "/error", .status = 500, .body = "broken"},
	{.path = "/gzip", .headers = gzip_header, .body = gzip_body},
	{.path = "/hang", .hang = 1},
	{.path = "/endless", .endless = 1},
	{.path = "/moved", .status = 302, .headers = to_ok, .body = "not this"},
	{.path = "/flood", .headers = flood, .body = "hello"},
	{.path = "/loop", .status = 302, .headers = loop_header},
	{.path = "/to-zero", .status = 302, .headers = redirect[0]},
	{.path = "/to-ip6", .status = 302, .headers = redirect[1]},
	{.path = "/to-mapped", .status = 302, .headers = redirect[2]},
	{.path = "/to-file", .status = 302, .headers = redirect[3]},
	{.path = "/to-login", .status = 302, .headers = redirect[4]},
	{.path = "/to-other", .status = 302, .headers = redirect[5]},
	{NULL},
};

static void on_tick(uv_timer_t *t)
{
	UNUSED(t);
}

static struct world *world_new(const char *const *allow, size_t n)
{
	struct world *w = mem_alloc(sizeof *w);
	struct err e;

	uv_loop_init(&w->loop);
	uv_timer_init(&w->loop, &w->tick);
	uv_timer_start(&w->tick, on_tick, 5, 5);
	assert_int_equal(outbound_new(allow, n, &w->outbound, &e), 0);
	w->client = http_client_new(&w->loop, w->outbound, "Sockethub/test");
	w->httpd = httpd_new(replies, NULL);
	return w;
}

static void world_free(struct world *w)
{
	http_client_free(w->client);
	uv_close((uv_handle_t *)&w->tick, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	httpd_free(w->httpd);
	outbound_free(w->outbound);
	mem_free(w);
}

static const char *const local[] = {"127.0.0.1"};

static int setup(void **state)
{
	*state = world_new(local, 1);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void on_done(
	void *arg, struct http_transfer *t, struct http_response *r, const struct err *e)
{
	struct answer *a = arg;

	assert_int_equal(a->done, 0);
	a->done = 1;
	a->err = *e;
	a->status = r->status;
	a->len = r->body.len;
	a->url = mem_strdup(r->url);
	a->body = buf_take(&r->body);
	a->header = mem_strdup(http_response_header(t, "x-TEST"));
	if (a->stop != NULL) {
		http_client_free(a->stop->client);
		a->stop->client = NULL;
	}
}

static void answer_release(struct answer *a)
{
	mem_free(a->body);
	mem_free(a->url);
	mem_free(a->header);
	*a = (struct answer){0};
}

static void wait_for(struct world *w, const struct answer *a)
{
	uint64_t end = uv_hrtime() + 20000000000u;

	while (!a->done && uv_hrtime() < end)
		uv_run(&w->loop, UV_RUN_ONCE);
	assert_true(a->done);
}

static void get(struct world *w, struct http_request req, const char *path, struct answer *a)
{
	char *url = path[0] == '/' ? httpd_url(w->httpd, path) : mem_strdup(path);

	req.url = url;
	*a = (struct answer){0};
	http_start(w->client, &req, on_done, a);
	mem_free(url); /* all of the request is copied */
	assert_int_equal(a->done, 0);
	wait_for(w, a);
}

static void a_response_is_complete(void **state)
{
	struct world *w = *state;
	char *url = httpd_url(w->httpd, "/ok");
	struct answer a;
	json_t *seen;

	get(w, (struct http_request){0}, "/ok", &a);
	assert_int_equal(a.err.code, ERR_NONE);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "hello");
	assert_string_equal(a.url, url);
	assert_string_equal(a.header, "one");
	answer_release(&a);
	seen = httpd_last(w->httpd);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(seen, "headers"), "User-Agent")),
		"Sockethub/test");
	assert_string_equal(json_string_value(json_object_get(seen, "method")), "GET");
	json_decref(seen);
	mem_free(url);
	get(w, (struct http_request){0}, "/error", &a);
	assert_int_equal(a.err.code, ERR_NONE);
	assert_int_equal(a.status, 500);
	assert_string_equal(a.body, "broken");
	assert_null(a.header);
	answer_release(&a);
	get(w, (struct http_request){0}, "/empty", &a);
	assert_int_equal(a.status, 204);
	assert_int_equal(a.len, 0);
	answer_release(&a);
}

/* RFC 5891: whatever the locale of the process. libcurl knows localhost and what is below it by itself. */
static void host_names_beyond_ascii_are_converted(void **state)
{
	struct world *w = *state;
	char *url = mem_printf("http://b\xc3\xbc"
			       "cher.localhost:%d/ok",
		httpd_port(w->httpd));
	struct answer a;

	get(w, (struct http_request){0}, url, &a);
	assert_int_equal(a.err.code, ERR_NONE);
	assert_string_equal(a.body, "hello");
	answer_release(&a);
	mem_free(url);
}

static void methods_headers_and_bodies_are_sent(void **state)
{
	static const char *const headers[] = {"X-One: 1", "Content-Type: application/json", NULL};
	static const char *const methods[] = {"POST", "PUT", "DELETE", "GET"};
	struct world *w = *state;
	struct answer a;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		int with_body = i < 2;
		json_t *seen, *h;
		get(w,
			(struct http_request){.method = methods[i],
				.headers = headers,
				.body = with_body ? "{\"a\":1}" : NULL,
				.body_len = with_body ? 7 : 0},
			"/ok", &a);
		assert_int_equal(a.status, 200);
		answer_release(&a);
		seen = httpd_last(w->httpd);
		h = json_object_get(seen, "headers");
		assert_string_equal(json_string_value(json_object_get(seen, "method")), methods[i]);
		assert_string_equal(json_string_value(json_object_get(seen, "body")),
			with_body ? "{\"a\":1}" : "");
		assert_string_equal(json_string_value(json_object_get(h, "X-One")), "1");
		assert_null(json_object_get(h, "Expect"));
		json_decref(seen);
	}
}

static void compressed_bodies_are_undone_and_bounded(void **state)
{
	struct world *w = *state;
	struct answer a;

	get(w, (struct http_request){0}, "/gzip", &a);
	assert_int_equal(a.err.code, ERR_NONE);
	assert_int_equal(a.len, 10000);
	assert_memory_equal(a.body, "sockethub sockethub ", 20);
	answer_release(&a);
	get(w, (struct http_request){.max_bytes = 10000}, "/gzip", &a);
	assert_int_equal(a.err.code, ERR_NONE);
	answer_release(&a);
	get(w, (struct http_request){.max_bytes = 9999}, "/gzip", &a);
	assert_int_equal(a.err.code, ERR_TOO_LARGE);
	assert_true(a.len <= 9999);
	answer_release(&a);
	get(w, (struct http_request){.max_bytes = 100000}, "/endless", &a);
	assert_int_equal(a.err.code, ERR_TOO_LARGE);
	assert_non_null(strstr(a.err.text, "100000 bytes"));
	answer_release(&a);
}

static void header_fields_are_bounded(void **state)
{
	struct world *w = *state;
	struct answer a;

	get(w, (struct http_request){0}, "/flood", &a);
	assert_int_equal(a.err.code, ERR_TOO_LARGE);
	assert_non_null(strstr(a.err.text, "header fields"));
	answer_release(&a);
}

static void time_is_bounded(void **state)
{
	struct world *w = *state;
	uint64_t begin = uv_hrtime();
	struct answer a;

	get(w, (struct http_request){.timeout_ms = 150}, "/hang", &a);
	assert_int_equal(a.err.code, ERR_TIMEOUT);
	assert_true(uv_hrtime() - begin >= 140000000u);
	assert_true(uv_hrtime() - begin < 10000000000u);
	answer_release(&a);
}

static void redirects_are_followed_as_far_as_asked(void **state)
{
	struct world *w = *state;
	struct answer a;

	get(w, (struct http_request){0}, "/moved", &a);
	assert_int_equal(a.status, 302);
	answer_release(&a);
	get(w, (struct http_request){.max_redirects = 1}, "/moved", &a);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "hello");
	assert_string_equal(a.header, "one");
	assert_non_null(strstr(a.url, "/ok"));
	answer_release(&a);
	get(w, (struct http_request){.max_redirects = 3}, "/loop", &a);
	assert_int_equal(a.err.code, ERR_REMOTE);
	assert_int_equal(httpd_count(w->httpd, "/loop"), 4);
	answer_release(&a);
}

static void forbidden_addresses_are_refused_also_behind_redirects(void **state)
{
	static const struct {
		const char *path;
		enum err_code code;
	} cases[] = {
		{"http://127.0.0.2:9/", ERR_BLOCKED},
		{"http://[::1]:9/", ERR_BLOCKED},
		{"http://0.0.0.0:9/", ERR_BLOCKED},
		{"http://[::ffff:10.0.0.1]:9/", ERR_BLOCKED},
		{"http://[::ffff:127.0.0.2]/", ERR_BLOCKED},
		{"http://0x7f000002/", ERR_BLOCKED},
		{"http://2130706434/", ERR_BLOCKED},
		{"http://127.2/", ERR_BLOCKED},
		{"http://169.254.169.254/latest", ERR_BLOCKED},
		{"/to-zero", ERR_BLOCKED},
		{"/to-ip6", ERR_BLOCKED},
		{"/to-mapped", ERR_BLOCKED},
		{"/to-other", ERR_BLOCKED},
		{"/to-file", ERR_REMOTE},
		{"/to-login", ERR_INVALID},
	};
	struct world *w = *state;
	struct answer a;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		get(w, (struct http_request){.max_redirects = 5}, cases[i].path, &a);
		if (a.err.code != cases[i].code)
			fail_msg("%s: %s (%s)", cases[i].path, err_token((int)a.err.code),
				a.err.text);
		if (a.err.code == ERR_BLOCKED)
			assert_non_null(strstr(a.err.text, "is not allowed"));
		answer_release(&a);
	}
}

static void loopback_is_refused_unless_allowed(void **state)
{
	struct world *w = world_new(NULL, 0);
	struct answer a;

	(void)state;
	get(w, (struct http_request){0}, "/ok", &a);
	assert_int_equal(a.err.code, ERR_BLOCKED);
	assert_string_equal(a.err.text, "connect 127.0.0.1: the address 127.0.0.1 is not allowed");
	assert_int_equal(httpd_count(w->httpd, NULL), 0);
	answer_release(&a);
	get(w, (struct http_request){0}, "http://localhost:1/", &a);
	assert_int_equal(a.err.code, ERR_BLOCKED);
	answer_release(&a);
	world_free(w);
}

static void bad_urls_are_told_from_bad_hosts(void **state)
{
	static const struct {
		const char *url;
		enum err_code code;
		const char *text;
	} cases[] = {
		{"", ERR_INVALID, "Invalid URI"},
		{"example.org/feed", ERR_INVALID, "Invalid URI"},
		{"file:///etc/passwd", ERR_INVALID, "only http and https"},
		{"ftp://example.org/", ERR_INVALID, "only http and https"},
		{"gopher://127.0.0.1:6379/_x", ERR_INVALID, "only http and https"},
		{"http://", ERR_INVALID, "Invalid URI"},
		{"http://user@127.0.0.1/", ERR_INVALID, "user name"},
		{"http://user:pass@127.0.0.1/", ERR_INVALID, "user name"},
		{"http://127.0.0.1:99999/", ERR_INVALID, "Invalid URI"},
		{"http://127.0.0.1/\r\nHost: x", ERR_INVALID, "Invalid URI"},
		{"http://does-not-exist.invalid/", ERR_RESOLVE, "does-not-exist.invalid"},
	};
	struct world *w = *state;
	struct answer a;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		get(w, (struct http_request){0}, cases[i].url, &a);
		if (a.err.code != cases[i].code || strstr(a.err.text, cases[i].text) == NULL)
			fail_msg("%s: %s (%s)", cases[i].url, err_token((int)a.err.code),
				a.err.text);
		answer_release(&a);
	}
}

/* A port that was free a moment ago. */
static int closed_port(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	close(fd);
	return ntohs(sa.sin_port);
}

static void connect_and_tls_failures_are_named(void **state)
{
	struct world *w = *state;
	char *refused = mem_printf("http://127.0.0.1:%d/", closed_port());
	char *not_tls = mem_printf("https://127.0.0.1:%d/", httpd_port(w->httpd));
	struct answer a;

	get(w, (struct http_request){0}, refused, &a);
	assert_int_equal(a.err.code, ERR_CONNECT);
	assert_non_null(strstr(a.err.text, "connect ECONNREFUSED 127.0.0.1"));
	answer_release(&a);
	get(w, (struct http_request){0}, not_tls, &a);
	assert_int_equal(a.err.code, ERR_TLS);
	answer_release(&a);
	mem_free(refused);
	mem_free(not_tls);
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char bytes[4096];
	size_t n;

	assert_non_null(f);
	n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	return mem_dup(bytes, n);
}

/* The key is published with these sources and protects nothing. */
static void an_unknown_certificate_is_refused(void **state)
{
	struct world *w = *state;
	char *key = read_file("tests/data/http/untrusted.key");
	char *pem = read_file("tests/data/http/untrusted.pem");
	struct httpd *tls = httpd_new(replies, (const char *const[]){key, pem});
	char *url = mem_printf("https://127.0.0.1:%d/ok", httpd_port(tls));
	struct answer a;

	get(w, (struct http_request){0}, url, &a);
	assert_int_equal(a.err.code, ERR_TLS);
	assert_non_null(strstr(a.err.text, "certificate"));
	assert_int_equal(httpd_count(tls, NULL), 0);
	answer_release(&a);
	httpd_free(tls);
	mem_free(url);
	mem_free(key);
	mem_free(pem);
}

static void header_injection_is_refused(void **state)
{
	static const char *const headers[] = {"X-One: 1\r\nX-Two: 2", NULL};
	struct world *w = *state;
	struct answer a;

	get(w, (struct http_request){.headers = headers}, "/ok", &a);
	assert_int_equal(a.err.code, ERR_INVALID);
	assert_int_equal(httpd_count(w->httpd, NULL), 0);
	answer_release(&a);
}

static void proxies_of_the_environment_are_ignored(void **state)
{
	struct world *w = *state;
	struct answer a;

	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("all_proxy", "http://127.0.0.1:1/", 1);
	get(w, (struct http_request){0}, "/ok", &a);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	assert_int_equal(a.status, 200);
	answer_release(&a);
}

static void a_cancelled_transfer_is_silent(void **state)
{
	struct world *w = *state;
	char *hang = httpd_url(w->httpd, "/hang"), *ok = httpd_url(w->httpd, "/ok");
	struct http_request req = {.url = hang};
	struct answer a = {0}, b = {0}, c = {0};
	struct http_transfer *t = http_start(w->client, &req, on_done, &a), *u, *none = NULL;

	req.url = ok;
	u = http_start(w->client, &req, on_done, &b);
	http_cancel(&u); /* before it began */
	assert_null(u);
	http_cancel(&none);
	while (httpd_count(w->httpd, "/hang") == 0)
		uv_run(&w->loop, UV_RUN_ONCE);
	http_cancel(&t); /* in the middle */
	assert_null(t);
	req.url = "nonsense";
	t = http_start(w->client, &req, on_done, &b);
	http_cancel(&t); /* while its error waits to be told */
	req.url = ok;
	http_start(w->client, &req, on_done, &c);
	wait_for(w, &c);
	assert_int_equal(a.done + b.done, 0);
	answer_release(&c);
	mem_free(hang);
	mem_free(ok);
}

static void the_client_may_go_at_any_time(void **state)
{
	struct world *w = world_new(local, 1);
	char *hang = httpd_url(w->httpd, "/hang"), *ok = httpd_url(w->httpd, "/ok");
	struct answer a = {0}, b = {0}, c = {0};

	(void)state;
	b.stop = w; /* its callback frees the client */
	http_start(w->client, &(struct http_request){.url = hang}, on_done, &a);
	http_start(w->client, &(struct http_request){.url = ok}, on_done, &b);
	http_start(w->client, &(struct http_request){.url = hang}, on_done, &c);
	wait_for(w, &b);
	assert_int_equal(b.status, 200);
	answer_release(&b);
	world_free(w);
	assert_int_equal(a.done + c.done, 0);
	mem_free(hang);
	mem_free(ok);
}

static void many_transfers_run_side_by_side(void **state)
{
	struct world *w = *state;
	char *ok = httpd_url(w->httpd, "/ok");
	struct answer a[100] = {{0}};

	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		http_start(w->client, &(struct http_request){.url = ok}, on_done, &a[i]);
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		wait_for(w, &a[i]);
		assert_int_equal(a[i].status, 200);
		assert_string_equal(a[i].body, "hello");
		answer_release(&a[i]);
	}
	mem_free(ok);
}

/* --- what the replies need that is not known at compile time ---------------------------------------------------- */

static int group_setup(void **state)
{
	FILE *pipe = popen("for i in $(seq 1000); do printf 'sockethub '; done | gzip -9 -n", "r");

	(void)state;
	gzip_len = fread(gzip_body, 1, sizeof gzip_body, pipe);
	pclose(pipe);
	assert_in_range(gzip_len, 20, sizeof gzip_body - 1);
	for (struct httpd_reply *r = replies; r->path != NULL; r++)
		if (strcmp(r->path, "/gzip") == 0)
			r->len = gzip_len;
	for (size_t i = 0; i < 300; i++)
		flood[i] = "X-Flood: x";
	redirect[0][0] = "Location: http://0.0.0.0:9/";
	redirect[1][0] = "Location: http://[::1]:9/";
	redirect[2][0] = "Location: http://[::ffff:127.0.0.2]:9/";
	redirect[3][0] = "Location: file:///etc/passwd";
	redirect[4][0] = "Location: http://user:pass@127.0.0.1:9/";
	redirect[5][0] = "Location: http://127.0.0.2:9/";
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_response_is_complete, setup, teardown),
		cmocka_unit_test_setup_teardown(
			methods_headers_and_bodies_are_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(
			compressed_bodies_are_undone_and_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
			host_names_beyond_ascii_are_converted, setup, teardown),
		cmocka_unit_test_setup_teardown(header_fields_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(time_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
			redirects_are_followed_as_far_as_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(
			forbidden_addresses_are_refused_also_behind_redirects, setup, teardown),
		cmocka_unit_test(loopback_is_refused_unless_allowed),
		cmocka_unit_test_setup_teardown(bad_urls_are_told_from_bad_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(
			connect_and_tls_failures_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unknown_certificate_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(header_injection_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			proxies_of_the_environment_are_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cancelled_transfer_is_silent, setup, teardown),
		cmocka_unit_test(the_client_may_go_at_any_time),
		cmocka_unit_test_setup_teardown(many_transfers_run_side_by_side, setup, teardown),
	};

	return cmocka_run_group_tests_name("http", tests, group_setup, NULL);
}
