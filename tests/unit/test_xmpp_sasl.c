/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_sasl.h"
#include "tests/unit/unit.h"

static struct secret password;

static struct xmpp_sasl *begin(const char *const *offered, const char *user, const char *nonce)
{
	unsigned offer = 0;

	for (; *offered != NULL; offered++)
		xmpp_sasl_offer(&offer, *offered);
	return xmpp_sasl_new(offer, user, &password, nonce);
}

#define OFFER(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_mechanism(const char *const *offered, const char *expected)
{
	struct xmpp_sasl *sasl = begin(offered, "ann", NULL);

	if (expected == NULL)
		assert_null(sasl);
	else
		assert_string_equal(xmpp_sasl_mechanism(sasl), expected);
	xmpp_sasl_free(&sasl);
	assert_null(sasl);
}

static void test_choice(void **state)
{
	UNUSED(state);
	assert_mechanism(OFFER("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"), "SCRAM-SHA-256");
	assert_mechanism(OFFER("SCRAM-SHA-512", "SCRAM-SHA-256-PLUS"), "SCRAM-SHA-512");
	assert_mechanism(OFFER("SCRAM-SHA-1", "PLAIN"), "SCRAM-SHA-1");
	assert_mechanism(OFFER("DIGEST-MD5", "PLAIN"), "PLAIN");
	assert_mechanism(OFFER("DIGEST-MD5", "EXTERNAL", "ANONYMOUS", "scram-sha-1"), NULL);
	assert_mechanism(OFFER(NULL), NULL);
}

static void test_plain(void **state)
{
	struct xmpp_sasl *sasl = begin(OFFER("PLAIN"), "user", NULL);
	struct err e;

	UNUSED(state);
	assert_string_equal(xmpp_sasl_begin(sasl), "AHVzZXIAcGVuY2ls"); /* NUL user NUL pencil */
	assert_int_equal(xmpp_sasl_finish(sasl, NULL, &e), 0);
	xmpp_sasl_free(&sasl);
}

/* The examples of RFC 5802, 5, and RFC 7677, 3. */
static const struct {
	const char *mechanism, *nonce, *first, *challenge, *answer, *last;
} examples[] = {
	{"SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL",
		"biwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM",
		"cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZj"
		"ky"
		"LGk9NDA5Ng==",
		"Yz1iaXdzLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMM3JmY05IWUpZMVpWdldWczdqLHA9djBYOHYzQn"
		"oy"
		"VDBDSkdiSlF5RjBYK0hJNFRzPQ==",
		"dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9"},
	{"SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO", "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=",
		"cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlphSj"
		"BT"
		"Tlk3c29Fc1VFamI2Z1E9PSxpPTQwOTY=",
		"Yz1iaXdzLHI9ck9wck5HZndFYmVSV2diTkVrcU8laHZZRHBXVWEyUmFUQ0FmdXhGSWxqKWhObEYkazAscD"
		"1k"
		"SHpiWmFwV0lrNGpVaE4rVXRlOXl0YWc5empmTUhnc3FtbWl6N0FuZFZRPQ==",
		"dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ=="},
};

static void test_scram(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		struct xmpp_sasl *sasl = begin(
			OFFER(examples[i].mechanism), "user", examples[i].nonce);
		const char *answer;
		struct err e;

		assert_string_equal(xmpp_sasl_begin(sasl), examples[i].first);
		assert_int_equal(xmpp_sasl_answer(sasl, examples[i].challenge, &answer, &e), 0);
		assert_string_equal(answer, examples[i].answer);
		if (i == 0) {
			assert_int_equal(xmpp_sasl_finish(sasl, examples[i].last, &e), 0);
		} else {
			assert_int_equal(xmpp_sasl_answer(sasl, examples[i].last, &answer, &e), 0);
			assert_string_equal(answer, "");
			assert_int_equal(xmpp_sasl_finish(sasl, NULL, &e), 0);
		}
		xmpp_sasl_free(&sasl);
	}
}

static char *encode(const char *text)
{
	char *command = mem_printf("printf '%%s' '%s' | base64 -w0", text), *out = mem_alloc(4096);
	FILE *f = popen(command, "r");

	assert_non_null(f);
	assert_true(fgets(out, 4096, f) != NULL);
	pclose(f);
	mem_free(command);
	return out;
}

/* With the nonce "abc". */
static const char *const bad_challenges[] = {"r=abcdef", "r=abc,s=QSXCR+Q6sek8bf92,i=4096",
	"r=xyzdef,s=QSXCR+Q6sek8bf92,i=4096", "r=abcdef,s=QSXCR+Q6sek8bf92,i=0",
	"r=abcdef,s=QSXCR+Q6sek8bf92,i=-1", "r=abcdef,s=QSXCR+Q6sek8bf92,i=2000000000",
	"r=abcdef,s=QSXCR+Q6sek8bf92,i=99999999999999999999", "r=abcdef,s=*,i=4096",
	"r=abcdef,s=,i=4096", "m=ext,r=abcdef,s=QSXCR+Q6sek8bf92,i=4096", "s=QSXC,r=abcdef,i=1",
	"r=abcdef,s=QSXC,i=1x", ",,,"};

static void test_bad_challenges(void **state)
{
	const char *answer;
	struct err e;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(bad_challenges); i++) {
		struct xmpp_sasl *sasl = begin(OFFER("SCRAM-SHA-1"), "user", "abc");
		char *text = encode(bad_challenges[i]);

		xmpp_sasl_begin(sasl);
		assert_int_equal(xmpp_sasl_answer(sasl, text, &answer, &e), -ERR_REMOTE);
		assert_int_equal(xmpp_sasl_finish(sasl, NULL, &e), -ERR_AUTH);
		mem_free(text);
		xmpp_sasl_free(&sasl);
	}
}

static void test_not_base64(void **state)
{
	static const char *const bad[] = {"", "abc", "====", "a$==", "AAAA AAA", "AAAA"};
	struct xmpp_sasl *sasl = begin(OFFER("SCRAM-SHA-1"), "user", "abc");
	char *large = mem_alloc(8193);
	const char *answer;
	struct err e;

	UNUSED(state);
	xmpp_sasl_begin(sasl);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(xmpp_sasl_answer(sasl, bad[i], &answer, &e), -ERR_REMOTE);
	memset(large, 'c', 8192);
	assert_int_equal(xmpp_sasl_answer(sasl, large, &answer, &e), -ERR_REMOTE);
	mem_free(large);
	xmpp_sasl_free(&sasl);
}

/* Whoever can not prove that he knows the password has not said "success". */
static void test_imposter(void **state)
{
	static const char *const last[] = {NULL, "", "dj1zbUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9",
		"dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0Y=", "ZT1vdGhlci1lcnJvcg=="};
	const char *answer;
	struct err e;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(last); i++) {
		struct xmpp_sasl *sasl = begin(OFFER("SCRAM-SHA-1"), "user", examples[0].nonce);

		xmpp_sasl_begin(sasl);
		assert_int_equal(xmpp_sasl_finish(sasl, last[i], &e), -ERR_AUTH);
		assert_int_equal(xmpp_sasl_answer(sasl, examples[0].challenge, &answer, &e), 0);
		assert_int_equal(xmpp_sasl_finish(sasl, last[i], &e), -ERR_AUTH);
		xmpp_sasl_free(&sasl);
	}
}

static void test_user_is_escaped(void **state)
{
	struct xmpp_sasl *sasl = begin(OFFER("SCRAM-SHA-1"), "a=b,c", "abc");
	char *expected = encode("n,,n=a=3Db=2Cc,r=abc");

	UNUSED(state);
	assert_string_equal(xmpp_sasl_begin(sasl), expected);
	mem_free(expected);
	xmpp_sasl_free(&sasl);
}

static void test_nonce_is_new(void **state)
{
	struct xmpp_sasl *a = begin(OFFER("SCRAM-SHA-1"), "user", NULL);
	struct xmpp_sasl *b = begin(OFFER("SCRAM-SHA-1"), "user", NULL);

	UNUSED(state);
	assert_string_not_equal(xmpp_sasl_begin(a), xmpp_sasl_begin(b));
	xmpp_sasl_free(&a);
	xmpp_sasl_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_scram),
		cmocka_unit_test(test_bad_challenges),
		cmocka_unit_test(test_not_base64),
		cmocka_unit_test(test_imposter),
		cmocka_unit_test(test_user_is_escaped),
		cmocka_unit_test(test_nonce_is_new),
	};
	int rc;

	secret_init(&password, "pencil", 6);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	secret_release(&password);
	return rc;
}
