/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/turn.h"

static uv_loop_t loop;
static uv_timer_t alive; /* a loop without handles does not turn */
static char order[64];
static struct turn_task other;
static char a_[] = "a", b_[] = "b", o_[] = "o", F_[] = "F";

static void on_alive(uv_timer_t *timer)
{
	UNUSED(timer);
}

static int setup(void **state)
{
	UNUSED(state);
	assert_int_equal(uv_loop_init(&loop), 0);
	turn_open(&loop);
	uv_timer_init(&loop, &alive);
	uv_timer_start(&alive, on_alive, 3600000, 0);
	order[0] = '\0';
	other = (struct turn_task){.fn = NULL};
	return 0;
}

static int teardown(void **state)
{
	UNUSED(state);
	turn_close(&loop);
	uv_close((uv_handle_t *)&alive, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void note(void *arg)
{
	strcat(order, arg);
}

static void note_and_queue(void *arg)
{
	note(arg);
	turn_queue(&loop, TURN_WORK, &other);
}

static void note_and_cancel(void *arg)
{
	note(arg);
	turn_cancel(&other);
}

static void run(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
}

static void test_order(void **state)
{
	struct turn_task a = {.fn = note, .arg = a_}, b = {.fn = note, .arg = b_};
	struct turn_task flush = {.fn = note, .arg = F_};

	UNUSED(state);
	turn_queue(&loop, TURN_FLUSH, &flush);
	turn_queue(&loop, TURN_WORK, &a);
	turn_queue(&loop, TURN_WORK, &b);
	turn_queue(&loop, TURN_WORK, &a);
	assert_string_equal(order, "");
	run();
	assert_string_equal(order, "abF");
	run();
	assert_string_equal(order, "abF");
	turn_queue(&loop, TURN_WORK, &a);
	run();
	assert_string_equal(order, "abFa");
}

/* A task may queue: in the same turn, work before what is left to flush. */
static void test_tasks_queue(void **state)
{
	struct turn_task a = {.fn = note_and_queue, .arg = a_},
			 flush = {.fn = note_and_queue, .arg = F_};

	UNUSED(state);
	other = (struct turn_task){.fn = note, .arg = o_};
	turn_queue(&loop, TURN_FLUSH, &flush);
	turn_queue(&loop, TURN_WORK, &a);
	run();
	assert_string_equal(order, "aoFo");
}

static void test_cancel(void **state)
{
	struct turn_task a = {.fn = note_and_cancel, .arg = a_};

	UNUSED(state);
	other = (struct turn_task){.fn = note, .arg = o_};
	turn_cancel(&other);
	turn_queue(&loop, TURN_WORK, &a);
	turn_queue(&loop, TURN_WORK, &other);
	run();
	assert_string_equal(order, "a");
	turn_queue(&loop, TURN_FLUSH, &other);
	run();
	assert_string_equal(order, "ao");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tasks_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
