/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/keys.h"

#define H "AAAAAAAAAAAAAAAAAAAAAA"

static void test_names(void **state)
{
	struct keys_name k[10];
	static const char *const expected[] = {"sh:{7}:s:" H, "sh:{7}:p:" H ":feeds", "sh:{7}:o:" H,
		"sh:{7}:sessions", "sh:{7}:q:feeds", "sh:{7}:started:feeds", "sh:{7}:up:feeds",
		"sh:{7}:w:feeds:feeds-0-x", "sh:{7}:ev:feeds", "sh:{7}:buried:feeds"};

	UNUSED(state);
	keys_session(&k[0], 7, H);
	keys_part(&k[1], 7, H, "feeds");
	keys_outbox(&k[2], 7, H);
	keys_sessions(&k[3], 7);
	keys_queue(&k[4], 7, "feeds");
	keys_started(&k[5], 7, "feeds");
	keys_up(&k[6], 7, "feeds");
	keys_worker(&k[7], 7, "feeds", "feeds-0-x");
	keys_events(&k[8], 7, "feeds");
	keys_buried(&k[9], 7, "feeds");
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_string_equal(k[i].text, expected[i]);
		assert_int_equal(k[i].len, strlen(expected[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(k[i].text, k[j].text);
	}
}

/* A prefix and what a script appends to it make the whole name. */
static void test_prefixes(void **state)
{
	struct keys_name prefix, whole;
	char joined[2 * KEYS_SIZE];

	UNUSED(state);
	keys_session(&prefix, 3, "");
	keys_session(&whole, 3, H);
	snprintf(joined, sizeof joined, "%s%s", prefix.text, H);
	assert_string_equal(joined, whole.text);
	keys_worker(&prefix, 3, "irc", "");
	keys_worker(&whole, 3, "irc", "irc-1-abcdefgh");
	snprintf(joined, sizeof joined, "%s%s", prefix.text, "irc-1-abcdefgh");
	assert_string_equal(joined, whole.text);
	keys_part(&prefix, 3, "", "");
	keys_part(&whole, 3, H, "irc");
	snprintf(joined, sizeof joined, "%s%s:%s", prefix.text, H, "irc");
	assert_string_equal(joined, whole.text);
}

static void test_longest(void **state)
{
	struct keys_name k;
	const char *platform =
		"abcdefghijklmnopqrstuvwxyz012345"; /* 32 bytes, as the keyring allows */
	char worker[65];

	UNUSED(state);
	memset(worker, 'w', 64);
	worker[64] = '\0';
	keys_worker(&k, 1023, platform, worker);
	assert_true(k.len < KEYS_SIZE);
	keys_part(&k, 1023, H, platform);
	assert_true(k.len < KEYS_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
