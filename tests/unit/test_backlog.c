/* SPDX-License-Identifier: MIT */
/* Who is held back, and when everybody goes on; when what waited at a moment is gone. */
#include "tests/unit/unit.h"

#include "workers/backlog.h"

static struct backlog backlog;
static struct backlog_source *one, *two;
static int held_one, held_two, n_gone;

static void on_held(void *arg, int held)
{
	int *which = arg;

	assert_int_not_equal(*which, held); /* said once */
	*which = held;
}

static void on_gone(void *arg)
{
	UNUSED(arg);
	n_gone++;
}

static int setup(void **state)
{
	UNUSED(state);
	held_one = held_two = n_gone = 0;
	one = backlog_source_new(&backlog, on_held, on_gone, &held_one);
	two = backlog_source_new(&backlog, on_held, on_gone, &held_two);
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
	backlog_add(&backlog, one, 0, BACKLOG_SOURCE_MAX);
	assert_false(held_one);
	backlog_add(&backlog, one, 0, 1);
	assert_true(held_one);
	backlog_add(&backlog, two, 0, 1000);
	assert_false(held_two);
	backlog_remove(&backlog, one, 0, BACKLOG_SOURCE_MAX / 2);
	assert_true(held_one);
	backlog_remove(&backlog, one, 0, 1);
	assert_false(held_one);
	backlog_remove(&backlog, two, 0, 1000);
	backlog_remove(&backlog, one, 0, BACKLOG_SOURCE_MAX / 2);
}

/* Then those with more than a little are held back, and none for good. */
static void test_all_have_too_much(void **state)
{
	UNUSED(state);
	backlog_add(&backlog, NULL, 0, BACKLOG_ALL_MAX);
	backlog_add(&backlog, one, 0, BACKLOG_SMALL_SHARE + 1);
	backlog_add(&backlog, two, 0, BACKLOG_SMALL_SHARE);
	assert_true(held_one);
	assert_false(held_two);
	backlog_remove(&backlog, one, 0, BACKLOG_SMALL_SHARE / 2 + 1);
	assert_false(held_one); /* it has little, whatever others have */
	backlog_add(&backlog, one, 0, BACKLOG_SMALL_SHARE);
	assert_true(held_one);
	backlog_remove(&backlog, NULL, 0, BACKLOG_ALL_MAX / 2);
	assert_true(held_one);
	backlog_remove(&backlog, two, 0, BACKLOG_SMALL_SHARE);
	assert_true(held_one);
	backlog_remove(&backlog, NULL, 0, BACKLOG_ALL_MAX / 2);
	assert_false(held_one);
	backlog_remove(&backlog, one, 0, BACKLOG_SMALL_SHARE + BACKLOG_SMALL_SHARE / 2);
}

/* Its bytes are still counted, and nobody is called. */
static void test_source_goes_first(void **state)
{
	UNUSED(state);
	backlog_add(&backlog, one, 0, BACKLOG_SOURCE_MAX + 1);
	assert_true(held_one);
	struct backlog_source *gone = one;
	backlog_source_free(&one);
	assert_null(backlog.held);
	backlog_add(&backlog, gone, 0, 1);
	backlog_remove(&backlog, gone, 0, BACKLOG_SOURCE_MAX);
	assert_true(held_one);
	assert_int_equal(backlog.bytes, 2);
	backlog_remove(&backlog, gone, 0, 2);
}

static void test_backlog_goes_first(void **state)
{
	UNUSED(state);
	backlog_add(&backlog, one, 0, 10);
	struct backlog_source *gone = one;
	backlog_source_free(&one);
	backlog.bytes = 0;
	backlog_source_forget(gone, 0, 4);
	backlog_source_forget(gone, 0, 6);
	backlog_source_forget(NULL, 0, 6);
}

/* Adds to what belongs together from now on, and says which generation that is. */
static unsigned add(size_t n)
{
	unsigned generation = backlog_generation(one);

	backlog_add(&backlog, one, generation, n);
	return generation;
}

static void test_nothing_to_wait_for(void **state)
{
	UNUSED(state);
	assert_true(backlog_mark(one));
	assert_true(backlog_mark(one));
	unsigned first = add(10);
	backlog_remove(&backlog, one, first, 10);
	assert_true(backlog_mark(one));
	assert_int_equal(n_gone, 0);
	assert_int_equal(backlog_generation(NULL), 0);
}

/* What is added behind the mark is not waited for, also when it leaves first. */
static void test_mark(void **state)
{
	UNUSED(state);
	unsigned before = add(10);
	assert_int_equal(add(5), before);
	assert_false(backlog_mark(one));
	unsigned behind = add(7);
	assert_int_not_equal(behind, before);
	backlog_add(&backlog, two, 0, 10);
	backlog_remove(&backlog, one, behind, 7);
	backlog_remove(&backlog, one, before, 10);
	backlog_remove(&backlog, two, 0, 10);
	assert_int_equal(n_gone, 0);
	behind = add(8);
	backlog_remove(&backlog, one, before, 5);
	assert_int_equal(n_gone, 1);
	/* What leaves together with what was marked belongs to it, even if it was added later. */
	assert_false(backlog_mark(one));
	backlog_add(&backlog, one, behind, 2);
	backlog_remove(&backlog, one, behind, 8);
	assert_int_equal(n_gone, 1);
	backlog_remove(&backlog, one, behind, 2);
	assert_int_equal(n_gone, 2);
	assert_true(backlog_mark(one));
	assert_int_equal(n_gone, 2);
}

/* It waits for what the one before it waits for, and for what came since. */
static void test_mark_replaced(void **state)
{
	UNUSED(state);
	unsigned first = add(10);
	assert_false(backlog_mark(one));
	unsigned second = add(20);
	assert_false(backlog_mark(one));
	backlog_remove(&backlog, one, first, 10);
	assert_int_equal(n_gone, 0);
	unsigned third = add(30);
	assert_int_equal(third, first);
	backlog_remove(&backlog, one, second, 20);
	assert_int_equal(n_gone, 1);
	backlog_remove(&backlog, one, third, 30);
	/* The other way round. */
	first = add(10);
	assert_false(backlog_mark(one));
	second = add(20);
	assert_false(backlog_mark(one));
	backlog_remove(&backlog, one, second, 20);
	assert_int_equal(n_gone, 1);
	backlog_remove(&backlog, one, first, 10);
	assert_int_equal(n_gone, 2);
}

static void test_mark_dropped(void **state)
{
	UNUSED(state);
	unsigned first = add(10);
	assert_false(backlog_mark(one));
	backlog_unmark(one);
	backlog_remove(&backlog, one, first, 10);
	first = add(10);
	assert_false(backlog_mark(one));
	struct backlog_source *gone = one;
	backlog_source_free(&one);
	backlog_remove(&backlog, gone, first, 10);
	assert_int_equal(n_gone, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_has_too_much, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_have_too_much, setup, teardown),
		cmocka_unit_test_setup_teardown(test_source_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backlog_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_to_wait_for, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mark_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mark_dropped, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
