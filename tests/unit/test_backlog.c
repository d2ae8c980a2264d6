/* SPDX-License-Identifier: MIT */
/* Who is held back, and when everybody goes on. */
#include "tests/unit/unit.h"

#include "workers/backlog.h"

static struct backlog backlog;
static struct backlog_source *one, *two;
static int held_one, held_two;

static void on_held(void *arg, int held)
{
	int *which = arg;

	assert_int_not_equal(*which, held); /* said once */
	*which = held;
}

static int setup(void **state)
{
	UNUSED(state);
	held_one = held_two = 0;
	one = backlog_source_new(&backlog, on_held, &held_one);
	two = backlog_source_new(&backlog, on_held, &held_two);
	return 0;
}

static int teardown(void **state)
{
	UNUSED(state);
	backlog_source_free(&one);
	backlog_source_free(&two);
	assert_null(one);
	assert_int_equal(backlog.bytes, 0);
	assert_null(backlog.held);
	return 0;
}

static void test_one_has_too_much(void **state)
{
	UNUSED(state);
	backlog_add(&backlog, one, BACKLOG_SOURCE_MAX);
	assert_false(held_one);
	backlog_add(&backlog, one, 1);
	assert_true(held_one);
	backlog_add(&backlog, two, 1000);
	assert_false(held_two);
	backlog_remove(&backlog, one, BACKLOG_SOURCE_MAX / 2);
	assert_true(held_one);
	backlog_remove(&backlog, one, 1);
	assert_false(held_one);
	backlog_remove(&backlog, two, 1000);
	backlog_remove(&backlog, one, BACKLOG_SOURCE_MAX / 2);
}

/* Then those with more than a little are held back, and none for good. */
static void test_all_have_too_much(void **state)
{
	UNUSED(state);
	backlog_add(&backlog, NULL, BACKLOG_ALL_MAX);
	backlog_add(&backlog, one, BACKLOG_SMALL_SHARE + 1);
	backlog_add(&backlog, two, BACKLOG_SMALL_SHARE);
	assert_true(held_one);
	assert_false(held_two);
	backlog_remove(&backlog, one, BACKLOG_SMALL_SHARE / 2 + 1);
	assert_false(held_one); /* it has little, whatever others have */
	backlog_add(&backlog, one, BACKLOG_SMALL_SHARE);
	assert_true(held_one);
	backlog_remove(&backlog, NULL, BACKLOG_ALL_MAX / 2);
	assert_true(held_one);
	backlog_remove(&backlog, two, BACKLOG_SMALL_SHARE);
	assert_true(held_one);
	backlog_remove(&backlog, NULL, BACKLOG_ALL_MAX / 2);
	assert_false(held_one);
	backlog_remove(&backlog, one, BACKLOG_SMALL_SHARE + BACKLOG_SMALL_SHARE / 2);
}

/* Its bytes are still counted, and nobody is called. */
static void test_source_goes_first(void **state)
{
	UNUSED(state);
	backlog_add(&backlog, one, BACKLOG_SOURCE_MAX + 1);
	assert_true(held_one);
	struct backlog_source *gone = one;
	backlog_source_free(&one);
	assert_null(backlog.held);
	backlog_add(&backlog, gone, 1);
	backlog_remove(&backlog, gone, BACKLOG_SOURCE_MAX);
	assert_true(held_one);
	assert_int_equal(backlog.bytes, 2);
	backlog_remove(&backlog, gone, 2);
}

static void test_backlog_goes_first(void **state)
{
	UNUSED(state);
	backlog_add(&backlog, one, 10);
	struct backlog_source *gone = one;
	backlog_source_free(&one);
	backlog.bytes = 0;
	backlog_source_forget(gone, 4);
	backlog_source_forget(gone, 6);
	backlog_source_forget(NULL, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_has_too_much, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_have_too_much, setup, teardown),
		cmocka_unit_test_setup_teardown(test_source_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backlog_goes_first, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
