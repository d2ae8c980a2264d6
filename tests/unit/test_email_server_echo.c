/* SPDX-License-Identifier: MIT */
#include <sodium.h>

#include "core/mem.h"
#include "platforms/email/email_server_echo.h"
#include "tests/unit/unit.h"

static int echoes(const char *password, const char *said)
{
	struct secret s;
	int found;

	secret_init(&s, password, strlen(password));
	found = email_server_echoes(&s, said);
	secret_release(&s);
	return found;
}

static void other_words_are_told(void **state)
{
	UNUSED(state);
	assert_false(echoes("correct horse", "535 5.7.8 Error: authentication failed"));
	assert_false(
		echoes("correct horse", "B001 NO [AUTHENTICATIONFAILED] that is not correct."));
	assert_false(echoes("", "535 no"));
	assert_false(echoes("x", ""));
}

static void a_password_as_it_is(void **state)
{
	UNUSED(state);
	assert_true(echoes("correct horse", "-ERR what is correct horse?"));
	assert_true(echoes("pw", "A1 BAD LOGIN ann pw"));
	/* The line was cut. */
	assert_true(echoes("correct horse battery", "A1 BAD LOGIN ann correct ho"));
	assert_true(echoes("MARK\"secret", "A1 BAD LOGIN ann \"MARK\\\"secret\""));
	assert_true(echoes("MA\\x", "A1 BAD LOGIN ann \"MA\\\\x\""));
}

/* Whatever stands around it. */
static void a_password_in_base64(void **state)
{
	static const char *const passwords[] = {"correct horse", "secret", "four", "a\"b\\c"};
	char text[80], said[200], base64[160];

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(passwords); i++) {
		for (int before = 0; before < 7; before++) {
			for (int after = 0; after < 4; after++) {
				int n = snprintf(text, sizeof text, "%.*s%s%.*s", before, "user=an",
					passwords[i], after, "\1\1\1");

				sodium_bin2base64(base64, sizeof base64,
					(const unsigned char *)text, (size_t)n,
					sodium_base64_VARIANT_ORIGINAL);
				snprintf(said, sizeof said, "535 not understood: %s", base64);
				if (!echoes(passwords[i], said))
					fail_msg("%s in %s", passwords[i], said);
			}
		}
	}
	assert_true(echoes("MARKsecret", "535 5.5.2 not understood: AGFubgBNQVJLc2VjcmV0"));
	assert_false(echoes("otherMARK", "535 5.5.2 not understood: AGFubgBNQVJLc2VjcmV0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_words_are_told),
		cmocka_unit_test(a_password_as_it_is),
		cmocka_unit_test(a_password_in_base64),
	};

	return cmocka_run_group_tests_name("email_server_echo", tests, NULL, NULL);
}
