/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/buf.h"
#include "core/mem.h"
#include "platforms/email/email_send.h"
#include "platforms/email/email_server.h"
#include "tests/fake/psession.h"
#include "tests/fake/smtpd.h"

#define PASSWORD "secret"

/* --- a platform that can only send ------------------------------------------------------------------------------- */

struct sender {
	struct email_server *server;
	struct email_send *send;
};

static int sender_open(struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	struct sender *s = mem_alloc(sizeof *s);

	if (email_server_new(EMAIL_SERVER_SMTP, json_object_get(psession_credentials(ps), "smtp"),
		    settings, &s->server, e) < 0)
		return -ERR_INVALID;
	s->send = email_send_new(ps, s->server, settings);
	*state = s;
	return 0;
}

static void sender_run(void *state, struct job *job)
{
	email_send_run(((struct sender *)state)->send, job);
}

static void sender_cancel(void *state, struct job *job)
{
	email_send_cancel(((struct sender *)state)->send, job);
}

static void sender_close(void *state)
{
	struct sender *s = state;

	email_send_free(&s->send);
	email_server_free(s->server);
	mem_free(s);
}

static const struct verb verbs[] = {{"send", 0, sender_run}, {0}};
static const struct platform platform = {.name = "email",
	.life = PLATFORM_PER_ACCOUNT,
	.verbs = verbs,
	.open = sender_open,
	.cancel = sender_cancel,
	.close = sender_close};
static const char *const allow[] = {"127.0.0.1", NULL};

/* --- the world of a test ----------------------------------------------------------------------------------------- */

struct world {
	struct smtpd *smtpd;
	struct fake *fake;
};

/* Credentials for a server without TLS; TAKES `more`, which may replace some. */
static json_t *credentials(int port, json_t *more)
{
	json_t *smtp = json_pack("{sssisssssbsb}", "host", "127.0.0.1", "port", port, "username",
		"ann", "password", PASSWORD, "tls", 0, "starttls", 0);

	if (more != NULL)
		json_object_update(smtp, more);
	if (json_object_get(smtp, "token") != NULL)
		json_object_del(smtp, "password");
	json_decref(more);
	return json_pack("{so}", "smtp", smtp);
}

/* TAKES `more` settings. */
static json_t *settings(json_t *more)
{
	json_t *all = json_pack("{sbsisi}", "allow_plaintext", 1, "connect_timeout_ms", 3000,
		"send_timeout_ms", 3000);

	if (more != NULL)
		json_object_update(all, more);
	json_decref(more);
	return all;
}

static struct world world_with(
	const struct smtpd_rule *rules, json_t *more_settings, json_t *more_credentials)
{
	struct world w = {.smtpd = smtpd_new(rules)};

	w.fake = fake_new_with_credentials(&platform, settings(more_settings), allow,
		credentials(smtpd_port(w.smtpd), more_credentials));
	return w;
}

static struct world world(const struct smtpd_rule *rules)
{
	return world_with(rules, NULL, NULL);
}

static void world_free(struct world *w)
{
	fake_free(w->fake);
	smtpd_free(w->smtpd);
}

/* Recipients separated by spaces; TAKES `object`. */
static json_t *mail(const char *recipients, json_t *object)
{
	json_t *target = json_array();
	char *copy = mem_strdup(recipients), *rest = NULL;

	for (char *r = strtok_r(copy, " ", &rest); r != NULL; r = strtok_r(NULL, " ", &rest))
		json_array_append_new(target, json_pack("{ss}", "address", r));
	mem_free(copy);
	return json_pack("{s{ss}sssssoso}", "actor", "address", "ann@example.org", "verb", "send",
		"platform", "email", "target", target, "object",
		object != NULL ? object
			       : json_pack("{ssss}", "subject", "Hi", "text", "hello\n.\n"));
}

static int send_to(struct world *w, const char *recipients)
{
	return fake_job(w->fake, mail(recipients, NULL));
}

static const char *text(const json_t *event, const char *key)
{
	const char *s = json_string_value(json_object_get(event, key));

	return s != NULL ? s : "";
}

static const json_t *done(struct world *w, int job)
{
	const json_t *answer = fake_wait(w->fake, job);

	if (strcmp(text(answer, "ev"), "done") != 0)
		fail_msg("failed: %s", text(answer, "text"));
	return json_object_get(answer, "object");
}

static void assert_failed(struct world *w, int job, const char *code, const char *why)
{
	const json_t *answer = fake_wait(w->fake, job);
	char *all = json_dumps(fake_events(w->fake), 0);

	if (strcmp(text(answer, "ev"), "fail") != 0)
		fail_msg("did not fail: %s", all);
	if (strcmp(text(answer, "code"), code) != 0 || strstr(text(answer, "text"), why) == NULL)
		fail_msg("not %s \"%s\" but %s \"%s\"", code, why, text(answer, "code"),
			text(answer, "text"));
	assert_null(strstr(all, PASSWORD));
	free(all);
}

/* One mail to a server with such rules fails so. */
static void fails(const struct smtpd_rule *rules, const char *code, const char *why)
{
	struct world w = world(rules);

	assert_failed(&w, send_to(&w, "bob@example.org"), code, why);
	world_free(&w);
}

static void assert_json(const json_t *value, const char *expected)
{
	char *s = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	assert_string_equal(s, expected);
	free(s);
}

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

static int is_closed(void *arg)
{
	return smtpd_count(((struct world *)arg)->smtpd, "CLOSE") > 0;
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
		{.on = ".", .reply = "250 ok\r\n", .delay_ms = 500}, {0}};
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
	assert_true(longest / 1000000 < 250);
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
		{{{.on = "EHLO", .reply = "250-fake\r\n250 AUTH GSSAPI\r\n"}}, "auth", "no way to log in"},
		{{{.on = "CONNECT", .reply = "554 5.7.1 you are blocked\r\n", .then_close = 1}},
			"remote", "554 5.7.1 you are blocked"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		fails(cases[i].rules, cases[i].code, cases[i].why);
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
	w = world_with(hanging, json_pack("{si}", "send_timeout_ms", 50), NULL);
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

/* --- a real server ----------------------------------------------------------------------------------------------- */

struct exim {
	char folder[32];
	int port;
};

static struct exim exim;

static int run(const char *script, const char *a, const char *b)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) != NULL)
			execl(script, script, a, b, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

/* One whose successor is free too: that is where Exim speaks TLS. */
static int free_port(void)
{
	for (;;) {
		struct sockaddr_in a = {
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof a;
		int fd = socket(AF_INET, SOCK_STREAM, 0), next = socket(AF_INET, SOCK_STREAM, 0);
		int port, rc;
		assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
		port = ntohs(a.sin_port);
		a.sin_port = htons((uint16_t)(port + 1));
		rc = bind(next, (struct sockaddr *)&a, sizeof a);
		close(fd);
		close(next);
		if (rc == 0)
			return port;
	}
}

/* Another process may take the port meanwhile: then there is another port. */
static int start_exim(void **state)
{
	char port[8];

	UNUSED(state);
	unit_folder(exim.folder);
	assert_int_equal(chmod(exim.folder, 0755), 0);
	for (int i = 0; i < 5; i++) {
		exim.port = free_port();
		snprintf(port, sizeof port, "%d", exim.port);
		if (run("tests/servers/exim/start.sh", exim.folder, port) == 0)
			return 0;
	}
	return -1;
}

static int stop_exim(void **state)
{
	int rc = run("tests/servers/stop.sh", exim.folder, NULL);

	UNUSED(state);
	return rc < 0 ? rc : run("/bin/rm", "-rf", exim.folder);
}

/* TAKES `more_credentials`. */
static struct world exim_world(int trusted, json_t *more_credentials)
{
	json_t *more = json_pack("{siss}", "port", exim.port, "host", "localhost");
	struct world w = {.smtpd = smtpd_new(NULL)};
	char ca[64];

	if (more_credentials != NULL)
		json_object_update(more, more_credentials);
	json_decref(more_credentials);
	snprintf(ca, sizeof ca, "%s/ca.pem", exim.folder);
	w.fake = fake_new_with_credentials(&platform,
		trusted ? settings(json_pack("{sssb}", "ca_file", ca, "allow_plaintext", 0))
			: settings(NULL),
		allow, credentials(0, more));
	return w;
}

/* The newest mail in a maildir that has `needle`; GIVES, or NULL. */
static char *delivered(const char *user, const char *needle)
{
	char folder[100], path[400];
	struct dirent *entry;
	char *found = NULL;
	DIR *dir;

	snprintf(folder, sizeof folder, "%s/mail/%s/Maildir/new", exim.folder, user);
	dir = opendir(folder);
	while (dir != NULL && found == NULL && (entry = readdir(dir)) != NULL) {
		char *content = mem_alloc(1 << 20);
		FILE *f;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		f = entry->d_name[0] != '.' ? fopen(path, "r") : NULL;
		if (f != NULL && fread(content, 1, (1 << 20) - 1, f) > 0 &&
			strstr(content, needle) != NULL)
			found = mem_strdup(content);
		if (f != NULL)
			fclose(f);
		mem_free(content);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

struct wanted {
	const char *user, *needle;
	char *found;
};

static int is_delivered(void *arg)
{
	struct wanted *w = arg;

	if (w->found == NULL)
		w->found = delivered(w->user, w->needle);
	return w->found != NULL;
}

static void exim_delivers(void **state)
{
	UNUSED(state);
	for (int i = 0; i < 2; i++) {
		struct world w = exim_world(1, json_pack("{sbsbsi}", "starttls", i == 0, "tls",
						       i == 1, "port", exim.port + i));
		const json_t *object = done(&w,
			send_to(&w,
				"alice@localhost bounce@localhost bob@localhost full@localhost"));
		struct wanted mails[] = {{"alice", text(object, "messageId"), NULL},
			{"bob", text(object, "messageId"), NULL}};
		assert_json(json_object_get(object, "accepted"),
			"[\"alice@localhost\",\"bob@localhost\"]");
		assert_json(json_object_get(object, "refused"),
			"[{\"address\":\"bounce@localhost\",\"code\":550,\"text\":\"5.1.1 no such "
			"user\",\"temporary\":false},{\"address\":\"full@localhost\",\"code\":452,"
			"\"text\":\"4.2.2 mailbox full\",\"temporary\":true}]");
		for (int m = 0; m < 2; m++) {
			assert_int_equal(fake_run_until(w.fake, is_delivered, &mails[m], 10000), 0);
			assert_non_null(strstr(mails[m].found, "\n\nhello\n.\n"));
			mem_free(mails[m].found);
		}
		world_free(&w);
	}
}

static void exim_takes_mails_one_after_the_other(void **state)
{
	struct world w = exim_world(1, json_pack("{sb}", "starttls", 1));

	UNUSED(state);
	for (int i = 0; i < 5; i++)
		done(&w, send_to(&w, "alice@localhost"));
	assert_failed(&w, send_to(&w, "x@example.net"), "remote", "550 5.7.1 relay not permitted");
	assert_failed(&w, send_to(&w, "full@localhost bounce@localhost"), "remote",
		"refused all recipients, the first full@localhost (try again later): 452 4.2.2");
	done(&w, send_to(&w, "bob@localhost"));
	world_free(&w);
}

static void exim_refuses_a_wrong_password(void **state)
{
	struct world w = exim_world(1, json_pack("{sbss}", "starttls", 1, "password", "wrong"));

	UNUSED(state);
	assert_failed(
		&w, send_to(&w, "alice@localhost"), "auth", "refused user name or password: 535");
	world_free(&w);
}

static void an_untrusted_certificate_is_refused(void **state)
{
	UNUSED(state);
	for (int i = 0; i < 2; i++) {
		struct world w = exim_world(0, json_pack("{sbsbsi}", "starttls", i == 0, "tls",
						       i == 1, "port", exim.port + i));
		assert_failed(&w, send_to(&w, "alice@localhost"), "tls",
			"unable to get local issuer certificate");
		world_free(&w);
	}
}

/* To a port that waits for TLS from the first byte. */
static void the_wrong_kind_of_tls_is_hinted_at(void **state)
{
	struct world w = exim_world(1, json_pack("{sbsi}", "starttls", 1, "port", exim.port + 1));

	UNUSED(state);
	assert_failed(&w, send_to(&w, "alice@localhost"), "timeout", "tls: true");
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
		cmocka_unit_test(refused_recipients_keep_nobody_from_it),
		cmocka_unit_test(many_recipients_go_in_batches),
		cmocka_unit_test(refusals_have_the_servers_words),
		cmocka_unit_test(the_connection_survives_a_refusal),
		cmocka_unit_test(a_mail_beyond_the_servers_size_is_not_offered),
		cmocka_unit_test(a_connection_lost_early_sends_nothing),
		cmocka_unit_test(a_connection_lost_late_leaves_the_outcome_open),
		cmocka_unit_test(an_open_outcome_is_not_taken_for_a_stale_connection),
		cmocka_unit_test(silence_is_not_waited_for_forever),
		cmocka_unit_test(garbage_ends_the_connection),
		cmocka_unit_test(unasked_replies_end_the_connection),
		cmocka_unit_test(a_cancelled_mail_is_not_finished),
		cmocka_unit_test(closing_ends_what_is_under_way),
		cmocka_unit_test(bad_activities_open_no_connection),
		cmocka_unit_test(tls_is_not_given_up),
		cmocka_unit_test(addresses_are_guarded),
		cmocka_unit_test(nobody_there_is_told),
		cmocka_unit_test(exim_delivers),
		cmocka_unit_test(exim_takes_mails_one_after_the_other),
		cmocka_unit_test(exim_refuses_a_wrong_password),
		cmocka_unit_test(an_untrusted_certificate_is_refused),
		cmocka_unit_test(the_wrong_kind_of_tls_is_hinted_at),
	};

	return cmocka_run_group_tests(tests, start_exim, stop_exim);
}
