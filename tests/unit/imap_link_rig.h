/* SPDX-License-Identifier: MIT */
/* imap_link_rig - an IMAP connection to a server that follows a script, for test_imap_link.c and test_imap_lack.c. */
#ifndef TESTS_UNIT_IMAP_LINK_RIG_H
#define TESTS_UNIT_IMAP_LINK_RIG_H

#include "tests/unit/mail_rig.h"

#include "platforms/email/imap.h"

static struct {
	struct imap *im;
	struct email_server *server;
	struct lined *lined;
	int online, offline, done, exists, flags, marked, truncated;
	struct err err, why;
	size_t n_mails, n_uids, len, cap;
	int pause; /* at the first mail */
	uint32_t uids[8];
	char *bytes;
} S;

static inline void on_online(void *arg)
{
	UNUSED(arg);
	S.online++;
}

static inline void on_offline(void *arg, const struct err *why)
{
	UNUSED(arg);
	S.offline++;
	S.why = *why;
}

static inline void on_news(void *arg, const struct imap_news *n)
{
	UNUSED(arg);
	S.exists += n->kind == IMAP_NEWS_EXISTS;
	S.flags += n->kind == IMAP_NEWS_FLAGS;
}

static inline void on_mail(void *arg, struct imap_mail *m)
{
	UNUSED(arg);
	S.n_mails++;
	if (S.pause)
		imap_pause(S.im, 1);
	S.len = m->bytes.len;
	S.cap = m->bytes.cap + m->head.cap;
	S.truncated = m->truncated;
	mem_free(S.bytes);
	S.bytes = buf_take(&m->bytes);
}

static inline void on_done(void *arg, const struct imap_result *r, const struct err *e)
{
	UNUSED(arg);
	assert_int_equal(S.offline, 0);
	S.done++;
	S.err = *e;
	S.marked = r->marked;
	S.n_uids = r->n_uids;
	for (size_t i = 0; i < r->n_uids && i < ARRAY_LEN(S.uids); i++)
		S.uids[i] = r->uids[i];
}

static const struct imap_calls calls = {on_mail, NULL, on_done, NULL};
static const struct imap_where inbox = {"INBOX", 0};
static const struct imap_fetch newest = {
	.where = {"INBOX", 0}, .count = 10, .what = IMAP_FETCH_WHOLE};
static const uint32_t two_uids[] = {3, 4};
static const struct imap_targets two = {{"INBOX", 0}, two_uids, 2};

static inline int is_done(void *arg)
{
	return S.done >= *(int *)arg;
}

static inline void wait_done(enum err_code code)
{
	int want = S.done + 1;

	assert_int_equal(fake_run_until(rig.fake, is_done, &want, RIG_WAIT_MS), 0);
	if (S.err.code != code)
		fail_msg("%s: %s", err_token((int)S.err.code), S.err.text);
}

static inline int reached(void *arg)
{
	return *(int *)arg > 0;
}

static inline void wait_for(int *count)
{
	assert_int_equal(fake_run_until(rig.fake, reached, count, RIG_WAIT_MS), 0);
}

static inline void wait_offline(enum err_code code)
{
	wait_for(&S.offline);
	if (S.why.code != code)
		fail_msg("%s: %s", err_token((int)S.why.code), S.why.text);
}

static inline int begin(void **state)
{
	UNUSED(state);
	memset(&S, 0, sizeof S);
	rig_session_begin();
	return 0;
}

static inline int end(void **state)
{
	UNUSED(state);
	imap_free(&S.im);
	if (S.lined != NULL)
		assert_int_equal(lined_free(S.lined), 0);
	rig_session_end();
	email_server_free(S.server);
	mem_free(S.bytes);
	return 0;
}

static inline void meet(const struct lined_step *steps, size_t chunk)
{
	const struct imap_events ev = {on_online, on_news, on_offline, NULL};
	const struct imap_settings settings = {
		.timeout_ms = 300, .poll_ms = 30, .max_bytes = 100000};

	S.lined = lined_new(steps, chunk);
	S.server = rig_server(EMAIL_SERVER_IMAP, lined_port(S.lined), "secret", 0);
	S.im = imap_new(rig.ps, S.server, &settings, &ev);
}

#define GREET                                                                    \
	{.send = "* OK hi\r\n"},                                                 \
	{                                                                        \
		.expect = " CAPABILITY",                                         \
		.send = "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n%T OK\r\n" \
	}
#define LOGIN(capabilities)                                                         \
	GREET, {.expect = "AUTHENTICATE PLAIN", .send = "%T OK in\r\n"},            \
	{                                                                           \
		.expect = "S1 CAPABILITY",                                          \
		.send = "* CAPABILITY IMAP4rev1 " capabilities "\r\nS1 OK done\r\n" \
	}
#define OPENED \
	"* 2 EXISTS\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 5] x\r\n%T OK [READ-WRITE] in\r\n"
#define MAIL(n, uid, text, size)                                \
	"* " n " FETCH (UID " uid " FLAGS () RFC822.SIZE " size \
	" INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[]<0> {" size "}\r\n" text ")\r\n"

#endif
