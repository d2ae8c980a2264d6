/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <jansson.h>

#include "core/err.h"
#include "core/log.h"
#include "core/mem.h"

static char line[8192];
static int saved = -1, reader = -1;

/* Standard error goes into a pipe until capture_end(). */
static void capture_begin(void)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	reader = fds[0];
}

static size_t capture_end(void)
{
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(reader, line, sizeof line - 1);
	close(reader);
	assert_true(n >= 0);
	line[n] = '\0';
	return (size_t)n;
}

static void test_logfmt(void **state)
{
	static const struct {
		const char *value, *expected;
	} rows[] = {
		{"plain", " k=plain\n"},
		{"", " k=\"\"\n"},
		{NULL, " k=\"\"\n"},
		{"two words", " k=\"two words\"\n"},
		{"a=b", " k=\"a=b\"\n"},
		{"q\"u\\o", " k=\"q\\\"u\\\\o\"\n"},
		{"line\nbreak", " k=\"line\\u000abreak\"\n"},
		{"\x1B[31m", " k=\"\\u001b[31m\"\n"},
		{"gr\xC3\xBC\xC3\x9F", " k=\"gr\xC3\xBC\xC3\x9F\"\n"},
		{"half\xC3", " k=\"half\\ufffd\"\n"},
		{"\x80\xFF", " k=\"\\ufffd\\ufffd\"\n"},
	};

	UNUSED(state);
	log_setup("test", LOG_INFO, LOG_LOGFMT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		capture_begin();
		log_event(LOG_INFO, "some.event", LOG_INT("n", -5), LOG_STR("k", rows[i].value));
		capture_end();
		assert_non_null(strstr(line, " level=info prog=test pid="));
		assert_non_null(strstr(line, " ev=some.event n=-5 k="));
		assert_string_equal(strstr(line, " k="), rows[i].expected);
		assert_int_equal(line[10], 'T');
		assert_int_equal(line[23], 'Z');
	}
}

static void test_level(void **state)
{
	UNUSED(state);
	log_setup("test", LOG_WARN, LOG_LOGFMT);
	capture_begin();
	log_event(LOG_INFO, "quiet", LOG_INT("n", 1));
	assert_int_equal(capture_end(), 0);
	capture_begin();
	log_event(LOG_WARN, "loud", LOG_INT("n", 1));
	assert_true(capture_end() > 0);
	assert_true(log_enabled(LOG_ERROR));
	assert_false(log_enabled(LOG_DEBUG));
	assert_int_equal(log_level_parse("debug"), LOG_DEBUG);
	assert_int_equal(log_level_parse("error"), LOG_ERROR);
	assert_int_equal(log_level_parse("loud"), -1);
	assert_int_equal(log_format_parse("json"), LOG_JSON);
	assert_int_equal(log_format_parse("xml"), -1);
}

static void test_json(void **state)
{
	struct err e;
	json_t *root;

	UNUSED(state);
	err_set(&e, ERR_TLS, "it \"broke\"");
	log_setup("test", LOG_DEBUG, LOG_JSON);
	capture_begin();
	log_event(LOG_DEBUG, "ev", LOG_ERR(&e), LOG_INT("big", 1LL << 60));
	capture_end();
	root = json_loads(line, 0, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "err")), "tls");
	assert_string_equal(json_string_value(json_object_get(root, "why")), "it \"broke\"");
	assert_int_equal(json_integer_value(json_object_get(root, "big")), 1LL << 60);
	json_decref(root);
}

/* However long the fields, the line stays JSON, ends with one newline and is cut between characters. */
static void test_long_lines(void **state)
{
	static const char *const patterns[] = {
		"x", "\"", "\n", "\xC3\xA4", "\xF0\x9F\x98\x80", "\xFF"};

	UNUSED(state);
	log_setup("test", LOG_DEBUG, LOG_JSON);
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		for (size_t n = 280; n < 2400; n += 7) {
			size_t len = strlen(patterns[i]), used;
			char *text = mem_alloc(n * len + 1);
			json_t *root;

			for (size_t j = 0; j < n; j++)
				memcpy(text + j * len, patterns[i], len);
			capture_begin();
			log_event(LOG_INFO, "ev", LOG_STR("first", text), LOG_STR("second", text),
				LOG_INT("third", 3));
			used = capture_end();
			assert_true(used > 0 && used <= 2048);
			root = json_loads(line, 0, NULL);
			assert_non_null(root);
			assert_non_null(json_object_get(root, "first"));
			json_decref(root);
			assert_ptr_equal(strchr(line, '\n'), line + used - 1);
			mem_free(text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logfmt),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
