/* SPDX-License-Identifier: MIT */
#include <uv.h>

#include "platforms/xmpp/xmpp_credentials.h"
#include "platforms/xmpp/xmpp_refusal.h"
#include "tests/unit/unit.h"

static uint64_t now_ns = 1000000000;

/* In place of libuv's. */
uint64_t uv_hrtime(void)
{
	return now_ns;
}

static struct xmpp_credentials who(const char *bare, const char *password, const char *jid)
{
	return (struct xmpp_credentials){
		.bare = (char *)bare, .password = (char *)password, .jid = (char *)jid};
}

static void test_remembers(void **state)
{
	struct xmpp_credentials l = who("ann@a", "wrong", "ann@a/1"), other;
	struct err why, e;

	UNUSED(state);
	err_set(&why, ERR_AUTH, "a refused the credentials: not-authorized");
	assert_int_equal(xmpp_refusal_check(&l, &e), 0);
	xmpp_refusal_note(&l, &why);
	assert_int_equal(xmpp_refusal_check(&l, &e), -ERR_AUTH);
	assert_string_equal(e.text, "a refused the credentials: not-authorized (a moment ago: wait "
				    "5 seconds between two attempts)");
	l = who("ann@a", "wrong", "ann@a/another");
	assert_int_equal(xmpp_refusal_check(&l, &e), -ERR_AUTH);
	/* Nobody else has to wait. */
	other = who("ann@a", "right", "ann@a/1");
	assert_int_equal(xmpp_refusal_check(&other, &e), 0);
	other = who("bob@a", "wrong", "bob@a/1");
	assert_int_equal(xmpp_refusal_check(&other, &e), 0);
	other = who("ann@", "awrong", "ann@a/1");
	assert_int_equal(xmpp_refusal_check(&other, &e), 0);
	other = l;
	other.host = (char *)"elsewhere";
	assert_int_equal(xmpp_refusal_check(&other, &e), 0);
	other = l;
	other.port = 5223;
	assert_int_equal(xmpp_refusal_check(&other, &e), 0);
	now_ns += XMPP_REFUSAL_MS * UINT64_C(1000000) - 1000000;
	assert_int_equal(xmpp_refusal_check(&l, &e), -ERR_AUTH);
	now_ns += 1000000;
	assert_int_equal(xmpp_refusal_check(&l, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remembers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
