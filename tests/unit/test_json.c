/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/err.h"
#include "core/json.h"

static int setup(void **state)
{
	UNUSED(state);
	json_setup();
	return 0;
}

/* Reads and writes; NULL when it cannot be read. GIVES. */
static char *round_trip(const char *text)
{
	struct buf b = BUF_INIT;
	struct err e;
	json_t *value = json_read(text, strlen(text), 8, &e);

	if (value == NULL) {
		assert_int_equal(e.code, ERR_JSON);
		return NULL;
	}
	json_append(&b, value);
	json_decref(value);
	return buf_take(&b);
}

static void check(const char *text, const char *expected)
{
	char *found = round_trip(text);

	if (expected == NULL) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, expected);
	free(found);
}

static void test_numbers(void **state)
{
	static const char *const same[] = {"0", "-1", "9007199254740993", "9223372036854775807",
		"-9223372036854775808", "0.1", "-0.25", "1.5", "1e+300", "1.7976931348623157e+308",
		"123456789.12345679", "0.30000000000000004", "1.0"};
	static const char *const refused[] = {"9223372036854775808", "-9223372036854775809",
		"1e309", "-1e309", "01", "+1", ".5", "1.", "1e", "0x1", "NaN", "Infinity", "--1"};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		check(same[i], same[i]);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		check(refused[i], NULL);
	check("1e2", "100.0");
	check("-0", "0");
	check("1E-2", "0.01");
}

static void test_values(void **state)
{
	UNUSED(state);
	check(" [ ] ", "[]");
	check("{ }", "{}");
	check("[1,\"a\",true,false,null,{\"b\":[{}],\"a\":{}}]",
		"[1,\"a\",true,false,null,{\"b\":[{}],\"a\":{}}]");
	check("\"\\u00e4\\/\\ud83d\\ude00\\u007f\"", "\"\xC3\xA4/\xF0\x9F\x98\x80\x7F\"");
	check("\"\\b\\f\\n\\r\\t\\\"\\\\\\u0001\"", "\"\\b\\f\\n\\r\\t\\\"\\\\\\u0001\"");
	check("\"\\u001F\"", "\"\\u001F\"");
}

static void test_refused(void **state)
{
	static const char *const refused[] = {"", " ", "{", "[1,]", "{\"a\":1,}",
		"{\"a\":1,\"a\":2}", "\"\\u0000\"", "\"\\ud800\"", "\"\xFF\"", "\"\xC0\xAF\"",
		"\"\xED\xA0\x80\"", "1 2", "{} x", "'a'", "{a:1}", "\"\n\"", "//\n1",
		"\xEF\xBB\xBF{}", "{1:2}", "tru"};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		check(refused[i], NULL);
}

static void test_length_counts(void **state)
{
	struct err e;

	UNUSED(state);
	assert_null(json_read("1\0", 2, 8, &e));
	assert_null(json_read("\"a\0b\"", 5, 8, &e));
	assert_null(json_read("[1\0,2]", 6, 8, &e));
	json_t *value = json_read("12345", 2, 8, &e);
	assert_int_equal(json_integer_value(value), 12);
	json_decref(value);
}

static void test_depth(void **state)
{
	struct err e;

	UNUSED(state);
	check("[[[[[[[[]]]]]]]]", "[[[[[[[[]]]]]]]]");
	check("[[[[[[[[[]]]]]]]]]", NULL);
	check("[{\"a\":[{\"a\":[{\"a\":[{}]}]}]}]", "[{\"a\":[{\"a\":[{\"a\":[{}]}]}]}]");
	check("[[],[],[],[],[],[],[],[],[],[]]", "[[],[],[],[],[],[],[],[],[],[]]");
	/* Brackets in strings, behind escapes too, are no nesting. */
	check("\"[[[[[[[[[[[[\"", "\"[[[[[[[[[[[[\"");
	check("\"\\\"[[[[[[[[[[[[\"", "\"\\\"[[[[[[[[[[[[\"");
	check("[\"\\\\\",[[[[[[[[]]]]]]]]]", NULL);
	check("[\"\\", NULL);
	assert_null(json_read("[[[", 3, 2, &e));
	assert_string_equal(e.text, "JSON nested deeper than 2 levels");
}

static void check_string(const char *bytes, size_t len, const char *expected)
{
	struct buf b = BUF_INIT;

	json_append_string(&b, bytes, len);
	assert_string_equal(buf_str(&b), expected);
	buf_release(&b);
}

#define BAD "\xEF\xBF\xBD"

static void test_foreign_strings(void **state)
{
	UNUSED(state);
	check_string("", 0, "\"\"");
	check_string("a\0b", 3, "\"a\\u0000b\"");
	check_string("\xFF", 1, "\"" BAD "\"");
	check_string("\xE2\x82", 2, "\"" BAD BAD "\"");
	check_string("\xE2\x82\xAC", 3, "\"\xE2\x82\xAC\"");
	check_string("\xC3(", 2, "\"" BAD "(\"");
	check_string("\xC0\xAF", 2, "\"" BAD BAD "\"");
	check_string("\xED\xA0\x80", 3, "\"" BAD BAD BAD "\"");
	check_string("\xF4\x90\x80\x80", 4, "\"" BAD BAD BAD BAD "\"");
	check_string("\xF4\x8F\xBF\xBF", 4, "\"\xF4\x8F\xBF\xBF\"");
	check_string("\xF0\x80\x80\x80", 4, "\"" BAD BAD BAD BAD "\"");
	check_string("a\x80z\"", 4, "\"a" BAD "z\\\"\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_length_counts),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_foreign_strings),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
