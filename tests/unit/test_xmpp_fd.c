/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base.h"
#include "platforms/xmpp/xmpp_fd.h"
#include "tests/unit/unit.h"

static int open_one(void)
{
	int fd = open("/dev/null", O_RDONLY);

	assert_true(fd >= 0);
	return fd;
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_numbers(void **state)
{
	int fd = open_one(), busy, a, b, c;

	UNUSED(state);
	/* A number that somebody has is not taken from him. */
	busy = fcntl(fd, F_DUPFD, 1022);
	assert_int_equal(busy, 1022);
	a = xmpp_fd_reserve(fd);
	assert_int_equal(a, 1023);
	assert_true(is_open(a));
	assert_false(is_open(fd));
	b = xmpp_fd_reserve(open_one());
	assert_int_equal(b, 1021);
	/* Closed, it stays reserved. */
	close(a);
	c = xmpp_fd_reserve(open_one());
	assert_int_equal(c, 1020);
	xmpp_fd_release(a);
	a = xmpp_fd_reserve(open_one());
	assert_int_equal(a, 1023);
	close(a);
	close(b);
	close(c);
	close(busy);
	xmpp_fd_release(a);
	xmpp_fd_release(b);
	xmpp_fd_release(c);
	xmpp_fd_release(-1);
}

static void test_none_left(void **state)
{
	static int taken[1024];
	int n = 0, fd;

	UNUSED(state);
	while ((fd = xmpp_fd_reserve(open_one())) >= 0) {
		assert_true(fd < 1024 && n < 1024);
		taken[n++] = fd;
	}
	assert_true(n > 900);
	/* Others find numbers all the same. */
	fd = open_one();
	close(fd);
	while (n-- > 0) {
		close(taken[n]);
		xmpp_fd_release(taken[n]);
	}
}

static void test_event(void **state)
{
	int fd = xmpp_fd_event();

	UNUSED(state);
	assert_true(fd >= 1024);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_none_left),
		cmocka_unit_test(test_event),
	};

	xmpp_fd_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
