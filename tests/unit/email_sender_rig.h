/* SPDX-License-Identifier: MIT */
/* email_sender_rig - a platform that has the sending half of e-mail alone, in front of a fake SMTP server or of Exim. */
#ifndef TESTS_UNIT_EMAIL_SENDER_RIG_H
#define TESTS_UNIT_EMAIL_SENDER_RIG_H

#include "core/buf.h"
#include "core/mem.h"
#include "platforms/email/email_send.h"
#include "platforms/email/email_server.h"
#include "tests/fake/psession.h"
#include "tests/fake/smtpd.h"
#include "tests/unit/unit.h"

#define PASSWORD "secret"

/* --- a platform that can only send ------------------------------------------------------------------------------- */

struct sender {
	struct email_server *server;
	struct email_send *send;
};

static inline int sender_open(
	struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	struct sender *s = mem_alloc(sizeof *s);

	if (email_server_new(EMAIL_SERVER_SMTP, json_object_get(psession_credentials(ps), "smtp"),
		    settings, &s->server, e) < 0)
		return -ERR_INVALID;
	s->send = email_send_new(ps, s->server, settings);
	*state = s;
	return 0;
}

static inline void sender_run(void *state, struct job *job)
{
	email_send_run(((struct sender *)state)->send, job);
}

static inline void sender_cancel(void *state, struct job *job)
{
	email_send_cancel(((struct sender *)state)->send, job);
}

static inline void sender_close(void *state)
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
static inline json_t *credentials(int port, json_t *more)
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
static inline json_t *settings(json_t *more)
{
	json_t *all = json_pack("{sbsisi}", "allow_plaintext", 1, "connect_timeout_ms", 3000,
		"send_timeout_ms", 3000);

	if (more != NULL)
		json_object_update(all, more);
	json_decref(more);
	return all;
}

static inline struct world world_with(
	const struct smtpd_rule *rules, json_t *more_settings, json_t *more_credentials)
{
	struct world w = {.smtpd = smtpd_new(rules)};

	w.fake = fake_new_with_credentials(&platform, settings(more_settings), allow,
		credentials(smtpd_port(w.smtpd), more_credentials));
	return w;
}

static inline struct world world(const struct smtpd_rule *rules)
{
	return world_with(rules, NULL, NULL);
}

static inline void world_free(struct world *w)
{
	fake_free(w->fake);
	smtpd_free(w->smtpd);
}

/* Recipients separated by spaces; TAKES `object`. */
static inline json_t *mail(const char *recipients, json_t *object)
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

static inline int send_to(struct world *w, const char *recipients)
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

static inline void assert_failed(struct world *w, int job, const char *code, const char *why)
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
static inline void fails(const struct smtpd_rule *rules, const char *code, const char *why)
{
	struct world w = world(rules);

	assert_failed(&w, send_to(&w, "bob@example.org"), code, why);
	world_free(&w);
}

static inline void assert_json(const json_t *value, const char *expected)
{
	char *s = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	assert_string_equal(s, expected);
	free(s);
}

static inline int is_closed(void *arg)
{
	return smtpd_count(((struct world *)arg)->smtpd, "CLOSE") > 0;
}

#endif
