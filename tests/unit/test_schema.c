/* SPDX-License-Identifier: MIT */
/* The validator where the official suite does not look: reports, unusable schemas, stores,
 * hostile input. */
#include "core/mem.h"
#include "schema/schema.h"

#include <setjmp.h>
#include <stdarg.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

/* JSON with ' for ". */
static json_t *json(const char *text)
{
	char *copy = mem_strdup(text);
	json_error_t e;

	for (char *c = copy; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	json_t *value = json_loads(copy, JSON_DECODE_ANY, &e);
	if (value == NULL)
		fail_msg("%s: %s", copy, e.text);
	mem_free(copy);
	return value;
}

static int add(struct schema_store *store, const char *uri, const char *text, struct err *e)
{
	json_t *doc = json(text);
	int rc = schema_store_add(store, uri, doc, e);

	json_decref(doc);
	return rc;
}

static const struct schema *compiled(struct schema_store *store, const char *text)
{
	const struct schema *schema = NULL;
	struct err e = {0};

	if (add(store, "t:/s", text, &e) < 0 || schema_compile(store, "t:/s", &schema, &e) < 0)
		fail_msg("%s", e.text);
	return schema;
}

struct report {
	const char *schema, *value, *where, *why;
};

static const struct report reports[] = {
	/* The four sentences of the classic protocol. */
	{"{'required':['actor','secret']}", "{'actor':1}", "", "Missing required property: secret"},
	{"{'properties':{'a':{'type':'string'}}}", "{'a':5}", "/a",
		"invalid type: number (expected string)"},
	{"{'pattern':'^[a-zA-Z0-9]+'}", "'-'", "", "String does not match pattern: ^[a-zA-Z0-9]+"},
	{"{'enum':['away']}", "'available'", "", "No enum match for: \"available\""},
	/* And the others. */
	{"{'type':['string','integer']}", "1.5", "",
		"invalid type: number (expected string/integer)"},
	{"{'type':'null'}", "{}", "", "invalid type: object (expected null)"},
	{"false", "1", "", "No value is allowed here"},
	{"{'additionalProperties':false}", "{'x/y~':1}", "/x~1y~0", "Property not allowed: x/y~"},
	{"{'unevaluatedProperties':false}", "{'x':1}", "/x", "Property not allowed: x"},
	{"{'items':false}", "[1]", "/0", "Item not allowed"},
	{"{'const':{'a':1}}", "2", "", "Value is not {\"a\":1}"},
	{"{'minimum':3}", "2", "", "Number 2 is less than 3"},
	{"{'exclusiveMaximum':3}", "3.0", "", "Number 3.0 is not less than 3"},
	{"{'multipleOf':0.1}", "0.25", "", "Number 0.25 is not a multiple of 0.1"},
	{"{'minLength':3}", "'\xC3\xA4\xC3\xA4'", "", "Text too short: 2 characters (at least 3)"},
	{"{'maxLength':1}", "'ab'", "", "Text too long: 2 characters (at most 1)"},
	{"{'minItems':1}", "[]", "", "Too few items: 0 (at least 1)"},
	{"{'maxProperties':0}", "{'a':1}", "", "Too many properties: 1 (at most 0)"},
	{"{'uniqueItems':true}", "[1,2,1.0]", "", "Items 0 and 2 are equal"},
	{"{'contains':{'type':'null'}}", "[1]", "", "Too few items match contains: 0 (at least 1)"},
	{"{'dependentRequired':{'a':['b']}}", "{'a':1}", "", "Missing property: b (needed by a)"},
	{"{'not':{'type':'null'}}", "null", "", "Value matches the schema of not"},
	{"{'oneOf':[true,true]}", "1", "", "More than one alternative of oneOf matches"},
	{"{'propertyNames':{'maxLength':1}}", "{'ab':1}", "/ab",
		"Text too long: 2 characters (at most 1)"},
	{"{'format':'ipv4'}", "'1.2.3'", "", "Text is not of the format ipv4"},
	{"{'items':{'properties':{'a':{'type':'null'}}}}", "[{},{'a':1}]", "/1/a",
		"invalid type: number (expected null)"},
	/* What is missing comes before what is wrong. */
	{"{'properties':{'a':{'type':'null'}},'required':['b']}", "{'a':1}", "",
		"Missing required property: b"},
	/* The alternative that got furthest. */
	{"{'anyOf':[{'type':'string'},{'type':'object','required':['id']}]}", "{}", "",
		"Missing required property: id"},
	{"{'oneOf':[{'properties':{'t':{'const':'a'},'n':{'type':'number'}}},"
	 "{'properties':{'t':{'const':'b'}},'required':['text']}]}",
		"{'t':'b'}", "", "Missing required property: text"},
	{"{'oneOf':[{'properties':{'a':{'properties':{'b':{'type':'null'}}}}},{'type':'null'}]}",
		"{'a':{'b':1}}", "/a/b", "invalid type: number (expected null)"},
	/* A failure inside an alternative that was not needed is not reported. */
	{"{'anyOf':[{'properties':{'a':{'properties':{'b':false}}}},true],'minProperties':2}",
		"{'a':{'b':1}}", "", "Too few properties: 1 (at least 2)"},
	{"{'if':{'properties':{'a':{'type':'null'}}},'else':{'required':['c']}}", "{'a':1}", "",
		"Missing required property: c"},
	/* Control characters of strangers do not reach a terminal. */
	{"{'additionalProperties':false}", "{'\\u001b[2J':1}", "/?[2J",
		"Property not allowed: ?[2J"},
};

static void test_reports(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
		struct schema_store *store = schema_store_new(
			SCHEMA_DRAFT_2020_12, SCHEMA_ASSERT_FORMAT);
		struct schema_failure f = {"", ""};
		json_t *value = json(reports[i].value);
		int rc = schema_validate(compiled(store, reports[i].schema), value, &f);
		if (strcmp(f.why, reports[i].why) != 0 || strcmp(f.where, reports[i].where) != 0)
			print_message("%s with %s\n", reports[i].schema, reports[i].value);
		assert_int_equal(rc, -ERR_SCHEMA);
		assert_string_equal(f.why, reports[i].why);
		assert_string_equal(f.where, reports[i].where);
		json_decref(value);
		schema_store_free(store);
	}
}

static void test_valid_leaves_report(void **state)
{
	UNUSED(state);
	struct schema_store *store = schema_store_new(SCHEMA_DRAFT_7, 0);
	struct schema_failure f = {"before", "before"};
	json_t *value = json_integer(1);

	assert_int_equal(schema_validate(compiled(store, "true"), value, &f), 0);
	assert_string_equal(f.why, "before");
	json_decref(value);
	schema_store_free(store);
}

/* Long members and values are cut, at a character's boundary. */
static void test_long_reports(void **state)
{
	UNUSED(state);
	struct schema_store *store = schema_store_new(SCHEMA_DRAFT_7, 0);
	const struct schema *schema = compiled(store, "{'additionalProperties':{'enum':[1]}}");
	struct schema_failure f;
	char key[2001];

	for (size_t shift = 0; shift < 4; shift++) {
		for (size_t i = 0; i < sizeof key - 1; i++)
			key[i] = i < shift ? 'x' : (i - shift) % 2 == 0 ? '\xC3' : '\xA4';
		key[(sizeof key - 1 - shift) / 2 * 2 + shift] = '\0';
		json_t *value = json_pack("{s:s}", key, key);
		assert_int_equal(schema_validate(schema, value, &f), -ERR_SCHEMA);
		json_t *where = json_string(f.where);
		json_t *why = json_string(f.why);
		assert_non_null(where);
		assert_non_null(why);
		assert_true(strlen(f.where) > 200);
		assert_non_null(strstr(f.why, "..."));
		json_decref(where);
		json_decref(why);
		json_decref(value);
	}
	schema_store_free(store);
}

struct broken {
	const char *schema, *why;
};

static const struct broken broken[] = {
	{"[]", "is an object, true or false"},
	{"{'type':'strng'}", "t:/s#: type is not the name"},
	{"{'type':[]}", "type is not"},
	{"{'properties':{'a':{'minLength':-1}}}", "t:/s#/properties/a: minLength is not"},
	{"{'maxItems':1.5}", "maxItems is not a whole number"},
	{"{'multipleOf':0}", "multipleOf is not a number above 0"},
	{"{'minimum':'1'}", "minimum is not a number"},
	{"{'enum':1}", "enum is not an array"},
	{"{'required':'a'}", "required is not an array of names"},
	{"{'required':[1]}", "required is not an array of names"},
	{"{'properties':[]}", "properties is not an object"},
	{"{'properties':{'a':1}}", "a schema has to be an object, true or false"},
	{"{'allOf':[]}", "allOf is not an array of schemas"},
	{"{'anyOf':{}}", "anyOf is not an array of schemas"},
	{"{'items':[{}]}", "a schema has to be"},
	{"{'pattern':'('}", "is not an ECMA 262 expression"},
	{"{'pattern':'(*UCP)a'}", "is not an ECMA 262 expression"},
	{"{'patternProperties':{'[':true}}", "is not an ECMA 262 expression"},
	{"{'uniqueItems':1}", "uniqueItems is not true or false"},
	{"{'$ref':1}", "$ref is not a string"},
	{"{'$ref':'#/a%'}", "malformed fragment"},
	{"{'$ref':'#/~2'}", "leads to no schema"},
	{"{'$ref':'#/enum/01','enum':[1,2]}", "leads to no schema"},
	{"{'$ref':'#nowhere'}", "there is no anchor t:/s#nowhere"},
	{"{'$ref':'other'}", "there is no schema at t:/other"},
	{"{'$id':1}", "$id is not a string"},
	{"{'$id':'x#y'}", "$id has a fragment"},
	{"{'$anchor':'a/b'}", "is not a name for an anchor"},
	{"{'$anchor':'a','$defs':{'b':{'$anchor':'a'}}}", "is there twice"},
	{"{'$defs':{'a':{'$id':'x'},'b':{'$id':'x'}}}", "two schemas have this $id"},
	{"{'$schema':1}", "$schema is not a string"},
	{"{'$schema':'http://json-schema.org/draft-04/schema#'}", "is not known"},
	{"{'dependentRequired':{'a':'b'}}", "array of names"},
};

static void test_broken(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct schema_store *store = schema_store_new(SCHEMA_DRAFT_2020_12, 0);
		const struct schema *schema = NULL;
		struct err e = {0};
		int rc = add(store, "t:/s", broken[i].schema, &e);
		if (rc == 0)
			rc = schema_compile(store, "t:/s", &schema, &e);
		if (strstr(e.text, broken[i].why) == NULL)
			print_message("%s: %s\n", broken[i].schema, e.text);
		assert_int_equal(rc, -ERR_CONFIG);
		assert_non_null(strstr(e.text, broken[i].why));
		schema_store_free(store);
	}
}

/* A store after a failed compile: what was half made is made again, and fails or works on its
 * own. */
static void test_failed_compile(void **state)
{
	UNUSED(state);
	struct schema_store *store = schema_store_new(SCHEMA_DRAFT_2020_12, 0);
	const struct schema *schema = NULL;
	struct err e = {0};
	json_t *value = json("{'a':1}");

	assert_int_equal(
		add(store, "a",
			"{'$defs':{'good':{'properties':{'a':{'$ref':'#/$defs/null'}}},"
			"'null':{'type':'null'}},'allOf':[{'$ref':'#/$defs/good'},{'$ref':'b'}]}",
			&e),
		0);
	assert_int_equal(schema_compile(store, "a", &schema, &e), -ERR_CONFIG);
	assert_int_equal(schema_compile(store, "a", &schema, &e), -ERR_CONFIG);
	assert_int_equal(schema_compile(store, "a#/$defs/good", &schema, &e), 0);
	assert_int_equal(schema_validate(schema, value, NULL), -ERR_SCHEMA);
	assert_int_equal(add(store, "b", "true", &e), 0);
	assert_int_equal(schema_compile(store, "a", &schema, &e), 0);
	assert_int_equal(schema_validate(schema, value, NULL), -ERR_SCHEMA);
	assert_int_equal(add(store, "b", "true", &e), -ERR_CONFIG);
	json_decref(value);
	schema_store_free(store);
}

/* The store keeps a copy: what the caller does to its document later changes nothing. */
static void test_copy(void **state)
{
	UNUSED(state);
	struct schema_store *store = schema_store_new(SCHEMA_DRAFT_2020_12, 0);
	const struct schema *schema = NULL;
	struct err e = {0};
	json_t *doc = json("{'const':[1]}");
	json_t *value = json("[1]");

	assert_int_equal(schema_store_add(store, "a#ignored", doc, &e), 0);
	json_array_append_new(json_object_get(doc, "const"), json_integer(2));
	json_decref(doc);
	assert_int_equal(schema_compile(store, "a", &schema, &e), 0);
	assert_int_equal(schema_validate(schema, value, NULL), 0);
	json_decref(value);
	schema_store_free(store);
}

static int resolve_endless(void *arg, const char *uri, json_t **doc, struct err *e)
{
	int *calls = arg;
	char next[40];

	UNUSED(uri);
	if (*calls < 0)
		return err_set(e, ERR_CONFIG, "disk on fire");
	snprintf(next, sizeof next, "r:/%d", ++*calls);
	*doc = json_pack("{s:s}", "$ref", next);
	return 0;
}

static void test_resolver(void **state)
{
	UNUSED(state);
	struct schema_store *store = schema_store_new(SCHEMA_DRAFT_2020_12, 0);
	const struct schema *schema = NULL;
	struct err e = {0};
	int calls = 0;

	schema_store_resolver(store, resolve_endless, &calls);
	assert_int_equal(schema_compile(store, "r:/0", &schema, &e), -ERR_CONFIG);
	assert_non_null(strstr(e.text, "more than"));
	calls = -1;
	assert_int_equal(schema_compile(store, "q:/0", &schema, &e), -ERR_CONFIG);
	assert_string_equal(e.text, "disk on fire");
	schema_store_free(store);
}

/* ---- hostile input: each has to end soon, with an answer */

static json_t *nest(json_t *inner, size_t depth)
{
	for (size_t i = 0; i < depth; i++)
		inner = json_pack("[o]", inner);
	return inner;
}

static json_t *many(size_t n, const char *format)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_sprintf(format, i));
	return list;
}

static int run(const char *schema, json_t *value, struct schema_failure *f)
{
	struct schema_store *store = schema_store_new(SCHEMA_DRAFT_2020_12, 0);
	int rc = schema_validate(compiled(store, schema), value, f);

	json_decref(value);
	schema_store_free(store);
	return rc;
}

static char *repeat(const char *piece, size_t n)
{
	size_t len = strlen(piece);
	char *text = mem_alloc(n * len + 2);

	for (size_t i = 0; i < n; i++)
		memcpy(text + i * len, piece, len);
	return text;
}

static void test_loops(void **state)
{
	static const char *const loops[] = {
		"{'$ref':'#'}",
		"{'allOf':[{'$ref':'#'},{'$ref':'#'}]}",
		"{'anyOf':[{'$ref':'#'},{'$ref':'#'}]}",
		"{'not':{'$ref':'#'}}",
		"{'if':{'$ref':'#'}}",
		"{'$dynamicAnchor':'a','$dynamicRef':'#a'}",
		"{'$ref':'#/$defs/a','$defs':{'a':{'$ref':'#/$defs/b'},'b':{'$ref':'#/$defs/a'}}}",
		"{'unevaluatedItems':false,'oneOf':[{'$ref':'#'}]}",
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
		struct schema_failure f;
		assert_int_equal(run(loops[i], json("[[1]]"), &f), -ERR_TOO_LARGE);
		assert_string_equal(f.why, "Schema or value go too deep");
	}
}

/* Every level doubles the work: 2^40 without a budget. */
static void test_blow_up(void **state)
{
	struct schema_store *store = schema_store_new(SCHEMA_DRAFT_2020_12, 0);
	json_t *defs = json_object();
	json_t *value = json_integer(1);
	const struct schema *schema;
	struct schema_failure f;
	struct err e = {0};

	UNUSED(state);
	for (int i = 0; i < 40; i++) {
		char name[16], ref[32];
		snprintf(name, sizeof name, "a%d", i);
		snprintf(ref, sizeof ref, "#/$defs/a%d", i + 1);
		json_object_set_new(defs, name,
			json_pack("{s:[{s:s},{s:s}]}", "allOf", "$ref", ref, "$ref", ref));
	}
	json_object_set_new(defs, "a40", json_true());
	json_t *doc = json_pack("{s:o, s:s}", "$defs", defs, "$ref", "#/$defs/a0");
	assert_int_equal(schema_store_add(store, "s", doc, &e), 0);
	assert_int_equal(schema_compile(store, "s", &schema, &e), 0);
	assert_int_equal(schema_validate(schema, value, &f), -ERR_TOO_LARGE);
	assert_string_equal(f.why, "Checking the value takes too many steps");
	json_decref(doc);
	json_decref(value);
	schema_store_free(store);
}

static void test_depth(void **state)
{
	static const char tree[] = "{'items':{'$ref':'#'}}";
	struct schema_failure f;

	UNUSED(state);
	assert_int_equal(run(tree, nest(json_null(), 500), &f), 0);
	assert_int_equal(run(tree, nest(json_null(), 2000), &f), -ERR_TOO_LARGE);
	assert_int_equal(
		run("{'uniqueItems':true}",
			json_pack("[oo]", nest(json_null(), 2000), nest(json_true(), 2000)), &f),
		-ERR_TOO_LARGE);
	/* A place so deep is reported by its beginning. */
	assert_int_equal(run("{'items':{'$ref':'#'},'type':'array'}", nest(json_null(), 400), &f),
		-ERR_SCHEMA);
	assert_memory_equal(f.where, "/0/0/0", 6);
}

/* A schema document as deep as jansson reads is scanned and compiled without recursion. */
static void test_deep_schema(void **state)
{
	struct schema_store *store = schema_store_new(SCHEMA_DRAFT_2020_12, 0);
	json_t *doc = json_true();
	const struct schema *schema;
	struct err e = {0};

	UNUSED(state);
	for (int i = 0; i < 2000; i++)
		doc = json_pack("{s:o}", "not", doc);
	assert_int_equal(schema_store_add(store, "s", doc, &e), 0);
	assert_int_equal(schema_compile(store, "s", &schema, &e), 0);
	assert_int_equal(schema_validate(schema, doc, NULL), -ERR_TOO_LARGE);
	json_decref(doc);
	schema_store_free(store);
}

static void test_unique_large(void **state)
{
	static const char unique[] = "{'uniqueItems':true}";
	struct schema_failure f;
	json_t *list = many(200000, "item %zu");
	json_t *mixed = json_array();

	UNUSED(state);
	clock_t start = clock();
	assert_int_equal(run(unique, json_incref(list), &f), 0);
	json_array_append_new(list, json_string("item 7"));
	assert_int_equal(run(unique, list, &f), -ERR_SCHEMA);
	assert_string_equal(f.why, "Items 7 and 200000 are equal");
	for (int i = 0; i < 100; i++) {
		json_array_append_new(mixed, json_integer(i));
		json_array_append_new(mixed, json_pack("{s:i,s:[f]}", "a", i, "b", i / 2.0));
	}
	assert_int_equal(run(unique, json_incref(mixed), &f), 0);
	json_array_append_new(mixed, json_pack("{s:[i],s:f}", "b", 2, "a", 4.0));
	assert_int_equal(run(unique, mixed, &f), -ERR_SCHEMA);
	assert_string_equal(f.why, "Items 9 and 200 are equal");
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
}

static void test_patterns(void **state)
{
	char *a = repeat("a", 100000);
	struct schema_failure f;

	UNUSED(state);
	clock_t start = clock();
	/* Harmless patterns pass on long texts, also where compiled code runs out of stack. */
	assert_int_equal(run("{'pattern':'^a*$'}", json_string(a), &f), 0);
	assert_int_equal(run("{'pattern':'^(a|b)*$'}", json_stringn(a, 20000), &f), 0);
	assert_int_equal(run("{'pattern':'^([a-z]|[0-9])*$'}", json_stringn(a, 20000), &f), 0);
	a[99999] = '!';
	assert_int_equal(run("{'pattern':'^a*$'}", json_string(a), &f), -ERR_SCHEMA);
	assert_int_equal(run("{'pattern':'^(a+)+[bc]'}", json_string(a), &f), -ERR_TOO_LARGE);
	assert_non_null(strstr(f.why, "too long to match"));
	assert_int_equal(run("{'pattern':'(a+)+[bc]'}", json_string(a), &f), -ERR_TOO_LARGE);
	assert_int_equal(run("{'pattern':'a*a*a*a*a*[bc]'}", json_string(a), &f), -ERR_TOO_LARGE);
	a[30] = '\0';
	a[29] = '!';
	json_t *list = json_array();
	for (int i = 0; i < 20000; i++)
		json_array_append_new(list, json_string(a));
	assert_int_equal(
		run("{'items':{'not':{'pattern':'^(a+)+[bc]'}}}", list, &f), -ERR_TOO_LARGE);
	mem_free(a);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 10);
}

/* Sets of evaluated members beyond those on the stack. */
static void test_unevaluated_large(void **state)
{
	struct schema_failure f;
	json_t *object = json_object();
	char name[32];

	UNUSED(state);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "a%d", i);
		json_object_set_new(object, name, json_null());
	}
	json_object_set_new(object, "b", json_null());
	static const char schema[] = "{'anyOf':[{'patternProperties':{'^a':true}},"
				     "{'properties':{'b':true}}],'unevaluatedProperties':false}";
	assert_int_equal(run(schema, json_incref(object), &f), 0);
	json_object_set_new(object, "c", json_null());
	assert_int_equal(run(schema, object, &f), -ERR_SCHEMA);
	assert_string_equal(f.where, "/c");
}

/* ---- threads share a schema, and its one spare match buffer */

static void *check_often(void *arg)
{
	const struct schema *schema = arg;
	json_t *good = json("{'a':'x1'}");
	json_t *bad = json("{'a':'1x'}");
	size_t wrong = 0;

	for (int i = 0; i < 20000; i++) {
		struct schema_failure f;
		wrong += schema_validate(schema, good, &f) != 0;
		wrong += schema_validate(schema, bad, &f) != -ERR_SCHEMA;
	}
	json_decref(good);
	json_decref(bad);
	return wrong == 0 ? arg : NULL;
}

static void test_threads(void **state)
{
	struct schema_store *store = schema_store_new(SCHEMA_DRAFT_2020_12, 0);
	const struct schema *schema = compiled(
		store, "{'properties':{'a':{'pattern':'^[a-z]+[0-9]+$'}}}");
	pthread_t threads[4];
	void *result;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, check_often, (void *)schema), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		pthread_join(threads[i], &result);
		assert_non_null(result);
	}
	schema_store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_valid_leaves_report),
		cmocka_unit_test(test_long_reports),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_failed_compile),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_resolver),
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_blow_up),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_deep_schema),
		cmocka_unit_test(test_unique_large),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_unevaluated_large),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
