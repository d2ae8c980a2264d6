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

/* --- more than one command takes -------------------------------------------------------------------------------- */

/* Every other UID from 1 on, `n` of them, and more members. */
static char *every_other(int n, const char *more)
{
	struct buf out = BUF_INIT;

	buf_printf(&out, "{%s,\"uid\":[1", more);
	for (int i = 1; i < n; i++)
		buf_printf(&out, ",%d", 1 + 2 * i);
	buf_add_str(&out, "]}");
	return buf_take(&out);
}

static void many(const struct lined_step *steps, const char *members, const char *expected)
{
	char *object = every_other(700, members);

	equals(job_good("imap", steps, "update", object), expected);
	job_end();
	mem_free(object);
}

#define OK(command)                                           \
	{                                                     \
		.expect = "UID " command, .send = "%T OK\r\n" \
	}

static void flags_of_many(void **state)
{
	static const struct lined_step steps[] = {JOB_LOGIN(""), SELECTED, OK("STORE 1,3,5,"),
		OK("STORE 601,603,"), OK("STORE 1201,1203,"), OK("STORE 1,3,5,"),
		OK("STORE 601,603,"), OK("STORE 1201,1203,"), {0}};

	UNUSED(state);
	many(steps, "\"objectType\":\"flags\",\"add\":[\"seen\"],\"remove\":[\"draft\"]",
		"{\"folder\":\"INBOX\"}");
}

static void deletion_of_many(void **state)
{
	static const struct lined_step plus[] = {JOB_LOGIN("UIDPLUS"), SELECTED, OK("STORE 1,3,5,"),
		OK("STORE 601,603,"), OK("STORE 1201,1203,"), OK("EXPUNGE 1,3,5,"),
		OK("EXPUNGE 601,603,"), OK("EXPUNGE 1201,1203,"), {0}};
	/* Those of another command are no others. */
	static const struct lined_step by_hand[] = {JOB_LOGIN(""), SELECTED, OK("STORE 1,3,5,"),
		OK("STORE 601,603,"), OK("STORE 1201,1203,"),
		{.expect = "UID SEARCH DELETED", .send = "* SEARCH 1 601 1399\r\n%T OK\r\n"},
		EXPUNGED, {0}};

	UNUSED(state);
	many(plus, "\"objectType\":\"delete\"", "{\"folder\":\"INBOX\"}");
	many(by_hand, "\"objectType\":\"delete\"", "{\"folder\":\"INBOX\"}");
}

/* The new UIDs come with each command, some of them twice; what cannot be read is left out. */
static void move_of_many(void **state)
{
	static const struct lined_step moved[] = {JOB_LOGIN("MOVE UIDPLUS"), SELECTED,
		{.expect = "UID MOVE 1,3,5,",
			.send = "* OK [COPYUID 9 1,3 4:5]\r\n* 1 EXPUNGE\r\n%T OK\r\n"},
		{.expect = "UID MOVE 601,603,", .send = "%T OK [COPYUID 9 601 7,x] done\r\n"},
		{.expect = "UID MOVE 1201,1203,",
			.send = "* OK [COPYUID 9 1201 8]\r\n%T OK [COPYUID 9 1201 8] done\r\n"},
		{0}};
	static const struct lined_step by_hand[] = {JOB_LOGIN("UIDPLUS"), SELECTED,
		OK("COPY 1,3,5,"), OK("COPY 601,603,"), OK("COPY 1201,1203,"), OK("STORE 1,3,5,"),
		OK("STORE 601,603,"), OK("STORE 1201,1203,"), OK("EXPUNGE 1,3,5,"),
		OK("EXPUNGE 601,603,"), OK("EXPUNGE 1201,1203,"), {0}};
	static const char move[] = "\"objectType\":\"move\",\"to\":\"x\"";

	UNUSED(state);
	many(moved, move, "{\"folder\":\"INBOX\",\"to\":\"x\",\"uid\":[4,5,8]}");
	many(by_hand, move, "{\"folder\":\"INBOX\",\"to\":\"x\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_only_marked_is_told),
		cmocka_unit_test(flags_of_many),
		cmocka_unit_test(deletion_of_many),
		cmocka_unit_test(move_of_many),
	};

	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
