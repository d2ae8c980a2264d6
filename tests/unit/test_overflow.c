/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <string.h>

#include "workers/overflow.h"

static const struct session_ref ann = {0, "aaaaaaaaaaaaaaaaaaaaaa"},
				bob = {1, "bbbbbbbbbbbbbbbbbbbbbb"};
static struct overflow *list;
static size_t told_ann, told_bob;

static void on_told(void *arg, const struct session_ref *s, size_t dropped)
{
	assert_null(arg);
	if (strcmp(s->h, ann.h) == 0)
		told_ann += dropped;
	else
		told_bob += dropped;
	assert_int_equal(s->shard, strcmp(s->h, bob.h) == 0);
}

static int setup(void **state)
{
	UNUSED(state);
	told_ann = told_bob = 0;
	return 0;
}

static int teardown(void **state)
{
	UNUSED(state);
	overflow_clear(&list);
	assert_null(list);
	return 0;
}

static void test_one(void **state)
{
	UNUSED(state);
	assert_false(overflow_drops(list, &ann));
	assert_true(overflow_refused(&list, &ann, 5000));
	assert_false(overflow_refused(&list, &ann, 5001)); /* sent before that was known */
	assert_true(overflow_drops(list, &ann));
	assert_false(overflow_drops(list, &bob));
	overflow_sweep(&list, 5000 + OVERFLOW_MS - 1, on_told, NULL);
	assert_int_equal(told_ann, 0);
	assert_true(overflow_drops(list, &ann));
	overflow_sweep(&list, 5000 + OVERFLOW_MS, on_told, NULL);
	assert_int_equal(told_ann, 3);
	assert_false(overflow_drops(list, &ann));
	assert_null(list);
}

/* Each in its time; who lost nothing more is told nothing more. */
static void test_two(void **state)
{
	UNUSED(state);
	assert_true(overflow_refused(&list, &ann, 0));
	assert_true(overflow_refused(&list, &bob, 10));
	assert_true(overflow_drops(list, &bob));
	overflow_sweep(&list, OVERFLOW_MS, on_told, NULL);
	assert_false(overflow_drops(list, &ann));
	assert_true(overflow_drops(list, &bob));
	assert_true(overflow_refused(&list, &ann, OVERFLOW_MS));
	overflow_sweep(&list, OVERFLOW_MS + 10, on_told, NULL);
	assert_int_equal(told_ann, 0);
	assert_int_equal(told_bob, 2);
	assert_true(overflow_drops(list, &ann));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
