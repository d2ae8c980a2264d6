/* SPDX-License-Identifier: MIT */
#include "tests/unit/email_sender_rig.h"

/* --- faults ------------------------------------------------------------------------------------------------------ */

static void a_connection_lost_early_sends_nothing(void **state)
{
	static const struct smtpd_rule rules[][2] = {{{.on = "CONNECT"}}, {{.on = "EHLO"}},
		{{.on = "AUTH"}}, {{.on = "MAIL"}}, {{.on = "RCPT"}}, {{.on = "DATA"}},
		{{.on = "BODY"}}};
	struct buf body = BUF_INIT;

	UNUSED(state);
	for (int i = 0; i < 200000; i++)
		buf_add_str(&body, "0123456789 0123456789 0123456789 0123456789\n");
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct world w = world(rules[i]);
		int job = fake_job(
			w.fake, mail("bob@example.org", json_pack("{ss}", "text", buf_str(&body))));
		assert_failed(&w, job, "remote", i < 3 ? "connection" : "the mail was not sent");
		assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 1);
		world_free(&w);
	}
	buf_release(&body);
}

static void a_connection_lost_late_leaves_the_outcome_open(void **state)
{
	static const struct smtpd_rule rules[] = {{.on = "."}, {0}};
	static const struct smtpd_rule hanging[] = {{.on = ".", .hang = 1}, {0}};
	struct world w = world(rules);

	UNUSED(state);
	assert_failed(&w, send_to(&w, "bob@example.org"), "unknown-outcome", "may or may not");
	fake_run_for(w.fake, 50);
	assert_int_equal(smtpd_count(w.smtpd, "."), 1);
	assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 1);
	world_free(&w);
	w = world_with(hanging, json_pack("{si}", "send_timeout_ms", 500), NULL);
	assert_failed(&w, send_to(&w, "bob@example.org"), "unknown-outcome", "may or may not");
	assert_int_equal(smtpd_count(w.smtpd, "."), 1);
	world_free(&w);
}

/* The same on a connection that has carried a mail before. */
static void an_open_outcome_is_not_taken_for_a_stale_connection(void **state)
{
	static const struct smtpd_rule rules[] = {{.on = ".", .nth = 2}, {0}};
	struct world w = world(rules);

	UNUSED(state);
	done(&w, send_to(&w, "bob@example.org"));
	assert_failed(&w, send_to(&w, "bob@example.org"), "unknown-outcome", "may or may not");
	assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 1);
	world_free(&w);
}

static void silence_is_not_waited_for_forever(void **state)
{
	static const struct smtpd_rule rules[][2] = {{{.on = "CONNECT", .hang = 1}},
		{{.on = "AUTH", .hang = 1}}, {{.on = "MAIL", .hang = 1}},
		{{.on = "RCPT", .hang = 1}}, {{.on = "DATA", .hang = 1}}};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct world w = world_with(rules[i],
			json_pack("{sisi}", "connect_timeout_ms", 300, "send_timeout_ms", 300),
			NULL);
		assert_failed(&w, send_to(&w, "bob@example.org"), "timeout", "not answer in time");
		world_free(&w);
	}
}

static void garbage_ends_the_connection(void **state)
{
	static char long_line[5000];
	static const struct smtpd_rule rules[][2] = {{{.on = "MAIL", .reply = "hello\r\n"}},
		{{.on = "MAIL", .reply = "2\r\n"}}, {{.on = "MAIL", .reply = "250-a\r\n251 b\r\n"}},
		{{.on = "MAIL", .reply = "999 a\r\n"}}, {{.on = "MAIL", .reply = "250?\r\n"}},
		{{.on = "MAIL", .reply = long_line}},
		{{.on = "MAIL", .reply = "250-more\r\n", .endless = 1}},
		{{.on = "MAIL", .reply = "x", .endless = 1}}};

	UNUSED(state);
	memset(long_line, '2', sizeof long_line - 1);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		fails(rules[i], "remote", "does not speak SMTP; the mail was not sent");
}

/* More replies than commands: they are never taken for answers to what follows. */
static void unasked_replies_end_the_connection(void **state)
{
	static const struct smtpd_rule rules[] = {
		{.on = "RCPT", .reply = "550 no\r\n250 yes\r\n"}, {0}};
	struct world w = world(rules);
	int job = send_to(&w, "bob@example.org");

	UNUSED(state);
	assert_failed(&w, job, "remote", "550 no");
	world_free(&w);
}

static int has_begun(void *arg)
{
	return smtpd_count(((struct world *)arg)->smtpd, "DATA") > 0;
}

static void a_cancelled_mail_is_not_finished(void **state)
{
	static const struct smtpd_rule rules[] = {{.on = "DATA", .hang = 1}, {0}};
	struct world w = world(rules);
	struct buf big = BUF_INIT;
	int job = send_to(&w, "bob@example.org"), composing;

	UNUSED(state);
	assert_int_equal(fake_run_until(w.fake, has_begun, &w, 5000), 0);
	for (int i = 0; i < 1000000; i++)
		buf_add_str(&big, "abc ");
	composing = fake_job(
		w.fake, mail("bob@example.org", json_pack("{ss}", "text", buf_str(&big))));
	fake_cancel(w.fake, job);
	fake_cancel(w.fake, composing);
	assert_int_equal(fake_run_until(w.fake, is_closed, &w, 5000), 0);
	assert_int_equal(smtpd_count(w.smtpd, "."), 0);
	buf_release(&big);
	world_free(&w);
}

static void closing_ends_what_is_under_way(void **state)
{
	static const struct smtpd_rule rules[] = {{.on = "RCPT", .hang = 1}, {0}};
	struct world w = world(rules);

	UNUSED(state);
	for (int i = 0; i < 8; i++)
		send_to(&w, "bob@example.org");
	fake_run_for(w.fake, 100);
	world_free(&w); /* cancels the jobs first, as the worker does */
}

static void bad_activities_open_no_connection(void **state)
{
	struct world w = world(NULL);

	UNUSED(state);
	assert_failed(&w, send_to(&w, "bob"), "invalid", "has no domain");
	assert_failed(&w, send_to(&w, ""), "invalid", "no recipient");
	assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 0);
	world_free(&w);
}

/* A wrong password is not tried again and again: jobs that come together get the answer of the first. */
static void a_refused_login_is_remembered(void **state)
{
	static const struct smtpd_rule rules[] = {
		{.on = "AUTH", .reply = "535 5.7.8 wrong password\r\n"}, {0}};
	struct world w = world(rules);

	UNUSED(state);
	for (int i = 0; i < 3; i++)
		assert_failed(&w, send_to(&w, "bob@example.org"), "auth",
			"refused user name or password: 535 5.7.8 wrong password");
	assert_int_equal(smtpd_count(w.smtpd, "CONNECT"), 1);
	assert_int_equal(smtpd_count(w.smtpd, "AUTH"), 1);
	world_free(&w);
}

/* --- security of the connection ---------------------------------------------------------------------------------- */

static void tls_is_not_given_up(void **state)
{
	struct world w = world_with(NULL, NULL, json_pack("{sb}", "starttls", 1));

	UNUSED(state);
	assert_failed(&w, send_to(&w, "bob@example.org"), "tls", "does not offer STARTTLS");
	assert_int_equal(smtpd_count(w.smtpd, "AUTH"), 0);
	world_free(&w);
	w = world_with(NULL, NULL, json_pack("{sb}", "tls", 1));
	assert_failed(&w, send_to(&w, "bob@example.org"), "tls", "no secure connection");
	world_free(&w);
}

static void addresses_are_guarded(void **state)
{
	struct smtpd *smtpd = smtpd_new(NULL);
	struct world w = {smtpd, fake_new_with_credentials(&platform, settings(NULL), NULL,
					 credentials(smtpd_port(smtpd), NULL))};

	UNUSED(state);
	assert_failed(&w, send_to(&w, "bob@example.org"), "blocked",
		"the address 127.0.0.1 is not allowed");
	assert_int_equal(smtpd_count(smtpd, "CONNECT"), 0);
	world_free(&w);
}

static void nobody_there_is_told(void **state)
{
	struct world w = world(NULL);
	int port = smtpd_port(w.smtpd);

	UNUSED(state);
	world_free(&w);
	w.smtpd = smtpd_new(NULL);
	w.fake = fake_new_with_credentials(
		&platform, settings(NULL), allow, credentials(port, NULL));
	assert_failed(&w, send_to(&w, "bob@example.org"), "connect", "Connection refused");
	world_free(&w);
	w = world_with(NULL, NULL, json_pack("{ss}", "host", "no-such-host.invalid"));
	assert_failed(&w, send_to(&w, "bob@example.org"), "resolve", "no such host");
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_lost_early_sends_nothing),
		cmocka_unit_test(a_connection_lost_late_leaves_the_outcome_open),
		cmocka_unit_test(an_open_outcome_is_not_taken_for_a_stale_connection),
		cmocka_unit_test(silence_is_not_waited_for_forever),
		cmocka_unit_test(garbage_ends_the_connection),
		cmocka_unit_test(unasked_replies_end_the_connection),
		cmocka_unit_test(a_cancelled_mail_is_not_finished),
		cmocka_unit_test(closing_ends_what_is_under_way),
		cmocka_unit_test(bad_activities_open_no_connection),
		cmocka_unit_test(a_refused_login_is_remembered),
		cmocka_unit_test(tls_is_not_given_up),
		cmocka_unit_test(addresses_are_guarded),
		cmocka_unit_test(nobody_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
