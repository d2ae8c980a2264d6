/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/outbound.h"
#include "platforms/xmpp/xmpp_resolve.h"
#include "tests/unit/unit.h"

/* --- answers -------------------------------------------------------------------------------------------------------- */

static void add16(struct buf *b, unsigned n)
{
	buf_add_char(b, (char)(n >> 8));
	buf_add_char(b, (char)n);
}

/* A name without compression, from "a.b". */
static void add_name(struct buf *b, const char *name)
{
	while (*name != '\0') {
		size_t len = strcspn(name, ".");

		buf_add_char(b, (char)len);
		buf_add(b, name, len);
		name += len + (name[len] == '.');
	}
	buf_add_char(b, '\0');
}

/* Header and question of RFC 1035, 4.1: the question's name is at offset 12. */
static void begin(struct buf *b, unsigned n_answers)
{
	buf_clear(b);
	add16(b, 0x1234);
	add16(b, 0x8180);
	add16(b, 1);
	add16(b, n_answers);
	add16(b, 0);
	add16(b, 0);
	add_name(b, "_xmpp-client._tcp.example.org");
	add16(b, 33);
	add16(b, 1);
}

/* A record of the question's name; `data` is all of its RDATA. */
static void add_record(struct buf *b, unsigned type, const struct buf *data)
{
	add16(b, 0xC00C);
	add16(b, type);
	add16(b, 1);
	add16(b, 0);
	add16(b, 60);
	add16(b, (unsigned)data->len);
	buf_add(b, data->data, data->len);
}

static void add_srv(
	struct buf *b, unsigned priority, unsigned weight, unsigned port, const char *target)
{
	struct buf data = BUF_INIT;

	add16(&data, priority);
	add16(&data, weight);
	add16(&data, port);
	add_name(&data, target);
	add_record(b, 33, &data);
	buf_release(&data);
}

static int parse(const struct buf *b, size_t len, struct xmpp_resolve_srvs *out)
{
	/* A copy of the exact size, so that a byte too far is seen by the sanitizer. */
	unsigned char *copy = malloc(len > 0 ? len : 1);
	int rc;

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, b->data, len);
	out->n = 0;
	rc = xmpp_resolve_parse(copy, len, 1, out);
	free(copy);
	return rc;
}

static void test_records(void **state)
{
	struct buf b = BUF_INIT, a = BUF_INIT;
	struct xmpp_resolve_srvs srvs;

	UNUSED(state);
	begin(&b, 3);
	add_srv(&b, 5, 7, 5222, "xmpp.example.org");
	buf_add(&a, "\x7f\0\0\1", 4);
	add_record(&b, 1, &a);
	add_srv(&b, 10, 0, 443, "b.example.net");
	assert_int_equal(parse(&b, b.len, &srvs), 0);
	assert_int_equal(srvs.n, 2);
	assert_int_equal(srvs.at[0].priority, 5);
	assert_int_equal(srvs.at[0].weight, 7);
	assert_int_equal(srvs.at[0].port, 5222);
	assert_int_equal(srvs.at[0].direct_tls, 1);
	assert_string_equal(srvs.at[0].target, "xmpp.example.org");
	assert_int_equal(srvs.at[1].port, 443);
	assert_string_equal(srvs.at[1].target, "b.example.net");
	begin(&b, 0);
	assert_int_equal(parse(&b, b.len, &srvs), 0);
	assert_int_equal(srvs.n, 0);
	buf_release(&a);
	buf_release(&b);
}

static void test_no_service(void **state)
{
	struct buf b = BUF_INIT;
	struct xmpp_resolve_srvs srvs;

	UNUSED(state);
	begin(&b, 1);
	add_srv(&b, 0, 0, 0, "");
	assert_int_equal(parse(&b, b.len, &srvs), 0);
	assert_int_equal(srvs.n, 1);
	assert_string_equal(srvs.at[0].target, "");
	buf_release(&b);
}

static void test_too_many(void **state)
{
	struct buf b = BUF_INIT;
	struct xmpp_resolve_srvs srvs;

	UNUSED(state);
	begin(&b, 100);
	for (int i = 0; i < 100; i++)
		add_srv(&b, (unsigned)i, 0, 5222, "a.example.org");
	assert_int_equal(parse(&b, b.len, &srvs), 0);
	assert_int_equal(srvs.n, XMPP_RESOLVE_SRV_MAX);
	assert_int_equal(srvs.at[srvs.n - 1].priority, XMPP_RESOLVE_SRV_MAX - 1);
	buf_release(&b);
}

/* Each shorter answer is malformed and is read no further than it goes. */
static void test_truncated(void **state)
{
	struct buf b = BUF_INIT;
	struct xmpp_resolve_srvs srvs;

	UNUSED(state);
	begin(&b, 2);
	add_srv(&b, 1, 1, 5222, "a.example.org");
	add_srv(&b, 2, 2, 5222, "b.example.org");
	for (size_t len = 0; len < b.len; len++) {
		assert_int_equal(parse(&b, len, &srvs), -1);
		assert_true(srvs.n <= 1);
	}
	assert_int_equal(parse(&b, b.len, &srvs), 0);
	buf_release(&b);
}

static const struct {
	const char *name;
	const char *rdata;
	size_t len;
} hostile[] = {
	{"no target", "\0\1\0\1\0\1", 6},
	{"shorter than its fields", "\0\1\0", 3},
	{"nothing", "", 0},
	{"port 0", "\0\1\0\1\0\0\1a\0", 9},
	{"a pointer to itself", "\0\1\0\1\0\1\xC0\x41", 8},
	{"a pointer beyond the end", "\0\1\0\1\0\1\xFF\xFF", 8},
	{"a label beyond the end", "\0\1\0\1\0\1\x3Fx", 8},
	{"a label of a kind that is not", "\0\1\0\1\0\1\x80x\0", 9},
};

static void test_hostile(void **state)
{
	struct xmpp_resolve_srvs srvs;
	struct buf b = BUF_INIT;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		struct buf data = BUF_INIT;

		buf_add(&data, hostile[i].rdata, hostile[i].len);
		begin(&b, 1);
		add_record(&b, 33, &data);
		/* The pointer to itself: to where the target begins. */
		if (hostile[i].len == 8 && (unsigned char)hostile[i].rdata[6] == 0xC0)
			b.data[b.len - 1] = (char)(b.len - 2);
		assert_int_equal(parse(&b, b.len, &srvs), -1);
		assert_int_equal(srvs.n, 0);
		buf_release(&data);
	}
	/* More records are announced than there are. */
	begin(&b, 60000);
	add_srv(&b, 1, 1, 5222, "a.example.org");
	assert_int_equal(parse(&b, b.len, &srvs), -1);
	buf_release(&b);
}

/* A host name is no place for other bytes: they come out escaped, or not at all. */
static void test_strange_target(void **state)
{
	struct buf b = BUF_INIT, data = BUF_INIT;
	struct xmpp_resolve_srvs srvs;

	UNUSED(state);
	buf_add(&data, "\0\1\0\1\0\1\4a\0\n\"\0", 12);
	begin(&b, 1);
	add_record(&b, 33, &data);
	if (parse(&b, b.len, &srvs) == 0)
		assert_string_equal(srvs.at[0].target, "a\\000\\010\\\"");
	buf_release(&data);
	buf_release(&b);
}

/* --- order ------------------------------------------------------------------------------------------------------------ */

static uint32_t next_random, last_max;

static uint32_t fixed(uint32_t max)
{
	last_max = max;
	return next_random <= max ? next_random : max;
}

static void add(
	struct xmpp_resolve_srvs *srvs, uint16_t priority, uint16_t weight, const char *target)
{
	struct xmpp_resolve_srv *s = &srvs->at[srvs->n++];

	*s = (struct xmpp_resolve_srv){priority, weight, 5222, 0, ""};
	strcpy(s->target, target);
}

static void assert_order(struct xmpp_resolve_srvs *srvs, uint32_t number, const char *expected)
{
	char got[64] = "";

	next_random = number;
	xmpp_resolve_order(srvs, fixed);
	for (size_t i = 0; i < srvs->n; i++)
		strcat(got, srvs->at[i].target);
	assert_string_equal(got, expected);
}

static void test_order(void **state)
{
	struct xmpp_resolve_srvs empty = {.n = 0}, one = {.n = 0}, copy;

	UNUSED(state);
	assert_order(&empty, 0, "");
	add(&one, 20, 9, "d");
	add(&one, 10, 1, "a");
	add(&one, 30, 0, "e");
	add(&one, 10, 0, "c");
	add(&one, 5, 0, "");
	add(&one, 10, 3, "b");
	copy = one;
	assert_order(&copy, 0, "cabde"); /* without weight only when the number is 0 */
	assert_int_equal(copy.n, 5);
	copy = one;
	assert_order(&copy, 1, "abcde");
	copy = one;
	assert_order(&copy, 4, "bacde");
	copy = one;
	next_random = 0;
	copy.n = 4;
	xmpp_resolve_order(&copy, fixed);
	assert_int_equal(last_max, 0); /* the last one has no choice: weight 0 */
}

/* All records without weight, and the largest sums, have an order, too. */
static void test_extreme_weights(void **state)
{
	struct xmpp_resolve_srvs zero = {.n = 0}, large = {.n = 0};

	UNUSED(state);
	add(&zero, 0, 0, "a");
	add(&zero, 0, 0, "b");
	assert_order(&zero, 7, "ab");
	for (int i = 0; i < XMPP_RESOLVE_SRV_MAX; i++)
		add(&large, 65535, 65535, "x");
	next_random = UINT32_MAX;
	xmpp_resolve_order(&large, fixed);
	assert_int_equal(large.n, XMPP_RESOLVE_SRV_MAX);
}

/* --- asking ------------------------------------------------------------------------------------------------------------- */

static int allows(void *arg, const struct sockaddr *sa)
{
	return outbound_allows(arg, sa);
}

static int resolve(const char *domain, const char *host, unsigned port, int direct_tls,
	struct xmpp_resolve_result *out)
{
	static const char *const allow[] = {"127.0.0.1", "::1"};
	struct xmpp_resolve_query q = {domain, host, port, direct_tls, allows, NULL};
	struct outbound *outbound;
	struct err e;
	int rc;

	assert_int_equal(outbound_new(allow, 2, &outbound, &e), 0);
	q.arg = outbound;
	rc = xmpp_resolve(&q, out, &e);
	outbound_free(outbound);
	if (rc < 0)
		assert_non_null(strstr(e.text, host != NULL ? host : domain));
	return rc;
}

static unsigned port_of(const struct xmpp_resolve_address *a)
{
	return ntohs(((const struct sockaddr_in *)&a->sa)->sin_port);
}

static void test_addresses(void **state)
{
	struct xmpp_resolve_result r;

	UNUSED(state);
	assert_int_equal(resolve("localhost", NULL, 0, 0, &r), 0);
	assert_true(r.n >= 1);
	assert_int_equal(port_of(&r.at[0]), 5222);
	assert_int_equal(resolve("127.0.0.1", NULL, 0, 1, &r), 0);
	assert_int_equal(port_of(&r.at[0]), 5223);
	assert_int_equal(r.at[0].direct_tls, 1);
	assert_int_equal(resolve("example.org", "127.0.0.1", 0, 0, &r), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.at[0].sa.ss_family, AF_INET);
	assert_int_equal(port_of(&r.at[0]), 5222);
	assert_int_equal(resolve("example.org", "::1", 77, 0, &r), 0);
	assert_int_equal(r.at[0].sa.ss_family, AF_INET6);
	assert_int_equal(port_of(&r.at[0]), 77);
	assert_int_equal(resolve("example.org", "127.0.0.2", 0, 0, &r), -ERR_BLOCKED);
	assert_int_equal(resolve("example.org", "169.254.169.254", 80, 0, &r), -ERR_BLOCKED);
	assert_int_equal(resolve("example.org", "::ffff:10.0.0.1", 80, 0, &r), -ERR_BLOCKED);
	assert_int_equal(resolve("example.org", "a..b", 0, 0, &r), -ERR_RESOLVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_no_service),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_strange_target),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_extreme_weights),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
