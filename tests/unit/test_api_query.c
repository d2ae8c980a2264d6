/* SPDX-License-Identifier: MIT */
/* The parts of a request that the api reads by itself: query, Accept, Origin. */
#include "tests/unit/unit.h"

#include "core/err.h"
#include "gateway/api_priv.h"
#include "gateway/cors.h"

static void test_query(void **state)
{
	char out[8];

	UNUSED(state);
	assert_int_equal(api_query("", "a", out, sizeof out), 0);
	assert_int_equal(api_query("a", "a", out, sizeof out), 0);
	assert_int_equal(api_query("a=", "a", out, sizeof out), 1);
	assert_string_equal(out, "");
	assert_int_equal(api_query("b=1&aa=2&a=3&a=4", "a", out, sizeof out), 1);
	assert_string_equal(out, "3");
	assert_int_equal(api_query("&&=&a=1=2&", "a", out, sizeof out), 1);
	assert_string_equal(out, "1=2");
	assert_int_equal(api_query("a=1234567", "a", out, sizeof out), 1);
	assert_int_equal(api_query("a=12345678", "a", out, sizeof out), -(int)ERR_INVALID);
	assert_int_equal(api_query("ab=1", "a", out, sizeof out), 0);
	assert_int_equal(api_query("A=1", "a", out, sizeof out), 0);
}

static void check_number(const char *query, int rc, long expected)
{
	long n = -1;

	assert_int_equal(api_query_number(query, "n", 60, 25, &n), rc);
	if (rc >= 0)
		assert_int_equal(n, expected);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = {"n=", "n=x", "n=-1", "n=+1", "n= 1", "n=1 ", "n=1.0",
		"n=0x1", "n=1e1", "n=%31", "n=999999999999"};

	UNUSED(state);
	check_number("", 0, 25);
	check_number("m=1", 0, 25);
	check_number("n=0", 0, 0);
	check_number("n=60", 0, 60);
	check_number("n=61", 0, 60);
	check_number("n=99999999999", 0, 60);
	check_number("n=007", 0, 7);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check_number(bad[i], -(int)ERR_INVALID, 0);
}

static void test_cursors(void **state)
{
	char out[OUTBOX_CURSOR_SIZE];

	UNUSED(state);
	assert_int_equal(api_query_cursor("", "after", out), 0);
	assert_string_equal(out, "");
	assert_int_equal(api_query_cursor("after=5-1", "after", out), 0);
	assert_string_equal(out, "5-1");
	assert_true(api_query_cursor("after=5", "after", out) < 0);
	assert_true(api_query_cursor(
			    "after=1111111111111111111111111111111111111111-1", "after", out) < 0);
}

static void test_accept(void **state)
{
	static const struct {
		const char *accept;
		int json, events;
	} rows[] = {
		{NULL, 1, 1},
		{"", 1, 1},
		{"*/*", 1, 1},
		{"application/json", 1, 0},
		{"text/event-stream", 0, 1},
		{"text/*", 0, 1},
		{"TEXT/Event-Stream;q=0.5 , image/png", 0, 1},
		{"image/png,*/*;q=0.8", 1, 1},
		{"*/*;q=0", 0, 0},
		{"application/json;q=0.000, text/event-stream;q=0.001", 0, 1},
		{"application/json; charset=utf-8; q=1", 1, 0},
		{"application/jsonx, x/application/json", 0, 0},
		{"application/", 0, 0},
		{"application", 0, 0},
		{"*", 0, 0},
		{",,, ,", 0, 0},
		{" \t", 0, 0},
		{"application/json;q=0.10", 1, 0},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (api_accepts(rows[i].accept, "application/json") != rows[i].json ||
			api_accepts(rows[i].accept, "text/event-stream") != rows[i].events)
			fail_msg("Accept: %s", rows[i].accept);
	}
}

/* --- origins ------------------------------------------------------------------------------------------------------ */

static const char *origin, *host;

static const char *header(struct exchange *x, const char *name)
{
	UNUSED(x);
	if (strcmp(name, "Origin") == 0)
		return origin;
	assert_string_equal(name, "Host");
	return host;
}

static const struct exchange_ops ops = {.header = header};

static int allowed(const char *from, const char *at, const char *listed)
{
	char *items[] = {(char *)listed};
	struct conf c = {.http_origins = {listed != NULL, items}};
	struct exchange x = {.ops = &ops};
	struct http_header out[3];
	size_t n;
	int rc;

	origin = from;
	host = at;
	rc = cors_allows(&c, &x);
	n = cors_headers(&c, &x, out);
	/* Who is no page needs no headers; who may not, gets none. */
	assert_int_equal(n, rc && from != NULL ? 3 : 0);
	if (n > 0)
		assert_string_equal(out[0].value, from);
	return rc;
}

static void test_origins(void **state)
{
	UNUSED(state);
	assert_true(allowed(NULL, "a:1", NULL));
	assert_true(allowed("http://a:1", "a:1", NULL));
	assert_true(allowed("https://A:1", "a:1", NULL));
	assert_false(allowed("http://a", "a:1", NULL));
	assert_false(allowed("http://a:1.evil", "a:1", NULL));
	assert_false(allowed("http://evil/a:1", "a:1", NULL));
	assert_false(allowed("null", "null", NULL));
	assert_false(allowed("", "", NULL));
	assert_false(allowed("http://a", NULL, NULL));
	assert_true(allowed("https://app.example", "a", "https://app.example"));
	assert_true(allowed("HTTPS://app.example", "a", "https://app.example"));
	assert_false(allowed("http://app.example", "a", "https://app.example"));
	assert_false(allowed("https://app.example.evil", "a", "https://app.example"));
	assert_true(allowed("null", "a", "*"));
	assert_true(allowed("x", NULL, "*"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_cursors),
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
