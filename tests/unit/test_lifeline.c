/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/socket.h>

#include "core/lifeline.h"

static int lost;

static void on_lost(void *arg)
{
	assert_ptr_equal(arg, &lost);
	lost++;
}

static void on_idle(uv_idle_t *idle)
{
	UNUSED(idle);
}

/* As the program's other work does: keeps the loop turning. */
static void turn(uv_loop_t *loop)
{
	uv_idle_t idle;

	uv_idle_init(loop, &idle);
	uv_idle_start(&idle, on_idle);
	for (int i = 0; i < 5; i++)
		uv_run(loop, UV_RUN_NOWAIT);
	uv_close((uv_handle_t *)&idle, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
}

static void test_without_supervisor(void **state)
{
	uv_loop_t loop;
	struct lifeline *l;

	UNUSED(state);
	uv_loop_init(&loop);
	unsetenv(LIFELINE_VARIABLE);
	l = lifeline_watch(&loop, on_lost, &lost);
	assert_null(l);
	lifeline_ready(l);
	lifeline_close(&l);
	setenv(LIFELINE_VARIABLE, "998", 1);
	assert_null(lifeline_watch(&loop, on_lost, &lost));
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_both_directions(void **state)
{
	uv_loop_t loop;
	struct lifeline *l;
	char number[16], byte = 0;
	int fds[2];

	UNUSED(state);
	lost = 0;
	uv_loop_init(&loop);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	snprintf(number, sizeof number, "%d", fds[1]);
	setenv(LIFELINE_VARIABLE, number, 1);
	l = lifeline_watch(&loop, on_lost, &lost);
	assert_non_null(l);
	assert_null(getenv(LIFELINE_VARIABLE));
	assert_int_equal(uv_run(&loop, UV_RUN_NOWAIT), 0); /* it does not keep the loop */
	lifeline_ready(l);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(byte, 'R');
	/* What the supervisor might say is not understood, and is no reason to end. */
	assert_int_equal(write(fds[0], "??", 2), 2);
	turn(&loop);
	assert_int_equal(lost, 0);
	close(fds[0]);
	turn(&loop);
	assert_int_equal(lost, 1);
	lifeline_ready(l);
	lifeline_close(&l);
	assert_null(l);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_supervisor),
		cmocka_unit_test(test_both_directions),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
