/* SPDX-License-Identifier: MIT */
/* Changing mails on an IMAP server that follows a script: what is sent, and what the result says. Decent servers are
 * tests/e2e/test_email_update.py's. */
#include "tests/unit/email_job_rig.h"

#include "core/json.h"

#define SELECTED                                                                                \
	{                                                                                       \
		.expect = "SELECT", .send = "* 3 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n%T OK\r\n" \
	}
#define SEARCHED(found)                                                                   \
	{.expect = "UID STORE 2 +FLAGS.SILENT (\\Deleted)", .send = "%T OK\r\n"},         \
	{                                                                                 \
		.expect = "UID SEARCH DELETED", .send = "* SEARCH " found "\r\n%T OK\r\n" \
	}
#define EXPUNGED                                          \
	{                                                 \
		.expect = " EXPUNGE", .send = "%T OK\r\n" \
	}

static void equals(const json_t *result, const char *expected)
{
	char *text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(text, expected);
	free(text);
}

static void who_is_only_marked_is_told(void **state)
{
	static const struct lined_step alone[] = {
		JOB_LOGIN(""), SELECTED, SEARCHED("2"), EXPUNGED, {0}};
	static const struct lined_step others[] = {JOB_LOGIN(""), SELECTED, SEARCHED("1 2"), {0}};
	static const struct lined_step moved[] = {JOB_LOGIN(""), SELECTED,
		{.expect = "UID COPY 2 \"x\"", .send = "%T OK\r\n"}, SEARCHED("1 2"), {0}};
	static const char delete[] = "{\"objectType\":\"delete\",\"uid\":2}";

	UNUSED(state);
	equals(job_good("imap", alone, "update", delete), "{\"folder\":\"INBOX\"}");
	job_end();
	equals(job_good("imap", others, "update", delete),
		"{\"folder\":\"INBOX\",\"marked\":true}");
	job_end();
	equals(job_good(
		       "imap", moved, "update", "{\"objectType\":\"move\",\"uid\":2,\"to\":\"x\"}"),
		"{\"folder\":\"INBOX\",\"marked\":true,\"to\":\"x\"}");
	job_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_only_marked_is_told),
	};

	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
