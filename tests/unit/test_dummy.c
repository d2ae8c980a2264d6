/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fake/psession.h"

extern const struct platform platform_dummy;

static int setup(void **state)
{
	*state = fake_new(&platform_dummy, NULL, NULL);
	return 0;
}

static int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

/* TAKES `object`. */
static json_t *activity(const char *verb, json_t *object)
{
	return json_pack("{s{ss}sss[]so}", "actor", "address", "ann", "verb", verb, "target",
		"object", object);
}

static void is_event(const json_t *event, const char *ev)
{
	assert_string_equal(json_string_value(json_object_get(event, "ev")), ev);
}

static void echo_returns_its_object(void **state)
{
	json_t *object = json_pack("{s[ib]}", "a", 1, 1);
	const json_t *answer = fake_wait(
		*state, fake_job(*state, activity("echo", json_incref(object))));

	is_event(answer, "done");
	assert_true(json_equal(json_object_get(answer, "object"), object));
	json_decref(object);
}

static void fail_fails_with_its_text(void **state)
{
	const json_t *answer = fake_wait(
		*state, fake_job(*state, activity("fail", json_pack("{ss}", "text", "no %s"))));

	is_event(answer, "fail");
	assert_string_equal(json_string_value(json_object_get(answer, "text")), "no %s");
	answer = fake_wait(*state, fake_job(*state, activity("fail", json_object())));
	assert_string_equal(json_string_value(json_object_get(answer, "text")), "failed as asked");
}

static void delay_answers_in_its_time(void **state)
{
	struct fake *f = *state;
	uint64_t begin = uv_hrtime();
	int slow = fake_job(f, activity("delay", json_pack("{si}", "ms", 120)));
	int quick = fake_job(f, activity("delay", json_pack("{si}", "ms", 0)));
	const json_t *answer;

	assert_false(fake_is_answered(f, quick)); /* later, even when that is at once */
	fake_wait(f, quick);
	assert_false(fake_is_answered(f, slow));
	answer = fake_wait(f, slow);
	assert_true(uv_hrtime() - begin >= 115000000u);
	is_event(answer, "done");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(answer, "object"), "ms")), 120);
}

static void cancelled_jobs_are_silent(void **state)
{
	struct fake *f = *state;
	int delay = fake_job(f, activity("delay", json_pack("{si}", "ms", 20)));
	int burst = fake_job(f, activity("burst", json_pack("{si}", "n", 500)));
	int far = fake_job(f, activity("delay", json_pack("{si}", "ms", 600000)));

	fake_cancel(f, delay);
	fake_cancel(f, burst);
	fake_run_for(f, 60);
	assert_int_equal(json_array_size(fake_events(f)), 0);
	assert_false(fake_is_answered(f, far)); /* teardown cancels it */
}

static void burst_sends_in_order_and_then_answers(void **state)
{
	struct fake *f = *state;
	int job = fake_job(f, activity("burst", json_pack("{si}", "n", 1050)));
	const json_t *answer, *first;
	json_t *messages, *m;
	char *text;
	size_t i;

	assert_int_equal(json_array_size(fake_events(f)), 0);
	answer = fake_wait(f, job);
	is_event(answer, "done");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(answer, "object"), "n")), 1050);
	assert_ptr_equal(answer, json_array_get(fake_events(f), 1050));
	messages = fake_messages(f, job);
	assert_int_equal(json_array_size(messages), 1050);
	json_array_foreach (messages, i, m)
		assert_int_equal(
			json_integer_value(json_object_get(json_object_get(m, "object"), "i")), i);
	first = json_array_get(messages, 0);
	text = json_dumps(first, JSON_COMPACT);
	assert_string_equal(text,
		"{\"actor\":{\"address\":\"ann\"},\"target\":[{\"address\":\"ann\"}],"
		"\"status\":true,\"verb\":\"burst\",\"object\":{\"i\":0}}");
	free(text);
	json_decref(messages);
	is_event(fake_wait(f, fake_job(f, activity("burst", json_pack("{si}", "n", 0)))), "done");
}

static int is_answered(void *arg)
{
	return fake_is_answered(arg, 1);
}

static void a_burst_leaves_room_for_others(void **state)
{
	struct fake *f = *state;

	fake_job(f, activity("burst", json_pack("{si}", "n", 100000)));
	fake_job(f, activity("delay", json_pack("{si}", "ms", 0)));
	assert_int_equal(fake_run_until(f, is_answered, f, 20000), 0);
	assert_false(fake_is_answered(f, 0));
}

static void crash_needs_the_setting(void **state)
{
	const json_t *answer = fake_wait(
		*state, fake_job(*state, activity("crash", json_object())));

	is_event(answer, "fail");
	assert_string_equal(json_string_value(json_object_get(answer, "code")), "forbidden");
}

static void crash_kills_the_worker(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct fake *f = fake_new(&platform_dummy, json_pack("{sb}", "crash", 1), NULL);
		fake_job(f, activity("crash", json_object()));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* The schema file is what the gateway believes. */
static void verbs_are_those_of_the_schema_file(void **state)
{
	json_t *schema = json_load_file("schema/platforms/dummy.json", 0, NULL);
	const json_t *verbs = json_object_get(schema, "verbs");
	size_t n = 0;

	(void)state;
	for (const struct verb *v = platform_dummy.verbs; v->name != NULL; v++, n++)
		assert_non_null(json_object_get(verbs, v->name));
	assert_int_equal(json_object_size(verbs), n);
	json_decref(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(echo_returns_its_object, setup, teardown),
		cmocka_unit_test_setup_teardown(fail_fails_with_its_text, setup, teardown),
		cmocka_unit_test_setup_teardown(delay_answers_in_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(cancelled_jobs_are_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(
			burst_sends_in_order_and_then_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(a_burst_leaves_room_for_others, setup, teardown),
		cmocka_unit_test_setup_teardown(crash_needs_the_setting, setup, teardown),
		cmocka_unit_test(crash_kills_the_worker),
		cmocka_unit_test(verbs_are_those_of_the_schema_file),
	};

	return cmocka_run_group_tests_name("dummy", tests, NULL, NULL);
}
