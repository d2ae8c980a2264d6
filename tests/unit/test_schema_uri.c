/* SPDX-License-Identifier: MIT */
/* References between schemas: the examples of RFC 3986 5.4 and RFC 6901 5. */
#include "core/mem.h"
#include "schema/schema_uri.h"

#include <setjmp.h>
#include <stdarg.h>

#include <string.h>
#include <cmocka.h>

struct resolved {
	const char *base, *ref, *expected;
};

#define BASE "http://a/b/c/d;p?q"

static const struct resolved resolved[] = {
	{BASE, "g:h", "g:h"},
	{BASE, "g", "http://a/b/c/g"},
	{BASE, "./g", "http://a/b/c/g"},
	{BASE, "g/", "http://a/b/c/g/"},
	{BASE, "/g", "http://a/g"},
	{BASE, "//g", "http://g"},
	{BASE, "?y", "http://a/b/c/d;p?y"},
	{BASE, "g?y", "http://a/b/c/g?y"},
	{BASE, "#s", "http://a/b/c/d;p?q#s"},
	{BASE, "g?y#s", "http://a/b/c/g?y#s"},
	{BASE, ";x", "http://a/b/c/;x"},
	{BASE, "", "http://a/b/c/d;p?q"},
	{BASE, ".", "http://a/b/c/"},
	{BASE, "./", "http://a/b/c/"},
	{BASE, "..", "http://a/b/"},
	{BASE, "../g", "http://a/b/g"},
	{BASE, "../..", "http://a/"},
	{BASE, "../../g", "http://a/g"},
	{BASE, "../../../g", "http://a/g"},
	{BASE, "/./g", "http://a/g"},
	{BASE, "/../g", "http://a/g"},
	{BASE, "g.", "http://a/b/c/g."},
	{BASE, "..g", "http://a/b/c/..g"},
	{BASE, "./../g", "http://a/b/g"},
	{BASE, "./g/.", "http://a/b/c/g/"},
	{BASE, "g/../h", "http://a/b/c/h"},
	{BASE, "g;x=1/../y", "http://a/b/c/y"},
	{BASE, "g?y/../x", "http://a/b/c/g?y/../x"},
	{BASE, "http:g", "http:g"},
	{"http://a", "g", "http://a/g"},
	{"urn:x:y", "#z", "urn:x:y#z"},
	{"irc.json", "#/$defs/a", "irc.json#/$defs/a"},
	{"lib/irc.json", "../b.json", "b.json"},
	{"lib/irc.json", "../../b/./c", "b/c"},
	{"irc.json", "./a", "a"},
	{"", "a", "a"},
	{"", "", ""},
};

static void test_resolve(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(resolved); i++) {
		char *uri = uri_resolve(resolved[i].base, resolved[i].ref);
		if (strcmp(uri, resolved[i].expected) != 0)
			print_message("%s + %s\n", resolved[i].base, resolved[i].ref);
		assert_string_equal(uri, resolved[i].expected);
		mem_free(uri);
	}
}

static void test_decode(void **state)
{
	char good[] = "a%20b%2Fc%c3%A4";
	char cut[] = "a%2", letter[] = "%2g", nul[] = "%00";

	UNUSED(state);
	assert_true(uri_decode(good));
	assert_string_equal(good, "a b/c\xC3\xA4");
	assert_false(uri_decode(cut));
	assert_false(uri_decode(letter));
	assert_false(uri_decode(nul));
}

static void test_pointer(void **state)
{
	char text[] = "/foo//a~1b/m~0n/~01";
	static const char *const tokens[] = {"foo", "", "a/b", "m~n", "~1"};
	char bad[] = "/a~2", loose[] = "a";
	char *p = text;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++)
		assert_string_equal(pointer_next(&p), tokens[i]);
	assert_null(p);
	p = bad;
	assert_null(pointer_next(&p));
	p = loose;
	assert_null(pointer_next(&p));
}

static void test_step(void **state)
{
	json_t *list = json_pack("[i,i,{s:i}]", 1, 2, "0", 3);
	static const char *const refused[] = {"3", "01", "-1", "", "x", "99999999999999999999999"};

	UNUSED(state);
	assert_int_equal(json_integer_value(pointer_step(list, "1")), 2);
	assert_int_equal(json_integer_value(pointer_step(pointer_step(list, "2"), "0")), 3);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_null(pointer_step(list, refused[i]));
	assert_null(pointer_step(json_array_get(list, 0), "0"));
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_pointer),
		cmocka_unit_test(test_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
