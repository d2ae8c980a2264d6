/* SPDX-License-Identifier: MIT */
/* Fetching from an IMAP server that follows a script: each job gets one answer, whatever happens in its middle. Decent
 * servers are tests/e2e/test_email_fetch.py's. */
#include "tests/unit/email_job_rig.h"

#include "core/json.h"

#define OPENED JOB_OPENED("2")
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
	const json_t *answer = job_run("imap", o->steps, "fetch", json_object());
	const char *code = json_string_value(json_object_get(answer, "code"));

	if (strcmp(code != NULL ? code : "", o->code != NULL ? o->code : "") != 0)
		fail_msg("%s: %s", code, json_string_value(json_object_get(answer, "text")));
	assert_int_equal(job_messages(), o->count);
	job_end();
}

static void each_job_has_one_answer(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
		run(&outcomes[i]);
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

#define THREADS 128 /* more than the pool has, unless it was told to have more */
#define MANY    300
#define LARGE   250000

static struct {
	uv_mutex_t lock; /* held: no thread of the pool gets free */
	uv_work_t works[THREADS];
} pool;

static void occupy(uv_work_t *work)
{
	UNUSED(work);
	uv_mutex_lock(&pool.lock);
	uv_mutex_unlock(&pool.lock);
}

static void pool_stop(uv_loop_t *loop)
{
	assert_int_equal(uv_mutex_init(&pool.lock), 0);
	uv_mutex_lock(&pool.lock);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(uv_queue_work(loop, &pool.works[i], occupy, NULL), 0);
}

/* The server has more to send than the network holds, and nobody has the time to read it: it has to wait. */
static void what_is_not_read_yet_is_bounded(void **state)
{
	struct buf mail = BUF_INIT;
	struct lined_step steps[] = {JOB_OPENED("300"), {.expect = "FETCH 1:300 ", .times = MANY},
		{.send = "%T OK\r\n"}, {0}};

	UNUSED(state);
	buf_printf(&mail,
		"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 9 BODY[HEADER]<0> {%d}\r\n%0*d)\r\n", LARGE,
		LARGE, 0);
	steps[ARRAY_LEN(steps) - 3].send = buf_str(&mail);
	job_start("imap", steps, "fetch", json_pack("{si}", "perPage", MANY));
	pool_stop(fake_loop(J.fake));
	fake_run_for(J.fake, 1000);
	assert_false(lined_is_done(J.lined));
	uv_mutex_unlock(&pool.lock);
	assert_null(json_object_get(fake_wait(J.fake, J.job), "code"));
	assert_int_equal(job_messages(), MANY);
	job_end();
	uv_mutex_destroy(&pool.lock);
	buf_release(&mail);
}

/* --- searching -------------------------------------------------------------------------------------------------- */

/* More than fit into a command arrived on the days that the server cannot tell apart, none next to another. */
static void times_are_asked_for_in_parts(void **state)
{
	struct buf found = BUF_INIT;
	struct lined_step steps[] = {JOB_OPENED("700"), {.expect = "UID SEARCH Flagged SINCE"},
		{.expect = "NOOP", .send = "%T OK\r\n"},
		{.expect = "UID SEARCH Flagged SINCE", .send = "* SEARCH\r\n%T OK\r\n"},
		{.expect = "NOOP", .send = "%T OK\r\n"},
		{.expect = "UID FETCH 1,3,5,", .send = "%T OK\r\n"},
		{.expect = "NOOP", .send = "%T OK\r\n"},
		{.expect = "UID FETCH 601 (",
			.send = "* 601 FETCH (UID 601 RFC822.SIZE 1 INTERNALDATE \"17-Jul-2020 "
				"02:44:25 -0700\")\r\n%T OK\r\n"},
		{.expect = "NOOP", .send = "%T OK\r\n"},
		{.expect = "UID FETCH 601 (", .send = MAIL("1") "%T OK\r\n"}, {0}};
	size_t at = 0;

	UNUSED(state);
	buf_add_str(&found, "* SEARCH");
	for (int uid = 1; uid <= 601; uid += 2)
		buf_printf(&found, " %d", uid);
	buf_add_str(&found, "\r\n%T OK\r\n");
	while (steps[at].expect == NULL || strstr(steps[at].expect, "SEARCH") == NULL)
		at++;
	steps[at].send = buf_str(&found);
	job_good("imap", steps, "fetch",
		"{\"search\":{\"since\":\"2020-07-17T00:00\",\"flagged\":true}}");
	assert_int_equal(job_messages(), 1);
	job_end();
	buf_release(&found);
}

/* --- POP3 ------------------------------------------------------------------------------------------------------- */

#define POP_LIST                                                                                 \
	{.send = "+OK hi\r\n"}, {.expect = "CAPA", .send = "+OK\r\nSASL PLAIN\r\nTOP\r\n.\r\n"}, \
		{.expect = "AUTH PLAIN", .send = "+ \r\n"},                                      \
		{.expect = "AGFubgBzZWNyZXQ=", .send = "+OK\r\n"},                               \
		{.expect = "LIST", .send = "+OK\r\n1 9\r\n2 9\r\n3 9\r\n.\r\n"},                 \
	{                                                                                        \
		.expect = "UIDL", .send = "+OK\r\n1 77\r\n2 78\r\n3 x9\r\n.\r\n"                 \
	}
#define POP_HEAD(n)                                                                        \
	{                                                                                  \
		.expect = "TOP " n " 0", .send = "+OK\r\nSubject: mail " n "\r\n\r\n.\r\n" \
	}
#define POP_QUIT                                    \
	{                                           \
		.expect = "QUIT", .send = "+OK\r\n" \
	}

/* Ids of POP3 are texts; one that looks like a number may be given as one. */
static void unique_ids_may_be_numbers(void **state)
{
	static const struct lined_step third[] = {POP_LIST, POP_HEAD("3"), POP_QUIT, {0}};
	static const struct lined_step first[] = {POP_LIST, POP_HEAD("1"), POP_QUIT, {0}};
	static const struct lined_step none[] = {POP_LIST, POP_QUIT, {0}};
	static const struct {
		const char *object;
		const struct lined_step *steps;
		size_t count;
	} rows[] = {
		{"{\"property\":\"uid\",\"after\":78}", third, 1},
		{"{\"property\":\"uid\",\"after\":\"78\"}", third, 1},
		{"{\"property\":\"uid\",\"before\":78}", first, 1},
		{"{\"property\":\"uid\",\"after\":5}", none, 0},
		{"{\"property\":\"uid\",\"before\":5}", none, 0},
		{"{\"uid\":77}", first, 1},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		job_good("pop", rows[i].steps, "fetch", rows[i].object);
		assert_int_equal(job_messages(), rows[i].count);
		job_end();
	}
}

/* --- folders ---------------------------------------------------------------------------------------------------- */

#define FOLDERS "{\"objectType\":\"folders\"}"
#define X10     "xxxxxxxxxx"
#define X100    X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X1000   X100 X100 X100 X100 X100 X100 X100 X100 X100 X100

/* The last folder that is listed, and how many are. */
static const char *last_folder(const json_t *result, size_t *n)
{
	const json_t *folders = json_object_get(result, "folders");

	*n = json_array_size(folders);
	return json_string_value(json_object_get(json_array_get(folders, *n - 1), "name"));
}

/* As a literal a name may be as long as a mail. */
static void names_that_are_too_long_are_left_out(void **state)
{
	static const struct lined_step steps[] = {JOB_LOGIN(""),
		{.expect = "LIST",
			.send = "* LIST () \"/\" a\r\n* LIST () \"/\" {90000}\r\n",
			.bytes = 90000},
		{.send = "\r\n* LIST () \"/\" \"y" X1000 "\"\r\n* LIST () \"/\" \"" X1000
			 "\"\r\n%T OK\r\n"},
		{0}};
	const json_t *result = job_good("imap", steps, "fetch", FOLDERS);
	size_t n;

	UNUSED(state);
	assert_string_equal(last_folder(result, &n), X1000);
	assert_int_equal(n, 2);
	assert_null(json_object_get(result, "truncated"));
	job_end();
}

static void folders_are_bounded_in_bytes(void **state)
{
	static const struct lined_step steps[] = {JOB_LOGIN(""),
		{.expect = "LIST", .send = "* LIST () \"/\" \"" X1000 "\"\r\n", .times = 4500},
		{.send = "* LIST () \"/\" small\r\n%T OK\r\n"}, {0}};
	const json_t *result = job_good("imap", steps, "fetch", FOLDERS);
	size_t n;

	UNUSED(state);
	assert_string_equal(last_folder(result, &n), X1000);
	assert_int_equal(n, 4194304 / 1000);
	assert_true(json_is_true(json_object_get(result, "truncated")));
	job_end();
}

static void folders_are_bounded_in_number(void **state)
{
	static const struct lined_step steps[] = {JOB_LOGIN(""),
		{.expect = "LIST", .send = "* LIST () \"/\" a\r\n", .times = 10000},
		{.send = "* LIST () \"/\" b\r\n%T OK\r\n"}, {0}};
	const json_t *result = job_good("imap", steps, "fetch", FOLDERS);
	size_t n;

	UNUSED(state);
	assert_string_equal(last_folder(result, &n), "a");
	assert_int_equal(n, 10000);
	assert_true(json_is_true(json_object_get(result, "truncated")));
	job_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_job_has_one_answer),
		cmocka_unit_test(what_is_not_read_yet_is_bounded),
		cmocka_unit_test(times_are_asked_for_in_parts),
		cmocka_unit_test(unique_ids_may_be_numbers),
		cmocka_unit_test(names_that_are_too_long_are_left_out),
		cmocka_unit_test(folders_are_bounded_in_bytes),
		cmocka_unit_test(folders_are_bounded_in_number),
	};

	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
