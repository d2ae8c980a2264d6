/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/err.h"
#include "core/json.h"
#include "schema/registry.h"
#include "schema/schema.h"

#define VERBS                                                                                    \
	"{\"verbs\":{\"set\":{\"schema\":{\"type\":\"object\"}},\"send\":{\"schema\":{\"type\":" \
	"\"object\",\"required\":[\"object\"]}},\"bare\":{}}}"
#define DISPATCHER "{\"name\":\"dispatcher\",\"verbs\":{\"set\":{}}}"
#define MAIL                                                                                       \
	"{\"name\":\"mail\",\"verbs\":{\"send\":{\"schema\":{\"required\":[\"actor\"]}},\"own\":{" \
	"\"schema\":true}},\"credentials\":{\"required\":[\"password\"]},\"settings\":{"           \
	"\"properties\":{\"relay\":{\"type\":\"string\",\"default\":\"r\"},\"n\":{\"type\":"       \
	"\"integer\",\"minimum\":1}},\"additionalProperties\":false}}"

static char dir[32];

static void put(const char *name, const char *text)
{
	char path[64];

	unit_file(dir, name, text, path);
}

static int setup(void **state)
{
	char command[128];

	UNUSED(state);
	unit_folder(dir);
	snprintf(command, sizeof command, "mkdir %s/platforms %s/platforms.local", dir, dir);
	assert_int_equal(system(command), 0);
	put("verbs.json", VERBS);
	put("platforms/dispatcher.json", DISPATCHER);
	put("platforms/mail.json", MAIL);
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	UNUSED(state);
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command);
}

/* The registry; or NULL, and `expected` is in the sentence. */
static struct registry *load(const char *configured, const char *expected)
{
	json_t *platforms = json_loads(configured, 0, NULL);
	struct registry *r = NULL;
	struct err e;

	assert_non_null(platforms);
	if (registry_load(dir, platforms, &r, &e) < 0) {
		assert_int_equal(e.code, ERR_CONFIG);
		if (expected == NULL || strstr(e.text, expected) == NULL)
			fail_msg("%s", e.text);
		r = NULL;
	} else {
		assert_null(expected);
	}
	json_decref(platforms);
	return r;
}

static void test_good(void **state)
{
	struct registry *r = load("{\"mail\":{\"workers\":3,\"n\":2}}", NULL);
	const struct registry_platform *p = registry_find(r, "mail");
	const struct registry_verb *v;
	struct buf text = BUF_INIT;

	UNUSED(state);
	assert_int_equal(registry_count(r), 2);
	assert_null(registry_find(r, "other"));
	assert_true(registry_find(r, REGISTRY_DISPATCHER)->loaded);
	assert_non_null(p);
	assert_true(p->loaded);
	assert_non_null(p->credentials);
	v = registry_verb(p, "send");
	assert_true(v->general != NULL && v->own != NULL);
	v = registry_verb(p, "own");
	assert_true(v->general == NULL && v->own != NULL);
	v = registry_verb(p, "set"); /* every platform has it, none defines it */
	assert_true(v->general != NULL && v->own == NULL);
	assert_null(registry_verb(p, "bare"));
	assert_null(registry_verb(p, ""));
	json_append(&text, p->settings);
	assert_string_equal(buf_str(&text), "{\"workers\":3,\"n\":2,\"concurrency\":1000,\"job_"
					    "timeout_s\":300,\"relay\":\"r\"}");
	buf_release(&text);
	registry_free(r);
}

static void test_not_loaded(void **state)
{
	struct registry *r = load("{}", NULL);
	const json_t *doc = registry_document(r);

	UNUSED(state);
	assert_false(registry_find(r, "mail")->loaded);
	assert_non_null(json_object_get(json_object_get(doc, "verbs"), "send"));
	assert_int_equal(json_object_size(json_object_get(doc, "platforms")), 1);
	registry_free(r);
	registry_free(NULL);
}

static void test_settings(void **state)
{
	UNUSED(state);
	load("{\"nail\":{}}", "platforms.nail: there is no such platform");
	load("{\"dispatcher\":{}}", "platforms.dispatcher: there is no such platform");
	load("{\"mail\":{\"relai\":1}}", "platforms.mail");
	load("{\"mail\":{\"relai\":1}}", "relai");
	load("{\"mail\":{\"relay\":1}}", "platforms.mail/relay: invalid type: number");
	load("{\"mail\":{\"n\":0}}", "platforms.mail/n: Number 0 is less than 1");
	load("{\"mail\":{\"workers\":65}}",
		"platforms.mail.workers: has to be a whole number from 0 to 64");
	load("{\"mail\":{\"workers\":\"1\"}}", "platforms.mail.workers");
	load("{\"mail\":{\"job_timeout_s\":0}}", "platforms.mail.job_timeout_s");
	put("platforms/plain.json", "{\"name\":\"plain\",\"verbs\":{\"send\":{}}}");
	load("{\"plain\":{\"x\":1}}", "platforms.plain.x: unknown key");
	registry_free(load("{\"plain\":{\"concurrency\":1}}", NULL));
}

static void test_local_files_add(void **state)
{
	struct registry *r;

	UNUSED(state);
	put("verbs.local.json", "{\"verbs\":{\"wave\":{\"schema\":{\"type\":\"object\"}}}}");
	put("platforms.local/flag.json", "{\"name\":\"flag\",\"verbs\":{\"wave\":{},\"send\":{}}}");
	put("platforms.local/README", "no platform");
	put("platforms.local/.hidden.json", "{");
	put("platforms.local/UPPER.json", "{");
	r = load("{\"flag\":{}}", NULL);
	assert_non_null(registry_verb(registry_find(r, "flag"), "wave")->general);
	assert_int_equal(registry_count(r), 3);
	registry_free(r);
	put("platforms.local/mail.json", MAIL);
	load("{}", "platforms.local/mail.json: platform mail exists already; local files may only "
		   "add");
}

static void test_local_verbs_do_not_replace(void **state)
{
	UNUSED(state);
	put("verbs.local.json", "{\"verbs\":{\"send\":{\"schema\":true}}}");
	load("{}", "verbs.local.json: verb send exists already; local files may only add");
}

static void test_bad_files(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{"", "platforms/bad.json: line"},
		{"{\"name\":\"bad\",}", "platforms/bad.json: line 1"},
		{"[]", "platforms/bad.json: has to be an object"},
		{"{\"name\":\"bad\",\"name\":\"bad\"}", "platforms/bad.json: line 1"},
		{"{}", "`name` has to be the file's name, \"bad\""},
		{"{\"name\":\"good\",\"verbs\":{}}", "`name` has to be the file's name, \"bad\""},
		{"{\"name\":\"bad\"}", "has to have an object `verbs`"},
		{"{\"name\":\"bad\",\"verbs\":[]}", "has to have an object `verbs`"},
		{"{\"name\":\"bad\",\"verbs\":{\"bare\":{}}}", "verb bare has no schema"},
		{"{\"name\":\"bad\",\"verbs\":{\"new\":{}}}", "verb new has no schema"},
		{"{\"name\":\"bad\",\"verbs\":{\"set\":{}}}", "`set` is the dispatcher's"},
		{"{\"name\":\"bad\",\"verbs\":{\"send\":{\"schema\":{\"type\":\"objekt\"}}}}",
			"bad.json"},
		{"{\"name\":\"bad\",\"verbs\":{\"send\":{\"schema\":{\"$ref\":\"#/nowhere\"}}}}",
			"bad.json"},
		{"{\"name\":\"bad\",\"verbs\":{},\"credentials\":{\"required\":5}}", "bad.json"},
		{"{\"name\":\"bad\",\"verbs\":{},\"settings\":5}", "bad"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put("platforms/bad.json", rows[i].text);
		load("{\"bad\":{}}", rows[i].expected);
	}
}

static void test_bad_folders(void **state)
{
	char command[128];
	struct registry *r;
	struct err e;

	UNUSED(state);
	put("verbs.json", "{}");
	load("{}", "verbs.json: has to have an object `verbs`");
	put("verbs.json", VERBS);
	snprintf(command, sizeof command, "rm %s/platforms/dispatcher.json", dir);
	assert_int_equal(system(command), 0);
	load("{}", "platforms/dispatcher.json is missing");
	assert_true(registry_load("/nonexistent", NULL, &r, &e) < 0);
	assert_non_null(strstr(e.text, "/nonexistent/verbs.json"));
}

/* The files that come with the program. */
static void test_real_files(void **state)
{
	json_t *all = json_object();
	struct registry *r;
	struct err e;

	UNUSED(state);
	if (registry_load("schema", all, &r, &e) < 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < registry_count(r); i++)
		if (strcmp(registry_at(r, i)->name, REGISTRY_DISPATCHER) != 0)
			json_object_set_new(all, registry_at(r, i)->name, json_object());
	registry_free(r);
	if (registry_load("schema", all, &r, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(registry_count(r) >= 3);
	registry_free(r);
	json_decref(all);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_not_loaded),
		TEST(test_settings),
		TEST(test_local_files_add),
		TEST(test_local_verbs_do_not_replace),
		TEST(test_bad_files),
		TEST(test_bad_folders),
		cmocka_unit_test(test_real_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
