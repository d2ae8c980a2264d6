/* SPDX-License-Identifier: MIT */
/* IMAP with servers that follow a script: split, lost, refused, hostile. What a decent server does is
 * test_imap.c's, what one may lack test_imap_lack.c's. */
#include "tests/unit/imap_link_rig.h"

/* --- bytes ------------------------------------------------------------------------------------------------------ */

static void test_in_pieces(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""),
		{.expect = "S2 EXAMINE \"INBOX\"", .send = OPENED},
		{.expect = "S3 FETCH 1:2 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.65537>)",
			.send = MAIL("1", "7", "a)\r\n",
				"4") "* 3 EXISTS\r\n* 1 FETCH (FLAGS "
				     "(\\Seen))\r\n" MAIL("2", "9", "S3 OK", "5") "S3 OK done\r\n"},
		{0}};

	UNUSED(state);
	meet(steps, 1);
	imap_fetch(S.im, &newest, &calls);
	wait_done(ERR_NONE);
	assert_int_equal(S.n_mails, 2);
	assert_string_equal(S.bytes, "S3 OK");
	assert_int_equal(S.offline, 0);
}

static void test_large(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""), {.expect = "EXAMINE", .send = OPENED},
		{.expect = "FETCH",
			.send = "* 1 FETCH (UID 1 RFC822.SIZE 9000000 BODY[]<0> {60000}\r\n"},
		{.bytes = 60000},
		{.send = ")\r\n* 2 FETCH (UID 2 RFC822.SIZE 9000000 BODY[] {100001}\r\n"},
		{.bytes = 100001}, {0}};

	UNUSED(state);
	meet(steps, 0);
	imap_fetch(S.im, &newest, &calls);
	wait_done(ERR_TOO_LARGE);
	assert_int_equal(S.n_mails, 1);
	assert_int_equal(S.len, 60000);
	wait_offline(ERR_TOO_LARGE);
}

static void test_lost_in_literal(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""), {.expect = "EXAMINE", .send = OPENED},
		{.expect = "FETCH",
			.send = "* 1 FETCH (UID 1 RFC822.SIZE 9 BODY[] {9}\r\nabc",
			.drop = 1},
		{0}};

	UNUSED(state);
	meet(steps, 0);
	imap_fetch(S.im, &newest, &calls);
	imap_list(S.im, &calls);
	wait_offline(ERR_REMOTE);
	assert_int_equal(S.done, 2);
	assert_int_equal(S.n_mails, 0);
	assert_non_null(strstr(S.err.text, "the connection was lost"));
	fake_run_for(rig.fake, 20);
	assert_int_equal(S.offline, 1);
}

static void test_garbage(void **state)
{
	static const struct lined_step untagged[] = {LOGIN(""), {.send = "what?\r\n"}, {0}};
	static const struct lined_step tagged[] = {LOGIN(""), {.send = "S9 OK done\r\n"}, {0}};
	static const struct lined_step early[] = {
		LOGIN(""), {.expect = "LIST", .send = "S2 OK done\r\nS2 OK again\r\n"}, {0}};
	static const struct lined_step more[] = {
		LOGIN(""), {.expect = "LIST", .send = "+ more\r\n"}, {0}};
	static const struct lined_step endless[] = {
		LOGIN(""), {.expect = "LIST", .bytes = 5000000}, {0}};
	static const struct {
		const struct lined_step *steps;
		enum err_code code;
	} all[] = {{untagged, ERR_REMOTE}, {tagged, ERR_REMOTE}, {early, ERR_REMOTE},
		{more, ERR_REMOTE}, {endless, ERR_TOO_LARGE}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		meet(all[i].steps, 0);
		imap_list(S.im, &calls);
		wait_offline(all[i].code);
		if (i + 1 < ARRAY_LEN(all)) {
			imap_free(&S.im);
			assert_int_equal(lined_free(S.lined), 0);
			S.lined = NULL;
			email_server_free(S.server);
			memset(&S, 0, sizeof S);
		}
	}
	UNUSED(state);
}

/* --- deadlines -------------------------------------------------------------------------------------------------- */

static void test_silent(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""), {.expect = "LIST", .hang = 1}, {0}};
	uint64_t before;

	UNUSED(state);
	meet(steps, 0);
	imap_list(S.im, &calls);
	wait_offline(ERR_TIMEOUT);
	before = uv_hrtime();
	imap_free(&S.im);
	assert_true(uv_hrtime() - before < 200000000);
}

/* A server that does not answer LOGOUT does not hold us. */
static void test_free_is_quick(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""),
		{.expect = "LIST", .send = "S2 OK\r\n"}, {.expect = "LOGOUT", .hang = 1}, {0}};
	uint64_t before;

	UNUSED(state);
	meet(steps, 0);
	imap_list(S.im, &calls);
	wait_done(ERR_NONE);
	before = uv_hrtime();
	imap_free(&S.im);
	assert_true(uv_hrtime() - before < 200000000);
	fake_run_for(rig.fake, 20);
}

static void test_cancel_late(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""), {.expect = "EXAMINE", .send = OPENED},
		{.expect = "FETCH", .send = MAIL("1", "7", "a", "1")},
		{.send = MAIL("2", "8", "b", "1") "S3 OK\r\n", .wait_ms = 60},
		{.expect = "S4 LIST", .send = "S4 OK\r\n"}, {0}};
	struct imap_op *op;
	int seen;

	UNUSED(state);
	meet(steps, 0);
	op = imap_fetch(S.im, &newest, &calls);
	while (S.n_mails == 0)
		fake_run_for(rig.fake, 1);
	imap_cancel(&op);
	imap_list(S.im, &calls);
	wait_done(ERR_NONE);
	seen = (int)S.n_mails;
	assert_int_equal(seen, 1);
	assert_int_equal(S.done, 1);
	assert_int_equal(S.offline, 0);
}

/* It goes on for ever, though it is never silent. */
static void test_cancel_endless(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""), {.expect = "EXAMINE", .send = OPENED},
		{.expect = "FETCH", .send = MAIL("1", "7", "a", "1"), .times = 10000000}, {0}};
	struct imap_op *op;

	UNUSED(state);
	meet(steps, 0);
	op = imap_fetch(S.im, &newest, &calls);
	while (S.n_mails == 0)
		fake_run_for(rig.fake, 1);
	imap_cancel(&op);
	wait_offline(ERR_TIMEOUT);
	assert_int_equal(S.done, 0);
}

static void test_pause(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""), {.expect = "EXAMINE", .send = OPENED},
		{.expect = "FETCH", .send = MAIL("1", "7", "0123456789", "10"), .times = 2000},
		{.send = "S3 OK\r\n"}, {0}};
	size_t paused_at;

	UNUSED(state);
	meet(steps, 0);
	S.pause = 1;
	imap_fetch(S.im, &newest, &calls);
	while (S.n_mails == 0)
		fake_run_for(rig.fake, 1);
	paused_at = S.n_mails;
	assert_in_range(paused_at, 1, 1999); /* one piece of what waits */
	fake_run_for(rig.fake, 400);
	assert_int_equal(S.n_mails, paused_at);
	assert_int_equal(S.done, 0);
	S.pause = 0;
	imap_pause(S.im, 0);
	if (S.done == 0)
		wait_done(ERR_NONE);
	assert_int_equal(S.n_mails, 2000);
}

/* Asked for "<0.101>" a server may send all: what is kept of it is not more than what was asked for. */
static void test_more_than_asked_for(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""), {.expect = "EXAMINE", .send = OPENED},
		{.expect = "BODY.PEEK[1]<0.101>",
			.send = "* 1 FETCH (UID 7 RFC822.SIZE 9 BODY[1.MIME]<0> {40000}\r\n",
			.bytes = 40000},
		{.send = " BODY[1]<0> {50000}\r\n", .bytes = 50000}, {.send = ")\r\nS3 OK\r\n"},
		{.expect = "NOOP", .send = "%T OK\r\n"},
		{.expect = "BODY.PEEK[]<0.4>",
			.send = "* 1 FETCH (UID 7 RFC822.SIZE 9 BODY[]<0> "
				"\"\\\\\\\\\\\\\\\\\")\r\n%T OK\r\n"},
		{.expect = "NOOP", .send = "%T OK\r\n"},
		{.expect = "BODY.PEEK[]<0.4>",
			.send = "* 1 FETCH (UID 7 RFC822.SIZE 9 BODY[]<0> "
				"\"\\\\a\\\\\")\r\n%T OK\r\n"},
		{0}};
	const struct imap_range all = {1, 0};
	struct imap_fetch f = {.where = inbox,
		.ranges = &all,
		.n_ranges = 1,
		.what = IMAP_FETCH_PART,
		.part = "1",
		.max_bytes = 100};

	UNUSED(state);
	meet(steps, 0);
	imap_fetch(S.im, &f, &calls);
	wait_done(ERR_NONE);
	assert_int_equal(S.len, 100);
	assert_true(S.truncated && S.cap < 30000);
	f.what = IMAP_FETCH_WHOLE;
	f.max_bytes = 3;
	imap_fetch(S.im, &f, &calls);
	wait_done(ERR_NONE);
	assert_string_equal(S.bytes, "\\\\\\");
	assert_true(S.truncated);
	imap_fetch(S.im, &f, &calls);
	wait_done(ERR_NONE);
	assert_string_equal(S.bytes, "\\a\\");
	assert_false(S.truncated);
}

/* --- refusals --------------------------------------------------------------------------------------------------- */

static void test_bye(void **state)
{
	static const struct lined_step steps[] = {LOGIN("IDLE"),
		{.expect = "EXAMINE", .send = OPENED},
		{.expect = "IDLE",
			.send = "+ idling\r\n* BYE Autologout; idle for too long\r\n",
			.drop = 1},
		{0}};

	UNUSED(state);
	meet(steps, 0);
	imap_watch(S.im, &inbox, &calls);
	wait_offline(ERR_REMOTE);
	assert_non_null(strstr(S.why.text, "closed the connection: Autologout; idle"));
	assert_int_equal(S.done, 1);
}

static void test_bye_in_use(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""),
		{.expect = "EXAMINE",
			.send = "* BYE [UNAVAILABLE] going \xff"
				"down\r\n",
			.drop = 1},
		{0}};

	UNUSED(state);
	meet(steps, 0);
	imap_look(S.im, &inbox, &calls);
	wait_offline(ERR_BUSY);
	assert_int_equal(S.err.code, ERR_BUSY);
}

/* Servers with nothing but the command LOGIN are asked a second time. */
static void test_no_sasl(void **state)
{
	static const struct lined_step steps[] = {{.send = "* OK hi\r\n"},
		{.expect = " CAPABILITY",
			.send = "* CAPABILITY IMAP4rev1\r\n%T OK\r\n",
			.again = 1},
		{.send = "* OK hi\r\n"},
		{.expect = " CAPABILITY", .send = "* CAPABILITY IMAP4rev1\r\n%T OK\r\n"},
		{.expect = "LOGIN ann secret", .send = "%T OK in\r\n"},
		{.expect = "S1 CAPABILITY", .send = "* CAPABILITY IMAP4rev1\r\nS1 OK\r\n"}, {0}};

	UNUSED(state);
	meet(steps, 0);
	wait_for(&S.online);
	assert_int_equal(S.offline, 0);
}

/* Kerberos would look up names, and block: it is not tried either when libcurl has to choose, however it is written. */
static void test_kerberos_later(void **state)
{
	static const struct lined_step steps[] = {{.send = "* OK hi\r\n"},
		{.expect = " CAPABILITY",
			.send = "* CAPABILITY IMAP4rev1\r\n%T OK\r\n",
			.again = 1},
		{.send = "* OK hi\r\n"},
		{.expect = " CAPABILITY",
			.send = "* CAPABILITY IMAP4rev1\tAUTH=GSSAPI\r\n%T OK\r\n"},
		{0}};

	UNUSED(state);
	meet(steps, 0);
	wait_offline(ERR_REMOTE);
	assert_non_null(strstr(S.why.text, "other ways to log in"));
}

/* Without TLS, and without another way: no second attempt, and no password. */
static void test_login_disabled(void **state)
{
	static const struct lined_step steps[] = {{.send = "* OK hi\r\n"},
		{.expect = " CAPABILITY",
			.send = "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n%T OK\r\n"},
		{0}};

	UNUSED(state);
	meet(steps, 0);
	wait_offline(ERR_AUTH);
	assert_non_null(strstr(S.why.text, "offers no way to log in"));
}

static void test_login_busy(void **state)
{
	static const struct lined_step steps[] = {GREET,
		{.expect = "AUTHENTICATE", .send = "%T NO [UNAVAILABLE] try later\r\n"}, {0}};

	UNUSED(state);
	meet(steps, 0);
	imap_look(S.im, &inbox, &calls);
	wait_offline(ERR_BUSY);
	assert_non_null(strstr(S.why.text, "try later"));
}

static void test_reasons(void **state)
{
	static const struct lined_step steps[] = {LOGIN(""),
		{.expect = "SELECT", .send = "%T NO [INUSE] Mailbox is locked\r\n"},
		{.expect = "SELECT", .send = "* OK [UIDVALIDITY 5] x\r\n%T OK [READ-ONLY] in\r\n"},
		{.expect = "COPY", .send = "%T NO [OVERQUOTA] full\r\n"},
		{.expect = "CREATE", .send = "%T NO [NOPERM] not you\r\n"},
		{.expect = "CREATE", .send = "%T BAD what?\r\n"},
		{.expect = "CREATE", .send = "%T NO over your Quota\r\n"},
		{.expect = "CREATE", .send = "%T NO\r\n"}, {0}};

	UNUSED(state);
	meet(steps, 0);
	imap_store(S.im, &two, IMAP_SEEN, 0, &calls);
	wait_done(ERR_BUSY);
	imap_store(S.im, &two, IMAP_SEEN, 0, &calls);
	wait_done(ERR_FORBIDDEN);
	imap_copy(S.im, &two, "x", &calls);
	wait_done(ERR_TOO_LARGE);
	imap_create(S.im, "x", &calls);
	wait_done(ERR_FORBIDDEN);
	imap_create(S.im, "x", &calls);
	wait_done(ERR_REMOTE);
	imap_create(S.im, "x", &calls);
	wait_done(ERR_TOO_LARGE);
	imap_create(S.im, "x", &calls);
	wait_done(ERR_REMOTE);
	assert_int_equal(S.offline, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_pieces, begin, end),
		cmocka_unit_test_setup_teardown(test_large, begin, end),
		cmocka_unit_test_setup_teardown(test_lost_in_literal, begin, end),
		cmocka_unit_test_setup_teardown(test_garbage, begin, end),
		cmocka_unit_test_setup_teardown(test_silent, begin, end),
		cmocka_unit_test_setup_teardown(test_free_is_quick, begin, end),
		cmocka_unit_test_setup_teardown(test_cancel_late, begin, end),
		cmocka_unit_test_setup_teardown(test_cancel_endless, begin, end),
		cmocka_unit_test_setup_teardown(test_pause, begin, end),
		cmocka_unit_test_setup_teardown(test_more_than_asked_for, begin, end),
		cmocka_unit_test_setup_teardown(test_bye, begin, end),
		cmocka_unit_test_setup_teardown(test_bye_in_use, begin, end),
		cmocka_unit_test_setup_teardown(test_no_sasl, begin, end),
		cmocka_unit_test_setup_teardown(test_kerberos_later, begin, end),
		cmocka_unit_test_setup_teardown(test_login_disabled, begin, end),
		cmocka_unit_test_setup_teardown(test_login_busy, begin, end),
		cmocka_unit_test_setup_teardown(test_reasons, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
