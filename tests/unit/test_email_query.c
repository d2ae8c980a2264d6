/* SPDX-License-Identifier: MIT */
/* What a fetch selects, and when an observer tries again: the pure parts of the platform email. */
#include "tests/unit/unit.h"

#include "core/err.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_find.h"
#include "platforms/email/email_mail.h"
#include "platforms/email/email_query.h"
#include "platforms/email/email_retry.h"

static json_t *object(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	return o;
}

static void test_dates(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = {
		{"\"1970-01-01\"", 0},
		{"\"2013-11-21\"", 1384992000000},
		{"\"2013-11-21T02:13\"", 1385000000000 - 20000},
		{"\"2013-11-21T02:13:20\"", 1385000000000},
		{"\"2013-11-21 02:13:20Z\"", 1385000000000},
		{"\"2013-11-21T02:13:20.5Z\"", 1385000000500},
		{"\"2013-11-21T02:13:20.123456Z\"", 1385000000123},
		{"\"2013-11-21T03:13:20+01:00\"", 1385000000000},
		{"\"2013-11-20T20:43:20-0530\"", 1385000000000},
		{"1385000000000", 1385000000000},
		{"\"\"", -1},
		{"\"2013\"", -1},
		{"\"2013-13-01\"", -1},
		{"\"2013-00-01\"", -1},
		{"\"2013-1-1\"", -1},
		{"\"2013-11-21T\"", -1},
		{"\"2013-11-21T25:00\"", -1},
		{"\"2013-11-21T02:13:20+1\"", -1},
		{"\"2013-11-21T02:13:20 x\"", -1},
		{"\"2013-11-21x\"", -1},
		{"\"1969-12-31\"", -1},
		{"\"yesterday\"", -1},
		{"-1", -1},
		{"9223372036854775807", -1},
		{"true", -1},
		{"1.5", -1},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *value = json_loads(rows[i].text, JSON_DECODE_ANY, NULL);
		int64_t ms = -1;
		struct err e = {.code = ERR_NONE};
		int rc = email_query_date(value, &ms, &e);

		json_decref(value);
		if (rows[i].ms < 0 ? rc == 0 || e.code != ERR_INVALID : rc < 0 || ms != rows[i].ms)
			fail_msg("%s: %d, %lld", rows[i].text, rc, (long long)ms);
	}
}

static void test_uids(void **state)
{
	static const struct {
		const char *text, *uids; /* NULL: refused */
	} rows[] = {
		{"{\"uid\":7}", "7"},
		{"{\"uid\":\"7\"}", "7"},
		{"{\"uid\":[9,3,\"5\",3,9]}", "3 5 9"},
		{"{\"uid\":4294967295}", "4294967295"},
		{"{\"uid\":4294967296}", NULL},
		{"{\"uid\":0}", NULL},
		{"{\"uid\":-1}", NULL},
		{"{\"uid\":\"x\"}", NULL},
		{"{\"uid\":\"7 \"}", NULL},
		{"{\"uid\":\"99999999999999999999\"}", NULL},
		{"{\"uid\":[1,\"x\"]}", NULL},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *o = object(rows[i].text);
		uint32_t uids[EMAIL_QUERY_UIDS];
		char text[100] = "";
		size_t n = 0;
		struct err e;
		int rc = email_query_uids(json_object_get(o, "uid"), uids, &n, &e);

		for (size_t k = 0; rc == 0 && k < n; k++)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u",
				k > 0 ? " " : "", uids[k]);
		json_decref(o);
		if (rows[i].uids == NULL ? rc == 0 : rc < 0 || strcmp(text, rows[i].uids) != 0)
			fail_msg("%s: %d, %s", rows[i].text, rc, text);
	}
}

static void test_too_many_uids(void **state)
{
	json_t *list = json_array();
	uint32_t uids[EMAIL_QUERY_UIDS];
	size_t n;
	struct err e;

	UNUSED(state);
	for (int i = 1; i <= EMAIL_QUERY_UIDS; i++)
		json_array_append_new(list, json_integer(i));
	assert_int_equal(email_query_uids(list, uids, &n, &e), 0);
	assert_int_equal(n, EMAIL_QUERY_UIDS);
	json_array_append_new(list, json_integer(1));
	assert_true(email_query_uids(list, uids, &n, &e) < 0);
	json_decref(list);
}

static void test_defaults(void **state)
{
	json_t *o = object("{\"property\":null,\"after\":\"\",\"before\":0}");
	struct email_query q;
	struct err e;

	UNUSED(state);
	assert_int_equal(email_query_read(o, 100, &q, &e), 0);
	assert_int_equal(q.page, 1);
	assert_int_equal(q.per_page, 10);
	assert_false(q.include_body || q.searches || email_query_searches(&q));
	assert_true(q.after == 0 && q.before == 0 && q.uids == NULL);
	json_decref(o);
}

static void test_options(void **state)
{
	json_t *o = object("{\"page\":3,\"perPage\":500,\"includeBody\":true,\"property\":\"uid\","
			   "\"after\":\"000a1\",\"before\":9,\"search\":{\"from\":\"x\","
			   "\"since\":\"2013-11-21\",\"unseen\":false,\"flagged\":true}}");
	struct email_query q;
	struct err e;

	UNUSED(state);
	assert_int_equal(email_query_read(o, 100, &q, &e), 0);
	assert_int_equal(q.page, 3);
	assert_int_equal(q.per_page, 100);
	assert_true(q.include_body && q.searches && email_query_searches(&q));
	assert_int_equal(q.property, EMAIL_PROPERTY_UID);
	assert_string_equal(q.after_text, "000a1");
	assert_true(q.after == 0 && q.before == 9);
	assert_string_equal(q.from, "x");
	assert_true(q.since == 1384992000000);
	assert_true(q.unseen == EMAIL_WISH_NO && q.flagged == EMAIL_WISH_YES &&
		    q.answered == EMAIL_WISH_ANY);
	json_decref(o);
}

static void test_refused(void **state)
{
	static const char *const rows[] = {"{\"after\":\"x\"}", "{\"before\":-1}",
		"{\"after\":4294967296}", "{\"property\":\"date\",\"after\":\"x\"}",
		"{\"search\":{\"since\":\"x\"}}"};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *o = object(rows[i]);
		struct email_query q;
		struct err e;

		if (email_query_read(o, 100, &q, &e) != -(int)ERR_INVALID)
			fail_msg("%s", rows[i]);
		json_decref(o);
	}
}

static void test_ranges(void **state)
{
	const uint32_t uids[] = {1, 2, 3, 7, 9, 10, 4294967295u};
	struct imap_range ranges[ARRAY_LEN(uids)];

	UNUSED(state);
	assert_int_equal(email_find_ranges(uids, 0, ranges), 0);
	assert_int_equal(email_find_ranges(uids, ARRAY_LEN(uids), ranges), 4);
	assert_true(ranges[0].first == 1 && ranges[0].last == 3);
	assert_true(ranges[1].first == 7 && ranges[1].last == 7);
	assert_true(ranges[2].first == 9 && ranges[2].last == 10);
	assert_true(ranges[3].first == 4294967295u && ranges[3].last == 4294967295u);
}

static void test_flags(void **state)
{
	json_t *names = json_loads("[\"seen\",\"draft\",\"unknown\"]", 0, NULL);

	UNUSED(state);
	assert_int_equal(email_mail_flags(names), IMAP_SEEN | IMAP_DRAFT);
	assert_int_equal(email_mail_flags(NULL), 0);
	json_decref(names);
}

/* Doubled up to the bound, a quarter less at most; given up after the time, or at once. */
static void test_retry(void **state)
{
	const struct email_limits limits = {.reconnect_max_ms = 8000, .give_up_ms = 60000};
	const struct err lost = {.code = ERR_REMOTE};
	const struct err refused = {.code = ERR_AUTH};
	struct email_retry r = {0};
	unsigned expected = 1000;

	UNUSED(state);
	for (uint64_t now = 500; now < 60000; now += 7001, expected = MIN(expected * 2, 8000)) {
		unsigned pause = email_retry_next(&r, &limits, &lost, now);

		assert_in_range(pause, expected * 3 / 4, expected);
	}
	assert_int_equal(email_retry_next(&r, &limits, &lost, 60500), 0);
	r = (struct email_retry){0};
	assert_int_equal(email_retry_next(&r, &limits, &refused, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_uids),
		cmocka_unit_test(test_too_many_uids),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
