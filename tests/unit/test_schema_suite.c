/* SPDX-License-Identifier: MIT */
/* Runs the official JSON Schema test suite (tests/data/json-schema-test-suite) for drafts 7 and
 * 2020-12: all required cases have to agree. The optional formats are run with formats asserted,
 * and counted. */
#include "core/mem.h"
#include "schema/schema.h"

#include <stdbool.h>

#include <setjmp.h>
#include <stdarg.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SUITE   "tests/data/json-schema-test-suite/"
#define REMOTES "http://localhost:1234/"

struct tally {
	size_t cases, wrong;
	bool quiet; /* some may be wrong */
};

static int resolve(void *arg, const char *uri, json_t **doc, struct err *e)
{
	char path[512];

	UNUSED(arg);
	UNUSED(e);
	if (strncmp(uri, REMOTES, strlen(REMOTES)) != 0)
		return 0;
	snprintf(path, sizeof path, SUITE "remotes/%s", uri + strlen(REMOTES));
	*doc = json_load_file(path, 0, NULL);
	return 0;
}

static void run_case(const struct schema *schema, const json_t *group, const json_t *test,
	const char *file, struct tally *t)
{
	struct schema_failure f = {"", ""};
	const json_t *value = json_object_get(test, "data");
	int fast = schema_validate(schema, value, NULL);
	int rc = schema_validate(schema, value, &f);
	bool valid = json_is_true(json_object_get(test, "valid"));

	t->cases++;
	assert_int_equal(fast, rc);
	assert_true(rc == 0 || f.why[0] != '\0');
	if ((rc == 0) == valid && (rc == 0 || rc == -ERR_SCHEMA))
		return;
	t->wrong++;
	if (!t->quiet)
		print_message("%s: %s: %s: %d (%s: %s)\n", file,
			json_string_value(json_object_get(group, "description")),
			json_string_value(json_object_get(test, "description")), rc, f.where,
			f.why);
}

static void run_group(const json_t *group, const char *file, enum schema_draft draft,
	unsigned flags, struct tally *t)
{
	struct schema_store *store = schema_store_new(draft, flags);
	const struct schema *schema = NULL;
	struct err e = {0};
	const json_t *tests = json_object_get(group, "tests");

	schema_store_resolver(store, resolve, NULL);
	int rc = schema_store_add(store, "test:/schema", json_object_get(group, "schema"), &e);
	if (rc == 0)
		rc = schema_compile(store, "test:/schema", &schema, &e);
	if (rc < 0) {
		t->cases += json_array_size(tests);
		t->wrong += json_array_size(tests);
		if (!t->quiet)
			print_message("%s: %s: %s\n", file,
				json_string_value(json_object_get(group, "description")), e.text);
	}
	for (size_t i = 0; rc == 0 && i < json_array_size(tests); i++)
		run_case(schema, group, json_array_get(tests, i), file, t);
	schema_store_free(store);
}

static struct tally run_files(
	const char *pattern, enum schema_draft draft, unsigned flags, bool quiet)
{
	struct tally t = {0, 0, quiet};
	glob_t files;

	assert_int_equal(glob(pattern, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		json_error_t why;
		json_t *groups = json_load_file(files.gl_pathv[i], JSON_ALLOW_NUL, &why);
		size_t before = t.wrong, cases = t.cases;
		/* Some optional files hold integers beyond 64 bits. */
		for (size_t k = 0; k < json_array_size(groups); k++)
			run_group(json_array_get(groups, k), strrchr(files.gl_pathv[i], '/') + 1,
				draft, flags, &t);
		if (quiet)
			print_message("  %-55s %3zu of %3zu%s\n", files.gl_pathv[i] + strlen(SUITE),
				t.cases - cases - (t.wrong - before), t.cases - cases,
				groups == NULL ? " (not readable)" : "");
		json_decref(groups);
	}
	globfree(&files);
	return t;
}

static void run_required(const char *name, enum schema_draft draft, size_t at_least)
{
	char pattern[256];

	snprintf(pattern, sizeof pattern, SUITE "tests/%s/*.json", name);
	struct tally t = run_files(pattern, draft, 0, false);
	print_message("%s: %zu required cases, %zu wrong\n", name, t.cases, t.wrong);
	assert_int_equal(t.wrong, 0);
	assert_true(t.cases >= at_least);
}

static void test_draft_7(void **state)
{
	UNUSED(state);
	run_required("draft7", SCHEMA_DRAFT_7, 927);
}

static void test_draft_2020_12(void **state)
{
	UNUSED(state);
	run_required("draft2020-12", SCHEMA_DRAFT_2020_12, 1299);
}

/* `wrong`: how many are known to be, so that a new one is noticed. */
static void run_optional(const char *folder, enum schema_draft draft, unsigned flags, size_t wrong)
{
	char pattern[256];

	snprintf(pattern, sizeof pattern, SUITE "tests/%s/*.json", folder);
	struct tally t = run_files(pattern, draft, flags, true);
	print_message("%s: %zu of %zu optional cases\n", folder, t.cases - t.wrong, t.cases);
	assert_true(t.wrong <= wrong);
}

static void test_formats(void **state)
{
	UNUSED(state);
	run_optional("draft7/optional/format", SCHEMA_DRAFT_7, SCHEMA_ASSERT_FORMAT, 78);
	run_optional(
		"draft2020-12/optional/format", SCHEMA_DRAFT_2020_12, SCHEMA_ASSERT_FORMAT, 78);
}

static void test_optional(void **state)
{
	UNUSED(state);
	run_optional("draft7/optional", SCHEMA_DRAFT_7, 0, 6);
	run_optional("draft2020-12/optional", SCHEMA_DRAFT_2020_12, 0, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_draft_7),
		cmocka_unit_test(test_draft_2020_12),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
