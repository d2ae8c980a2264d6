/* SPDX-License-Identifier: MIT */
/* One holder for each account, and what becomes of accounts when their holder is gone: own.lua, adopt.lua, leave.lua, with
 * a real Redis. Workers "one", "two", "three" of the platform "p". */
#include "tests/unit/unit.h"

#include "core/account.h"
#include "core/mem.h"
#include "core/queue.h"
#include "core/scripts.h"
#include "tests/fake/redisd.h"

#define TTL_MS 6000
#define K1     "k1aaaaaaaaaaaaaaaaaaaa"
#define K2     "k2aaaaaaaaaaaaaaaaaaaa"
#define K3     "k3aaaaaaaaaaaaaaaaaaaa"
#define K4     "k4aaaaaaaaaaaaaaaaaaaa"
#define K5     "k5aaaaaaaaaaaaaaaaaaaa"

static struct redisd d;
static struct redis *redis;
static long long most; /* accounts a worker may have */
static int is_up;

static struct {
	int come, rc, lapsed;
	char owner[32], record[32];
	size_t n;
	char keys[8][CRYPT_TOKEN_SIZE], records[8][32];
} got;

static void on_state(void *arg, int up)
{
	UNUSED(arg);
	is_up = up;
}

static int setup(void **state)
{
	struct redis_options o;

	UNUSED(state);
	most = 2;
	redisd_open(&d);
	o = (struct redis_options){.loop = &d.loop,
		.url = &d.url,
		.name = "test",
		.scripts = scripts_all,
		.timeout_ms = 10000,
		.state = on_state};
	is_up = 0;
	redis = redis_new(&o);
	redisd_until(&d, &is_up);
	return 0;
}

static int teardown(void **state)
{
	UNUSED(state);
	redis_free(&redis);
	redisd_close(&d);
	return 0;
}

static struct account_ref ref(const char *worker, const char *key)
{
	return (struct account_ref){0, "p", worker, key};
}

static void on_beat(void *arg, int rc, const struct queue_job *jobs, size_t n)
{
	UNUSED(arg);
	UNUSED(jobs);
	UNUSED(n);
	got.come = 1;
	got.rc = rc;
}

static void beat(const char *worker, unsigned load)
{
	const struct queue_ref q = {0, "p", worker};
	const struct queue_beat b = {
		.worker_ttl_ms = TTL_MS, .up_ttl_ms = TTL_MS, .predecessor = "", .load = load};

	memset(&got, 0, sizeof got);
	assert_int_equal(queue_beat(redis, &q, &b, on_beat, NULL), 0);
	redisd_until(&d, &got.come);
	assert_int_equal(got.rc, 0);
	/* Who reads is a consumer, and so a candidate for accounts that others have no room for. */
	redisd_command(&d, "XGROUP CREATECONSUMER sh:{0}:q:p w %s", worker);
}

static void die(const char *worker)
{
	redisd_command(&d, "DEL sh:{0}:w:p:%s", worker);
}

static void on_own(void *arg, int rc, const char *owner, const void *record, size_t len)
{
	UNUSED(arg);
	got.come = 1;
	got.rc = rc;
	snprintf(got.owner, sizeof got.owner, "%s", owner);
	snprintf(got.record, sizeof got.record, "%.*s", (int)len, (const char *)record);
}

/* Who owns `key`, when `worker` asks. */
static const char *own(const char *worker, const char *key, int room)
{
	const struct account_ref a = ref(worker, key);

	memset(&got, 0, sizeof got);
	assert_int_equal(account_own(redis, &a, room, most, on_own, NULL), 0);
	redisd_until(&d, &got.come);
	assert_int_equal(got.rc, 0);
	return got.owner;
}

static void on_adopt(void *arg, int rc, int lapsed, const struct account_left *accounts, size_t n)
{
	UNUSED(arg);
	got.come = 1;
	got.rc = rc;
	got.lapsed = lapsed;
	got.n = n;
	for (size_t i = 0; i < n; i++) {
		strcpy(got.keys[i], accounts[i].key);
		snprintf(got.records[i], sizeof got.records[i], "%.*s", (int)accounts[i].record_len,
			(const char *)accounts[i].record);
	}
}

static size_t adopt(const char *worker, unsigned max, int from_silent, const char *predecessor)
{
	const struct account_ref a = ref(worker, "");
	const struct account_adopt o = {max, from_silent, predecessor, TTL_MS};

	memset(&got, 0, sizeof got);
	assert_int_equal(account_adopt(redis, &a, &o, on_adopt, NULL), 0);
	redisd_until(&d, &got.come);
	assert_int_equal(got.rc, 0);
	return got.n;
}

static void record(const char *worker, const char *key, const char *text)
{
	const struct account_ref a = ref(worker, key);
	struct buf b = BUF_INIT;

	if (text != NULL)
		buf_add_str(&b, text);
	account_record(redis, &a, text != NULL ? &b : NULL);
	buf_release(&b);
}

static void release(const char *worker, const char *key)
{
	const struct account_ref a = ref(worker, key);

	account_release(redis, &a);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void test_one_holder(void **state)
{
	UNUSED(state);
	beat("one", 0);
	beat("two", 0);
	assert_string_equal(own("one", K1, 1), "one");
	assert_string_equal(own("two", K1, 1), "one");
	assert_string_equal(own("one", K1, 0), "one"); /* what one has needs no room */
	assert_string_equal(own("two", K2, 1), "two");
	release("two", K1); /* not its to let go of */
	assert_string_equal(own("two", K1, 1), "one");
	release("one", K1);
	assert_string_equal(own("two", K1, 1), "two");
}

static void test_dead_holder(void **state)
{
	UNUSED(state);
	beat("one", 0);
	beat("two", 0);
	own("one", K1, 1);
	record("one", K1, "left");
	die("one");
	assert_string_equal(own("two", K1, 1), "two");
	assert_string_equal(got.record, "left");
	/* The first holder was not dead after all, and learns it. */
	beat("one", 1);
	assert_string_equal(own("one", K1, 1), "two");
	record("one", K1, "mine");
	assert_string_equal(own("two", K1, 1), "two");
	assert_string_equal(got.record, "left");
	record("two", K1, NULL);
	own("two", K1, 1);
	assert_string_equal(got.record, "");
}

static void test_room(void **state)
{
	UNUSED(state);
	beat("one", 2);
	assert_string_equal(own("one", K1, 0), ""); /* nobody has room */
	beat("two", 1);
	beat("three", 0);
	assert_string_equal(own("one", K1, 0), "three");
	assert_string_equal(own("one", K1, 1), "three");
	assert_string_equal(own("three", K1, 0), "three");
	beat("three", 2);
	assert_string_equal(own("one", K2, 0), "two");
	die("two");
	assert_string_equal(own("one", K3, 0), "");
	assert_string_equal(own("one", K2, 1), "one");
}

/* What was given out since the last heartbeat counts. */
static void test_room_now(void **state)
{
	UNUSED(state);
	beat("one", 0);
	beat("two", 0);
	assert_string_equal(own("one", K1, 1), "one");
	assert_string_equal(own("one", K2, 1), "one");
	assert_string_equal(own("one", K3, 1), "two");
	assert_string_equal(own("one", K4, 0), "two");
	assert_string_equal(own("one", K5, 0), "");
	assert_string_equal(own("two", K5, 1), "");
	release("one", K2);
	assert_string_equal(own("two", K5, 1), "one");
}

static void test_adopt(void **state)
{
	UNUSED(state);
	most = 3;
	beat("one", 2);
	beat("two", 0);
	own("one", K1, 1);
	own("one", K2, 1);
	own("one", K3, 1);
	record("one", K1, "r1");
	record("one", K2, "r2");
	/* Not from the living. */
	assert_int_equal(adopt("two", 10, 1, ""), 0);
	assert_int_equal(got.lapsed, 0);
	die("one");
	assert_int_equal(adopt("two", 10, 0, ""), 0); /* may not judge */
	assert_int_equal(adopt("two", 0, 1, ""), 0);  /* has no room */
	assert_int_equal(adopt("two", 1, 1, ""), 1);
	assert_int_equal(adopt("two", 10, 1, ""), 1); /* K3 had left nothing: it is nobody's now */
	assert_int_equal(adopt("two", 10, 1, ""), 0);
	assert_string_equal(own("two", K1, 0), "two");
	assert_string_equal(own("two", K2, 0), "two");
	assert_string_equal(own("one", K3, 1), "one");
	/* What was adopted can be adopted again, and the record is still there. */
	die("two");
	beat("one", 0);
	assert_int_equal(adopt("one", 10, 1, ""), 2);
	assert_true(strcmp(got.records[0], "r1") == 0 || strcmp(got.records[1], "r1") == 0);
}

static void test_adopt_at_once(void **state)
{
	UNUSED(state);
	beat("one", 1);
	own("one", K1, 1);
	record("one", K1, "r1");
	/* A successor that is told takes them before its first heartbeat, and before the dead one's lapses. */
	assert_int_equal(adopt("two", 10, 0, "one"), 1);
	assert_int_equal(got.lapsed, 1);
	beat("two", 1);
	/* And so does everybody from a worker that said that it ends. */
	queue_leave(redis, &(struct queue_ref){0, "p", "two"});
	assert_int_equal(adopt("three", 10, 0, ""), 1);
	assert_string_equal(got.keys[0], K1);
	assert_string_equal(got.records[0], "r1");
}

/* Who finds no room gives an account back: it is nobody's, with what was left, until another takes it over or has a job. */
static void test_return(void **state)
{
	const struct account_ref a1 = ref("one", K1), a2 = ref("one", K2),
				 not_mine = ref("two", K1);

	UNUSED(state);
	beat("one", 2);
	beat("two", 0);
	own("one", K1, 1);
	own("one", K2, 1);
	record("one", K1, "r1");
	record("one", K2, "r2");
	account_return(redis, &not_mine);
	assert_string_equal(own("two", K1, 1), "one");
	account_return(redis, &a1);
	account_return(redis, &a2);
	assert_string_equal(own("two", K3, 1), "two"); /* the answer comes after theirs */
	assert_int_equal(redisd_command(&d, "SCARD sh:{0}:held:p:one")->integer, 0);
	assert_true(redisd_command(&d, "PTTL sh:{0}:held:p:-")->integer > 0);
	assert_int_equal(adopt("two", 1, 1, ""), 1);
	assert_int_equal(adopt("two", 1, 1, ""), 1);
	assert_int_equal(adopt("two", 1, 1, ""), 0);
	assert_string_equal(own("one", K1, 1), "two");
	account_return(redis, &not_mine);
	assert_string_equal(own("one", K1, 1), "one");
	assert_string_equal(got.record, "r1");
}

static void on_sample(void *arg, const char (*keys)[CRYPT_TOKEN_SIZE], size_t n)
{
	UNUSED(arg);
	got.come = 1;
	got.n = n;
	for (size_t i = 0; i < n; i++)
		strcpy(got.keys[i], keys[i]);
}

static size_t sample(const char *worker)
{
	const struct account_ref a = ref(worker, "");

	memset(&got, 0, sizeof got);
	assert_int_equal(account_sample(redis, &a, on_sample, NULL), 0);
	redisd_until(&d, &got.come);
	return got.n;
}

/* What a worker is said to hold, also when it knows nothing of it or that is not true any more. */
static void test_sample(void **state)
{
	UNUSED(state);
	beat("one", 2);
	beat("two", 0);
	assert_int_equal(sample("two"), 0);
	own("one", K1, 0);
	assert_int_equal(sample("two"), 1);
	assert_string_equal(got.keys[0], K1);
	redisd_command(&d, "DEL sh:{0}:a:p:%s", K1); /* as when it has expired */
	release("two", K1);
	assert_int_equal(sample("two"), 0);
}

static void test_lapsed(void **state)
{
	UNUSED(state);
	beat("one", 1);
	adopt("one", 10, 1, "");
	assert_int_equal(got.lapsed, 0);
	die("one");
	adopt("one", 10, 1, "");
	assert_int_equal(got.lapsed, 1);
}

static void test_expires(void **state)
{
	UNUSED(state);
	beat("one", 0);
	own("one", K1, 1);
	record("one", K1, "r");
	assert_true(redisd_command(&d, "PTTL sh:{0}:a:p:%s", K1)->integer > 0);
	assert_true(redisd_command(&d, "PTTL sh:{0}:held:p:one")->integer > 0);
	assert_true(redisd_command(&d, "PTTL sh:{0}:holders:p")->integer > 0);
}

static void test_shard(void **state)
{
	UNUSED(state);
	assert_int_equal(account_shard(K1, 1), 0);
	assert_true(account_shard(K1, 7) < 7);
	assert_int_equal(account_shard(K1, 7), account_shard(K1, 7));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_holder),
		TEST(test_dead_holder),
		TEST(test_room),
		TEST(test_room_now),
		TEST(test_adopt),
		TEST(test_adopt_at_once),
		TEST(test_return),
		TEST(test_sample),
		TEST(test_lapsed),
		TEST(test_expires),
		cmocka_unit_test(test_shard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
