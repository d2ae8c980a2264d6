/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/err.h"
#include "platforms/email/email_compose_address.h"

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);

	if (value == NULL)
		fail_msg("%s: %s", error.text, text);
	return value;
}

static void addresses_are_read_strictly(void **state)
{
	static const char *const good[][2] = {
		{"bob@example.org", "bob@example.org"},
		{" bob@example.org ", "bob@example.org"},
		{"Bob<bob@example.org>", "bob@example.org"},
		{"\"Bob, \\\\\\\"B\\\\\\\"\" <bob@example.org>", "bob@example.org"},
		{"<bob@example.org>", "bob@example.org"},
		{"o'neil+tag=x@sub-1.example.org", "o'neil+tag=x@sub-1.example.org"},
		{"alice@localhost", "alice@localhost"},
		{"x@[192.0.2.1]", "x@[192.0.2.1]"},
		{"x@[IPv6:2001:db8::1]", "x@[IPv6:2001:db8::1]"},
		{"\\\"a@b\\\"@example.org", "\"a@b\"@example.org"},
		{"a@b\\u00fccher.example", "a@xn--bcher-kva.example"},
	};
	static const char *const bad[] = {"", "bob", "bob@", "@example.org", "a b@example.org",
		"a@b c.org", "a@example..org", "a@.org", "a@org.", "a@-x.org", "a@x-.org",
		".a@x.org", "a.@x.org", "a..b@x.org", "a@b@x.org", "a,b@x.org", "a@x.org,b@x.org",
		"a@x.org b@x.org", "group:a@x.org;", "group:;", "Bob <bob@example.org> x",
		"<a@x.org", "a@x.org>", "<<a@x.org>>", "a<b>@x.org", "(c)a@x.org", "a(c)@x.org",
		"a@x.org(c)", "\\\"a b\\\"@x.org", "\\\"a\\\"b\\\"@x.org", "\\\"a\\\\\\\"@x.org",
		"\\\"\\\"@x.org", "a@[1.2.3]", "a@[1.2.3.4", "a@[IPv6:zz]", "a@x_y.org",
		"j\\u00f6rg@x.org", "a@x.org\\t", "a@ex\\u00e4\\u0000", "a@x/y", "a@x:25",
		"a@b\\u00fc<c", "a@b\\u00fc c"};
	struct email_compose_address a;
	char text[300];
	struct err e;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		json_t *who;
		snprintf(text, sizeof text, "\"%s\"", good[i][0]);
		/* The quotes of the third kind are JSON's once and the address' once. */
		who = i == 3 ? json_string("\"Bob, \\\"B\\\"\" <bob@example.org>") : parse(text);
		if (email_compose_address_read(who, "who", &a, &e) < 0)
			fail_msg("%s: %s", text, e.text);
		assert_string_equal(a.address, good[i][1]);
		if (i == 3)
			assert_string_equal(a.name, "Bob, \"B\"");
		json_decref(who);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		json_t *who;
		snprintf(text, sizeof text, "\"%s\"", bad[i]);
		who = parse(text);
		if (email_compose_address_read(who, "who", &a, &e) == 0)
			fail_msg("taken: %s as %s", text, a.address);
		assert_int_equal(e.code, ERR_INVALID);
		json_decref(who);
	}
}

static void long_addresses_are_refused(void **state)
{
	char text[400];
	struct email_compose_address a;
	struct err e;
	json_t *who;

	UNUSED(state);
	for (int len = 60; len < 70; len++) {
		memset(text, 'l', (size_t)len);
		strcpy(text + len, "@x.org");
		who = json_string(text);
		assert_int_equal(email_compose_address_read(who, "who", &a, &e),
			len <= 64 ? 0 : -ERR_INVALID);
		json_decref(who);
	}
	strcpy(text, "a@");
	for (int i = 0; i < 130; i++)
		strcat(text, "x.");
	strcat(text, "y");
	who = json_string(text);
	assert_int_equal(email_compose_address_read(who, "who", &a, &e), -ERR_INVALID);
	json_decref(who);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_strictly),
		cmocka_unit_test(long_addresses_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
