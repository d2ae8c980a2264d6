/* SPDX-License-Identifier: MIT */
/* What core/lua promises, asked through intake, queue, outbox and session: a result exactly once, and a refusal that
 * writes nothing. Two workers, "one" and "two", of the platform "p". */
#include "tests/unit/unit.h"

#include "core/conf.h"
#include "core/err.h"
#include "core/hub.h"
#include "core/intake.h"
#include "core/mem.h"
#include "core/outbox.h"
#include "core/queue.h"
#include "tests/fake/redisd.h"

#define TTL_MS 6000

static struct redisd d;
static struct conf conf;
static struct hub *hub;
static struct intakes *intakes;
static struct session_ref session;
static int is_up;
static const struct queue_ref one = {0, "p", "one"}, two = {0, "p", "two"}, nobody = {0, "p", NULL};

static void on_commands(void *arg, unsigned shard, int up)
{
	UNUSED(arg);
	UNUSED(shard);
	is_up = up;
}

static void session_make(struct session_ref *s)
{
	char sid[SESSION_ID_LEN + 1];

	session_id_new(sid);
	assert_int_equal(session_ref_init(s, sid, SESSION_ID_LEN, 1), 0);
}

static int setup(void **state)
{
	static const char *const platforms[] = {"p", "q"};
	const struct hub_events events = {.commands = on_commands};
	char redis[80];
	const char *const sets[] = {redis, "limits.outbox=16", "limits.queue=5",
		"limits.sessions=2", "limits.jobs_per_request=20", "limits.jobs_per_s=1"};
	struct err e;

	UNUSED(state);
	is_up = 0;
	redisd_open(&d);
	snprintf(redis, sizeof redis, "redis=unix://%s", d.url.path);
	if (conf_load(&conf, NULL, sets, ARRAY_LEN(sets), &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(hub_open(&d.loop, &conf, "test", &events, &hub, &e), 0);
	intakes = intakes_open(&d.loop, &conf, hub, platforms, ARRAY_LEN(platforms));
	redisd_until(&d, &is_up);
	session_make(&session);
	return 0;
}

static int teardown(void **state)
{
	UNUSED(state);
	hub_close(&hub);
	intakes_close(intakes);
	conf_release(&conf);
	redisd_close(&d);
	return 0;
}

static struct redis *commands(void)
{
	return hub_commands(hub, 0);
}

/* All keys but those of the script cache: a picture to compare. */
static long long n_keys(void)
{
	return redisd_command(&d, "DBSIZE")->integer;
}

/* --- asking, and waiting for the answer ----------------------------------------------------------------------------- */

static struct {
	int come, rc;
	unsigned retry_ms;
	size_t n;
	int codes[32];
	char ids[32][QUEUE_ID_SIZE], tokens[32][QUEUE_TOKEN_SIZE], blobs[32][32];
	long long deliveries[32];
	int started[32];
} got;

static void begin(void)
{
	memset(&got, 0, sizeof got);
}

static void on_intake(void *arg, int rc, unsigned retry_ms, const enum intake_op *ops, size_t n)
{
	UNUSED(arg);
	got.come = 1;
	got.rc = rc;
	got.retry_ms = retry_ms;
	got.n = rc == 0 ? n : 0;
	for (size_t i = 0; i < got.n; i++)
		got.codes[i] = (int)ops[i];
}

static int take(struct intake *in)
{
	begin();
	assert_int_equal(intake_send(in, on_intake, NULL), 0);
	redisd_until(&d, &got.come);
	return got.rc;
}

static struct intake *request(int create)
{
	static const unsigned char salt[CRYPT_SALT_SIZE] = "salt";

	return intake_new(intakes, &session, create, salt);
}

static void blob_make(struct buf *b, const char *text)
{
	buf_clear(b);
	buf_add_str(b, text);
}

/* A registered session with `n` jobs "j0", "j1", ... in the queue. */
static int post(int n)
{
	struct intake *in = request(1);
	struct buf blob = BUF_INIT;
	char token[QUEUE_TOKEN_SIZE];

	intake_register(in);
	for (int i = 0; i < n; i++) {
		snprintf(token, sizeof token, "t%d", i);
		blob_make(&blob, token);
		intake_job(in, "p", token, &blob);
	}
	buf_release(&blob);
	return take(in);
}

static void on_jobs(void *arg, int rc, const struct queue_job *jobs, size_t n)
{
	UNUSED(arg);
	got.come = 1;
	got.rc = rc;
	got.n = n;
	for (size_t i = 0; i < n; i++) {
		strcpy(got.ids[i], jobs[i].id);
		strcpy(got.tokens[i], jobs[i].token);
		snprintf(got.blobs[i], sizeof got.blobs[i], "%.*s", (int)jobs[i].blob_len,
			(const char *)jobs[i].blob);
		got.deliveries[i] = jobs[i].deliveries;
		got.started[i] = jobs[i].started;
		assert_string_equal(jobs[i].session.h, session.h);
	}
}

static size_t beat(const struct queue_ref *q, const char *predecessor, unsigned take_over)
{
	const struct queue_beat b = {TTL_MS, TTL_MS, predecessor, take_over};

	begin();
	assert_int_equal(queue_beat(commands(), q, &b, on_jobs, NULL), 0);
	redisd_until(&d, &got.come);
	assert_int_equal(got.rc, 0);
	return got.n;
}

static size_t read_new(const struct queue_ref *q)
{
	begin();
	assert_int_equal(queue_read(commands(), q, 10, 1, on_jobs, NULL), 0);
	redisd_until(&d, &got.come);
	return got.n;
}

static void on_finish(void *arg, int rc, const enum queue_outcome *outcomes, size_t n)
{
	UNUSED(arg);
	got.come = 1;
	got.rc = rc;
	got.n = n;
	for (size_t i = 0; rc == 0 && i < n; i++)
		got.codes[i] = (int)outcomes[i];
}

/* One item: `n` messages and, with a token, the result. */
static int finish(
	const struct queue_ref *q, const char *id, const char *token, int n, unsigned flags)
{
	struct queue_finish *f = queue_finish_new(q);
	struct buf blob = BUF_INIT;

	queue_finish_item(f, &session, id, token, flags);
	blob_make(&blob, "message");
	for (int i = 0; i < n; i++)
		queue_finish_message(f, &blob);
	blob_make(&blob, "result");
	if (token != NULL)
		queue_finish_result(f, &blob);
	assert_int_equal(queue_finish_count(f), 1);
	got.come = 0;
	assert_int_equal(queue_finish_send(f, commands(), &conf, on_finish, NULL), 0);
	queue_finish_free(f);
	buf_release(&blob);
	redisd_until(&d, &got.come);
	assert_int_equal(got.rc, 0);
	return got.codes[0];
}

static void on_entries(void *arg, int rc, const struct outbox_entry *entries, size_t n)
{
	UNUSED(arg);
	got.come = 1;
	got.rc = rc;
	got.n = n;
	for (size_t i = 0; i < n && i < 32; i++) {
		strcpy(got.ids[i], entries[i].cursor);
		snprintf(got.tokens[i], sizeof got.tokens[i], "%.*s", (int)entries[i].token_len,
			entries[i].token);
		snprintf(got.blobs[i], sizeof got.blobs[i], "%.*s", (int)entries[i].blob_len,
			(const char *)entries[i].blob);
		assert_string_equal(entries[i].platform, "p");
	}
}

static size_t outbox(const char *after, const char *ack, unsigned limit)
{
	const struct outbox_read read = {session, after, ack, limit, 1 << 20};

	begin();
	assert_int_equal(outbox_read(commands(), &conf, &read, on_entries, NULL), 0);
	redisd_until(&d, &got.come);
	return got.n;
}

static void on_rc(void *arg, int rc)
{
	UNUSED(arg);
	got.come = 1;
	got.rc = rc;
}

static int mark(const struct queue_ref *q, const char *id)
{
	got.come = 0;
	assert_int_equal(queue_mark_started(commands(), q, id, on_rc, NULL), 0);
	redisd_until(&d, &got.come);
	return got.rc;
}

static int end_session(void)
{
	got.come = 0;
	assert_int_equal(session_end(commands(), &session, on_rc, NULL), 0);
	redisd_until(&d, &got.come);
	return got.rc;
}

/* --- intake -------------------------------------------------------------------------------------------------------- */

static void test_refusals_write_nothing(void **state)
{
	struct buf blob = BUF_INIT;
	struct intake *in = request(0);
	struct session_ref mine = session;
	long long before;

	UNUSED(state);
	blob_make(&blob, "x");
	intake_register(in);
	assert_int_equal(take(in), -(int)ERR_NO_SESSION);
	assert_int_equal(n_keys(), 0);
	beat(&one, "", 0);
	assert_int_equal(post(2), 0);
	assert_true(got.n == 3 && got.codes[0] == INTAKE_DONE && got.codes[1] == INTAKE_DONE);
	/* A job too many: neither the others nor the credentials that came with it. */
	before = n_keys();
	in = request(0);
	intake_credentials(in, "p", "field", &blob);
	for (int i = 0; i < 4; i++)
		intake_job(in, "p", "t", &blob);
	assert_int_equal(take(in), -(int)ERR_QUEUE_FULL);
	assert_int_equal(n_keys(), before);
	assert_int_equal(redisd_command(&d, "XLEN sh:{0}:q:p")->integer, 2);
	/* More than a burst, of which three were used: two register and two jobs... */
	in = request(0);
	for (int i = 0; i < 18; i++)
		intake_check(in);
	assert_int_equal(take(in), -(int)ERR_RATE);
	assert_in_range(got.retry_ms, 1, 2000);
	in = request(0);
	intake_check(in);
	assert_int_equal(take(in), 0);
	session_make(&session);
	assert_int_equal(post(0), 0);
	before = n_keys();
	session_make(&session);
	assert_int_equal(post(0), -(int)ERR_SESSIONS_FULL);
	assert_int_equal(n_keys(), before);
	session = mine;
	assert_int_equal(end_session(), 1);
	session_make(&session);
	assert_int_equal(post(0), 0);
	buf_release(&blob);
}

static void test_intake_in_order(void **state)
{
	struct buf blob = BUF_INIT;
	struct intake *in = request(1);

	UNUSED(state);
	blob_make(&blob, "x");
	beat(&one, "", 0);
	intake_job(in, "p", "a", &blob);
	intake_credentials(in, "p", "f", &blob);
	intake_register(in);
	intake_job(in, "q", "b", &blob); /* has no worker */
	intake_job(in, "p", "c", &blob);
	intake_credentials(in, "p", "f", &blob);
	assert_int_equal(take(in), 0);
	assert_int_equal(got.n, 6);
	for (size_t i = 0; i < 6; i++) {
		static const int expected[] = {INTAKE_NOT_REGISTERED, INTAKE_NOT_REGISTERED,
			INTAKE_DONE, INTAKE_NO_WORKER, INTAKE_DONE, INTAKE_DONE};

		assert_int_equal(got.codes[i], expected[i]);
	}
	assert_int_equal(redisd_command(&d, "EXISTS sh:{0}:q:q")->integer, 0);
	assert_int_equal(read_new(&one), 1);
	assert_string_equal(got.tokens[0], "c");
	assert_string_equal(got.blobs[0], "x");
	buf_release(&blob);
}

/* --- queue ---------------------------------------------------------------------------------------------------------- */

static void test_finish_exactly_once(void **state)
{
	char id[QUEUE_ID_SIZE];

	UNUSED(state);
	beat(&one, "", 0);
	post(1);
	assert_int_equal(read_new(&one), 1);
	assert_int_equal(read_new(&two), 0);
	assert_int_equal(read_new(&one), 0);
	begin(); /* as after a reply that was lost */
	assert_int_equal(queue_read_own(commands(), &one, 10, "0", on_jobs, NULL), 0);
	redisd_until(&d, &got.come);
	assert_int_equal(got.n, 1);
	strcpy(id, got.ids[0]);
	assert_int_equal(finish(&one, id, NULL, 2, 0), QUEUE_DONE);
	assert_int_equal(finish(&one, id, "t0", 1, 0), QUEUE_DONE);
	assert_int_equal(finish(&one, id, "t0", 1, 0), QUEUE_STALE);
	assert_int_equal(finish(&one, id, "t0", 0, 0), QUEUE_STALE);
	assert_int_equal(finish(&nobody, id, "t0", 0, 0), QUEUE_STALE);
	assert_int_equal(outbox("", "", 100), 4);
	assert_string_equal(got.tokens[2], "-");
	assert_string_equal(got.tokens[3], "t0");
	assert_string_equal(got.blobs[3], "result");
	assert_int_equal(redisd_command(&d, "XLEN sh:{0}:q:p")->integer, 0);
	assert_int_equal(redisd_command(&d, "XPENDING sh:{0}:q:p w")->elements, 4);
}

static void test_session_gone(void **state)
{
	char id[QUEUE_ID_SIZE];

	UNUSED(state);
	beat(&one, "", 0);
	post(1);
	read_new(&one);
	strcpy(id, got.ids[0]);
	assert_int_equal(end_session(), 1);
	assert_int_equal(end_session(), 0);
	assert_int_equal(finish(&one, id, NULL, 2, 0), QUEUE_SESSION_GONE);
	assert_int_equal(finish(&one, id, "t0", 1, 0), QUEUE_SESSION_GONE);
	assert_int_equal(finish(&one, id, "t0", 1, 0), QUEUE_STALE);
	outbox("", "", 10);
	assert_int_equal(got.rc, -(int)ERR_NO_SESSION);
	assert_int_equal(redisd_command(&d, "XLEN sh:{0}:q:p")->integer, 0);
}

static void test_outbox_full(void **state)
{
	char id[QUEUE_ID_SIZE];

	UNUSED(state);
	beat(&one, "", 0);
	post(1);
	read_new(&one);
	strcpy(id, got.ids[0]);
	assert_int_equal(finish(&one, id, NULL, 16, 0), QUEUE_DONE);
	assert_int_equal(finish(&one, id, "t0", 1, 0), QUEUE_OUTBOX_FULL);
	assert_int_equal(finish(&one, NULL, NULL, 1, 0), QUEUE_OUTBOX_FULL);
	assert_int_equal(redisd_command(&d, "XLEN sh:{0}:q:p")->integer, 1); /* open still */
	for (int i = 0; i < 40; i++)
		assert_int_equal(finish(&one, NULL, NULL, 1, QUEUE_FORCE), QUEUE_DONE);
	assert_int_equal(outbox("", "", 100), 32);
	assert_int_equal(finish(&one, id, "t0", 0, 0), QUEUE_DONE); /* a result always fits */
	assert_int_equal(outbox("", "", 100), 33);
	assert_int_equal(post(1), -(int)ERR_OUTBOX_FULL);
}

static void test_take_over(void **state)
{
	char id[QUEUE_ID_SIZE];

	UNUSED(state);
	beat(&one, "", 10);
	beat(&two, "", 10);
	post(2);
	assert_int_equal(read_new(&one), 2);
	strcpy(id, got.ids[1]);
	assert_int_equal(mark(&one, got.ids[0]), 0);
	assert_true(mark(&one, got.ids[0]) < 0); /* twice is no first time */
	assert_true(mark(&two, id) < 0);         /* is another's */
	assert_int_equal(beat(&two, "", 10), 0); /* its holder lives */
	queue_leave(commands(), &one);
	assert_int_equal(beat(&two, "", 10), 2);
	assert_true(got.started[0] && !got.started[1]);
	assert_int_equal(got.deliveries[0], 1);
	/* The old holder was only slow: what it has still to say about it is not heard. */
	assert_int_equal(finish(&one, id, NULL, 1, 0), QUEUE_STALE);
	assert_int_equal(finish(&one, id, "t1", 1, 0), QUEUE_STALE);
	assert_int_equal(finish(&two, id, "t1", 1, 0), QUEUE_DONE);
	assert_int_equal(outbox("", "", 10), 2);
	assert_int_equal(beat(&one, "", 10), 0);
}

static void test_predecessor(void **state)
{
	UNUSED(state);
	beat(&one, "", 0);
	post(1);
	read_new(&one);
	assert_int_equal(beat(&two, "", 0), 0);
	assert_int_equal(beat(&two, "one", 0), 1); /* known to be dead: at once */
}

static void test_overdue(void **state)
{
	UNUSED(state);
	beat(&one, "", 0);
	post(3);
	for (int alive = 1; alive >= 0; alive--) {
		begin();
		assert_int_equal(queue_overdue(commands(), &one, 0, 2, on_jobs, NULL), 0);
		redisd_until(&d, &got.come);
		assert_int_equal(got.n, alive ? 0 : 2);
		redisd_command(&d, "DEL sh:{0}:up:p");
	}
	assert_int_equal(finish(&nobody, got.ids[0], "t0", 0, 0), QUEUE_DONE);
	begin();
	assert_int_equal(queue_overdue(commands(), &one, 60000, 9, on_jobs, NULL), 0);
	redisd_until(&d, &got.come);
	assert_int_equal(got.n, 0);
}

static void test_no_group_yet(void **state)
{
	UNUSED(state);
	read_new(&one);
	assert_int_equal(got.rc, -(int)ERR_NOT_FOUND);
}

/* --- outbox ---------------------------------------------------------------------------------------------------------- */

static void test_outbox(void **state)
{
	char second[OUTBOX_CURSOR_SIZE], forget[2][OUTBOX_CURSOR_SIZE];

	UNUSED(state);
	post(0);
	finish(&one, NULL, NULL, 5, 0);
	assert_int_equal(outbox("", "", 3), 3);
	strcpy(second, got.ids[1]);
	strcpy(forget[0], got.ids[2]);
	strcpy(forget[1], got.ids[0]);
	assert_int_equal(outbox(second, "", 10), 3);
	assert_int_equal(outbox("", second, 0), 0);
	assert_int_equal(got.rc, 0);
	assert_int_equal(outbox("", "", 10), 3);
	outbox_forget(commands(), &session, (const char(*)[OUTBOX_CURSOR_SIZE])forget, 2);
	assert_int_equal(outbox("", "", 10), 2);
	assert_int_equal(outbox("9999999999999-0", "9999999999999-0", 10), 0);
	assert_int_equal(outbox("", "", 10), 0);
	assert_int_equal(finish(&one, NULL, NULL, 1, 0), QUEUE_DONE);
	assert_int_equal(outbox("", "", 10), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refusals_write_nothing),
		TEST(test_intake_in_order),
		TEST(test_finish_exactly_once),
		TEST(test_session_gone),
		TEST(test_outbox_full),
		TEST(test_take_over),
		TEST(test_predecessor),
		TEST(test_overdue),
		TEST(test_no_group_yet),
		TEST(test_outbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
