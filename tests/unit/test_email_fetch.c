/* SPDX-License-Identifier: MIT */
/* Fetching from an IMAP server that follows a script: each job gets one answer, whatever happens in its middle. Decent
 * servers are tests/e2e/test_email_fetch.py's. */
#include "tests/unit/mail_rig.h"

#include "core/json.h"

extern const struct platform platform_email;

#define SETTINGS                                                                             \
	"{\"allow_plaintext\":true,\"connect_timeout_ms\":3000,\"timeout_ms\":300,"          \
	"\"max_message_bytes\":100000,\"max_fetch_bytes\":100000,\"max_text_bytes\":100000," \
	"\"max_attachment_bytes\":30000,\"max_per_page\":100,\"links\":1,\"folders\":1,"     \
	"\"idle\":true,\"idle_timeout_s\":30,\"idle_refresh_s\":60,\"poll_interval_s\":60,"  \
	"\"reconnect_max_s\":1,\"give_up_s\":10}"
#define LOGIN                                                                              \
	{.send = "* OK hi\r\n"},                                                           \
		{.expect = " CAPABILITY",                                                  \
			.send = "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n%T OK\r\n"}, \
		{.expect = "AUTHENTICATE PLAIN", .send = "%T OK in\r\n"},                  \
	{                                                                                  \
		.expect = "CAPABILITY", .send = "* CAPABILITY IMAP4rev1\r\n%T OK\r\n"      \
	}
#define OPENED                                                                                     \
	LOGIN, {.expect = "EXAMINE", .send = "* 2 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n%T OK\r\n"}, \
		{.expect = "STATUS", .send = "* STATUS INBOX (UNSEEN 1)\r\n%T OK\r\n"},            \
	{                                                                                          \
		.expect = "NOOP", .send = "%T OK\r\n"                                              \
	}
#define MAIL(n)                                                                        \
	"* " n " FETCH (UID " n " FLAGS () RFC822.SIZE 19 INTERNALDATE \"17-Jul-1996 " \
	"02:44:25 -0700\" BODY[HEADER]<0> {19}\r\nSubject: mail " n "\r\n\r\n)\r\n"

struct outcome {
	struct lined_step steps[10];
	const char *code; /* NULL: it is done, with `count` messages */
	int count;
};

static const struct outcome outcomes[] = {
	{{OPENED, {.expect = "FETCH 1:2 ", .send = MAIL("1") MAIL("2") "%T OK\r\n"}}, NULL, 2},
	/* more than was asked for */
	{{OPENED, {.expect = "FETCH", .send = MAIL("1") MAIL("2") MAIL("1") MAIL("2") "%T OK\r\n"}},
		NULL, 2},
	/* deleted by another client */
	{{OPENED, {.expect = "FETCH", .send = MAIL("1") "* 2 EXPUNGE\r\n%T OK\r\n"}}, NULL, 1},
	{{OPENED, {.expect = "FETCH", .send = MAIL("1") "%T NO some are gone\r\n"}}, "remote", 1},
	{{OPENED, {.expect = "FETCH", .send = "%T NO [NONEXISTENT] no folder\r\n"}}, "not-found",
		0},
	/* the server ends, is lost, says nothing, is none */
	{{OPENED, {.expect = "FETCH", .send = MAIL("1") "* BYE going down\r\n", .drop = 1}},
		"remote", 1},
	{{OPENED, {.expect = "FETCH",
			  .send = "* 1 FETCH (UID 1 BODY[HEADER]<0> {18}\r\nSub",
			  .drop = 1}},
		"remote", 0},
	{{OPENED, {.expect = "FETCH", .send = MAIL("1"), .hang = 1}}, "timeout", 1},
	{{OPENED, {.expect = "FETCH", .send = "* 1 FETCH (UID 1 BODY[HEADER]<0> {99999999}\r\n"}},
		"too-large", 0},
	{{OPENED, {.expect = "FETCH", .send = "%T\r\n"}}, "remote", 0},
};

static void run(const struct outcome *o)
{
	static const char *const allow[] = {"127.0.0.1", NULL};
	struct lined *lined = lined_new(o->steps, 0);
	json_t *block = json_pack("{sssisssssbsb}", "host", "127.0.0.1", "port", lined_port(lined),
		"username", "ann", "password", "secret", "tls", 0, "starttls", 0);
	struct fake *f = fake_new_with_credentials(&platform_email, json_loads(SETTINGS, 0, NULL),
		allow, json_pack("{so}", "imap", block));
	int job = fake_job(f, json_pack("{sss{ss}sss[]s{}}", "verb", "fetch", "actor", "address",
				      "ann@example.org", "platform", "email", "target", "object"));
	const json_t *answer = fake_wait(f, job);
	const char *code = json_string_value(json_object_get(answer, "code"));
	json_t *messages = fake_messages(f, job);

	if (strcmp(code != NULL ? code : "", o->code != NULL ? o->code : "") != 0)
		fail_msg("%s: %s", code, json_string_value(json_object_get(answer, "text")));
	assert_int_equal(json_array_size(messages), o->count);
	json_decref(messages);
	fake_free(f);
	assert_int_equal(lined_free(lined), 0);
}

static void each_job_has_one_answer(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
		run(&outcomes[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_job_has_one_answer),
	};

	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
