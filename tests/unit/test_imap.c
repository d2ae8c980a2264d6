/* SPDX-License-Identifier: MIT */
/* The operations of imap.h against a real Dovecot. */
#include "tests/unit/mail_rig.h"

#include "platforms/email/imap.h"

#define MAX_MAILS 200

/* What came of the operations. */
struct seen {
	struct imap *im;
	struct email_server *server;
	int online, offline, done;
	struct err err, why;
	struct imap_folder folder;
	struct imap_result result;
	uint32_t uids[MAX_MAILS]; /* of the result */
	size_t n_mails, n_entries, n_news, n_exists, n_flags, n_expunged;
	struct {
		uint32_t seq, uid;
		unsigned flags;
		uint64_t size;
		int64_t date;
		int truncated;
		char *head, *bytes;
		size_t len;
	} mails[MAX_MAILS];
	char entries[1000];
	uint32_t exists;
};

static struct seen S;

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

static void on_news(void *arg, const struct imap_news *n)
{
	UNUSED(arg);
	S.n_news++;
	S.n_exists += n->kind == IMAP_NEWS_EXISTS;
	S.n_expunged += n->kind == IMAP_NEWS_EXPUNGE;
	S.n_flags += n->kind == IMAP_NEWS_FLAGS;
	if (n->kind == IMAP_NEWS_EXISTS)
		S.exists = n->n;
}

static void on_mail(void *arg, struct imap_mail *m)
{
	UNUSED(arg);
	assert_true(S.n_mails < MAX_MAILS);
	S.mails[S.n_mails].seq = m->seq;
	S.mails[S.n_mails].uid = m->uid;
	S.mails[S.n_mails].flags = m->flags;
	S.mails[S.n_mails].size = m->size;
	S.mails[S.n_mails].date = m->date;
	S.mails[S.n_mails].truncated = m->truncated;
	S.mails[S.n_mails].len = m->bytes.len;
	S.mails[S.n_mails].head = buf_take(&m->head);
	S.mails[S.n_mails].bytes = buf_take(&m->bytes);
	S.n_mails++;
}

static void on_entry(void *arg, const struct imap_entry *entry)
{
	size_t len = strlen(S.entries);

	UNUSED(arg);
	S.n_entries++;
	snprintf(S.entries + len, sizeof S.entries - len, "%s%c%d%s,", entry->name,
		entry->delimiter, entry->selectable, entry->special_use);
}

static void on_done(void *arg, const struct imap_result *r, const struct err *e)
{
	UNUSED(arg);
	S.done++;
	S.err = *e;
	S.result = *r;
	if (r->folder != NULL)
		S.folder = *r->folder;
	for (size_t i = 0; i < r->n_uids && i < MAX_MAILS; i++)
		S.uids[i] = r->uids[i];
}

static const struct imap_calls calls = {on_mail, on_entry, on_done, NULL};
static const struct imap_where inbox = {"INBOX", 0};

static void forget_mails(void)
{
	for (size_t i = 0; i < S.n_mails; i++) {
		mem_free(S.mails[i].head);
		mem_free(S.mails[i].bytes);
	}
	S.n_mails = 0;
}

static int is_done(void *arg)
{
	return S.done >= *(int *)arg;
}

/* Until `n` more operations have ended. */
static void wait_done(int n)
{
	int want = S.done + n;

	assert_int_equal(fake_run_until(rig.fake, is_done, &want, RIG_WAIT_MS), 0);
}

static void good(void)
{
	wait_done(1);
	if (S.err.code != ERR_NONE)
		fail_msg("%s", S.err.text);
}

static void bad(enum err_code code)
{
	wait_done(1);
	if (S.err.code != code)
		fail_msg("%s: %s", err_token((int)S.err.code), S.err.text);
}

static void connect_with(const struct imap_settings *settings)
{
	const struct imap_events ev = {on_online, on_news, on_offline, NULL};

	memset(&S, 0, sizeof S);
	S.server = rig_server(EMAIL_SERVER_IMAP, rig.port, "secret", 1);
	S.im = imap_new(rig.ps, S.server, settings, &ev);
}

static int begin(void **state)
{
	static const struct imap_settings settings;

	UNUSED(state);
	rig_session_begin();
	connect_with(&settings);
	return 0;
}

static int end(void **state)
{
	UNUSED(state);
	forget_mails();
	imap_free(&S.im);
	rig_session_end();
	email_server_free(S.server);
	return 0;
}

static const char multipart[] =
	"From: Bob <bob@example.org>\r\nTo: ann@example.org\r\nSubject: "
	"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
	"--b\r\nContent-Type: text/x-c; name=a.c\r\nContent-Transfer-Encoding: "
	"base64\r\n\r\nSGVsbG8=\r\n"
	"--b--\r\n";

static int fill(void **state)
{
	UNUSED(state);
	if (rig_dovecot_start() < 0)
		return -1;
	for (unsigned n = 1; n <= 20; n++)
		rig_deliver_small(n);
	rig_deliver("", 21, multipart, strlen(multipart));
	return 0;
}

static int clean(void **state)
{
	UNUSED(state);
	return rig_dovecot_stop();
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static void test_look(void **state)
{
	UNUSED(state);
	imap_look(S.im, &inbox, &calls);
	good();
	assert_int_equal(S.online, 1);
	assert_true(imap_is_online(S.im) && imap_is_idle(S.im));
	assert_int_equal(S.folder.exists, 21);
	assert_int_equal(S.folder.uid_next, 22);
	assert_true(S.folder.uid_validity > 0);
	imap_status(S.im, "INBOX", &calls);
	good();
	assert_int_equal(S.result.messages, 21);
	assert_int_equal(S.result.unseen, 21);
	assert_int_equal(S.result.uid_validity, S.folder.uid_validity);
}

/* TLS from the first byte. */
static void test_tls(void **state)
{
	const struct imap_events ev = {on_online, on_news, on_offline, NULL};
	const struct imap_settings settings = {0};

	UNUSED(state);
	imap_free(&S.im);
	email_server_free(S.server);
	S.server = rig_tls_server(EMAIL_SERVER_IMAP, rig.port + 1);
	S.im = imap_new(rig.ps, S.server, &settings, &ev);
	imap_look(S.im, &inbox, &calls);
	good();
	assert_int_equal(S.folder.exists, 21);
}

static void test_page(void **state)
{
	struct imap_fetch f = {.where = inbox, .skip = 1, .count = 3, .what = IMAP_FETCH_HEADERS};

	UNUSED(state);
	imap_fetch(S.im, &f, &calls);
	good();
	assert_int_equal(S.n_mails, 3);
	assert_int_equal(S.mails[0].seq, 18);
	assert_int_equal(S.mails[2].uid, 20);
	assert_non_null(strstr(S.mails[2].bytes, "Subject: number 20\r\n"));
	assert_null(strstr(S.mails[2].bytes, "Body"));
	assert_true(S.mails[2].size > S.mails[2].len && !S.mails[2].truncated);
	assert_true(S.mails[2].date > 1700000000);
	forget_mails();

	f = (struct imap_fetch){.where = inbox, .skip = 19, .count = 50, .what = IMAP_FETCH_WHOLE};
	imap_fetch(S.im, &f, &calls);
	good();
	assert_int_equal(S.n_mails, 2);
	assert_non_null(strstr(S.mails[0].bytes, "Body of number 1."));
	assert_int_equal(S.mails[0].len, S.mails[0].size);
	assert_true((S.mails[0].flags & IMAP_SEEN) == 0);
	forget_mails();

	f.skip = 21;
	imap_fetch(S.im, &f, &calls);
	good();
	assert_int_equal(S.n_mails, 0);
}

static void test_bounds(void **state)
{
	const struct imap_range two[] = {{3, 3}, {21, 0}};
	struct imap_fetch f = {.where = inbox,
		.ranges = two,
		.n_ranges = 2,
		.what = IMAP_FETCH_WHOLE,
		.max_bytes = 30};

	UNUSED(state);
	imap_fetch(S.im, &f, &calls);
	good();
	assert_int_equal(S.n_mails, 2);
	assert_int_equal(S.mails[0].len, 30);
	assert_int_equal(S.mails[1].uid, 21);
	assert_true(S.mails[0].truncated && S.mails[1].truncated);
	assert_int_equal(S.mails[1].size, strlen(multipart));
}

static void test_part(void **state)
{
	const struct imap_range one[] = {{21, 21}}, plain[] = {{3, 3}};
	struct imap_fetch f = {
		.where = inbox, .ranges = one, .n_ranges = 1, .what = IMAP_FETCH_PART, .part = "2"};

	UNUSED(state);
	imap_fetch(S.im, &f, &calls);
	good();
	assert_int_equal(S.n_mails, 1);
	assert_string_equal(S.mails[0].bytes, "SGVsbG8=");
	assert_non_null(strstr(S.mails[0].head, "base64\r\n\r\n"));
	forget_mails();
	f.part = "1";
	f.ranges = plain;
	imap_fetch(S.im, &f, &calls);
	good();
	assert_string_equal(S.mails[0].bytes, "Body of number 3.\r\n");
	forget_mails();
	f.part = "2]";
	imap_fetch(S.im, &f, &calls);
	bad(ERR_INVALID);
	f.part = "7";
	f.ranges = one;
	imap_fetch(S.im, &f, &calls);
	good();
	assert_int_equal(S.n_mails, 1);
	assert_int_equal(S.mails[0].len, 0);
}

static void test_search(void **state)
{
	struct imap_search s = {.where = inbox, .subject = "number 1", .without = IMAP_SEEN};

	UNUSED(state);
	imap_search(S.im, &s, &calls);
	good();
	assert_int_equal(S.result.n_uids, 11);
	assert_int_equal(S.uids[0], 1);
	assert_int_equal(S.uids[10], 19);
	s = (struct imap_search){.where = inbox,
		.subject = "Gr\xc3\xbc\xc3\x9f"
			   "e",
		.from = "bob@"};
	imap_search(S.im, &s, &calls);
	good();
	assert_int_equal(S.result.n_uids, 1);
	assert_int_equal(S.uids[0], 21);
	s = (struct imap_search){.where = inbox, .subject = "say \"\\ no", .uids = {5, 0}};
	imap_search(S.im, &s, &calls);
	good();
	assert_int_equal(S.result.n_uids, 0);
	s = (struct imap_search){.where = inbox, .since = 1700000000, .before = 4000000000};
	imap_search(S.im, &s, &calls);
	good();
	assert_int_equal(S.result.n_uids, 21);
	s = (struct imap_search){.where = inbox, .text = "a\r\nS9 LOGOUT"};
	imap_search(S.im, &s, &calls);
	bad(ERR_INVALID);
}

static void test_list(void **state)
{
	UNUSED(state);
	imap_list(S.im, &calls);
	good();
	assert_non_null(strstr(S.entries, "INBOX.1,"));
	assert_non_null(strstr(S.entries, "Sent.1\\Sent,"));
}

/* --- failures --------------------------------------------------------------------------------------------------- */

static void test_failures(void **state)
{
	const struct imap_where nowhere = {"No where", 0}, other = {"INBOX", 7};

	UNUSED(state);
	imap_look(S.im, &nowhere, &calls);
	bad(ERR_NOT_FOUND);
	assert_non_null(strstr(S.err.text, "folder No where: 127.0.0.1"));
	imap_look(S.im, &other, &calls);
	bad(ERR_CONFLICT);
	imap_status(S.im, "No where", &calls);
	bad(ERR_NOT_FOUND);
	imap_create(S.im, "a\nb", &calls);
	bad(ERR_INVALID);
	imap_create(S.im, "INBOX", &calls);
	bad(ERR_CONFLICT);
	imap_look(S.im, &inbox, &calls);
	good();
	assert_int_equal(S.offline, 0);
}

static int is_offline(void *arg)
{
	UNUSED(arg);
	return S.offline;
}

static void test_wrong_password(void **state)
{
	const struct imap_events ev = {on_online, on_news, on_offline, NULL};
	const struct imap_settings settings = {0};

	UNUSED(state);
	imap_free(&S.im);
	email_server_free(S.server);
	S.server = rig_server(EMAIL_SERVER_IMAP, rig.port, "wrong", 1);
	S.im = imap_new(rig.ps, S.server, &settings, &ev);
	imap_look(S.im, &inbox, &calls);
	assert_int_equal(fake_run_until(rig.fake, is_offline, NULL, RIG_WAIT_MS), 0);
	assert_int_equal(S.done, 1);
	assert_int_equal(S.err.code, ERR_AUTH);
	assert_int_equal(S.why.code, ERR_AUTH);
	assert_null(strstr(S.why.text, "wrong"));
	assert_int_equal(S.online, 0);
}

/* --- changing --------------------------------------------------------------------------------------------------- */

static void test_flags(void **state)
{
	const uint32_t uids[] = {2, 4, 3, 9999};
	const struct imap_targets t = {inbox, uids, 4};
	const struct imap_targets none = {inbox, uids, 0};
	struct imap_search s = {.where = inbox, .with = IMAP_FLAGGED};

	UNUSED(state);
	imap_store(S.im, &t, IMAP_FLAGGED | IMAP_SEEN, IMAP_ANSWERED, &calls);
	good();
	imap_search(S.im, &s, &calls);
	good();
	assert_int_equal(S.result.n_uids, 3);
	imap_store(S.im, &t, 0, IMAP_FLAGGED | IMAP_SEEN, &calls);
	good();
	imap_search(S.im, &s, &calls);
	good();
	assert_int_equal(S.result.n_uids, 0);
	imap_store(S.im, &t, IMAP_RECENT, 0, &calls);
	bad(ERR_INVALID);
	imap_store(S.im, &none, IMAP_SEEN, 0, &calls);
	bad(ERR_INVALID);
}

static void test_move(void **state)
{
	const uint32_t uids[] = {10, 11}, back[] = {1, 2};
	const struct imap_targets t = {inbox, uids, 2};
	const struct imap_where there = {"Gr\xc3\xbc\xc3\x9f"
					 "e & more",
		0};
	const struct imap_targets u = {there, back, 2};

	UNUSED(state);
	imap_move(S.im, &t, there.folder, &calls);
	bad(ERR_NOT_FOUND);
	imap_create(S.im, there.folder, &calls);
	good();
	imap_move(S.im, &t, there.folder, &calls);
	good();
	assert_int_equal(S.result.n_uids, 2);
	assert_int_equal(S.uids[1], 2);
	assert_false(S.result.marked);
	imap_look(S.im, &there, &calls);
	good();
	assert_int_equal(S.folder.exists, 2);
	imap_list(S.im, &calls);
	good();
	assert_non_null(strstr(S.entries, there.folder));
	imap_copy(S.im, &u, "INBOX", &calls);
	good();
	assert_int_equal(S.result.n_uids, 2);
	imap_delete(S.im, &u, &calls);
	good();
	imap_status(S.im, there.folder, &calls);
	good();
	assert_int_equal(S.result.messages, 0);
	imap_status(S.im, "INBOX", &calls);
	good();
	assert_int_equal(S.result.messages, 21);
}

/* --- news ------------------------------------------------------------------------------------------------------- */

static int exists_reached(void *arg)
{
	return S.exists >= *(uint32_t *)arg;
}

static void wait_exists(uint32_t n)
{
	assert_int_equal(fake_run_until(rig.fake, exists_reached, &n, RIG_WAIT_MS), 0);
}

static void test_watch(void **state)
{
	const struct imap_where sent = {"Sent", 0}, nowhere = {"No where", 0};
	uint32_t before;

	UNUSED(state);
	imap_watch(S.im, &inbox, &calls);
	wait_exists(1);
	before = S.exists;
	rig_deliver_small(100);
	wait_exists(before + 1);
	/* an operation elsewhere interrupts it */
	imap_look(S.im, &sent, &calls);
	good();
	rig_deliver_small(101);
	wait_exists(before + 2);
	assert_int_equal(S.done, 1);
	imap_watch(S.im, &nowhere, &calls);
	bad(ERR_NOT_FOUND);
	imap_watch(S.im, NULL, NULL);
	imap_look(S.im, &inbox, &calls);
	good();
}

static void test_polling(void **state)
{
	const struct imap_settings settings = {.no_idle = 1, .poll_ms = 50};
	uint32_t before;

	UNUSED(state);
	imap_free(&S.im);
	email_server_free(S.server);
	connect_with(&settings);
	imap_watch(S.im, &inbox, &calls);
	wait_exists(1);
	before = S.exists;
	rig_deliver_small(102);
	wait_exists(before + 1);
}

static void test_idle_renewed(void **state)
{
	const struct imap_settings settings = {.idle_ms = 30};
	uint32_t before;

	UNUSED(state);
	imap_free(&S.im);
	email_server_free(S.server);
	connect_with(&settings);
	imap_watch(S.im, &inbox, &calls);
	wait_exists(1);
	before = S.exists;
	fake_run_for(rig.fake, 300);
	rig_deliver_small(103);
	wait_exists(before + 1);
	assert_int_equal(S.offline, 0);
}

static void test_cancel(void **state)
{
	struct imap_fetch f = {.where = inbox, .count = 20, .what = IMAP_FETCH_WHOLE};
	struct imap_op *first = imap_fetch(S.im, &f, &calls);
	struct imap_op *second = imap_fetch(S.im, &f, &calls);

	UNUSED(state);
	imap_look(S.im, &inbox, &calls);
	imap_cancel(&first);
	assert_null(first);
	fake_run_for(rig.fake, 5);
	imap_cancel(&second);
	good();
	assert_int_equal(S.done, 1);
	assert_true(S.folder.exists >= 21);
	assert_int_equal(S.n_mails, 0);
}

static void on_mail_free(void *arg, struct imap_mail *m)
{
	UNUSED(arg);
	UNUSED(m);
	S.n_mails++;
	imap_free(&S.im);
}

static int is_freed(void *arg)
{
	UNUSED(arg);
	return S.im == NULL;
}

static void test_free_inside(void **state)
{
	const struct imap_calls freeing = {on_mail_free, NULL, on_done, NULL};
	struct imap_fetch f = {.where = inbox, .count = 20, .what = IMAP_FETCH_WHOLE};

	UNUSED(state);
	imap_fetch(S.im, &f, &freeing);
	imap_look(S.im, &inbox, &calls);
	assert_int_equal(fake_run_until(rig.fake, is_freed, NULL, RIG_WAIT_MS), 0);
	fake_run_for(rig.fake, 20);
	assert_int_equal(S.n_mails, 1);
	assert_int_equal(S.done, 0);
	S.n_mails = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_look, begin, end),
		cmocka_unit_test_setup_teardown(test_tls, begin, end),
		cmocka_unit_test_setup_teardown(test_page, begin, end),
		cmocka_unit_test_setup_teardown(test_bounds, begin, end),
		cmocka_unit_test_setup_teardown(test_part, begin, end),
		cmocka_unit_test_setup_teardown(test_search, begin, end),
		cmocka_unit_test_setup_teardown(test_list, begin, end),
		cmocka_unit_test_setup_teardown(test_failures, begin, end),
		cmocka_unit_test_setup_teardown(test_wrong_password, begin, end),
		cmocka_unit_test_setup_teardown(test_flags, begin, end),
		cmocka_unit_test_setup_teardown(test_move, begin, end),
		cmocka_unit_test_setup_teardown(test_watch, begin, end),
		cmocka_unit_test_setup_teardown(test_polling, begin, end),
		cmocka_unit_test_setup_teardown(test_idle_renewed, begin, end),
		cmocka_unit_test_setup_teardown(test_cancel, begin, end),
		cmocka_unit_test_setup_teardown(test_free_inside, begin, end),
	};

	return cmocka_run_group_tests(tests, fill, clean);
}
