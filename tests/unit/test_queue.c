/* SPDX-License-Identifier: MIT */
/* What core/lua promises, asked through intake, queue, outbox and session: a result exactly once, and a refusal that
 * writes nothing. Two workers, "one" and "two", of the platform "p". */
#include "tests/unit/queue_rig.h"

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
		intake_job(in, "p", "", "t", &blob);
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
	intake_job(in, "p", "", "a", &blob);
	intake_credentials(in, "p", "f", &blob);
	intake_register(in);
	intake_job(in, "q", "", "b", &blob); /* has no worker */
	intake_job(in, "p", "", "c", &blob);
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
	assert_int_equal(mark(&one, got.ids[0]), 0); /* it asks again when it got no answer */
	assert_true(mark(&two, id) < 0);             /* is another's */
	assert_int_equal(beat(&two, "", 10), 0);     /* its holder lives */
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
