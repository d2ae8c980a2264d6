/* SPDX-License-Identifier: MIT */
/* POP3 against a real Dovecot, and against servers that misbehave. */
#include "tests/unit/mail_rig.h"

#include "platforms/email/pop_link.h"
#include "platforms/email/pop_parse.h"

static struct {
	struct pop_link *link;
	struct email_server *server;
	struct lined *lined;
	int online, offline, done;
	struct err err, why;
	struct pop_link_entry entries[64];
	size_t n_entries, total, len;
	int truncated, free_inside;
	char *bytes;
} S;

static void on_online(void *arg)
{
	UNUSED(arg);
	S.online++;
}

static void on_offline(void *arg, const struct err *why)
{
	UNUSED(arg);
	S.offline++;
	S.why = *why;
}

static void on_done(void *arg, const struct pop_link_result *r, const struct err *e)
{
	UNUSED(arg);
	S.done++;
	S.err = *e;
	S.n_entries = MIN(r->n_entries, ARRAY_LEN(S.entries));
	for (size_t i = 0; i < S.n_entries; i++)
		S.entries[i] = r->entries[i];
	S.total = r->total;
	S.truncated = r->truncated;
	mem_free(S.bytes);
	S.bytes = NULL;
	S.len = 0;
	if (r->bytes != NULL) {
		S.len = r->bytes->len;
		S.bytes = buf_take(r->bytes);
	}
	if (S.free_inside)
		pop_link_free(&S.link);
}

static int is_done(void *arg)
{
	return S.done >= *(int *)arg;
}

static void wait_done(void)
{
	int want = S.done + 1;

	assert_int_equal(fake_run_until(rig.fake, is_done, &want, RIG_WAIT_MS), 0);
}

static void good(void)
{
	wait_done();
	if (S.err.code != ERR_NONE)
		fail_msg("%s", S.err.text);
}

static void bad(enum err_code code)
{
	wait_done();
	if (S.err.code != code)
		fail_msg("%s: %s", err_token((int)S.err.code), S.err.text);
}

static int is_offline(void *arg)
{
	UNUSED(arg);
	return S.offline;
}

static void wait_offline(enum err_code code)
{
	assert_int_equal(fake_run_until(rig.fake, is_offline, NULL, RIG_WAIT_MS), 0);
	if (S.why.code != code)
		fail_msg("%s: %s", err_token((int)S.why.code), S.why.text);
}

static void open_link(int port, const char *password, int starttls)
{
	const struct pop_link_events ev = {on_online, on_offline, NULL};
	const struct pop_link_settings settings = {.timeout_ms = 300, .max_mails = 20};

	S.server = rig_server(EMAIL_SERVER_POP, port, password, starttls);
	S.link = pop_link_new(rig.ps, S.server, &settings, &ev);
}

static int begin(void **state)
{
	UNUSED(state);
	memset(&S, 0, sizeof S);
	rig_session_begin();
	return 0;
}

static int end(void **state)
{
	UNUSED(state);
	pop_link_free(&S.link);
	rig_session_end();
	email_server_free(S.server);
	mem_free(S.bytes);
	return 0;
}

static int fill(void **state)
{
	UNUSED(state);
	if (rig_dovecot_start() < 0)
		return -1;
	for (unsigned n = 1; n <= 5; n++)
		rig_deliver_small(n);
	return 0;
}

static int clean(void **state)
{
	UNUSED(state);
	return rig_dovecot_stop();
}

/* --- Dovecot ---------------------------------------------------------------------------------------------------- */

static void test_read(void **state)
{
	UNUSED(state);
	open_link(rig.port + 2, "secret", 1);
	pop_link_list(S.link, on_done, NULL);
	good();
	assert_int_equal(S.online, 1);
	assert_true(S.n_entries >= 4 && S.total == S.n_entries);
	assert_int_equal(S.entries[1].number, 2);
	assert_true(S.entries[1].size > 50 && S.entries[1].uid[0] != '\0');
	pop_link_head(S.link, 2, 1000, on_done, NULL);
	good();
	assert_non_null(strstr(S.bytes, "Subject: number 2\r\n"));
	assert_null(strstr(S.bytes, "Body"));
	assert_false(S.truncated);
	pop_link_mail(S.link, 2, 1000, on_done, NULL);
	good();
	assert_non_null(strstr(S.bytes, "Body of number 2.\r\n"));
	pop_link_mail(S.link, 2, 30, on_done, NULL);
	good();
	assert_int_equal(S.len, 30);
	assert_true(S.truncated);
	pop_link_mail(S.link, 99, 30, on_done, NULL);
	bad(ERR_NOT_FOUND);
	pop_link_quit(S.link, on_done, NULL);
	good();
	fake_run_for(rig.fake, 10);
	assert_int_equal(S.offline, 0);
}

static void test_tls(void **state)
{
	const struct pop_link_events ev = {on_online, on_offline, NULL};
	const struct pop_link_settings settings = {0};

	UNUSED(state);
	S.server = rig_tls_server(EMAIL_SERVER_POP, rig.port + 3);
	S.link = pop_link_new(rig.ps, S.server, &settings, &ev);
	pop_link_list(S.link, on_done, NULL);
	good();
	assert_true(S.n_entries >= 4);
}

static void test_delete(void **state)
{
	char uid[72];
	size_t before;

	UNUSED(state);
	open_link(rig.port + 2, "secret", 1);
	pop_link_list(S.link, on_done, NULL);
	good();
	before = S.n_entries;
	strcpy(uid, S.entries[0].uid);
	pop_link_delete(S.link, 1, on_done, NULL);
	good();
	/* without QUIT nothing happens */
	pop_link_free(&S.link);
	email_server_free(S.server);
	open_link(rig.port + 2, "secret", 1);
	pop_link_list(S.link, on_done, NULL);
	good();
	assert_int_equal(S.n_entries, before);
	pop_link_delete(S.link, 1, on_done, NULL);
	good();
	pop_link_quit(S.link, on_done, NULL);
	good();
	pop_link_free(&S.link);
	email_server_free(S.server);
	open_link(rig.port + 2, "secret", 1);
	pop_link_list(S.link, on_done, NULL);
	good();
	assert_int_equal(S.n_entries, before - 1);
	assert_string_not_equal(S.entries[0].uid, uid);
}

static void test_wrong_password(void **state)
{
	UNUSED(state);
	open_link(rig.port + 2, "wrong", 1);
	pop_link_list(S.link, on_done, NULL);
	wait_offline(ERR_AUTH);
	assert_int_equal(S.done, 1);
	assert_int_equal(S.err.code, ERR_AUTH);
}

/* --- servers that misbehave ------------------------------------------------------------------------------------- */

#define GREET                                                                  \
	{.send = "+OK hi\r\n"},                                                \
	{                                                                      \
		.expect = "CAPA", .send = "+OK\r\nSASL PLAIN\r\nUIDL\r\n.\r\n" \
	}
#define LOGIN                                                   \
	GREET, {.expect = "AUTH PLAIN", .send = "+ \r\n"},      \
	{                                                       \
		.expect = "AGFubgBzZWNyZXQ=", .send = "+OK\r\n" \
	}

static void meet(const struct lined_step *steps, size_t chunk)
{
	S.lined = lined_new(steps, chunk);
	open_link(lined_port(S.lined), "secret", 0);
}

static void part(void)
{
	pop_link_free(&S.link);
	assert_int_equal(lined_free(S.lined), 0);
}

static void test_locked(void **state)
{
	static const struct lined_step steps[] = {GREET, {.expect = "AUTH PLAIN", .send = "+ \r\n"},
		{.expect = "AGFubgBzZWNyZXQ=",
			.send = "-ERR [IN-USE] Do you have another session?\r\n"},
		{0}};

	UNUSED(state);
	meet(steps, 0);
	pop_link_list(S.link, on_done, NULL);
	wait_offline(ERR_BUSY);
	assert_int_equal(S.err.code, ERR_BUSY);
	assert_non_null(strstr(S.why.text, "another session?"));
	part();
}

static int is_online(void *arg)
{
	UNUSED(arg);
	return S.online;
}

/* Asked a second time, which is remembered: the second link needs one connection. */
static void test_no_sasl(void **state)
{
	static const struct lined_step steps[] = {{.send = "+OK hi\r\n"},
		{.expect = "CAPA", .send = "-ERR what?\r\n", .again = 1}, {.send = "+OK hi\r\n"},
		{.expect = "CAPA", .send = "+OK\r\nUSER\r\n.\r\n"},
		{.expect = "USER ann", .send = "+OK\r\n"},
		{.expect = "PASS secret", .send = "+OK\r\n"},
		{.expect = "QUIT", .send = "+OK\r\n", .again = 1}, {.send = "+OK hi\r\n"},
		{.expect = "CAPA", .send = "+OK\r\nUSER\r\n.\r\n"},
		{.expect = "USER ann", .send = "+OK\r\n"},
		{.expect = "PASS secret", .send = "+OK\r\n"}, {.expect = "QUIT", .send = "+OK\r\n"},
		{0}};
	const struct pop_link_events ev = {on_online, on_offline, NULL};
	const struct pop_link_settings settings = {.timeout_ms = 300, .max_mails = 20};

	UNUSED(state);
	meet(steps, 0);
	pop_link_quit(S.link, on_done, NULL);
	good();
	pop_link_free(&S.link);
	S.link = pop_link_new(rig.ps, S.server, &settings, &ev);
	pop_link_quit(S.link, on_done, NULL);
	good();
	part();
}

/* Kerberos would look up names, and block: it is not tried where there is something else, nor where there is not. */
static void test_kerberos(void **state)
{
	static const struct lined_step both[] = {{.send = "+OK hi\r\n"},
		{.expect = "CAPA", .send = "+OK\r\nSASL GSSAPI PLAIN\r\n.\r\n"},
		{.expect = "AUTH PLAIN", .send = "+ \r\n"},
		{.expect = "AGFubgBzZWNyZXQ=", .send = "+OK\r\n"}, {0}};
	static const struct lined_step alone[] = {{.send = "+OK hi\r\n"},
		{.expect = "CAPA", .send = "+OK\r\nSASL GSSAPI\r\n.\r\n"}, {0}};

	UNUSED(state);
	meet(both, 0);
	assert_int_equal(fake_run_until(rig.fake, is_online, NULL, RIG_WAIT_MS), 0);
	part();
	email_server_free(S.server);
	meet(alone, 0);
	wait_offline(ERR_AUTH);
	assert_non_null(strstr(S.why.text, "offers no way to log in"));
	part();
}

/* Nor where libcurl is left the choice, since the server had nothing a moment ago. */
static void test_kerberos_later(void **state)
{
	static const struct lined_step steps[] = {{.send = "+OK hi\r\n"},
		{.expect = "CAPA", .send = "-ERR what?\r\n", .again = 1}, {.send = "+OK hi\r\n"},
		{.expect = "CAPA", .send = "+OK\r\nSASL GSSAPI\r\n.\r\n"}, {0}};

	UNUSED(state);
	meet(steps, 0);
	wait_offline(ERR_REMOTE);
	assert_non_null(strstr(S.why.text, "other ways to log in"));
	part();
}

static void test_in_pieces(void **state)
{
	static const struct lined_step steps[] = {LOGIN,
		{.expect = "LIST", .send = "+OK 2\r\n2 7\r\nnonsense\r\n1 5\r\n.\r\n"},
		{.expect = "UIDL", .send = "+OK\r\n1 abc\r\n2 d\x01\r\n7 x\r\n.\r\n"},
		{.expect = "RETR 1", .send = "+OK 5 octets\r\n..\r\n.x\r\n\r\na.b\n.\rc\r\n.\r\n"},
		{.expect = "DELE 1", .send = "-ERR no\r\n"},
		{.expect = "TOP 1 0", .send = "-ERR Unknown command\r\n"},
		{.expect = "QUIT", .send = "+OK\r\n"}, {0}};

	UNUSED(state);
	meet(steps, 1);
	pop_link_list(S.link, on_done, NULL);
	good();
	assert_int_equal(S.n_entries, 2);
	assert_string_equal(S.entries[0].uid, "abc");
	assert_string_equal(S.entries[1].uid, "");
	assert_int_equal(S.entries[1].size, 7);
	pop_link_mail(S.link, 1, 1000, on_done, NULL);
	good();
	assert_string_equal(S.bytes, ".\r\nx\r\n\r\na.b\n\rc\r\n");
	pop_link_delete(S.link, 1, on_done, NULL);
	bad(ERR_NOT_FOUND);
	pop_link_head(S.link, 1, 100, on_done, NULL);
	bad(ERR_UNSUPPORTED);
	pop_link_quit(S.link, on_done, NULL);
	good();
	part();
}

static void test_no_uidl(void **state)
{
	static const struct lined_step steps[] = {LOGIN,
		{.expect = "LIST", .send = "+OK\r\n1 5\r\n.\r\n"},
		{.expect = "UIDL", .send = "-ERR what?\r\n"}, {0}};

	UNUSED(state);
	meet(steps, 0);
	pop_link_list(S.link, on_done, NULL);
	good();
	assert_int_equal(S.n_entries, 1);
	assert_string_equal(S.entries[0].uid, "");
	part();
}

static void test_lost(void **state)
{
	static const struct lined_step steps[] = {
		LOGIN, {.expect = "RETR", .send = "+OK\r\nhalf a", .drop = 1}, {0}};

	UNUSED(state);
	meet(steps, 0);
	pop_link_mail(S.link, 1, 100, on_done, NULL);
	pop_link_mail(S.link, 2, 100, on_done, NULL);
	wait_offline(ERR_REMOTE);
	assert_int_equal(S.done, 2);
	assert_int_equal(S.offline, 1);
	assert_non_null(strstr(S.err.text, "the connection was lost"));
	part();
}

static void test_lost_in_quit(void **state)
{
	static const struct lined_step steps[] = {
		LOGIN, {.expect = "DELE", .send = "+OK\r\n"}, {.expect = "QUIT", .drop = 1}, {0}};

	UNUSED(state);
	meet(steps, 0);
	pop_link_delete(S.link, 1, on_done, NULL);
	good();
	pop_link_quit(S.link, on_done, NULL);
	bad(ERR_UNKNOWN_OUTCOME);
	part();
}

static void test_silent(void **state)
{
	static const struct lined_step steps[] = {
		LOGIN, {.expect = "RETR", .send = "+OK\r\n", .hang = 1}, {0}};

	UNUSED(state);
	meet(steps, 0);
	pop_link_mail(S.link, 1, 100, on_done, NULL);
	wait_offline(ERR_TIMEOUT);
	part();
}

static void test_garbage(void **state)
{
	static const struct lined_step unasked[] = {
		LOGIN, {.send = "+OK more\r\n", .wait_ms = 20}, {0}};
	static const struct lined_step endless[] = {
		LOGIN, {.expect = "RETR", .bytes = 100000, .hang = 1}, {0}};

	UNUSED(state);
	meet(unasked, 0);
	wait_offline(ERR_REMOTE);
	part();
	email_server_free(S.server);
	S.offline = 0;
	meet(endless, 0);
	pop_link_mail(S.link, 1, 100, on_done, NULL);
	wait_offline(ERR_TOO_LARGE);
	part();
}

static void test_many(void **state)
{
	static const struct lined_step steps[] = {LOGIN, {.expect = "LIST", .send = "+OK\r\n"},
		{.send = "3 1\r\n1 1\r\n", .times = 50}, {.send = ".\r\n"},
		{.expect = "UIDL", .send = "+OK\r\n.\r\n"}, {0}};

	UNUSED(state);
	meet(steps, 0);
	pop_link_list(S.link, on_done, NULL);
	good();
	assert_int_equal(S.n_entries, 20);
	assert_int_equal(S.total, 100);
	part();
}

static void test_free_inside(void **state)
{
	static const struct lined_step steps[] = {LOGIN,
		{.expect = "LIST", .send = "+OK\r\n1 5\r\n.\r\n"},
		{.expect = "UIDL", .send = "+OK\r\n.\r\nmore\r\n"}, {0}};

	UNUSED(state);
	meet(steps, 0);
	S.free_inside = 1;
	pop_link_list(S.link, on_done, NULL);
	pop_link_list(S.link, on_done, NULL);
	good();
	fake_run_for(rig.fake, 20);
	assert_int_equal(S.done, 1);
	assert_int_equal(S.offline, 0);
	part();
}

static void test_forget(void **state)
{
	static const struct lined_step steps[] = {LOGIN,
		{.expect = "RETR 1", .send = "+OK\r\na\r\n.\r\n", .wait_ms = 20},
		{.expect = "RETR 2", .send = "+OK\r\nb\r\n.\r\n"}, {0}};
	int one, two;

	UNUSED(state);
	meet(steps, 0);
	pop_link_mail(S.link, 1, 100, on_done, &one);
	pop_link_mail(S.link, 2, 100, on_done, &two);
	pop_link_forget(S.link, &one);
	good();
	assert_string_equal(S.bytes, "b\r\n");
	assert_int_equal(S.done, 1);
	part();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, begin, end),
		cmocka_unit_test_setup_teardown(test_tls, begin, end),
		cmocka_unit_test_setup_teardown(test_delete, begin, end),
		cmocka_unit_test_setup_teardown(test_wrong_password, begin, end),
		cmocka_unit_test_setup_teardown(test_no_sasl, begin, end),
		cmocka_unit_test_setup_teardown(test_kerberos_later, begin, end),
		cmocka_unit_test_setup_teardown(test_kerberos, begin, end),
		cmocka_unit_test_setup_teardown(test_locked, begin, end),
		cmocka_unit_test_setup_teardown(test_in_pieces, begin, end),
		cmocka_unit_test_setup_teardown(test_no_uidl, begin, end),
		cmocka_unit_test_setup_teardown(test_lost, begin, end),
		cmocka_unit_test_setup_teardown(test_lost_in_quit, begin, end),
		cmocka_unit_test_setup_teardown(test_silent, begin, end),
		cmocka_unit_test_setup_teardown(test_garbage, begin, end),
		cmocka_unit_test_setup_teardown(test_many, begin, end),
		cmocka_unit_test_setup_teardown(test_free_inside, begin, end),
		cmocka_unit_test_setup_teardown(test_forget, begin, end),
	};

	return cmocka_run_group_tests(tests, fill, clean);
}
