/* SPDX-License-Identifier: MIT */
/* IMAP with servers that follow a script and lack what others have: literals without a wait, IDLE, MOVE, UIDPLUS. */
#include "tests/unit/imap_link_rig.h"

static void test_literal(void **state)
{
	static const struct lined_step steps[] = {LOGIN("ESEARCH"),
		{.expect = "EXAMINE", .send = OPENED},
		{.expect = "SEARCH RETURN (ALL) CHARSET UTF-8 FROM {2}", .send = "+ go\r\n"},
		{.expect = "\xc3\xbc SUBJECT {2}", .send = "+\r\n"},
		{.expect = "\xc3\xa4", .send = "* ESEARCH (TAG \"S3\") UID ALL 9,4:5\r\nS3 OK\r\n"},
		{.expect = "NOOP", .send = "%T OK\r\n"},
		{.expect = "FROM {2}", .send = "%T NO [BADCHARSET (US-ASCII)] no\r\n"},
		{.expect = "S6 LIST", .send = "%T OK\r\n"}, {0}};
	const struct imap_search s = {.where = inbox, .from = "\xc3\xbc", .subject = "\xc3\xa4"};

	UNUSED(state);
	meet(steps, 0);
	imap_search(S.im, &s, &calls);
	wait_done(ERR_NONE);
	assert_int_equal(S.n_uids, 3);
	assert_int_equal(S.uids[0], 4);
	assert_int_equal(S.uids[2], 9);
	imap_search(S.im, &s, &calls);
	wait_done(ERR_UNSUPPORTED);
	imap_list(S.im, &calls);
	wait_done(ERR_NONE);
}

static void test_no_idle(void **state)
{
	static const struct lined_step steps[] = {LOGIN("IDLE"),
		{.expect = "EXAMINE", .send = OPENED},
		{.expect = "IDLE", .send = "%T NO not today\r\n"},
		{.expect = "NOOP", .send = "* 3 EXISTS\r\n* 1 FETCH (FLAGS (\\Seen))\r\n%T OK\r\n"},
		{.expect = "NOOP", .hang = 1}, {0}};

	UNUSED(state);
	meet(steps, 0);
	imap_watch(S.im, &inbox, &calls);
	wait_for(&S.flags);
	assert_int_equal(S.exists, 2);
	wait_offline(ERR_TIMEOUT);
}

static void test_idle_interrupted(void **state)
{
	static const struct lined_step steps[] = {LOGIN("IDLE"),
		{.expect = "EXAMINE", .send = OPENED},
		{.expect = "S3 IDLE", .send = "+ idling\r\n"},
		{.expect = "DONE", .send = "* 3 EXISTS\r\nS3 OK\r\n"},
		{.expect = "S4 NOOP", .send = "S4 OK\r\n"},
		{.expect = "S5 FETCH 1:3", .send = MAIL("3", "9", "a", "1") "S5 OK\r\n"},
		{.expect = "S6 IDLE", .send = "+ idling\r\n* 4 EXISTS\r\n", .hang = 1}, {0}};

	UNUSED(state);
	meet(steps, 0);
	imap_watch(S.im, &inbox, &calls);
	wait_for(&S.exists);
	fake_run_for(rig.fake, 20); /* IDLE has begun, or is about to: both have to do */
	imap_fetch(S.im, &newest, &calls);
	wait_done(ERR_NONE);
	assert_int_equal(S.n_mails, 1);
	/* at first, at the end of the first IDLE, and in the second */
	while (S.exists < 3)
		fake_run_for(rig.fake, 1);
}

static void test_move_by_hand(void **state)
{
	static const struct lined_step plus[] = {LOGIN("UIDPLUS"),
		{.expect = "SELECT", .send = OPENED},
		{.expect = "UID COPY 3:4 \"x\"", .send = "%T OK [COPYUID 9 3:4 11:12] done\r\n"},
		{.expect = "UID STORE 3:4 +FLAGS.SILENT (\\Deleted)", .send = "%T OK\r\n"},
		{.expect = "UID EXPUNGE 3:4", .send = "* 1 EXPUNGE\r\n%T OK\r\n"}, {0}};

	UNUSED(state);
	meet(plus, 0);
	imap_move(S.im, &two, "x", &calls);
	wait_done(ERR_NONE);
	assert_int_equal(S.n_uids, 2);
	assert_int_equal(S.uids[1], 12);
}

static void test_delete_by_hand(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""), {.expect = "SELECT", .send = OPENED},
		{.expect = "UID STORE 3:4 +FLAGS.SILENT (\\Deleted)", .send = "%T OK\r\n"},
		{.expect = "UID SEARCH DELETED", .send = "* SEARCH 3 4\r\n%T OK\r\n"},
		{.expect = " EXPUNGE", .send = "%T OK\r\n"},
		{.expect = "UID STORE", .send = "%T OK\r\n"},
		{.expect = "UID SEARCH DELETED", .send = "* SEARCH 3 4 5\r\n%T OK\r\n"},
		{.expect = "LIST", .send = "%T OK\r\n"}, {0}};

	UNUSED(state);
	meet(steps, 0);
	imap_delete(S.im, &two, &calls);
	wait_done(ERR_NONE);
	assert_false(S.marked);
	imap_delete(S.im, &two, &calls);
	wait_done(ERR_NONE);
	assert_true(S.marked);
	imap_list(S.im, &calls);
	wait_done(ERR_NONE);
}

/* What else is marked is not known without an answer that can be read to its end: then nothing is expunged. */
static void test_delete_in_the_dark(void **state)
{
	static const char *const answers[] = {"%T OK\r\n", "* SEARCH 3 x 5\r\n%T OK\r\n",
		"* SEARCH 3 99999999999\r\n* SEARCH 3 4\r\n%T OK\r\n",
		"* SEARCH 3 4\r\n* SEARCH (\r\n* SEARCH 5 \"\r\n%T OK\r\n"};
	struct lined_step steps[] = {LOGIN(""), {.expect = "SELECT", .send = OPENED},
		{.expect = "UID STORE 3:4 +FLAGS.SILENT (\\Deleted)", .send = "%T OK\r\n"},
		{.expect = "UID SEARCH DELETED"}, {.expect = "LIST", .send = "%T OK\r\n"}, {0}};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		if (i > 0)
			begin(state);
		steps[ARRAY_LEN(steps) - 3].send = answers[i];
		meet(steps, 0);
		imap_delete(S.im, &two, &calls);
		wait_done(ERR_NONE);
		assert_true(S.marked);
		imap_list(S.im, &calls);
		wait_done(ERR_NONE);
		if (i + 1 < ARRAY_LEN(answers))
			end(state);
	}
}

/* No mail was marked: that is an answer, too. */
static void test_delete_what_is_gone(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""), {.expect = "SELECT", .send = OPENED},
		{.expect = "UID STORE", .send = "%T OK\r\n"},
		{.expect = "UID SEARCH DELETED", .send = "* SEARCH\r\n%T OK\r\n"},
		{.expect = " EXPUNGE", .send = "%T OK\r\n"}, {0}};

	UNUSED(state);
	meet(steps, 0);
	imap_delete(S.im, &two, &calls);
	wait_done(ERR_NONE);
	assert_false(S.marked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_literal, begin, end),
		cmocka_unit_test_setup_teardown(test_no_idle, begin, end),
		cmocka_unit_test_setup_teardown(test_idle_interrupted, begin, end),
		cmocka_unit_test_setup_teardown(test_move_by_hand, begin, end),
		cmocka_unit_test_setup_teardown(test_delete_by_hand, begin, end),
		cmocka_unit_test_setup_teardown(test_delete_in_the_dark, begin, end),
		cmocka_unit_test_setup_teardown(test_delete_what_is_gone, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
