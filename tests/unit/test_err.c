/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <errno.h>

#include "core/err.h"

static void test_table(void **state)
{
	UNUSED(state);
	for (int i = 0; i < ERR_CODE_COUNT; i++) {
		const char *token = err_token(i);

		assert_true(*token != '\0' && strlen(token) < 24);
		assert_ptr_equal(err_token(-i), token);
		assert_in_range(err_http_status(i), 200, 599);
		assert_true(*err_default_text(i) != '\0');
		for (int j = 0; j < i; j++)
			assert_string_not_equal(token, err_token(j));
	}
	assert_string_equal(err_token(9999), "internal");
	assert_string_equal(err_token(-9999), "internal");
}

static void test_set(void **state)
{
	struct err e;

	UNUSED(state);
	assert_int_equal(err_set(&e, ERR_AUTH, "user %s", "ann"), -(int)ERR_AUTH);
	assert_int_equal(e.code, ERR_AUTH);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.text, "user ann");
	assert_int_equal(err_set(&e, ERR_RATE, NULL), -(int)ERR_RATE);
	assert_string_equal(e.text, err_default_text(ERR_RATE));
	assert_int_equal(err_set(NULL, ERR_TLS, "nobody listens"), -(int)ERR_TLS);
	assert_int_equal(err_set_sys(&e, ERR_CONFIG, ENOENT, "file"), -(int)ERR_CONFIG);
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.text, "file: No such file or directory");
}

static void test_prefix(void **state)
{
	struct err e;

	UNUSED(state);
	err_set(&e, ERR_CONFIG, "the port");
	assert_int_equal(err_prefix(&e, "file %d", 7), -(int)ERR_CONFIG);
	assert_string_equal(e.text, "file 7: the port");
}

static void test_foreign_text(void **state)
{
	struct err e;
	char longer[2 * ERR_TEXT_SIZE];

	UNUSED(state);
	err_set(&e, ERR_REMOTE, "a\nb\tc\x7F%s", "\x01");
	assert_string_equal(e.text, "a?b?c??");
	/* Cut between characters: 0xC3 0xA4 is never halved, wherever the cut falls. */
	for (int shift = 0; shift < 2; shift++) {
		memset(longer, 'x', sizeof longer);
		for (size_t i = (size_t)shift; i + 1 < sizeof longer; i += 2)
			memcpy(longer + i, "\xC3\xA4", 2);
		longer[sizeof longer - 1] = '\0';
		err_set(&e, ERR_REMOTE, "%s", longer);
		assert_in_range(strlen(e.text), ERR_TEXT_SIZE - 4, ERR_TEXT_SIZE - 1);
		assert_int_equal((unsigned char)e.text[strlen(e.text) - 1], 0xA4);
	}
	err_prefix(&e, "%s", longer);
	assert_true(strlen(e.text) < ERR_TEXT_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_foreign_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
