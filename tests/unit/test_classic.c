/* SPDX-License-Identifier: MIT */
/* The dialect and the three forms of `set` alone; tests/e2e/replies.py has every reply. */
#include "tests/unit/unit.h"

#include "core/err.h"
#include "core/json.h"
#include "gateway/classic.h"
#include "gateway/credentials.h"
#include "schema/registry.h"

#define PLATFORM                                                                                 \
	"{\"name\":\"vault\",\"version\":1,\"verbs\":{\"send\":{}},\"credentials\":{\"type\":"   \
	"\"object\",\"required\":[\"objectType\",\"password\"],\"properties\":{\"objectType\":{" \
	"\"const\":\"credentials\"},\"password\":{\"type\":\"string\"}}}}"

static struct registry *registry;

/* The real schema files, reached by links, and a local platform with credentials. */
static int setup(void **state)
{
	char dir[32], path[64], from[2048], cwd[512];
	json_t *configured = json_pack("{s:{}, s:{}}", "dummy", "vault");
	struct err e;

	UNUSED(state);
	json_setup();
	unit_folder(dir);
	assert_non_null(getcwd(cwd, sizeof cwd));
	snprintf(path, sizeof path, "mkdir %s/platforms.local", dir);
	assert_int_equal(system(path), 0);
	snprintf(from, sizeof from, "ln -s '%s/schema/verbs.json' '%s/schema/platforms' %s", cwd,
		cwd, dir);
	assert_int_equal(system(from), 0);
	unit_file(dir, "platforms.local/vault.json", PLATFORM, path);
	if (registry_load(dir, configured, &registry, &e) < 0)
		fail_msg("%s", e.text);
	json_decref(configured);
	snprintf(path, sizeof path, "rm -r %s", dir);
	return system(path);
}

static int teardown(void **state)
{
	UNUSED(state);
	registry_free(registry);
	return 0;
}

static int parse(const char *text, struct classic_job *job, struct buf *refusal)
{
	struct err e;
	json_t *item = json_read(text, strlen(text), 64, &e);

	assert_non_null(item);
	return classic_read(registry, item, job, refusal);
}

static void check_refused(const char *text, const char *expected)
{
	struct classic_job job;
	struct buf refusal = BUF_INIT;

	assert_true(parse(text, &job, &refusal) < 0);
	assert_null(job.activity);
	assert_string_equal(buf_str(&refusal), expected);
	buf_release(&refusal);
}

static void test_refusals(void **state)
{
	UNUSED(state);
	check_refused("null",
		"{\"verb\":\"confirm\",\"status\":false,\"message\":\"no rid (request ID) "
		"specified\"}");
	check_refused("{\"rid\":0.1}", "{\"rid\":0.1,\"verb\":\"confirm\",\"status\":false,"
				       "\"message\":\"no platform specified\"}");
	check_refused("{\"rid\":1,\"platform\":\"dummy\",\"verb\":\"\"}",
		"{\"rid\":1,\"platform\":\"dummy\",\"verb\":\"confirm\",\"status\":false,"
		"\"message\":\"unknown verb received: \"}");
	check_refused("{\"rid\":1,\"platform\":\"dispatcher\",\"verb\":\"ping\",\"sessionId\":0}",
		"{\"rid\":1,\"platform\":\"dispatcher\",\"verb\":\"confirm\",\"status\":false,"
		"\"message\":\"cannot use name sessionId, reserved property\"}");
}

/* What is appended to stays. */
static void test_appends(void **state)
{
	struct classic_job job;
	struct buf out = BUF_INIT;

	UNUSED(state);
	buf_add_char(&out, '[');
	classic_invalid(&out, "a\"b");
	assert_int_equal(
		parse("{\"platform\":\"dummy\",\"rid\":\"r\",\"verb\":\"echo\",\"target\":{"
		      "\"b\":1}}",
			&job, &out),
		0);
	assert_string_equal(job.platform->name, "dummy");
	assert_string_equal(job.verb->name, "echo");
	classic_confirm(&out, &job);
	classic_refuse(&out, &job, "no");
	classic_success(&out, &job, NULL);
	classic_failure(&out, &job, "m");
	assert_string_equal(buf_str(&out),
		"[{\"status\":false,\"message\":\"a\\\"b\"}"
		"{\"rid\":\"r\",\"verb\":\"confirm\",\"status\":true}"
		"{\"rid\":\"r\",\"platform\":\"dummy\",\"verb\":\"confirm\",\"status\":false,"
		"\"message\":\"no\"}"
		"{\"rid\":\"r\",\"verb\":\"echo\",\"platform\":\"dummy\",\"status\":true,"
		"\"target\":[{\"b\":1}]}"
		"{\"rid\":\"r\",\"platform\":\"dummy\",\"verb\":\"echo\",\"status\":false,"
		"\"message\":\"m\",\"target\":[{\"b\":1}]}");
	classic_job_release(&job);
	classic_job_release(&job);
	buf_release(&out);
}

static void test_normalises(void **state)
{
	static const struct {
		const char *target, *object;
		const char *expected;
	} rows[] = {
		{"", "",
			"{\"rid\":1,\"platform\":\"dummy\",\"verb\":\"echo\",\"target\":[],"
			"\"object\":{}}"},
		{",\"target\":[]", ",\"object\":null",
			"{\"rid\":1,\"platform\":\"dummy\",\"verb\":\"echo\",\"target\":[],"
			"\"object\":null}"},
		{",\"target\":null", "",
			"{\"rid\":1,\"platform\":\"dummy\",\"verb\":\"echo\",\"target\":null,"
			"\"object\":{}}"},
		{",\"target\":\"a\"", ",\"object\":{\"a\":[]}",
			"{\"rid\":1,\"platform\":\"dummy\",\"verb\":\"echo\",\"target\":\"a\","
			"\"object\":{\"a\":[]}}"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct classic_job job;
		struct buf out = BUF_INIT;
		char text[256];

		snprintf(text, sizeof text,
			"{\"rid\":1,\"platform\":\"dummy\",\"verb\":\"echo\"%s%s}", rows[i].target,
			rows[i].object);
		assert_int_equal(parse(text, &job, &out), 0);
		json_append(&out, job.activity);
		assert_string_equal(buf_str(&out), rows[i].expected);
		classic_job_release(&job);
		buf_release(&out);
	}
}

/* `expected`: the entries, or the sentence. */
static void check_set(const char *platform, const char *rest, const char *expected)
{
	struct classic_job job;
	struct credentials c = {NULL, NULL};
	struct buf out = BUF_INIT;
	struct err e;
	char text[512];

	snprintf(text, sizeof text, "{\"rid\":1,\"verb\":\"set\",\"platform\":\"%s\",%s}", platform,
		rest);
	assert_int_equal(parse(text, &job, &out), 0);
	if (credentials_read(registry, &job, &c, &e) == 0) {
		assert_string_equal(c.platform->name, "vault");
		json_append(&out, c.entries);
	} else {
		assert_null(c.entries);
		buf_add_str(&out, e.text);
	}
	assert_string_equal(buf_str(&out), expected);
	json_decref(c.entries);
	classic_job_release(&job);
	buf_release(&out);
}

#define ACTOR "\"actor\":{\"address\":\"ann\"},"
#define GOOD  "\"object\":{\"objectType\":\"credentials\",\"password\":\"p\",\"x\":1}"
#define ENTRY "{\"objectType\":\"credentials\",\"password\":\"p\",\"x\":1}"

static void test_set(void **state)
{
	UNUSED(state);
	check_set("vault", ACTOR GOOD, "{\"ann\":" ENTRY "}");
	check_set("dispatcher", ACTOR "\"target\":{\"platform\":\"vault\"}," GOOD,
		"{\"ann\":" ENTRY "}");
	check_set("dispatcher",
		"\"target\":{\"platform\":\"vault\"},\"object\":{\"credentials\":{"
		"\"a\":{\"password\":\"1\"},\"\":{\"password\":\"2\"}}}",
		"{\"a\":{\"password\":\"1\",\"objectType\":\"credentials\"},"
		"\"\":{\"password\":\"2\",\"objectType\":\"credentials\"}}");
	check_set("vault", "\"actor\":{\"address\":\"\"}," GOOD, "no actor address specified");
	check_set("vault", "\"actor\":7," GOOD, "no actor address specified");
	check_set("dispatcher", ACTOR "\"target\":[7]," GOOD, "no target platform specified");
	check_set("dispatcher", ACTOR "\"target\":{\"platform\":\"x\"}," GOOD,
		"unable to load platform x");
	check_set("vault", ACTOR "\"object\":{\"objectType\":\"credentials\"}",
		"invalid object format Missing required property: password");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_normalises),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
