/* SPDX-License-Identifier: MIT */
/* queue_rig - a real Redis with a session and two workers, "one" and "two", of the platform "p": for the tests of what core/lua
 * promises. Each call waits for its answer, which is in `got`. */
#ifndef TESTS_UNIT_QUEUE_RIG_H
#define TESTS_UNIT_QUEUE_RIG_H

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
static inline long long n_keys(void)
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
	char previous[32][QUEUE_ID_SIZE];
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
		intake_job(in, "p", "", token, &blob);
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
		strcpy(got.previous[i], jobs[i].previous);
		got.deliveries[i] = jobs[i].deliveries;
		got.started[i] = jobs[i].started;
		assert_string_equal(jobs[i].session.h, session.h);
	}
}

static size_t beat(const struct queue_ref *q, const char *predecessor, unsigned take_over)
{
	const struct queue_beat b = {.worker_ttl_ms = TTL_MS,
		.up_ttl_ms = TTL_MS,
		.predecessor = predecessor,
		.take_over = take_over};

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

static inline size_t outbox(const char *after, const char *ack, unsigned limit)
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

static inline int end_session(void)
{
	got.come = 0;
	assert_int_equal(session_end(commands(), &session, on_rc, NULL), 0);
	redisd_until(&d, &got.come);
	return got.rc;
}

#endif
