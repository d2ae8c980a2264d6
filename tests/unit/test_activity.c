/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/activity.h"

static void accessors_read_a_job(void **state)
{
	json_t *a = json_loads(
		"{\"actor\":{\"address\":\"ann@example.org\"},\"verb\":\"send\",\"target\":["
		"{\"address\":\"bob\"},{\"name\":\"x\"}],\"object\":{\"text\":\"hi\",\"n\":7,"
		"\"yes\":true,\"no\":false}}",
		0, NULL);

	(void)state;
	assert_string_equal(activity_verb(a), "send");
	assert_string_equal(activity_actor_address(a), "ann@example.org");
	assert_true(json_is_object(activity_actor(a)));
	assert_int_equal(activity_target_count(a), 2);
	assert_string_equal(activity_target_address(a, 0), "bob");
	assert_null(activity_target_address(a, 1));
	assert_non_null(activity_target(a, 1));
	assert_null(activity_target(a, 2));
	assert_string_equal(activity_object_string(a, "text", "-"), "hi");
	assert_string_equal(activity_object_string(a, "n", "-"), "-");
	assert_int_equal(activity_object_integer(a, "n", 1), 7);
	assert_int_equal(activity_object_integer(a, "text", 1), 1);
	assert_int_equal(activity_object_boolean(a, "yes", 0), 1);
	assert_int_equal(activity_object_boolean(a, "no", 1), 0);
	assert_int_equal(activity_object_boolean(a, "n", 1), 1);
	json_decref(a);
}

static void accessors_take_anything(void **state)
{
	static const char *const texts[] = {
		"{}", "[]", "[1]", "{\"verb\":1,\"actor\":\"x\",\"target\":{},\"object\":[]}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_t *a = json_loads(texts[i], 0, NULL);
		assert_string_equal(activity_verb(a), "");
		assert_string_equal(activity_actor_address(a), "");
		assert_int_equal(activity_target_count(a), 0);
		assert_null(activity_target_address(a, 0));
		assert_true(json_is_object(activity_object(a)));
		assert_null(activity_object_string(a, "x", NULL));
		assert_int_equal(activity_object_integer(a, "x", -1), -1);
		json_decref(a);
	}
	assert_string_equal(activity_verb(NULL), "");
	assert_true(json_is_object(activity_object(NULL)));
}

static void message_has_the_classic_order(void **state)
{
	json_t *m = activity_message("post", json_pack("{ss}", "address", "a"),
		json_pack("[{ss}]", "address", "b"), json_pack("{si}", "n", 1));
	char *text = json_dumps(m, JSON_COMPACT);

	(void)state;
	assert_string_equal(text, "{\"actor\":{\"address\":\"a\"},\"target\":[{\"address\":\"b\"}],"
				  "\"status\":true,\"verb\":\"post\",\"object\":{\"n\":1}}");
	free(text);
	json_decref(m);
	m = activity_message("x", NULL, NULL, NULL);
	text = json_dumps(m, JSON_COMPACT);
	assert_string_equal(
		text, "{\"actor\":{},\"target\":[],\"status\":true,\"verb\":\"x\",\"object\":{}}");
	free(text);
	json_decref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accessors_read_a_job),
		cmocka_unit_test(accessors_take_anything),
		cmocka_unit_test(message_has_the_classic_order),
	};

	return cmocka_run_group_tests_name("activity", tests, NULL, NULL);
}
