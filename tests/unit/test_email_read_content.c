/* SPDX-License-Identifier: MIT */
#include "core/buf.h"
#include "platforms/email/email_read_content.h"
#include "tests/unit/unit.h"

static void decoding_is_bounded(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(email_read_content_decode("QUJDREVG", 8, "base64", 4, &out), 1);
	assert_string_equal(out.data, "ABCD");
	buf_clear(&out);
	assert_int_equal(email_read_content_decode("=41=42", 6, "Quoted-Printable", 2, &out), 0);
	assert_int_equal(email_read_content_decode("plain", 5, "7bit", 3, &out), 1);
	assert_string_equal(out.data, "ABpla");
	assert_int_equal(email_read_content_size("QUJDREVG", 8, "base64"), 6);
	buf_release(&out);
}

static void base64_may_lack_its_end(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {{"QUJD", "ABC"}, {"QUI=", "AB"}, {"QUI", "AB"}, {"QQ", "A"}, {"Q", ""},
		{"", ""}, {"QUJDRA", "ABCD"}, {"QUJDREU", "ABCDE"}, {"====", ""}, {"Q U\n*I", "AB"},
		{"QUI=\n-- a footer", "AB"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_INIT;

		email_read_content_decode(cases[i].in, strlen(cases[i].in), "base64", 100, &out);
		if (strcmp(buf_str(&out), cases[i].out) != 0)
			fail_msg("%s: %s", cases[i].in, buf_str(&out));
		buf_release(&out);
	}
}

static void other_encodings(void **state)
{
	static const struct {
		const char *encoding, *in, *out;
	} cases[] = {{NULL, "a=41", "a=41"}, {"", "a=41", "a=41"}, {"8bit", "a=41", "a=41"},
		{"nonsense", "a=41", "a=41"}, {"quoted-printable", "a=41=\r\nb=ZZ=3d", "aAb=ZZ="},
		{"QUOTED-PRINTABLE", "x =\ny", "x y"},
		{"x-uuencode", "text\nbegin 644 a\n#86)C\n`\nend\n", "abc"},
		{"uuencode", "begin 644 a\n#86)C\n`\nend\n", "abc"},
		{"x-uuencode", "none", "none"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out = BUF_INIT;
		size_t len = strlen(cases[i].in);

		assert_int_equal(
			email_read_content_decode(cases[i].in, len, cases[i].encoding, 100, &out),
			0);
		if (strcmp(buf_str(&out), cases[i].out) != 0)
			fail_msg("%s: %s", cases[i].in, buf_str(&out));
		assert_int_equal(
			email_read_content_size(cases[i].in, len, cases[i].encoding), out.len);
		buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_is_bounded),
		cmocka_unit_test(base64_may_lack_its_end),
		cmocka_unit_test(other_encodings),
	};

	return cmocka_run_group_tests_name("email_read_content", tests, NULL, NULL);
}
