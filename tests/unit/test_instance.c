/* SPDX-License-Identifier: MIT */
/* Who shares an account's connection, and when it is closed: with a platform that only counts. */
#include "tests/unit/unit.h"

#include "core/conf.h"
#include "core/err.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/turn.h"
#include "workers/instance.h"
#include "workers/worker.h"

static uv_loop_t loop;
static struct conf conf;
static struct worker worker;
static struct instances *list;
static int opened, closed, changed, let_go, left, failed, made_ready, is_busy, refuses;
static const struct session_ref ann = {0, "aaaaaaaaaaaaaaaaaaaaaa"},
				bob = {0, "bbbbbbbbbbbbbbbbbbbbbb"};

/* In place of workers/psession.c: nothing here has timers or watches. */
void psession_handles_release(struct psession_handles *h)
{
	assert_null(h->timers);
}

static int on_open(struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	assert_non_null(ps->instance);
	assert_null(ps->job);
	assert_null(settings);
	if (refuses)
		return err_set(e, ERR_AUTH, "no");
	opened++;
	*state = mem_alloc(1);
	return 0;
}

static void on_close(void *state)
{
	closed++;
	mem_free(state);
}

static void on_fail(void *arg, struct instance *in, const struct err *why)
{
	UNUSED(arg);
	assert_int_equal(in->state, INSTANCE_BROKEN);
	assert_string_equal(why->text, "it broke");
	failed++;
}

static void on_ready(void *arg, struct instance *in)
{
	UNUSED(arg);
	assert_int_equal(in->state, INSTANCE_READY);
	made_ready++;
}

static void on_changed(void *arg, struct instance *in)
{
	UNUSED(arg);
	UNUSED(in);
	changed++;
}

/* It is no more found then: whoever lets go of the account can tell whether another took its place. */
static void on_instance_closed(void *arg, const char *key)
{
	UNUSED(arg);
	assert_true(list == NULL || instances_find(list, key) == NULL || opened > closed);
	let_go++;
}

static void on_left(void *state)
{
	assert_non_null(state);
	left++;
}

static int busy(void *arg, const struct instance *in)
{
	UNUSED(arg);
	UNUSED(in);
	return is_busy;
}

static struct platform platform = {
	.name = "test", .open = on_open, .left = on_left, .close = on_close};

static void open_as(enum platform_life life)
{
	const struct instance_events events = {
		on_fail, on_ready, busy, on_changed, on_instance_closed, NULL};

	platform.life = life;
	list = instances_open(&worker, &events);
}

static int setup(void **state)
{
	UNUSED(state);
	json_setup();
	uv_loop_init(&loop);
	turn_open(&loop);
	conf = (struct conf){.session_linger_s = 0};
	worker = (struct worker){.loop = &loop, .conf = &conf, .platform = &platform};
	opened = closed = changed = let_go = left = failed = made_ready = is_busy = refuses = 0;
	open_as(PLATFORM_PER_ACCOUNT);
	return 0;
}

static int teardown(void **state)
{
	UNUSED(state);
	instances_close(&list);
	assert_null(list);
	turn_close(&loop);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(opened, closed);
	return 0;
}

static struct instance *get(const struct session_ref *s, const char *actor, const char *credentials)
{
	json_t *c = credentials != NULL ? json_loads(credentials, 0, NULL) : NULL;
	char key[CRYPT_TOKEN_SIZE] = "";
	const struct instance_want want = {s, key, actor, c, NULL, NULL};
	struct instance *in;
	struct err e;

	assert_true(credentials == NULL || c != NULL);
	if (platform.life == PLATFORM_PER_ACCOUNT)
		instance_key(&worker, actor, c, key);
	in = instances_get(list, &want, &e);
	json_decref(c);
	return in;
}

static void on_time(uv_timer_t *timer)
{
	*(int *)timer->data = 1;
}

/* The loop turns for `ms`. */
static void run(unsigned ms)
{
	uv_timer_t timer;
	int over = 0;

	uv_timer_init(&loop, &timer);
	timer.data = &over;
	uv_timer_start(&timer, on_time, ms, 0);
	while (!over)
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

#define P1 "{\"objectType\":\"credentials\",\"password\":\"1\",\"port\":5}"

static void test_sharing(void **state)
{
	struct instance *in = get(&ann, "ann", P1);

	UNUSED(state);
	assert_ptr_equal(get(&ann, "ann", P1), in);
	assert_ptr_equal(get(&bob, "ann", P1), in);
	/* The order of the members is no difference; everything else is. */
	assert_ptr_equal(
		get(&bob, "ann", "{\"port\":5,\"password\":\"1\",\"objectType\":\"credentials\"}"),
		in);
	assert_ptr_not_equal(get(&ann, "bob", P1), in);
	assert_ptr_not_equal(
		get(&bob, "ann", "{\"objectType\":\"credentials\",\"password\":\"2\",\"port\":5}"),
		in);
	assert_ptr_not_equal(
		get(&bob, "ann", "{\"objectType\":\"credentials\",\"password\":\"1\",\"port\":6}"),
		in);
	assert_ptr_not_equal(
		get(&bob, "ann", "{\"objectType\":\"credentials\",\"password\":\"1\"}"), in);
	assert_ptr_not_equal(get(&bob, "ann", NULL), in);
	/* What looks alike when it is written one behind the other. */
	assert_ptr_not_equal(get(&bob, "an", "{\"n\":1}"), get(&bob, "ann", "{}"));
	assert_int_equal(opened, 8);
	assert_int_equal(closed, 0);
}

static void test_closes_behind_the_last(void **state)
{
	struct instance *in = get(&ann, "ann", P1);

	UNUSED(state);
	get(&ann, "ann", P1);
	get(&bob, "ann", P1);
	instances_session_gone(list, &ann);
	instances_session_gone(list, &ann);
	run(20);
	assert_int_equal(closed, 0);
	assert_ptr_equal(in->attached->next, NULL);
	instances_session_gone(list, &bob);
	assert_int_equal(closed, 0); /* never from within the call */
	run(20);
	assert_int_equal(closed, 1);
	assert_non_null(get(&ann, "ann", P1));
	assert_int_equal(opened, 2);
}

static void test_lingers(void **state)
{
	struct instance *in;

	UNUSED(state);
	conf.session_linger_s = 1;
	in = get(&ann, "ann", P1);
	instances_session_gone(list, &ann);
	run(300);
	assert_int_equal(closed, 0);
	/* A page that is loaded again finds its connection. */
	assert_ptr_equal(get(&bob, "ann", P1), in);
	run(1200);
	assert_int_equal(closed, 0);
	instances_session_gone(list, &bob);
	run(1200);
	assert_int_equal(closed, 1);
}

static void test_waits_for_its_jobs(void **state)
{
	UNUSED(state);
	get(&ann, "ann", P1);
	is_busy = 1;
	instances_session_gone(list, &ann);
	run(50);
	assert_int_equal(closed, 0);
	is_busy = 0;
	run(1200);
	assert_int_equal(closed, 1);
}

static void test_ready(void **state)
{
	struct instance *in = get(&ann, "ann", P1);

	UNUSED(state);
	assert_int_equal(in->state, INSTANCE_OPEN);
	instance_ready(in);
	instance_ready(in);
	assert_int_equal(made_ready, 1);
}

static void test_broken(void **state)
{
	struct instance *in = get(&ann, "ann", P1);
	struct instance *next;
	struct err e;

	UNUSED(state);
	err_set(&e, ERR_REMOTE, "it broke");
	instance_broken(in, &e);
	instance_broken(in, &e);
	assert_true(failed == 0 && closed == 0); /* from the loop only */
	instance_ready(in);
	assert_int_equal(made_ready, 0);
	next = get(&ann, "ann", P1); /* who comes now gets another */
	assert_ptr_not_equal(next, in);
	run(20);
	assert_true(failed == 1 && closed == 1 && opened == 2);
	assert_ptr_equal(get(&ann, "ann", P1), next);
}

static void test_open_fails(void **state)
{
	UNUSED(state);
	refuses = 1;
	assert_null(get(&ann, "ann", NULL));
	assert_int_equal(instances_count(list), 0);
	refuses = 0;
	assert_non_null(get(&ann, "ann", NULL));
	assert_int_equal(opened, 1);
}

static void test_stateless(void **state)
{
	struct instance *in;

	UNUSED(state);
	instances_close(&list);
	open_as(PLATFORM_STATELESS);
	in = get(&ann, "ann", P1);
	assert_int_equal(in->state, INSTANCE_READY);
	assert_ptr_equal(get(&bob, "bob", NULL), in);
	assert_null(in->attached);
	instances_session_gone(list, &ann);
	run(20);
	assert_int_equal(closed, 0);
}

/* A successor gets what was kept, and leaves it to the next unless it keeps something else. */
static void test_kept(void **state)
{
	json_t *kept = json_pack("{s:i}", "n", 7), *topics = json_pack("{s:b}", "INBOX", 1);
	const struct instance_want want = {&ann, "k", "ann", NULL, kept, topics};
	struct instance *in;
	struct err e;

	UNUSED(state);
	in = instances_get(list, &want, &e);
	assert_non_null(in);
	assert_true(json_equal(in->kept, kept) && json_equal(in->keep, kept));
	assert_true(json_equal(instance_attached(in, &ann)->topics, topics));
	assert_null(instance_attached(in, &bob));
	assert_string_equal(in->actor, "ann");
	assert_ptr_equal(instances_find(list, "k"), in);
	assert_null(instances_find(list, "K"));
	assert_int_equal(changed, 2);
	instances_session_gone(list, &bob);
	assert_int_equal(left, 0);
	instances_session_gone(list, &ann);
	assert_true(left == 1 && changed == 3);
	run(20);
	assert_true(closed == 1 && let_go == 1);
	json_decref(kept);
	json_decref(topics);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sharing),
		TEST(test_closes_behind_the_last),
		TEST(test_lingers),
		TEST(test_waits_for_its_jobs),
		TEST(test_ready),
		TEST(test_broken),
		TEST(test_open_fails),
		TEST(test_stateless),
		TEST(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
