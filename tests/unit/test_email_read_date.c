/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read_date.h"
#include "tests/unit/unit.h"

static void dates_of_the_wild(void **state)
{
	static const struct {
		const char *date, *iso; /* "": none */
	} cases[] = {{"Thu, 21 Nov 2013 02:13:20 +0000", "2013-11-21T02:13:20.000Z"},
		{"21 Nov 2013 02:13:20", "2013-11-21T02:13:20.000Z"},
		{"Thu, 21 Nov 2013 02:13 -0800 (PST)", "2013-11-21T10:13:00.000Z"},
		{"Thu Nov 21 02:13:20 2013", "2013-11-21T02:13:20.000Z"},
		{"Thu Nov 21 02:13:20 EST 2013", "2013-11-21T07:13:20.000Z"},
		{"21 Nov 13 02:13:20 GMT", "2013-11-21T02:13:20.000Z"},
		{"21-Nov-2013 02:13:20 +0100", "2013-11-21T01:13:20.000Z"},
		{"Do, 21 Nov 2013 02:13:20 +0100 (MEZ)", "2013-11-21T01:13:20.000Z"},
		{"2013-11-21T02:13:20.123+01:00", "2013-11-21T01:13:20.123Z"},
		{"2013-11-21T02:13:20Z", "2013-11-21T02:13:20.000Z"},
		{"2013-11-21 02:13:20", "2013-11-21T02:13:20.000Z"},
		{"21 Nov 2013", "2013-11-21T00:00:00.000Z"},
		{"1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00.000Z"},
		{"31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59.000Z"}, {"", ""},
		{"yesterday", ""}, {"Thu, 21 Nov 999999999999 02:13:20 +0000", ""},
		{"Thu, 21 Nov 1913 02:13:20 +0000", ""}, {"31 Feb 2013 00:00:00 +0000", ""},
		{"31 Dec 9999 23:59:59 -0100", ""}, {"\xff\xfe", ""}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[EMAIL_READ_DATE_SIZE] = "";
		int64_t ms;

		if (email_read_date_parse(cases[i].date, &ms) == 0)
			email_read_date_format(ms, text);
		if (strcmp(text, cases[i].iso) != 0)
			fail_msg("%s: %s", cases[i].date, text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(dates_of_the_wild)};

	return cmocka_run_group_tests_name("email_read_date", tests, NULL, NULL);
}
