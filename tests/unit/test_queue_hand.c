/* SPDX-License-Identifier: MIT */
/* Jobs that several workers share: their order, and handing them to the worker that has to run them. */
#include "tests/unit/queue_rig.h"

/* Jobs of a lane name the one before, those of another lane and of none do not. */
static void test_lanes(void **state)
{
	static const char *const lanes[] = {"1", "1", "2", "", "1"};
	static const int before[] = {-1, 0, -1, -1, 1};
	struct intake *in = request(1);
	struct buf blob = BUF_INIT;

	UNUSED(state);
	beat(&one, "", 0);
	intake_register(in);
	blob_make(&blob, "x");
	for (size_t i = 0; i < ARRAY_LEN(lanes); i++)
		intake_job(in, "p", lanes[i], "t", &blob);
	assert_int_equal(take(in), 0);
	assert_int_equal(read_new(&one), ARRAY_LEN(lanes));
	for (size_t i = 0; i < ARRAY_LEN(lanes); i++)
		assert_string_equal(got.previous[i], before[i] < 0 ? "" : got.ids[before[i]]);
	/* Also when they are read again, or taken over. */
	begin();
	assert_int_equal(queue_read_own(commands(), &one, 10, "0", on_jobs, NULL), 0);
	redisd_until(&d, &got.come);
	assert_string_equal(got.previous[4], got.ids[1]);
	queue_leave(commands(), &one);
	assert_int_equal(beat(&two, "", 10), ARRAY_LEN(lanes));
	assert_string_equal(got.previous[4], got.ids[1]);
	buf_release(&blob);
}

static int hand(const struct queue_ref *q, const char *id, const char *to)
{
	begin();
	assert_int_equal(queue_hand(commands(), q, id, to, on_rc, NULL), 0);
	redisd_until(&d, &got.come);
	return got.rc;
}

static size_t read_handed(const struct queue_ref *q, const char *id)
{
	begin();
	assert_int_equal(queue_read_handed(commands(), q, id, on_jobs, NULL), 0);
	redisd_until(&d, &got.come);
	assert_int_equal(got.rc, 0);
	return got.n;
}

static int is_open(const char *id)
{
	begin();
	assert_int_equal(queue_is_open(commands(), &one, id, on_rc, NULL), 0);
	redisd_until(&d, &got.come);
	return got.rc;
}

/* Who was handed a job has it, as if it had read it; nobody else can hand it on, start it or answer it with messages. */
static void test_hand(void **state)
{
	char id[QUEUE_ID_SIZE];

	UNUSED(state);
	beat(&one, "", 0);
	beat(&two, "", 0);
	post(2);
	assert_int_equal(read_new(&one), 2);
	strcpy(id, got.ids[0]);
	assert_int_equal(hand(&two, id, "two"), -(int)ERR_NOT_FOUND);
	assert_int_equal(hand(&one, id, "two"), 0);
	assert_int_equal(hand(&one, id, "two"), -(int)ERR_NOT_FOUND);
	assert_int_equal(read_handed(&one, id), 0);
	assert_int_equal(read_handed(&two, id), 1);
	assert_string_equal(got.ids[0], id);
	assert_string_equal(got.tokens[0], "t0");
	assert_int_equal(got.deliveries[0], 0); /* it is no failure to be handed over */
	assert_int_equal(mark(&one, id), -(int)ERR_NOT_FOUND);
	assert_int_equal(mark(&two, id), 0);
	assert_int_equal(is_open(id), 0);
	/* Whose answer was lost asks again; nobody else may start it. */
	assert_int_equal(mark(&two, id), 0);
	assert_int_equal(hand(&two, id, "one"), 0);
	assert_int_equal(mark(&one, id), -(int)ERR_UNKNOWN_OUTCOME);
	assert_int_equal(hand(&one, id, "two"), 0);
	/* Who has not run it may not fail it, while the holder may be running it. */
	assert_int_equal(finish(&one, id, "t0", 0, QUEUE_HOLDER), QUEUE_STALE);
	assert_int_equal(is_open(id), 0);
	assert_int_equal(finish(&two, id, "t0", 0, QUEUE_MARKED | QUEUE_HOLDER), QUEUE_DONE);
	assert_int_equal(is_open(id), -(int)ERR_NOT_FOUND);
	assert_int_equal(read_handed(&two, id), 0);
}

/* What is handed to a worker that is gone is taken over like all that it had. */
static void test_hand_to_the_dead(void **state)
{
	char id[QUEUE_ID_SIZE];

	UNUSED(state);
	beat(&one, "", 0);
	post(1);
	assert_int_equal(read_new(&one), 1);
	strcpy(id, got.ids[0]);
	assert_int_equal(hand(&one, id, "ghost"), 0);
	assert_int_equal(beat(&one, "", 10), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lanes),
		TEST(test_hand),
		TEST(test_hand_to_the_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
