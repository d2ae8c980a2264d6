/* SPDX-License-Identifier: MIT */
#include "core/mem.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "tests/unit/unit.h"

static const struct {
	const char *text;
	const char *local, *domain, *resource; /* domain NULL: no JID */
} jids[] = {
	{"example.org", NULL, "example.org", NULL},
	{"ann@example.org", "ann", "example.org", NULL},
	{"ann@example.org/web", "ann", "example.org", "web"},
	{"example.org/web", NULL, "example.org", "web"},
	{"ann@example.org/a/b@c", "ann", "example.org", "a/b@c"},
	{"ann@example.org/with blanks & <marks>", "ann", "example.org", "with blanks & <marks>"},
	{"example.org/ann@elsewhere.org", NULL, "example.org", "ann@elsewhere.org"},
	{"ann@[::1]", "ann", "[::1]", NULL},
	{"\xC3\xA4nn@b\xC3\xBC"
	 "cher.example/\xF0\x9F\x98\x80",
		"\xC3\xA4nn",
		"b\xC3\xBC"
		"cher.example",
		"\xF0\x9F\x98\x80"},
	{"a.b+c=d!#$%*?^_`{|}~@x_y.example", "a.b+c=d!#$%*?^_`{|}~", "x_y.example", NULL},
	{NULL, NULL, NULL, NULL},
	{"", NULL, NULL, NULL},
	{"@", NULL, NULL, NULL},
	{"/", NULL, NULL, NULL},
	{"@example.org", NULL, NULL, NULL},
	{"ann@", NULL, NULL, NULL},
	{"ann@/web", NULL, NULL, NULL},
	{"ann@example.org/", NULL, NULL, NULL},
	{"ann@b@example.org", NULL, NULL, NULL},
	{"ann b@example.org", NULL, NULL, NULL},
	{"ann@exam ple.org", NULL, NULL, NULL},
	{" ann@example.org", NULL, NULL, NULL},
	{"ann@example.org ", NULL, NULL, NULL},
	{"ann@example..org", NULL, NULL, NULL},
	{"ann@.example.org", NULL, NULL, NULL},
	{"ann@example.org.", NULL, NULL, NULL},
	{"a\"n@example.org", NULL, NULL, NULL},
	{"a'n@example.org", NULL, NULL, NULL},
	{"a&n@example.org", NULL, NULL, NULL},
	{"a<n@example.org", NULL, NULL, NULL},
	{"a>n@example.org", NULL, NULL, NULL},
	{"a:n@example.org", NULL, NULL, NULL},
	{"ann@exa<mple.org", NULL, NULL, NULL},
	{"ann@exa'mple.org", NULL, NULL, NULL},
	{"ann@exa\\mple.org", NULL, NULL, NULL},
	{"ann\n@example.org", NULL, NULL, NULL},
	{"ann@example.org\n", NULL, NULL, NULL},
	{"ann@example.org/we\nb", NULL, NULL, NULL},
	{"ann@example.org/we\tb", NULL, NULL, NULL},
	{"ann@example.org/we\x7F", NULL, NULL, NULL},
	{"ann@example.org/\xC2\x85", NULL, NULL, NULL},         /* a line end, U+0085 */
	{"ann@example.org/gro.\xE2\x80\xAE", NULL, NULL, NULL}, /* U+202E turns the direction */
	{"an\xE2\x80\x8Bn@example.org", NULL, NULL, NULL},      /* U+200B is not seen */
	{"ann\xC2\xA0@example.org", NULL, NULL, NULL},
	{"ann\xFF@example.org", NULL, NULL, NULL},
	{"ann@example.org/\xC0\xAF", NULL, NULL, NULL},
	{"ann@example.org/\xED\xA0\x80", NULL, NULL, NULL},
};

static int same(const char *part, size_t len, const char *expected)
{
	if (expected == NULL)
		return part == NULL && len == 0;
	return part != NULL && len == strlen(expected) && memcmp(part, expected, len) == 0;
}

static void test_parts(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(jids); i++) {
		struct xmpp_jid jid;
		struct err e = {0};
		int rc = xmpp_jid_parse(jids[i].text, &jid, &e);
		if ((rc == 0) != (jids[i].domain != NULL))
			fail_msg("%s: %d %s", jids[i].text, rc, e.text);
		assert_int_equal(xmpp_jid_is_valid(jids[i].text), rc == 0);
		if (rc < 0) {
			assert_int_equal(rc, -(int)ERR_INVALID);
			assert_int_equal(e.code, ERR_INVALID);
			continue;
		}
		if (!same(jid.local, jid.local_len, jids[i].local) ||
			!same(jid.domain, jid.domain_len, jids[i].domain) ||
			!same(jid.resource, jid.resource_len, jids[i].resource))
			fail_msg("%s: other parts", jids[i].text);
	}
}

static void test_lengths(void **state)
{
	char *part = mem_alloc(XMPP_JID_PART_MAX + 2);
	struct xmpp_jid jid;
	char *text;

	UNUSED(state);
	memset(part, 'a', XMPP_JID_PART_MAX);
	text = mem_printf("%s@%s/%s", part, part, part);
	assert_int_equal(strlen(text), XMPP_JID_SIZE - 1);
	assert_int_equal(xmpp_jid_parse(text, &jid, NULL), 0);
	assert_int_equal(jid.bare_len, 2 * XMPP_JID_PART_MAX + 1);
	mem_free(text);
	part[XMPP_JID_PART_MAX] = 'a';
	static const char *const forms[] = {"%s@b/c", "a@%s/c", "a@b/%s"};
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t size = XMPP_JID_PART_MAX + 16;
		text = mem_alloc(size);
		const char *mark = strchr(forms[i], '%');
		snprintf(text, size, "%.*s%s%s", (int)(mark - forms[i]), forms[i], part, mark + 2);
		assert_int_equal(xmpp_jid_is_valid(text), 0);
		mem_free(text);
	}
	mem_free(part);
}

static void test_bare(void **state)
{
	struct xmpp_jid jid;
	char *bare = xmpp_jid_to_bare("ann@example.org/web/2");
	char *full;

	UNUSED(state);
	assert_string_equal(bare, "ann@example.org");
	full = xmpp_jid_join(bare, "phone");
	assert_string_equal(full, "ann@example.org/phone");
	assert_string_equal(xmpp_jid_find_resource(full), "phone");
	assert_null(xmpp_jid_find_resource(bare));
	assert_null(xmpp_jid_find_resource("ann@/phone"));
	assert_null(xmpp_jid_find_resource(NULL));
	assert_null(xmpp_jid_to_bare("a b@c"));
	assert_int_equal(xmpp_jid_parse_bare(bare, &jid, NULL), 0);
	assert_true(xmpp_jid_parse_bare(full, &jid, NULL) < 0);
	assert_true(xmpp_jid_is_resource("ann of green gables"));
	assert_false(xmpp_jid_is_resource(""));
	assert_false(xmpp_jid_is_resource(NULL));
	assert_false(xmpp_jid_is_resource("a\nb"));
	mem_free(full);
	mem_free(bare);
}

static const struct {
	const char *a, *b;
	int full, bare;
} pairs[] = {
	{"ann@example.org", "ann@example.org", 1, 1},
	{"Ann@Example.ORG", "aNN@eXAMPLE.org", 1, 1},
	{"ann@example.org/web", "ann@example.org/web", 1, 1},
	{"ann@example.org/web", "ann@example.org/Web", 0, 1},
	{"ann@example.org/web", "ann@example.org", 0, 1},
	{"ann@example.org", "ann@example.org.evil.net", 0, 0},
	{"ann@example.org", "example.org", 0, 0},
	{"ann@example.org", "anne@example.org", 0, 0},
	/* letters only: '@' and '`', '[' and '{' also differ by 0x20 */
	{"a{b@example.org", "a[b@example.org", 0, 0},
	{"\xC3\xA4@example.org", "\xC3\x84@example.org", 0, 0},
	{NULL, NULL, 0, 0},
	{"", "", 0, 0},
	{"ann@", "ann@", 0, 0},
};

static void test_equals(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (xmpp_jid_equals(pairs[i].a, pairs[i].b) != pairs[i].full ||
			xmpp_jid_equals(pairs[i].b, pairs[i].a) != pairs[i].full ||
			xmpp_jid_equals_bare(pairs[i].a, pairs[i].b) != pairs[i].bare ||
			xmpp_jid_equals_bare(pairs[i].b, pairs[i].a) != pairs[i].bare)
			fail_msg("%s, %s", pairs[i].a, pairs[i].b);
	}
	assert_true(xmpp_jid_is_server_of("Example.org", "ann@example.org/web"));
	assert_false(xmpp_jid_is_server_of("bob@example.org", "ann@example.org/web"));
	assert_false(xmpp_jid_is_server_of("example.org/x", "ann@example.org/web"));
	assert_false(xmpp_jid_is_server_of("example.net", "ann@example.org/web"));
	assert_false(xmpp_jid_is_server_of(NULL, "ann@example.org/web"));
}

#define ME "ann@example.org/web"

static const struct {
	const char *from, *to;
	int answers;
} answers[] = {
	{NULL, NULL, 1},
	{"ann@example.org", NULL, 1},
	{ME, NULL, 1},
	{"example.org", NULL, 1},
	{"bob@example.org", NULL, 0},
	{"example.net", NULL, 0},
	{"example.org/x", NULL, 0},
	{NULL, "ann@example.org", 1},
	{"ann@example.org", "ann@example.org", 1},
	{"example.org", "ann@example.org", 0},
	{NULL, "example.org", 1},
	{"example.org", "example.org", 1},
	{"bob@example.org", "example.org", 0},
	{"room@muc.example.org", "room@muc.example.org", 1},
	{"Room@MUC.example.org", "room@muc.example.org", 1},
	{"room@muc.example.org/bob", "room@muc.example.org", 0},
	{"muc.example.org", "room@muc.example.org", 0},
	{NULL, "room@muc.example.org", 0},
	{ME, "room@muc.example.org", 0},
	{"bob@example.org/a", "bob@example.org/a", 1},
	{"bob@example.org/b", "bob@example.org/a", 0},
	{"bob@example.org", "bob@example.org/a", 0},
};

static void test_answers(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (xmpp_jid_answers(answers[i].from, answers[i].to, ME) != answers[i].answers)
			fail_msg("from %s to %s", answers[i].from, answers[i].to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_equals),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
