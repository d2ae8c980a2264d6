/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/wait.h>

#include "core/mem.h"

static void test_alloc(void **state)
{
	unsigned char *p = mem_alloc(1000);
	void *empty = mem_alloc(0);
	void *none = mem_array(0, 8);

	UNUSED(state);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	assert_non_null(empty);
	assert_non_null(none);
	p = mem_realloc(p, 0);
	assert_non_null(p);
	mem_free(p);
	mem_free(empty);
	mem_free(none);
	mem_free(NULL);
}

static void test_strings(void **state)
{
	char *a = mem_dup("a\0b", 3);
	char *b = mem_strdup("text");
	char *c = mem_printf("%s-%03d", "n", 7);
	char *d = mem_dup(NULL, 0);

	UNUSED(state);
	assert_memory_equal(a, "a\0b\0", 4);
	assert_string_equal(b, "text");
	assert_string_equal(c, "n-007");
	assert_string_equal(d, "");
	assert_null(mem_strdup(NULL));
	mem_free(a);
	mem_free(b);
	mem_free(c);
	mem_free(d);
}

static void test_secret(void **state)
{
	struct secret s;

	UNUSED(state);
	secret_init(&s, "pass\0word", 9);
	assert_int_equal(s.len, 9);
	assert_int_equal(s.bytes[9], 0);
	assert_true(secret_equals(&s, "pass\0word", 9));
	assert_false(secret_equals(&s, "pass\0worD", 9));
	assert_false(secret_equals(&s, "pass", 4));
	assert_false(secret_equals(&s, "", 0));
	secret_release(&s);
	assert_null(s.bytes);
	assert_int_equal(s.len, 0);
	secret_release(&s);
}

static void test_wipe(void **state)
{
	char text[] = "secret";

	UNUSED(state);
	mem_wipe(text, sizeof text);
	for (size_t i = 0; i < sizeof text; i++)
		assert_int_equal(text[i], 0);
}

/* An overflow ends the process; it must not give a small array. */
static void test_overflow_aborts(void **state)
{
	int status;
	pid_t pid = fork();

	UNUSED(state);
	if (pid == 0) {
		volatile size_t n = SIZE_MAX / 4;

		signal(SIGABRT, SIG_DFL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(0);
		free(mem_array(n, 8));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_overflow_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
