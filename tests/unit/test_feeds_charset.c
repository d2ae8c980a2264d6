/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "platforms/feeds/feeds_charset.h"

static void which_encoding_wins(void **state)
{
	static const struct {
		const char *bytes, *content_type, *expected;
	} cases[] = {
		{"caf\xE9", NULL, "café"},
		{"caf\xC3\xA9", "text/xml; charset=iso-8859-1", "cafÃ©"},
		{"caf\xE9", "text/xml; charset=\"ISO-8859-1\"; x=y", "café"},
		{"<?xml encoding='iso-8859-1'?>\xC3\xA9", "text/xml; charset=utf-8",
			"<?xml encoding='iso-8859-1'?>é"},
		{"<?xml encoding='iso-8859-1'?>\xE9", "text/xml; charset=utf-8",
			"<?xml encoding='iso-8859-1'?>é"},
		{"<?xml encoding='utf-8'?>\xC3\xA9", "text/xml; charset=iso-8859-1",
			"<?xml encoding='utf-8'?>é"},
		{"<?xml encoding='utf-16'?>\xC3\xA9", NULL, "<?xml encoding='utf-16'?>é"},
		{" \r\n\xEF\xBB\xBF x", "text/xml; charset=koi8-r", "x"},
		{"a\x01\x0B\x7F\xEF\xBF\xBF"
		 "b",
			NULL,
			"a\x7F"
			"b"},
		{"\xED\xA0\x80", NULL, "í\xC2\xA0€"}, /* a surrogate is three bad bytes */
		{"\xF4\x90\x80\x80", NULL, "ô\xEF\xBF\xBD€€"},
		{"", NULL, ""},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_INIT;
		assert_int_equal(feeds_charset_decode(cases[i].bytes, strlen(cases[i].bytes),
					 cases[i].content_type, &out, &e),
			0);
		assert_string_equal(buf_str(&out), cases[i].expected);
		buf_release(&out);
	}
	for (size_t i = 0; i < 2; i++) {
		static const char *const bad[] = {
			"<?xml encoding='x-none'?>", "<?xml encoding='utf-7'?>"};
		struct buf out = BUF_INIT;
		assert_int_equal(
			feeds_charset_decode(bad[i], strlen(bad[i]), NULL, &out, &e), -ERR_REMOTE);
		assert_non_null(strstr(e.text, "unknown encoding"));
		buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(which_encoding_wins)};

	return cmocka_run_group_tests_name("feeds_charset", tests, NULL, NULL);
}
