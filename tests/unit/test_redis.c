/* SPDX-License-Identifier: MIT */
/* The connection to Redis, against a real server that comes and goes. */
#include "tests/unit/unit.h"

#include "core/mem.h"
#include "core/redis.h"
#include "tests/fake/redisd.h"

static struct redisd d;
static struct redis *r;
static struct redis_args args;
static int is_up, ups, downs;

struct answer {
	int n; /* calls */
	int is_null;
	int type;
	char text[64];
};

static void on_state(void *arg, int up)
{
	UNUSED(arg);
	is_up = up;
	ups += up;
	downs += !up;
}

static void on_reply(void *arg, const struct redisReply *reply)
{
	struct answer *a = arg;

	a->n++;
	a->is_null = reply == NULL;
	a->type = reply != NULL ? reply->type : 0;
	snprintf(a->text, sizeof a->text, "%s",
		reply != NULL && reply->str != NULL ? reply->str : "");
}

static void connect_with(
	const char *const *scripts, redis_reply_fn *push, unsigned timeout_ms, void *arg)
{
	const struct redis_options o = {
		.loop = &d.loop,
		.url = &d.url,
		.name = "test",
		.timeout_ms = timeout_ms,
		.state = on_state,
		.arg = arg,
		.scripts = scripts,
		.push = push,
	};

	r = redis_new(&o);
}

static int setup(void **state)
{
	UNUSED(state);
	redisd_open(&d);
	is_up = ups = downs = 0;
	return 0;
}

static int teardown(void **state)
{
	UNUSED(state);
	redis_free(&r);
	redis_args_release(&args);
	args = (struct redis_args){0};
	redisd_close(&d);
	return 0;
}

static int command(struct answer *a, const char *word, const char *one, const char *two)
{
	redis_args_begin(&args);
	redis_arg_str(&args, word);
	if (one != NULL)
		redis_arg_str(&args, one);
	if (two != NULL)
		redis_arg_str(&args, two);
	return redis_send(r, &args, a != NULL ? on_reply : NULL, a);
}

static void test_commands(void **state)
{
	struct answer a = {0}, b = {0}, c = {0};

	UNUSED(state);
	connect_with(NULL, NULL, 5000, NULL);
	assert_false(redis_is_up(r));
	assert_true(command(&a, "PING", NULL, NULL) < 0);
	redisd_until(&d, &is_up);
	assert_true(redis_is_up(r));
	assert_int_equal(command(NULL, "SET", "k", "v"), 0);
	assert_int_equal(command(&a, "GET", "k", NULL), 0);
	assert_int_equal(command(&b, "NONSENSE", NULL, NULL), 0);
	assert_int_equal(command(&c, "GET", "none", NULL), 0);
	assert_int_equal(a.n, 0); /* never from within the call */
	redisd_until(&d, &c.n);
	assert_string_equal(a.text, "v");
	assert_int_equal(b.type, REDIS_REPLY_ERROR);
	assert_int_equal(c.type, REDIS_REPLY_NIL);
	assert_non_null(strstr(redis_text(redisd_command(&d, "CLIENT LIST")), "name=test"));
}

static int next, wrong;

static void on_next(void *arg, const struct redisReply *reply)
{
	wrong += atoi(redis_text(reply)) != next || (int)(intptr_t)arg != next;
	next++;
}

static void test_pipeline_keeps_order(void **state)
{
	struct answer last = {0};

	UNUSED(state);
	next = wrong = 0;
	connect_with(NULL, NULL, 5000, NULL);
	redisd_until(&d, &is_up);
	for (int i = 0; i < 5000; i++) {
		redis_args_begin(&args);
		redis_arg_str(&args, "ECHO");
		redis_arg_int(&args, i);
		assert_int_equal(redis_send(r, &args, on_next, (void *)(intptr_t)i), 0);
	}
	command(&last, "PING", NULL, NULL);
	redisd_until(&d, &last.n);
	assert_int_equal(next, 5000);
	assert_int_equal(wrong, 0);
}

static void test_binary_and_large(void **state)
{
	struct answer a = {0};
	size_t len = 3 << 20;
	char *big = mem_alloc(len);

	UNUSED(state);
	connect_with(NULL, NULL, 5000, NULL);
	redisd_until(&d, &is_up);
	memset(big, 'x', len);
	memcpy(big, "a\r\n\0b", 5);
	redis_args_begin(&args);
	redis_arg_str(&args, "SET");
	redis_arg(&args, "", 0);
	redis_arg(&args, big, len);
	assert_int_equal(redis_send(r, &args, on_reply, &a), 0);
	redisd_until(&d, &a.n);
	assert_int_equal(redisd_command(&d, "STRLEN %b", "", (size_t)0)->integer, len);
	assert_memory_equal(
		redisd_command(&d, "GETRANGE %b 0 4", "", (size_t)0)->str, "a\r\n\0b", 5);
	mem_free(big);
}

/* A command under way when the server dies is answered with NULL, once; then it comes back by itself. */
static void test_loss(void **state)
{
	struct answer a = {0}, b = {0}, c = {0};

	UNUSED(state);
	connect_with(NULL, NULL, 60000, NULL);
	redisd_until(&d, &is_up);
	assert_int_equal(command(&a, "BLPOP", "nothing", "0"), 0);
	assert_int_equal(command(&b, "PING", NULL, NULL), 0);
	redisd_run(&d, 50);
	assert_int_equal(a.n, 0);
	redisd_kill(&d);
	redisd_until(&d, &downs);
	assert_true(a.n == 1 && a.is_null && b.n == 1 && b.is_null);
	assert_false(redis_is_up(r));
	assert_true(command(&c, "PING", NULL, NULL) < 0);
	redisd_run(&d, 100);
	redisd_start(&d);
	redisd_until(&d, &is_up);
	assert_int_equal(command(&c, "PING", NULL, NULL), 0);
	redisd_until(&d, &c.n);
	assert_string_equal(c.text, "PONG");
	assert_true(a.n == 1 && b.n == 1);
	assert_true(ups == 2 && downs == 1);
}

static void test_time_out(void **state)
{
	struct answer a = {0}, b = {0};

	UNUSED(state);
	connect_with(NULL, NULL, 300, NULL);
	redisd_until(&d, &is_up);
	is_up = 0;
	command(&a, "BLPOP", "nothing", "0");
	redisd_until(&d, &a.n);
	assert_true(a.is_null);
	redisd_until(&d, &is_up);
	command(&b, "PING", NULL, NULL);
	redisd_until(&d, &b.n);
	assert_string_equal(b.text, "PONG");
}

static void test_refused_connection(void **state)
{
	struct answer a = {0};

	UNUSED(state);
	redisd_kill(&d);
	connect_with(NULL, NULL, 300, NULL);
	redisd_run(&d, 200);
	assert_true(!redis_is_up(r) && ups == 0);
	assert_true(command(&a, "PING", NULL, NULL) < 0);
	redisd_start(&d);
	redisd_until(&d, &is_up);
}

static void test_free_answers_what_is_pending(void **state)
{
	struct answer a = {0};

	UNUSED(state);
	connect_with(NULL, NULL, 5000, NULL);
	redisd_until(&d, &is_up);
	command(&a, "BLPOP", "nothing", "0");
	redis_free(&r);
	assert_true(a.n == 1 && a.is_null);
	assert_int_equal(downs, 0);
	assert_null(r);
}

static void eval(struct answer *a, size_t n)
{
	redis_args_begin(&args);
	redis_arg_str(&args, "EVALSHA");
	redis_arg_str(&args, redis_script_sha(r, n));
	redis_arg_int(&args, 0);
	redis_arg_str(&args, "x");
	assert_int_equal(redis_send(r, &args, on_reply, a), 0);
	redisd_until(&d, &a->n);
}

static void test_scripts(void **state)
{
	static const char *const scripts[] = {"return ARGV[1]", "return ARGV[1] .. 'y'", NULL};
	struct answer a = {0}, b = {0}, c = {0};

	UNUSED(state);
	connect_with(scripts, NULL, 5000, NULL);
	redisd_until(&d, &is_up);
	eval(&a, 0);
	eval(&b, 1);
	assert_string_equal(a.text, "x");
	assert_string_equal(b.text, "xy");
	/* A new server does not know them. */
	redisd_kill(&d);
	redisd_until(&d, &downs);
	redisd_start(&d);
	redisd_until(&d, &is_up);
	eval(&c, 1);
	assert_string_equal(c.text, "xy");
}

static char pushed[256];
static int pushes;

static void on_push(void *arg, const struct redisReply *reply)
{
	UNUSED(arg);
	for (size_t i = 0; i < 2; i++) {
		strcat(pushed, redis_text(redis_at(reply, i)));
		strcat(pushed, " ");
	}
	if (strcmp(redis_text(redis_at(reply, 0)), "message") == 0)
		strcat(pushed, redis_text(redis_at(reply, 2)));
	strcat(pushed, ";");
	pushes++;
}

static void wait_pushes(int n)
{
	while (pushes < n)
		redisd_run(&d, 5);
}

static void test_subscriber(void **state)
{
	UNUSED(state);
	pushed[0] = '\0';
	pushes = 0;
	connect_with(NULL, on_push, 5000, NULL);
	redisd_until(&d, &is_up);
	command(NULL, "SUBSCRIBE", "a", NULL);
	command(NULL, "SUBSCRIBE", "b", NULL);
	wait_pushes(2);
	redisd_command(&d, "PUBLISH a one");
	redisd_command(&d, "PUBLISH c no");
	redisd_command(&d, "PUBLISH b two");
	wait_pushes(4);
	command(NULL, "UNSUBSCRIBE", "a", NULL);
	wait_pushes(5);
	redisd_command(&d, "PUBLISH a no");
	redisd_command(&d, "PUBLISH b three");
	wait_pushes(6);
	assert_string_equal(pushed, "subscribe a ;subscribe b ;message a one;message b two;"
				    "unsubscribe a ;message b three;");
	/* After a loss nothing is subscribed; the owner is told and asks anew. */
	redisd_kill(&d);
	redisd_until(&d, &downs);
	redisd_start(&d);
	redisd_until(&d, &is_up);
	assert_int_equal(redisd_command(&d, "PUBLISH b x")->integer, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commands),
		TEST(test_pipeline_keeps_order),
		TEST(test_binary_and_large),
		TEST(test_loss),
		TEST(test_time_out),
		TEST(test_refused_connection),
		TEST(test_free_answers_what_is_pending),
		TEST(test_scripts),
		TEST(test_subscriber),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
