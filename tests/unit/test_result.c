/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/json.h"
#include "core/result.h"

static void check(struct buf *out, const char *expected)
{
	assert_string_equal(buf_str(out), expected);
	buf_clear(out);
}

static void test_results(void **state)
{
	json_t *activity = json_pack("{s:s, s:s, s:i, s:s, s:[], s:{s:s}, s:i}", "platform",
		"forged", "verb", "send", "rid", 7, "message", "mine", "target", "actor", "address",
		"a", "timestamp", 5);
	json_t *object = json_pack("{s:i}", "n", 1);
	struct buf out = BUF_INIT;

	UNUSED(state);
	result_success(&out, activity, "email", object);
	check(&out,
		"{\"actor\":{\"address\":\"a\"},\"platform\":\"email\",\"verb\":\"send\",\"rid\":7,"
		"\"target\":[],\"status\":true,\"object\":{\"n\":1}}");
	result_success(&out, activity, "email", NULL);
	check(&out,
		"{\"actor\":{\"address\":\"a\"},\"platform\":\"email\",\"verb\":\"send\",\"rid\":7,"
		"\"target\":[],\"status\":true,\"object\":{}}");
	result_failure(&out, activity, "email", "a \"b\"\n");
	check(&out,
		"{\"actor\":{\"address\":\"a\"},\"platform\":\"email\",\"verb\":\"send\",\"rid\":7,"
		"\"target\":[],\"message\":\"a \\\"b\\\"\\n\",\"status\":false,\"object\":{}}");
	json_decref(activity);
	json_decref(object);
	buf_release(&out);
}

/* A job that could not be opened still gets its result. */
static void test_no_activity(void **state)
{
	struct buf out = BUF_INIT;

	UNUSED(state);
	result_failure(&out, NULL, "email", "x");
	check(&out, "{\"platform\":\"email\",\"message\":\"x\",\"status\":false,\"object\":{}}");
	buf_release(&out);
}

static void test_messages(void **state)
{
	json_t *message = json_pack(
		"{s:s, s:s, s:b}", "verb", "post", "platform", "forged", "status", 1);
	json_t *none = json_object();
	struct buf out = BUF_INIT;

	UNUSED(state);
	result_message(&out, message, "irc");
	check(&out, "{\"verb\":\"post\",\"status\":true,\"platform\":\"irc\"}");
	result_message(&out, none, "irc");
	check(&out, "{\"platform\":\"irc\"}");
	json_decref(message);
	json_decref(none);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_no_activity),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
