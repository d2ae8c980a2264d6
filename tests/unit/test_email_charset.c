/* SPDX-License-Identifier: MIT */
#include "core/buf.h"
#include "platforms/email/email_charset.h"
#include "tests/unit/unit.h"

static void check(const char *label, const char *bytes, size_t len, const char *expected)
{
	struct buf out = BUF_INIT;

	assert_int_equal(email_charset_decode(bytes, len, label, 1000, &out), 0);
	if (strcmp(buf_str(&out), expected) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", label, buf_str(&out), expected);
	buf_release(&out);
}

#define CHECK(label, bytes, expected) check(label, bytes, sizeof bytes - 1, expected)

static void encodings_by_any_name(void **state)
{
	static const struct {
		const char *label, *bytes, *text;
	} cases[] = {{"utf-8", "\xc3\xa9", "é"}, {"UTF8", "\xc3\xa9", "é"},
		{"\"utf-8\"", "\xc3\xa9", "é"}, {"iso-8859-1", "\xe9", "é"},
		{"ISO_8859-1:1987", "\xe9", "é"}, {"latin1", "\x80", "€"},
		{"windows-1252", "\x93", "“"}, {"CP-1252", "\x93", "“"},
		{"iso-8859-15", "\xa4", "€"}, {"ISO8859-15", "\xa4", "€"},
		{"iso-8859-2", "\xb1", "ą"}, {"koi8-r", "\xf0", "П"}, {"windows-1251", "\xcf", "П"},
		{"cp-850", "\x81", "ü"}, {"IBM850", "\x81", "ü"}, {"shift_jis", "\x82\xa0", "あ"},
		{"x-sjis", "\x82\xa0", "あ"}, {"euc-jp", "\xa4\xa2", "あ"},
		{"ISO-2022-JP", "\x1b$B$\"\x1b(B", "あ"}, {"euc-kr", "\xb0\xa1", "가"},
		{"ks_c_5601-1987", "\xb0\xa1", "가"}, {"gb2312", "\xc4\xe3", "你"},
		{"gbk", "\xc4\xe3", "你"}, {"gb18030", "\xc4\xe3", "你"},
		{"Big5", "\xa7\x41", "你"}, {"utf-7", "Hi +AOk-", "Hi é"}, {"tis-620", "\xa1", "ก"},
		{"iso-8859-8-i", "\xe0", "א"}, {"macintosh", "\x8e", "é"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(cases[i].label, cases[i].bytes, strlen(cases[i].bytes), cases[i].text);
}

static void names_that_are_wrong(void **state)
{
	(void)state;
	CHECK(NULL, "\xc3\xa9", "é");
	CHECK(NULL, "\xe9t\xe9", "été");
	CHECK("", "\xe9", "é");
	CHECK("unknown-8bit", "\xfc", "ü");
	CHECK("x-user-defined-and-longer-than-any-name", "\xfc", "ü");
	CHECK("us-ascii", "\xc3\xa9 \xe9 x", "é é x");
	CHECK("utf-8", "\xe9t\xe9 x", "été x");
	CHECK("iso-8859-1", "\xc3\xa9 \xe2\x82\xac", "é €");
	/* One character that is not valid, and it is Latin-1 after all. */
	CHECK("iso-8859-1", "\xc3\xa9 \xe9 ", "Ã© é ");
	/* A name that iconv knows is still none of ours. */
	CHECK("ISO-2022-CN-EXT", "\xe9 x", "é x");
	CHECK("UNICODE//TRANSLIT", "\xe9 x", "é x");
	CHECK("../../x", "\xe9 x", "é x");
}

static void utf_16_in_any_order(void **state)
{
	(void)state;
	CHECK("utf-16", "\xff\xfe\xe9\0x\0", "éx");
	CHECK("utf-16", "\xfe\xff\0\xe9\0x", "éx");
	CHECK("utf-16", "h\0i\0", "hi");
	CHECK("utf-16", "\0h\0i", "hi");
	CHECK("utf-16le", "\x60\x4f", "你");
	CHECK("utf-16be", "\x4f\x60", "你");
	CHECK("utf-16", "plain after all", "plain after all");
	CHECK("utf-16le", "\x3d\xd8\x00\xde", "😀");
	CHECK("utf-16le", "\x00\xde\x3d\xd8x\0", "��x");
}

static void what_json_cannot_have_is_gone(void **state)
{
	(void)state;
	CHECK("utf-8", "a\0b\x01\x1b\x7f\t\r\n", "ab\t\r\n");
	CHECK("utf-8", "\xef\xbb\xbfx", "x");
	/* Overlong, surrogate, beyond Unicode, a lone continuation (RFC 3629, 3 and 4). */
	CHECK("utf-8", "\xc0\x80x", "À€x");
	CHECK("utf-8", "\xed\xa0\x80x", "í\u00a0€x");
	CHECK("utf-8", "\xf5x\x80y", "õx€y");
	CHECK("windows-1252", "\x81", "�");
	CHECK("iso-2022-jp", "\x1b$B\xff\xff", "��");
}

static void a_character_at_the_cut_is_left_out(void **state)
{
	(void)state;
	CHECK("utf-8", "x\xe2\x82", "x");
	CHECK(NULL, "\xc3\xa9x\xe2\x82", "éx");
	/* Without a sign of UTF-8 it is one of windows-1252. */
	CHECK(NULL, "caf\xe9", "café");
	CHECK("shift_jis", "x\x82", "x");
}

static void lengths_are_bounded(void **state)
{
	struct buf out = BUF_INIT, in = BUF_INIT;

	(void)state;
	buf_add_str(&out, "before");
	assert_int_equal(email_charset_decode("\xe9\xe9\xe9", 3, "latin1", 5, &out), 1);
	assert_string_equal(out.data, "beforeéé");
	buf_clear(&out);
	assert_int_equal(email_charset_decode("abc", 3, "utf-8", 3, &out), 0);
	assert_int_equal(email_charset_decode("abc", 3, "utf-8", 0, &out), 1);
	assert_string_equal(out.data, "abc");
	for (int i = 0; i < 100000; i++)
		buf_add_str(&in, "\x82\xa0");
	buf_clear(&out);
	assert_int_equal(email_charset_decode(in.data, in.len, "shift_jis", 300000, &out), 0);
	assert_int_equal(out.len, 300000);
	buf_clear(&out);
	assert_int_equal(email_charset_decode(in.data, in.len, "shift_jis", 100000, &out), 1);
	assert_int_equal(out.len, 99999);
	buf_release(&in);
	buf_release(&out);
}

static void is_utf8(void **state)
{
	(void)state;
	assert_true(email_charset_is_utf8("\xc3\xa9", 2));
	assert_true(email_charset_is_utf8("\xc3\xa9\xc3", 3));
	assert_false(email_charset_is_utf8("ascii", 5));
	assert_false(email_charset_is_utf8("caf\xe9", 4));
	assert_false(email_charset_is_utf8("\xe9t\xe9", 3));
	assert_false(email_charset_is_utf8(NULL, 0));
}

static int is_loaded(const char *module)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	int found = 0;

	assert_non_null(maps);
	while (!found && fgets(line, sizeof line, maps) != NULL)
		found = strstr(line, module) != NULL;
	fclose(maps);
	return found;
}

/* Loading a converter again for each word would take long. (glibc unloads one after some calls for others.) */
static void converters_stay(void **state)
{
	UNUSED(state);
	CHECK("iso-2022-kr", "a", "a");
	for (int i = 0; i < 20; i++) {
		CHECK("euc-jp", "a", "a");
		CHECK("koi8-r", "a", "a");
		CHECK("big5", "a", "a");
	}
	assert_true(is_loaded("ISO-2022-KR.so"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(converters_stay),
		cmocka_unit_test(encodings_by_any_name),
		cmocka_unit_test(names_that_are_wrong),
		cmocka_unit_test(utf_16_in_any_order),
		cmocka_unit_test(what_json_cannot_have_is_gone),
		cmocka_unit_test(a_character_at_the_cut_is_left_out),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(is_utf8),
	};

	return cmocka_run_group_tests_name("email_charset", tests, NULL, NULL);
}
