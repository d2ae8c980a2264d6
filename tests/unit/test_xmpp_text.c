/* SPDX-License-Identifier: MIT */
/* What stanzas are full of: dates and UTF-8. */
#include "platforms/xmpp/xmpp_date.h"
#include "platforms/xmpp/xmpp_utf8.h"
#include "tests/unit/unit.h"

/* --- dates ------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *text, *out; /* NULL: no date */
} dates[] = {
	{"2010-07-10T23:08:25Z", "2010-07-10T23:08:25.000Z"},
	{"2010-07-10T23:08:25.1Z", "2010-07-10T23:08:25.100Z"},
	{"2010-07-10T23:08:25.1239999999999999999999Z", "2010-07-10T23:08:25.123Z"},
	{"2010-07-10T23:08:25+02:00", "2010-07-10T21:08:25.000Z"},
	{"2010-07-10T23:08:25-05:30", "2010-07-11T04:38:25.000Z"},
	{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
	{"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
	{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"},
	{"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"},
	{"2023-02-29T00:00:00Z", NULL},
	{"1969-12-31T23:59:59Z", NULL},
	{"1970-01-01T00:00:00+01:00", NULL},
	{"9999-12-31T23:59:59-01:00", NULL},
	{"2010-07-10T23:08:25", NULL},
	{"2010-07-10T23:08:25.Z", NULL},
	{"2010-07-10T23:08:25Zx", NULL},
	{"2010-07-10T23:08:25+2:00", NULL},
	{"2010-07-10T23:08:25+99:00", NULL},
	{"2010-07-10 23:08:25Z", NULL},
	{"2010-13-10T23:08:25Z", NULL},
	{"2010-00-10T23:08:25Z", NULL},
	{"2010-04-31T23:08:25Z", NULL},
	{"2010-07-10T24:08:25Z", NULL},
	{"20100710T23:08:25", NULL},
	{"-010-07-10T23:08:25Z", NULL},
	{"2010-07-10T", NULL},
	{"", NULL},
	{NULL, NULL},
};

static void test_dates(void **state)
{
	char out[XMPP_DATE_SIZE];

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		int64_t ms;
		int rc = xmpp_date_parse(dates[i].text, &ms);
		if ((rc == 0) != (dates[i].out != NULL))
			fail_msg("%s: %d", dates[i].text, rc);
		if (rc < 0)
			continue;
		xmpp_date_format(ms, out);
		assert_string_equal(out, dates[i].out);
	}
	xmpp_date_format(INT64_MIN, out);
	assert_string_equal(out, "1970-01-01T00:00:00.000Z");
	xmpp_date_format(INT64_MAX, out);
	assert_string_equal(out, "9999-12-31T23:59:59.999Z");
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *in;
	size_t max;
	const char *out;
	int cut;
} texts[] = {
	{"plain", 100, "plain", 0},
	{"a\tb\r\nc", 100, "a\tb\r\nc", 0},
	{"a\x01"
	 "b\x1F"
	 "c\x7F"
	 "d",
		100, "abcd", 0},
	{"\xEF\xBF\xBE"
	 "x\xEF\xBF\xBF",
		100, "x", 0},
	{"a\xFF"
	 "b",
		100,
		"a\xEF\xBF\xBD"
		"b",
		0},
	{"\xC3(", 100, "\xEF\xBF\xBD(", 0},
	{"\xC3", 100, "\xEF\xBF\xBD", 0},
	{"\xE2\x82", 100, "\xEF\xBF\xBD\xEF\xBF\xBD", 0},
	{"\xED\xA0\x80", 100, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 0},
	{"\xF4\x90\x80\x80", 3, "\xEF\xBF\xBD", 1},
	{"\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 7, "\xF0\x9F\x98\x80", 1},
	{"abc", 3, "abc", 0},
	{"abcd", 3, "abc", 1},
	{"abc\x01", 3, "abc", 0},
	{"", 0, "", 0},
};

static void test_clean(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct buf b = BUF_INIT;
		int cut = xmpp_utf8_clean(&b, texts[i].in, strlen(texts[i].in), texts[i].max);
		assert_string_equal(buf_str(&b), texts[i].out);
		assert_int_equal(cut, texts[i].cut);
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
