/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/outbound.h"

static int allows(const struct outbound *o, const char *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		return outbound_allows(o, (struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
	return outbound_allows(o, (struct sockaddr *)&in6);
}

static struct outbound *make(const char *const *allow, size_t n)
{
	struct outbound *o = NULL;
	struct err e;

	assert_int_equal(outbound_new(allow, n, &o, &e), 0);
	return o;
}

static const struct {
	const char *address;
	int allowed;
} defaults[] = {
	{"0.0.0.0", 0},
	{"0.1.2.3", 0},
	{"1.0.0.0", 1},
	{"9.255.255.255", 1},
	{"10.0.0.0", 0},
	{"10.255.255.255", 0},
	{"11.0.0.0", 1},
	{"100.63.255.255", 1},
	{"100.64.0.0", 0},
	{"100.127.255.255", 0},
	{"100.128.0.0", 1},
	{"126.255.255.255", 1},
	{"127.0.0.1", 0},
	{"127.255.255.255", 0},
	{"128.0.0.0", 1},
	{"169.253.255.255", 1},
	{"169.254.169.254", 0},
	{"169.255.0.0", 1},
	{"172.15.255.255", 1},
	{"172.16.0.0", 0},
	{"172.31.255.255", 0},
	{"172.32.0.0", 1},
	{"192.0.0.8", 0},
	{"192.0.1.0", 1},
	{"192.0.2.1", 0},
	{"192.88.99.1", 0},
	{"192.167.255.255", 1},
	{"192.168.0.1", 0},
	{"192.169.0.0", 1},
	{"198.17.255.255", 1},
	{"198.18.0.0", 0},
	{"198.19.255.255", 0},
	{"198.20.0.0", 1},
	{"198.51.100.7", 0},
	{"203.0.113.255", 0},
	{"203.0.114.0", 1},
	{"223.255.255.255", 1},
	{"224.0.0.1", 0},
	{"239.255.255.255", 0},
	{"240.0.0.1", 0},
	{"255.255.255.255", 0},
	{"8.8.8.8", 1},
	{"::", 0},
	{"::1", 0},
	{"::2", 0},
	{"::7f00:1", 0},
	{"::ffff:127.0.0.1", 0},
	{"::ffff:10.1.2.3", 0},
	{"::ffff:0.0.0.0", 0},
	{"::ffff:8.8.8.8", 1},
	{"64:ff9b::7f00:1", 0},
	{"64:ff9b::a00:1", 0},
	{"64:ff9b::808:808", 1},
	{"64:ff9b:1::808:808", 0},
	{"100::1", 0},
	{"2001::1", 0},
	{"2001:0:a00:1::", 0},
	{"2001:1ff:ffff::1", 0},
	{"2001:200::1", 1},
	{"2001:db8::1", 0},
	{"2001:db9::1", 1},
	{"2002:7f00:1::1", 0},
	{"2002:c0a8:101::1", 0},
	{"2002:808:808::1", 1},
	{"2606:4700::1", 1},
	{"3fff::1", 0},
	{"3fff:1000::1", 1},
	{"4000::1", 0},
	{"5f00::1", 0},
	{"fc00::1", 0},
	{"fdff::1", 0},
	{"fe80::1", 0},
	{"fec0::1", 0},
	{"ff02::1", 0},
};

static void only_global_addresses_by_default(void **state)
{
	struct outbound *o = make(NULL, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		if (allows(o, defaults[i].address) != defaults[i].allowed)
			fail_msg("%s: expected %d", defaults[i].address, defaults[i].allowed);
	outbound_free(o);
}

static void entries_open_their_block_only(void **state)
{
	static const char *const allow[] = {
		"10.1.0.0/16", "127.0.0.1", "fd00::/8", "::1", "172.16.0.0/13"};
	static const struct {
		const char *address;
		int allowed;
	} cases[] = {{"10.1.255.255", 1}, {"10.2.0.0", 0}, {"127.0.0.1", 1}, {"127.0.0.2", 0},
		{"::ffff:127.0.0.1", 1}, {"::ffff:127.0.0.2", 0}, {"::1", 1}, {"::2", 0},
		{"fd12::1", 1}, {"fc12::1", 0}, {"172.23.255.255", 1}, {"172.24.0.0", 0},
		{"8.8.8.8", 1}, {"fe80::1", 0}};
	struct outbound *o = make(allow, ARRAY_LEN(allow));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (allows(o, cases[i].address) != cases[i].allowed)
			fail_msg("%s: expected %d", cases[i].address, cases[i].allowed);
	outbound_free(o);
}

static void any_allows_all_of_ip_and_nothing_else(void **state)
{
	static const char *const allow[] = {"any"};
	struct outbound *o = make(allow, 1);
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	(void)state;
	assert_true(allows(o, "127.0.0.1"));
	assert_true(allows(o, "ff02::1"));
	assert_false(outbound_allows(o, (struct sockaddr *)&un));
	outbound_free(o);
}

static void bad_entries_are_named(void **state)
{
	static const char *const bad[] = {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x",
		"10.0.0.0/8x", "10.0.0.0/-1", "::1/129", "10.0.0.1/8", "fd00::1/8", "10.0.0", "/8",
		"ANY", "1234:1234:1234:1234:1234:1234:1234:1234:1234:1234", "10.0.0.0/0008"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *const allow[] = {"::1", bad[i]};
		struct outbound *o = NULL;
		struct err e = {0};
		assert_int_equal(outbound_new(allow, 2, &o, &e), -ERR_CONFIG);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_null(o);
		assert_non_null(strstr(e.text, bad[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_global_addresses_by_default),
		cmocka_unit_test(entries_open_their_block_only),
		cmocka_unit_test(any_allows_all_of_ip_and_nothing_else),
		cmocka_unit_test(bad_entries_are_named),
	};

	return cmocka_run_group_tests_name("outbound", tests, NULL, NULL);
}
