/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <sodium.h>
#include <sys/wait.h>

#include "core/crypt.h"
#include "core/err.h"
#include "core/mem.h"

static struct crypt_key key = {{1, 2, 3}};

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 1000, 100000};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct buf sealed = BUF_INIT, opened = BUF_INIT;
		char *text = mem_alloc(sizes[i] + 1);

		memset(text, 'a' + (int)i, sizes[i]);
		buf_add_str(&sealed, "before");
		crypt_seal(&key, "job:x", text, sizes[i], &sealed);
		assert_int_equal(sealed.len, 6 + sizes[i] + CRYPT_OVERHEAD);
		assert_int_equal(
			crypt_open(&key, "job:x", sealed.data + 6, sealed.len - 6, &opened), 0);
		assert_int_equal(opened.len, sizes[i]);
		if (sizes[i] > 0)
			assert_memory_equal(opened.data, text, sizes[i]);
		mem_free(text);
		buf_release(&sealed);
		buf_release(&opened);
	}
}

static void test_refusals(void **state)
{
	struct crypt_key other = {{9}};
	struct buf sealed = BUF_INIT, out = BUF_INIT;

	UNUSED(state);
	crypt_seal(&key, "cred:a", "hello", 5, &sealed);
	assert_int_equal(
		crypt_open(&other, "cred:a", sealed.data, sealed.len, &out), -(int)ERR_SEALED);
	assert_int_equal(
		crypt_open(&key, "cred:b", sealed.data, sealed.len, &out), -(int)ERR_SEALED);
	for (size_t len = 0; len < sealed.len; len++)
		assert_int_equal(
			crypt_open(&key, "cred:a", sealed.data, len, &out), -(int)ERR_SEALED);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 1;
		assert_int_equal(crypt_open(&key, "cred:a", sealed.data, sealed.len, &out),
			-(int)ERR_SEALED);
		sealed.data[i] ^= 1;
	}
	assert_int_equal(out.len, 0);
	assert_int_equal(crypt_open(&key, "cred:a", sealed.data, sealed.len, &out), 0);
	assert_string_equal(buf_str(&out), "hello");
	buf_release(&sealed);
	buf_release(&out);
}

/* The same text never gives the same blob, in a forked process neither. */
static void test_nonces(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	char theirs[24];
	int fds[2];
	pid_t pid;

	UNUSED(state);
	crypt_seal(&key, "x", "same", 4, &a);
	crypt_seal(&key, "x", "same", 4, &b);
	assert_memory_not_equal(a.data, b.data, 24);
	assert_memory_not_equal(a.data + 24, b.data + 24, 4);
	buf_clear(&a);
	buf_clear(&b);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		crypt_seal(&key, "x", "same", 4, &a);
		_exit(write(fds[1], a.data, 24) == 24 ? 0 : 1);
	}
	crypt_seal(&key, "x", "same", 4, &b);
	assert_int_equal(read(fds[0], theirs, sizeof theirs), 24);
	assert_memory_not_equal(theirs, b.data, 24);
	waitpid(pid, NULL, 0);
	close(fds[0]);
	close(fds[1]);
	buf_release(&a);
	buf_release(&b);
}

static void test_tokens(void **state)
{
	char tokens[200][CRYPT_TOKEN_SIZE];

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		crypt_token(tokens[i]);
		assert_int_equal(strlen(tokens[i]), 22);
		assert_int_equal(
			strspn(tokens[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					  "0123456789-_"),
			22);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(tokens[i], tokens[j]);
	}
}

static void test_derive_and_digest(void **state)
{
	struct crypt_key a, b;
	char x[CRYPT_TOKEN_SIZE], y[CRYPT_TOKEN_SIZE];

	UNUSED(state);
	crypt_derive(&key, "platform", "feeds", 5, &a);
	crypt_derive(&key, "platform", "feeds", 5, &b);
	assert_memory_equal(a.bytes, b.bytes, CRYPT_KEY_SIZE);
	crypt_derive(&key, "platform", "irc", 3, &b);
	assert_memory_not_equal(a.bytes, b.bytes, CRYPT_KEY_SIZE);
	/* "platform" + "feeds" and "platformf" + "eeds" are different pairs. */
	crypt_derive(&key, "platformf", "eeds", 4, &b);
	assert_memory_not_equal(a.bytes, b.bytes, CRYPT_KEY_SIZE);
	assert_memory_not_equal(a.bytes, key.bytes, CRYPT_KEY_SIZE);
	crypt_digest(NULL, "sid", 3, x);
	crypt_digest(NULL, "sid", 3, y);
	assert_string_equal(x, y);
	crypt_digest(&key, "sid", 3, y);
	assert_string_not_equal(x, y);
	crypt_key_wipe(&a);
	assert_int_equal(sodium_is_zero(a.bytes, sizeof a.bytes), 1);
}

static int setup(void **state)
{
	UNUSED(state);
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_derive_and_digest),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
