/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "platforms/feeds/feeds_date.h"

static void dates(void **state)
{
	static const struct {
		const char *text;
		const char *expected; /* NULL: no date */
	} cases[] = {
		{"Fri, 01 Nov 2013 12:00:00 GMT", "2013-11-01T12:00:00.000Z"},
		{"1 Nov 2013 12:00 +0100", "2013-11-01T11:00:00.000Z"},
		{"Fri, 1 Nov 13 12:00:00 EST", "2013-11-01T17:00:00.000Z"},
		{"Friday, 01-Nov-99 12:00:00 PDT", "1999-11-01T19:00:00.000Z"},
		{"Fri, 01 Nov 2013", "2013-11-01T00:00:00.000Z"},
		{"Fri,01 November 2013 12:00:00 UTC (comment)", "2013-11-01T12:00:00.000Z"},
		{"Fri, 01 Nov 2013 12:00:00 GMT+0200", "2013-11-01T10:00:00.000Z"},
		{"Fri, 01 Nov 2013 12:00:00 -05:30", "2013-11-01T17:30:00.000Z"},
		{"Nov 1, 2013 12:00:00 Z", "2013-11-01T12:00:00.000Z"},
		{"Fri Nov 1 2013 12:00:00", "2013-11-01T12:00:00.000Z"},
		{"Fri, 01 Nov 113 00:00:00 +0000", "2013-11-01T00:00:00.000Z"},
		{" \n2013-11-01T12:00:00Z\n", "2013-11-01T12:00:00.000Z"},
		{"2013-11-01T12:00:00.25+01:00", "2013-11-01T11:00:00.250Z"},
		{"2013-11-01T12:00:00,123456Z", "2013-11-01T12:00:00.123Z"},
		{"2013-11-01 12:00:00 +0100", "2013-11-01T11:00:00.000Z"},
		{"2013-11-01T12:00Z", "2013-11-01T12:00:00.000Z"},
		{"2013-11-01", "2013-11-01T00:00:00.000Z"},
		{"2013-11", "2013-11-01T00:00:00.000Z"},
		{"2013", "2013-01-01T00:00:00.000Z"},
		{"20131101T120000Z", "2013-11-01T12:00:00.000Z"},
		{"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"},
		{"2013-11-01T24:00:00Z", "2013-11-02T00:00:00.000Z"},
		{"2000-02-29", "2000-02-29T00:00:00.000Z"},
		{"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
		{"0001-01-01", "0001-01-01T00:00:00.000Z"},
		{"9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"},
		{"1900-02-29", NULL},
		{"2013-13-01", NULL},
		{"2013-11-31", NULL},
		{"2013-00-01", NULL},
		{"", NULL},
		{"yesterday", NULL},
		{"01/11/2013", NULL},
		{"Fri, 01 Foo 2013", NULL},
		{"2013-11-01T12", NULL},
		{"2013-11-01T12:00:00Zx9", NULL},
		{"1383307200000", NULL},
		{"Fri, 01 Nov 2013 25:00:00 GMT", NULL},
		{"Fri, 99 Nov 2013", NULL},
		{"2013-11-01T12:00:00+99:00", NULL},
		{"99999999999999999999", NULL},
		{"1 Nov", NULL},
	};
	int64_t ms;
	char text[FEEDS_DATE_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc = feeds_date_parse(cases[i].text, &ms);
		if ((rc == 0) != (cases[i].expected != NULL))
			fail_msg("%s: %d", cases[i].text, rc);
		if (rc < 0)
			continue;
		feeds_date_format(ms, text);
		assert_string_equal(text, cases[i].expected);
	}
	assert_int_equal(feeds_date_parse("2013-11-01T12:00:00.000Z", &ms), 0);
	assert_int_equal(ms, 1383307200000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(dates)};

	return cmocka_run_group_tests_name("feeds_date", tests, NULL, NULL);
}
