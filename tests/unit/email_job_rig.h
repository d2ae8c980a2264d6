/* SPDX-License-Identifier: MIT */
/* email_job_rig - one job of the platform email on a server that follows a script, for test_email_fetch.c and its like. */
#ifndef TESTS_UNIT_EMAIL_JOB_RIG_H
#define TESTS_UNIT_EMAIL_JOB_RIG_H

#include "tests/unit/mail_rig.h"

extern const struct platform platform_email;

#define JOB_SETTINGS                                                                         \
	"{\"allow_plaintext\":true,\"connect_timeout_ms\":3000,\"timeout_ms\":300,"          \
	"\"max_message_bytes\":500000,\"max_fetch_bytes\":500000,\"max_text_bytes\":100000," \
	"\"max_attachment_bytes\":30000,\"max_per_page\":1000,\"links\":1,\"folders\":1,"    \
	"\"idle\":true,\"idle_timeout_s\":30,\"idle_refresh_s\":60,\"poll_interval_s\":60,"  \
	"\"reconnect_max_s\":1,\"give_up_s\":10}"
/* IMAP, up to where commands may be sent. */
#define JOB_LOGIN(capabilities)                                                            \
	{.send = "* OK hi\r\n"},                                                           \
		{.expect = " CAPABILITY",                                                  \
			.send = "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n%T OK\r\n"}, \
		{.expect = "AUTHENTICATE PLAIN", .send = "%T OK in\r\n"},                  \
	{                                                                                  \
		.expect = "CAPABILITY",                                                    \
		.send = "* CAPABILITY IMAP4rev1 " capabilities "\r\n%T OK\r\n"             \
	}
/* A fetch of mails, up to the command that selects or gets them, in a folder of so many. */
#define JOB_OPENED(exists)                                                              \
	JOB_LOGIN(""),                                                                  \
		{.expect = "EXAMINE",                                                   \
			.send = "* " exists " EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n%T "  \
				"OK\r\n"},                                              \
		{.expect = "STATUS", .send = "* STATUS INBOX (UNSEEN 1)\r\n%T OK\r\n"}, \
	{                                                                               \
		.expect = "NOOP", .send = "%T OK\r\n"                                   \
	}

static struct {
	struct fake *fake;
	struct lined *lined;
	int job;
} J;

/* Begins a job with this object (TAKES) by `way`, "imap" or "pop". */
static inline void job_start(
	const char *way, const struct lined_step *steps, const char *verb, json_t *object)
{
	static const char *const allow[] = {"127.0.0.1", NULL};
	json_t *block;

	assert_non_null(object);
	J.lined = lined_new(steps, 0);
	block = json_pack("{sssisssssbsb}", "host", "127.0.0.1", "port", lined_port(J.lined),
		"username", "ann", "password", "secret", "tls", 0, "starttls", 0);
	J.fake = fake_new_with_credentials(&platform_email, json_loads(JOB_SETTINGS, 0, NULL),
		allow, json_pack("{so}", way, block));
	J.job = fake_job(J.fake,
		json_pack("{sss{ss}sss[]so}", "verb", verb, "actor", "address", "ann@example.org",
			"platform", "email", "target", "object", object));
}

/* The same up to its end. Its answer, borrowed until job_end(). */
static inline const json_t *job_run(
	const char *way, const struct lined_step *steps, const char *verb, json_t *object)
{
	job_start(way, steps, verb, object);
	return fake_wait(J.fake, J.job);
}

/* The object of an answer that has to be a success. */
static inline const json_t *job_good(
	const char *way, const struct lined_step *steps, const char *verb, const char *object)
{
	const json_t *answer = job_run(way, steps, verb, json_loads(object, 0, NULL));

	if (json_object_get(answer, "code") != NULL)
		fail_msg("%s", json_string_value(json_object_get(answer, "text")));
	return json_object_get(answer, "object");
}

/* How many messages came. */
static inline size_t job_messages(void)
{
	json_t *messages = fake_messages(J.fake, J.job);
	size_t n = json_array_size(messages);

	json_decref(messages);
	return n;
}

static inline void job_end(void)
{
	fake_free(J.fake);
	assert_int_equal(lined_free(J.lined), 0);
}

#endif
