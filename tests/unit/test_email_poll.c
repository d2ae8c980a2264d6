/* SPDX-License-Identifier: MIT */
/* Observing a POP3 maildrop on a server that follows a script: what is told, in which order. */
#include "tests/unit/mail_rig.h"

#include "core/json.h"

extern const struct platform platform_email;

#define SETTINGS                                                                             \
	"{\"allow_plaintext\":true,\"connect_timeout_ms\":3000,\"timeout_ms\":3000,"         \
	"\"max_message_bytes\":100000,\"max_fetch_bytes\":100000,\"max_text_bytes\":100000," \
	"\"max_attachment_bytes\":30000,\"max_per_page\":100,\"links\":1,\"folders\":1,"     \
	"\"idle\":true,\"idle_timeout_s\":30,\"idle_refresh_s\":60,\"poll_interval_s\":0,"   \
	"\"reconnect_max_s\":1,\"give_up_s\":10}"
#define LOGIN                                                                             \
	{.send = "+OK hi\r\n"}, {.expect = "CAPA", .send = "+OK\r\nSASL PLAIN\r\n.\r\n"}, \
		{.expect = "AUTH PLAIN", .send = "+ \r\n"},                               \
	{                                                                                 \
		.expect = "AGFubgBzZWNyZXQ=", .send = "+OK\r\n"                           \
	}
#define LIST(sizes, uids)                                           \
	LOGIN, {.expect = "LIST", .send = "+OK\r\n" sizes ".\r\n"}, \
	{                                                           \
		.expect = "UIDL", .send = "+OK\r\n" uids ".\r\n"    \
	}
#define QUIT                                                    \
	{                                                       \
		.expect = "QUIT", .send = "+OK\r\n", .again = 1 \
	}
#define HEAD(n)                                                                              \
	{                                                                                    \
		.expect = "TOP " n " 0", .send = "+OK\r\nSubject: number " n "\r\n\r\n.\r\n" \
	}

static struct {
	struct fake *fake;
	struct lined *lined;
} S;

/* An observer that knows of the mails `known`, a JSON array, and has a subscriber. */
static void begin(const struct lined_step *steps, const char *known)
{
	static const char *const allow[] = {"127.0.0.1", NULL};
	json_t *block, *uids = json_loads(known, 0, NULL);

	assert_non_null(uids);
	S.lined = lined_new(steps, 0);
	block = json_pack("{sssisssssbsb}", "host", "127.0.0.1", "port", lined_port(S.lined),
		"username", "ann", "password", "secret", "tls", 0, "starttls", 0);
	S.fake = fake_restore(&platform_email, json_loads(SETTINGS, 0, NULL), allow,
		json_pack("{so}", "pop", block), json_pack("{s{so}}", "pop", "known", uids));
	fake_subscribe(S.fake, "pop headers INBOX");
}

static int is_done(void *arg)
{
	UNUSED(arg);
	return lined_is_done(S.lined);
}

static const json_t *member(const json_t *event, const char *name)
{
	return json_object_get(json_object_get(json_object_get(event, "message"), "object"), name);
}

/* Runs the script to its end; what was told, status or subject of each message. */
static void told(const char *expected)
{
	struct buf out = BUF_INIT;
	json_t *event;
	size_t i;

	assert_int_equal(fake_run_until(S.fake, is_done, NULL, RIG_WAIT_MS), 0);
	json_array_foreach (fake_events(S.fake), i, event) {
		const char *topic = json_string_value(json_object_get(event, "topic"));
		const char *status = json_string_value(member(event, "status"));
		if (topic == NULL || strcmp(topic, "pop headers INBOX") != 0)
			continue;
		buf_printf(&out, "%s%s; ",
			status != NULL ? status : json_string_value(member(event, "subject")),
			json_is_true(member(event, "renumbered")) ? " renumbered" : "");
	}
	assert_string_equal(buf_str(&out), expected);
	buf_release(&out);
	fake_free(S.fake);
	assert_int_equal(lined_free(S.lined), 0);
}

static void online_comes_before_what_was_missed(void **state)
{
	static const struct lined_step steps[] = {
		LIST("1 9\r\n2 9\r\n3 9\r\n", "1 a\r\n2 b\r\n3 c\r\n"), HEAD("2"), HEAD("3"), QUIT,
		LIST("1 9\r\n2 9\r\n3 9\r\n", "1 a\r\n2 b\r\n3 c\r\n"), QUIT, {.send = "+OK\r\n"},
		{0}};

	UNUSED(state);
	begin(steps, "[\"a\"]");
	told("online; number 2; number 3; ");
}

/* Not told again, not asked for again, and no reason to end. */
static void a_mail_that_is_not_given_is_left_out(void **state)
{
	static const struct lined_step steps[] = {
		LIST("1 9\r\n2 9\r\n3 9\r\n", "1 a\r\n2 b\r\n3 c\r\n"),
		{.expect = "TOP 2 0", .send = "-ERR it is broken\r\n"}, HEAD("3"), QUIT,
		LIST("1 9\r\n2 9\r\n3 9\r\n4 9\r\n", "1 a\r\n2 b\r\n3 c\r\n4 d\r\n"),
		{.expect = "TOP 4 0", .send = "-ERR it is broken\r\n"}, QUIT,
		LIST("1 9\r\n4 9\r\n", "1 a\r\n4 d\r\n"), QUIT, {.send = "+OK\r\n"}, {0}};

	UNUSED(state);
	begin(steps, "[\"a\"]");
	told("online; number 3; ");
}

/* Twenty mails have other names now: they are not told as new; the next is. */
static void renumbered_mails_are_not_new(void **state)
{
	static const char sizes[] = "+OK\r\n1 9\r\n2 9\r\n3 9\r\n4 9\r\n5 9\r\n6 9\r\n7 9\r\n"
				    "8 9\r\n9 9\r\n10 9\r\n11 9\r\n12 9\r\n13 9\r\n14 9\r\n"
				    "15 9\r\n16 9\r\n17 9\r\n18 9\r\n19 9\r\n20 9\r\n.\r\n";
	static const char uids[] = "+OK\r\n1 x1\r\n2 x2\r\n3 x3\r\n4 x4\r\n5 x5\r\n6 x6\r\n7 x7\r\n"
				   "8 x8\r\n9 x9\r\n10 x10\r\n11 x11\r\n12 x12\r\n13 x13\r\n"
				   "14 x14\r\n15 x15\r\n16 x16\r\n17 x17\r\n18 x18\r\n"
				   "19 x19\r\n20 x20\r\n.\r\n";
	static const struct lined_step steps[] = {LOGIN, {.expect = "LIST", .send = sizes},
		{.expect = "UIDL", .send = uids}, QUIT,
		LIST("20 9\r\n21 9\r\n", "20 x20\r\n21 x21\r\n"), HEAD("21"), QUIT,
		{.send = "+OK\r\n"}, {0}};

	UNUSED(state);
	begin(steps, "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\","
		     "\"12\",\"13\",\"14\",\"15\",\"16\",\"17\",\"18\",\"19\",\"20\"]");
	told("online renumbered; number 21; ");
}

/* All were deleted, and others came: these are new, as far as anybody can tell. */
static void a_few_mails_after_others_are_new(void **state)
{
	static const struct lined_step steps[] = {
		LIST("1 9\r\n", "1 b\r\n"), HEAD("1"), QUIT, {.send = "+OK\r\n"}, {0}};

	UNUSED(state);
	begin(steps, "[\"a\"]");
	told("online; number 1; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(online_comes_before_what_was_missed),
		cmocka_unit_test(a_mail_that_is_not_given_is_left_out),
		cmocka_unit_test(renumbered_mails_are_not_new),
		cmocka_unit_test(a_few_mails_after_others_are_new),
	};

	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
