/* SPDX-License-Identifier: MIT */
/* Cursors and wake-ups; what needs Redis is in test_queue.c. */
#include "tests/unit/unit.h"

#include "core/outbox.h"
#include "core/stream_id.h"

static void test_valid(void **state)
{
	static const char *const good[] = {
		"0-0", "1-2", "1700000000000-0", "9999999999999999999-9999999999999999999"};
	static const char *const bad[] = {"", "-", "1", "1-", "-1", "1-1 ", " 1-1", "1-1-1", "+1-1",
		"1--1", "a-1", "1-a", "0x1-1", "99999999999999999999-0", "0-99999999999999999999",
		"1-1\n", "1_1"};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(outbox_cursor_valid(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(outbox_cursor_valid(bad[i]));
}

static void test_compare(void **state)
{
	static const char *const order[] = {"", "0-0", "0-1", "0-9", "0-10", "1-0", "9-5", "10-0",
		"1700000000000-3", "9999999999999999999-0",
		"9999999999999999999-9999999999999999999"};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		for (size_t j = 0; j < ARRAY_LEN(order); j++) {
			int found = stream_id_compare(order[i], order[j]);

			assert_int_equal((found > 0) - (found < 0), (i > j) - (i < j));
		}
	}
	assert_int_equal(stream_id_compare("01-1", "1-01"), 0);
}

static int parse(const char *text, struct outbox_entry *entry)
{
	return outbox_wakeup_parse(text, strlen(text), entry);
}

static void test_wakeups(void **state)
{
	static const char *const bad[] = {"", "e", "ende", "END", "1-1", "1-1 ", "1-1 - ", "1-1 -",
		"1-1 - feeds", "x - feeds blob", "1 - feeds blob",
		"1-1 - 1234567890123456789012345678901234567890123456789 blob",
		"111111111111111111111111111111-11111111111111111111 - feeds blob"};
	struct outbox_entry e;

	UNUSED(state);
	assert_int_equal(parse("end", &e), 0);
	assert_int_equal(outbox_wakeup_parse("17-3 token1 feeds a b\0c", 23, &e), 1);
	assert_string_equal(e.cursor, "17-3");
	assert_int_equal(e.token_len, 6);
	assert_memory_equal(e.token, "token1", 6);
	assert_string_equal(e.platform, "feeds");
	assert_int_equal(e.blob_len, 5);
	assert_memory_equal(e.blob, "a b\0c", 5);
	assert_false(outbox_entry_is_message(&e));
	assert_int_equal(parse("17-3 - irc x", &e), 1);
	assert_true(outbox_entry_is_message(&e));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(parse(bad[i], &e) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_wakeups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
