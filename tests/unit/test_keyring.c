/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/keyring.h"
#include "core/mem.h"

#define B64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static char folder[32];
static char path[64];

/* Puts `line` into a pipe and its reading end into the environment, as the supervisor does. */
static void hand_over(const char *line)
{
	int fds[2];
	char number[16];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], line, strlen(line)), strlen(line));
	close(fds[1]);
	snprintf(number, sizeof number, "%d", fds[0]);
	setenv(KEYRING_FD_VARIABLE, number, 1);
}

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		int ok;
	} rows[] = {
		{"sockethub-key-1 master " B64 "\n", 1},
		{"sockethub-key-1 feeds " B64, 1},
		{"sockethub-key-1 a-2 " B64 "\n", 1},
		{"", 0},
		{"sockethub-key-1 master", 0},
		{"sockethub-key-2 master " B64, 0},
		{"sockethub-key-1 Feeds " B64, 0},
		{"sockethub-key-1 master AAEC\n", 0},
		{"sockethub-key-1 master " B64 "AAAA\n", 0},
		{"sockethub-key-1 master !!!!\n", 0},
		{"sockethub-key-1 abcdefghijklmnopqrstuvwxyz0123456789 " B64, 0},
	};
	struct conf c = {.state_dir = folder, .dir = folder};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct keyring k;
		struct err e;

		hand_over(rows[i].line);
		assert_int_equal(keyring_load(&k, &c, 0, &e) == 0, rows[i].ok);
		assert_null(getenv(KEYRING_FD_VARIABLE));
		if (rows[i].ok)
			assert_int_equal(k.key.bytes[31], 31);
		else
			assert_int_equal(sodium_is_zero(k.key.bytes, sizeof k.key.bytes), 1);
	}
}

static void test_file(void **state)
{
	struct conf c = {.state_dir = folder, .dir = folder};
	struct keyring first, second;
	struct stat st;
	struct err e;

	UNUSED(state);
	assert_true(keyring_load(&first, &c, 0, &e) < 0);
	assert_int_equal(keyring_load(&first, &c, 1, &e), 0);
	assert_string_equal(first.owner, "master");
	snprintf(path, sizeof path, "%s/master.key", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(keyring_load(&second, &c, 1, &e), 0);
	assert_memory_equal(first.key.bytes, second.key.bytes, CRYPT_KEY_SIZE);
	chmod(path, 0640);
	assert_true(keyring_load(&second, &c, 1, &e) < 0);
	assert_non_null(strstr(e.text, "chmod 600"));
	unlink(path);
	c.key_file = (char *)"other.key";
	assert_int_equal(keyring_load(&second, &c, 1, &e), 0);
	assert_memory_not_equal(first.key.bytes, second.key.bytes, CRYPT_KEY_SIZE);
	snprintf(path, sizeof path, "%s/other.key", folder);
	assert_int_equal(unlink(path), 0);
}

static void test_platform_keys(void **state)
{
	struct keyring master = {.owner = "master", .key = {{5}}}, worker;
	struct conf c = {.state_dir = folder, .dir = folder};
	struct crypt_key a, b;
	struct buf line = BUF_INIT;
	struct err e;

	UNUSED(state);
	assert_int_equal(keyring_export(&master, "feeds", &line, &e), 0);
	assert_int_equal(strncmp(buf_str(&line), "sockethub-key-1 feeds ", 22), 0);
	assert_true(line.len < 256);
	hand_over(buf_str(&line));
	assert_int_equal(keyring_load(&worker, &c, 0, &e), 0);
	assert_int_equal(keyring_platform(&master, "feeds", &a, &e), 0);
	assert_int_equal(keyring_platform(&worker, "feeds", &b, &e), 0);
	assert_memory_equal(a.bytes, b.bytes, CRYPT_KEY_SIZE);
	/* A worker's key opens nothing else. */
	assert_int_equal(keyring_platform(&worker, "irc", &b, &e), -(int)ERR_SEALED);
	assert_int_equal(keyring_export(&worker, "irc", &line, &e), -(int)ERR_SEALED);
	assert_int_equal(keyring_platform(&worker, "master", &b, &e), -(int)ERR_SEALED);
	/* A platform of that name would not be given the master key. */
	assert_int_equal(keyring_platform(&master, "master", &a, &e), 0);
	assert_memory_not_equal(a.bytes, master.key.bytes, CRYPT_KEY_SIZE);
	buf_release(&line);
}

static int setup(void **state)
{
	UNUSED(state);
	unit_folder(folder);
	return sodium_init() < 0;
}

static int teardown(void **state)
{
	UNUSED(state);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_platform_keys),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
