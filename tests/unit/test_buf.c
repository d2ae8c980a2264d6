/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/buf.h"
#include "core/mem.h"

static void test_add(void **state)
{
	struct buf b = BUF_INIT;

	UNUSED(state);
	assert_string_equal(buf_str(&b), "");
	buf_add_str(&b, "one ");
	buf_add_char(&b, '2');
	buf_add(&b, "\0x", 2);
	buf_printf(&b, "%d-%s", 42, "y");
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.data, "one 2\0x42-y", 12);
	buf_add(&b, NULL, 0);
	assert_int_equal(b.len, 11);
	buf_release(&b);
	assert_null(b.data);
}

static void test_growth(void **state)
{
	struct buf b = BUF_INIT;

	UNUSED(state);
	for (int i = 0; i < 100000; i++)
		buf_add_char(&b, (char)('a' + i % 26));
	assert_int_equal(b.len, 100000);
	assert_int_equal(strlen(buf_str(&b)), 100000);
	assert_int_equal(b.data[99999], 'a' + 99999 % 26);
	buf_printf(&b, "%050000d", 7);
	assert_int_equal(b.len, 150000);
	assert_int_equal(b.data[149999], '7');
	buf_release(&b);
}

static void test_consume(void **state)
{
	struct buf b = BUF_INIT;

	UNUSED(state);
	buf_consume(&b, 0);
	buf_add_str(&b, "abcdef");
	buf_consume(&b, 2);
	assert_string_equal(buf_str(&b), "cdef");
	buf_consume(&b, 4);
	assert_string_equal(buf_str(&b), "");
	buf_add_str(&b, "again");
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
	buf_release(&b);
}

static void test_take(void **state)
{
	struct buf b = BUF_INIT;
	char *data = buf_take(&b);

	UNUSED(state);
	assert_string_equal(data, "");
	mem_free(data);
	buf_add_str(&b, "mine");
	data = buf_take(&b);
	assert_string_equal(data, "mine");
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	mem_free(data);
}

static void test_reserve(void **state)
{
	struct buf b = BUF_INIT;

	UNUSED(state);
	memcpy(buf_reserve(&b, 5), "12345", 5);
	assert_int_equal(b.len, 0);
	buf_added(&b, 5);
	assert_string_equal(buf_str(&b), "12345");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_consume),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_reserve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
