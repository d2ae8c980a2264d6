/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/address.h"
#include "core/err.h"
#include "core/mem.h"

static char folder[32];

static void test_check(void **state)
{
	static const struct {
		const char *text;
		int ok;
	} rows[] = {
		{"127.0.0.1:80", 1},
		{"localhost:0", 1},
		{"[::1]:65535", 1},
		{"unix:/run/x", 1},
		{"unix:x", 1},
		{"unix:", 0},
		{"", 0},
		{":80", 0},
		{"80", 0},
		{"h:", 0},
		{"h:x", 0},
		{"h:-1", 0},
		{"h:+1", 0},
		{"h: 1", 0},
		{"h:1x", 0},
		{"h:65536", 0},
		{"h:99999999999999999999", 0},
		{"::1:80", 0},
		{"[::1:80", 0},
		{"[]:80", 0},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e;

		if ((address_check(rows[i].text, &e) == 0) != rows[i].ok)
			fail_msg("%s", rows[i].text);
	}
}

static void test_offset(void **state)
{
	static const struct {
		const char *text;
		unsigned n;
		const char *expected;
	} rows[] = {
		{"h:80", 0, "h:80"},
		{"h:80", 3, "h:83"},
		{"[::1]:80", 1, "[::1]:81"},
		{"h:0", 5, "h:0"},
		{"unix:/a:1", 0, "unix:/a:1"},
		{"unix:/a:1", 2, "unix:/a:1.2"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *got = address_offset(rows[i].text, rows[i].n);

		assert_string_equal(got, rows[i].expected);
		mem_free(got);
	}
}

static void test_tcp(void **state)
{
	struct err e;
	char *shown;
	int fd, again;

	UNUSED(state);
	assert_int_equal(address_listen("127.0.0.1:0", "/", &fd, &e), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	shown = address_show(fd);
	assert_int_equal(strncmp(shown, "127.0.0.1:", 10), 0);
	assert_string_not_equal(shown, "127.0.0.1:0");
	assert_int_equal(address_listen(shown, "/", &again, &e), -(int)ERR_CONFIG);
	assert_int_equal(e.sys, EADDRINUSE);
	assert_int_equal(again, -1);
	close(fd);
	assert_int_equal(address_listen(shown, "/", &again, &e), 0);
	close(again);
	mem_free(shown);
}

static void test_unix(void **state)
{
	struct err e;
	struct stat st;
	char path[64];
	char *shown;
	int fd, again;

	UNUSED(state);
	snprintf(path, sizeof path, "%s/s", folder);
	assert_int_equal(address_listen("unix:s", folder, &fd, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	shown = address_show(fd);
	assert_string_equal(shown + strlen("unix:"), path);
	/* Somebody listens: left alone. Nobody any more: replaced. */
	assert_int_equal(address_listen(shown, "/", &again, &e), -(int)ERR_CONFIG);
	assert_int_equal(e.sys, EADDRINUSE);
	close(fd);
	assert_int_equal(address_listen(shown, "/", &fd, &e), 0);
	address_unlink(shown, "/");
	assert_true(stat(path, &st) < 0);
	close(fd);
	mem_free(shown);
	unit_file(folder, "s", "precious", path);
	assert_int_equal(address_listen("unix:s", folder, &fd, &e), -(int)ERR_CONFIG);
	assert_int_equal(unlink(path), 0);
}

static void test_long_path(void **state)
{
	char text[300] = "unix:/";
	struct err e;
	int fd;

	UNUSED(state);
	memset(text + 6, 'x', sizeof text - 7);
	assert_int_equal(address_listen(text, "/", &fd, &e), -(int)ERR_CONFIG);
	assert_non_null(strstr(e.text, "107 bytes"));
	assert_int_equal(address_listen("unix:/no/such/folder/s", "/", &fd, &e), -(int)ERR_CONFIG);
}

static void test_inherited(void **state)
{
	char number[16];
	struct err e;
	int fd;

	UNUSED(state);
	unsetenv("TEST_FD");
	assert_int_equal(address_inherited("TEST_FD"), -1);
	setenv("TEST_FD", "999", 1);
	assert_int_equal(address_inherited("TEST_FD"), -1);
	setenv("TEST_FD", "nonsense", 1);
	assert_int_equal(address_inherited("TEST_FD"), -1);
	assert_int_equal(address_listen("127.0.0.1:0", "/", &fd, &e), 0);
	fcntl(fd, F_SETFD, 0);
	snprintf(number, sizeof number, "%d", fd);
	setenv("TEST_FD", number, 1);
	assert_int_equal(address_inherited("TEST_FD"), fd);
	assert_null(getenv("TEST_FD"));
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static int setup(void **state)
{
	UNUSED(state);
	unit_folder(folder);
	return 0;
}

static int teardown(void **state)
{
	UNUSED(state);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_inherited),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
