/* SPDX-License-Identifier: MIT */
#include "tests/unit/email_sender_rig.h"

/* --- what goes well ---------------------------------------------------------------------------------------------- */

static void a_mail_is_delivered(void **state)
{
	struct world w = world(NULL);
	const json_t *object = done(&w, send_to(&w, "bob@example.org"));
	char *commands = smtpd_commands(w.smtpd), *sent = smtpd_mail(w.smtpd);
	char *mail_from = strstr(commands, "MAIL");

	UNUSED(state);
	assert_json(json_object_get(object, "accepted"), "[\"bob@example.org\"]");
	assert_null(json_object_get(object, "refused"));
	assert_non_null(strstr(sent, text(object, "messageId")));
	assert_int_equal(strlen(text(object, "date")), 24);
	assert_non_null(mail_from);
	*strstr(mail_from, "SIZE=") = '\0';
	assert_string_equal(mail_from, "MAIL FROM:<ann@example.org> ");
	assert_non_null(strstr(sent, "\r\n\r\nhello\r\n..\r\n"));
	assert_ptr_equal(strstr(commands, "CONNECT\nEHLO [127.0.0.1]\nAUTH PLAIN\n"), commands);
	mem_free(commands);
	mem_free(sent);
	world_free(&w);
}

/* A relay that asks for no login needs none. */
static void a_server_without_logins_is_used(void **state)
{
	static const struct smtpd_rule rules[] = {{.on = "EHLO", .reply = "250 fake\r\n"}, {0}};
	struct world w = world(rules);
	char *commands, *mail_from;

	UNUSED(state);
	done(&w, send_to(&w, "bob@example.org"));
	commands = smtpd_commands(w.smtpd);
	mail_from = strstr(commands, "MAIL");
	assert_non_null(mail_from);
	assert_ptr_equal(strstr(mail_from, "MAIL FROM:<ann@example.org>\n"), mail_from);
	assert_int_equal(smtpd_count(w.smtpd, "AUTH"), 0);
	mem_free(commands);
	world_free(&w);
}

static void the_greeting_has_the_domain(void **state)
{
	struct world w = world_with(NULL, NULL, json_pack("{ss}", "domain", "client.example.net"));
	const json_t *object = done(&w, send_to(&w, "bob@example.org"));

	UNUSED(state);
	assert_int_equal(smtpd_count(w.smtpd, "EHLO client.example.net"), 1);
	assert_non_null(strstr(text(object, "messageId"), "@client.example.net>"));
	world_free(&w);
}

static void a_token_logs_in(void **state)
{
	static const char *const mechanisms[] = {"XOAUTH2", "OAUTHBEARER"};

	UNUSED(state);
	for (int i = 0; i < 2; i++) {
		struct world w = world_with(
			NULL, NULL, json_pack("{ssss}", "token", PASSWORD, "oauth", mechanisms[i]));
		char command[40];
		snprintf(command, sizeof command, "AUTH %s", mechanisms[i]);
		done(&w, send_to(&w, "bob@example.org"));
		assert_int_equal(smtpd_count(w.smtpd, command), 1);
		world_free(&w);
	}
}

static void a_connection_is_used_again(void **state)
{
	struct world w = world(NULL);

	UNUSED(state);
	for (int i = 0; i < 3; i++)
		done(&w, send_to(&w, "bob@example.org"));
	assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 1);
	assert_int_equal(smtpd_count(w.smtpd, "."), 3);
	world_free(&w);
}

static void an_unused_connection_is_closed(void **state)
{
	struct world w = world_with(NULL, json_pack("{si}", "idle_timeout_s", 0), NULL);

	UNUSED(state);
	done(&w, send_to(&w, "bob@example.org"));
	assert_int_equal(fake_run_until(w.fake, is_closed, &w, 5000), 0);
	assert_int_equal(smtpd_count(w.smtpd, "QUIT"), 1);
	done(&w, send_to(&w, "bob@example.org"));
	assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 2);
	world_free(&w);
}

/* The server closed it in the meantime, or does so, silently or with 421, when it is needed again. */
static void a_stale_connection_is_replaced(void **state)
{
	static const struct smtpd_rule rules[][2] = {
		{{.on = ".", .nth = 1, .reply = "250 ok\r\n", .then_close = 1}},
		{{.on = ".", .nth = 1, .reply = "250 ok\r\n421 bye\r\n", .then_close = 1}},
		{{.on = "MAIL", .nth = 2, .reply = NULL}},
		{{.on = "MAIL", .nth = 2, .reply = "421 4.3.2 too late\r\n", .then_close = 1}}};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct world w = world(rules[i]);
		done(&w, send_to(&w, "bob@example.org"));
		if (i < 2)
			assert_int_equal(fake_run_until(w.fake, is_closed, &w, 5000), 0);
		done(&w, send_to(&w, "bob@example.org"));
		assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 2);
		assert_int_equal(smtpd_count(w.smtpd, "."), 2);
		world_free(&w);
	}
}

static void mails_share_few_connections(void **state)
{
	static const struct smtpd_rule rules[] = {
		{.on = ".", .reply = "250 ok\r\n", .delay_ms = 50}, {0}};
	struct world w = world(rules);
	int jobs[10];

	UNUSED(state);
	for (int i = 0; i < 10; i++)
		jobs[i] = send_to(&w, "bob@example.org");
	for (int i = 0; i < 10; i++)
		done(&w, jobs[i]);
	assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 4);
	assert_int_equal(smtpd_count(w.smtpd, "."), 10);
	world_free(&w);
}

static void slow_replies_are_put_together(void **state)
{
	static const struct smtpd_rule rules[] = {
		{.on = "MAIL", .reply = "250-2.1.0 wait\r\n250-\r\n250 ok\r\n", .slowly = 1},
		{.on = "RCPT", .reply = "250 2.1.5 ok\r\n", .slowly = 1},
		{.on = ".", .reply = "250-2.0.0 a\r\n250 b\r\n", .slowly = 1}, {0}};
	struct world w = world(rules);

	UNUSED(state);
	done(&w, send_to(&w, "a@x.org b@x.org c@x.org"));
	done(&w, send_to(&w, "a@x.org b@x.org c@x.org"));
	assert_int_equal(smtpd_count(w.smtpd, "RCPT"), 6);
	world_free(&w);
}

/* libcurl alone would stop everything until the reply to the mail is there. */
static void a_thoughtful_server_stops_nobody(void **state)
{
	static const struct smtpd_rule rules[] = {
		{.on = ".", .reply = "250 ok\r\n", .delay_ms = 2000}, {0}};
	struct world w = world(rules);
	uint64_t before = uv_hrtime(), longest = 0;
	int job = send_to(&w, "bob@example.org");

	UNUSED(state);
	while (!fake_is_answered(w.fake, job)) {
		uint64_t now;
		fake_run_for(w.fake, 1);
		now = uv_hrtime();
		longest = MAX(longest, now - before);
		before = now;
	}
	done(&w, job);
	assert_true(longest / 1000000 < 1000);
	world_free(&w);
}

/* Beyond the size that a thread composes, and beyond what a socket takes at once; every line begins with a dot. */
static void a_large_mail_arrives_whole(void **state)
{
	struct world w = world(NULL);
	struct buf body = BUF_INIT;
	char *sent, *from, *to;
	size_t dots = 0;

	UNUSED(state);
	for (int i = 0; i < 100000; i++)
		buf_printf(&body, ".%d is the number of this line\n", i);
	done(&w, fake_job(w.fake,
			 mail("bob@example.org", json_pack("{ss}", "text", buf_str(&body)))));
	sent = smtpd_mail(w.smtpd);
	from = strstr(sent, "\r\n\r\n") + 4;
	to = sent;
	for (; *from != '\0'; from++) { /* unstuff, and make LF of CR LF */
		if (from[0] == '.' && from[-1] == '\n') {
			dots++;
			continue;
		}
		if (from[0] != '\r')
			*to++ = *from;
	}
	*to = '\0';
	assert_int_equal(dots, 100000);
	assert_string_equal(sent, buf_str(&body));
	mem_free(sent);
	buf_release(&body);
	world_free(&w);
}

/* Composing in several threads of the pool. */
static void large_mails_are_made_side_by_side(void **state)
{
	struct world w = world(NULL);
	struct buf body = BUF_INIT;
	int jobs[8];

	UNUSED(state);
	for (int i = 0; i < 20000; i++)
		buf_printf(&body, "<p>Zeile n\u00fcmmer %d</p>\n", i);
	for (int i = 0; i < 8; i++)
		jobs[i] = fake_job(w.fake,
			mail("bob@example.org", json_pack("{ssss}", "subject", "Gr\u00fc\u00dfe",
							"html", buf_str(&body))));
	for (int i = 0; i < 8; i++)
		done(&w, jobs[i]);
	assert_int_equal(smtpd_count(w.smtpd, "."), 8);
	buf_release(&body);
	world_free(&w);
}

/* --- refusals ---------------------------------------------------------------------------------------------------- */

static void refused_recipients_keep_nobody_from_it(void **state)
{
	static const char plain[] = "250-fake\r\n250-AUTH PLAIN\r\n250 HELP\r\n";
	static const struct smtpd_rule rules[] = {
		{.on = "RCPT TO:<no@x.org>",
			.reply = "550-5.1.1 no\r\n550 5.1.1 such \xe9 user\r\n"},
		{.on = "RCPT TO:<full@x.org>", .reply = "452 4.2.2 mailbox full\r\n"}, {0}};
	static const struct smtpd_rule rules_plain[] = {{.on = "EHLO", .reply = plain},
		{.on = "RCPT TO:<no@x.org>",
			.reply = "550-5.1.1 no\r\n550 5.1.1 such \xe9 user\r\n"},
		{.on = "RCPT TO:<full@x.org>", .reply = "452 4.2.2 mailbox full\r\n"}, {0}};

	UNUSED(state);
	for (int i = 0; i < 2; i++) { /* with PIPELINING and without */
		struct world w = world(i == 0 ? rules : rules_plain);
		const json_t *object = done(
			&w, send_to(&w, "a@x.org no@x.org b@x.org full@x.org c@x.org"));
		assert_json(json_object_get(object, "accepted"),
			"[\"a@x.org\",\"b@x.org\",\"c@x.org\"]");
		assert_json(json_object_get(object, "refused"),
			"[{\"address\":\"no@x.org\",\"code\":550,\"text\":\"5.1.1 no 5.1.1 such ? "
			"user\",\"temporary\":false},{\"address\":\"full@x.org\",\"code\":452,"
			"\"text\":"
			"\"4.2.2 mailbox full\",\"temporary\":true}]");
		assert_int_equal(smtpd_count(w.smtpd, "."), 1);
		world_free(&w);
	}
}

static void many_recipients_go_in_batches(void **state)
{
	struct world w = world_with(NULL, json_pack("{si}", "max_recipients", 1000), NULL);
	struct buf to = BUF_INIT;

	UNUSED(state);
	for (int i = 0; i < 450; i++)
		buf_printf(&to, "r%d@x.org ", i);
	done(&w, send_to(&w, buf_str(&to)));
	assert_int_equal(smtpd_count(w.smtpd, "RCPT"), 450);
	buf_release(&to);
	world_free(&w);
}

static void refusals_have_the_servers_words(void **state)
{
	static const struct {
		struct smtpd_rule rules[2];
		const char *code, *why;
	} cases[] = {
		{{{.on = "RCPT", .reply = "550 5.1.1 no such user\r\n"}}, "remote",
			"refused the recipient bob@example.org (for good): 550 5.1.1 no such user"},
		{{{.on = "RCPT", .reply = "451 4.7.1 greylisted\r\n"}}, "remote",
			"refused the recipient bob@example.org (try again later): 451 4.7.1 "
			"greylisted"},
		{{{.on = "MAIL", .reply = "550 5.7.1 not yours\r\n"}}, "remote",
			"refused the sender (for good): 550 5.7.1 not yours"},
		{{{.on = "MAIL", .reply = "552 5.3.4 too big\r\n"}}, "too-large",
			"552 5.3.4 too big"},
		{{{.on = "DATA", .reply = "554 no\r\n"}}, "remote",
			"refused the mail (for good): 554 no"},
		{{{.on = ".", .reply = "554 5.7.1 spam\r\n"}}, "remote",
			"refused the mail (for good): 554 5.7.1 spam"},
		{{{.on = ".", .reply = "451 4.3.0 try\r\n"}}, "remote",
			"refused the mail (try again later): 451 4.3.0 try"},
		{{{.on = "MAIL", .reply = "421 4.3.2 closing\r\n", .then_close = 1}}, "remote",
			"(try again later): 421 4.3.2 closing"},
		{{{.on = "BODY", .reply = "552 enough\r\n"}}, "too-large", "552 enough"},
		{{{.on = "DATA", .reply = "250 what\r\n"}}, "remote", "250 what"},
		{{{.on = "AUTH", .reply = "535 5.7.8 " PASSWORD " is wrong\r\n"}}, "auth",
			"refused user name or password"},
		{{{.on = "AUTH", .reply = "535 5.7.8 no\r\n"}}, "auth",
			"refused user name or password: 535 5.7.8 no"},
		{{{.on = "AUTH", .reply = "454 4.7.0 later\r\n"}}, "busy", "454 4.7.0 later"},
		{{{.on = "EHLO", .reply = "250-fake\r\n250 AUTH GSSAPI\r\n"}}, "auth",
			"no way to log in"},
		{{{.on = "CONNECT", .reply = "554 5.7.1 you are blocked\r\n", .then_close = 1}},
			"remote", "554 5.7.1 you are blocked"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		fails(cases[i].rules, cases[i].code, cases[i].why);
}

static void a_refused_token_is_told(void **state)
{
	static const struct smtpd_rule rules[][2] = {
		{{.on = "AUTH PLAIN (answered)", .reply = "334 eyJzdGF0dXMiOiI0MDAifQ==\r\n"}},
		{{.on = "AUTH", .reply = "535 5.7.8 expired\r\n"}}};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct world w = world_with(rules[i], NULL, json_pack("{ss}", "token", PASSWORD));
		assert_failed(&w, send_to(&w, "bob@example.org"), "auth",
			i == 0 ? "refused user name or token" : "or token: 535 5.7.8 expired");
		world_free(&w);
	}
}

static void the_connection_survives_a_refusal(void **state)
{
	static const struct smtpd_rule rules[] = {
		{.on = "RCPT TO:<no@x.org>", .reply = "550 no\r\n"},
		{.on = ".", .nth = 1, .reply = "554 spam\r\n"}, {0}};
	struct world w = world(rules);

	UNUSED(state);
	assert_failed(&w, send_to(&w, "no@x.org"), "remote", "550 no");
	assert_failed(&w, send_to(&w, "bob@x.org"), "remote", "554 spam");
	done(&w, send_to(&w, "bob@x.org"));
	assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 1);
	assert_int_equal(smtpd_count(w.smtpd, "RSET"), 2);
	world_free(&w);
}

static void a_mail_beyond_the_servers_size_is_not_offered(void **state)
{
	static const struct smtpd_rule rules[] = {
		{.on = "EHLO", .reply = "250-fake\r\n250-SIZE 100\r\n250 AUTH PLAIN\r\n"}, {0}};
	struct world w = world(rules);

	UNUSED(state);
	for (int i = 0; i < 2; i++)
		assert_failed(&w, send_to(&w, "bob@example.org"), "too-large", "takes 100 at most");
	assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 1);
	assert_int_equal(smtpd_count(w.smtpd, "MAIL"), 0);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_is_delivered),
		cmocka_unit_test(a_server_without_logins_is_used),
		cmocka_unit_test(the_greeting_has_the_domain),
		cmocka_unit_test(a_token_logs_in),
		cmocka_unit_test(a_connection_is_used_again),
		cmocka_unit_test(an_unused_connection_is_closed),
		cmocka_unit_test(a_stale_connection_is_replaced),
		cmocka_unit_test(mails_share_few_connections),
		cmocka_unit_test(slow_replies_are_put_together),
		cmocka_unit_test(a_thoughtful_server_stops_nobody),
		cmocka_unit_test(a_large_mail_arrives_whole),
		cmocka_unit_test(large_mails_are_made_side_by_side),
		cmocka_unit_test(refused_recipients_keep_nobody_from_it),
		cmocka_unit_test(many_recipients_go_in_batches),
		cmocka_unit_test(refusals_have_the_servers_words),
		cmocka_unit_test(a_refused_token_is_told),
		cmocka_unit_test(the_connection_survives_a_refusal),
		cmocka_unit_test(a_mail_beyond_the_servers_size_is_not_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
