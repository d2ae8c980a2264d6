/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "core/err.h"
#include "gateway/ws_handshake.h"

/* RFC 6455 section 1.3. */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void test_wanted(void **state)
{
	static const struct {
		const char *upgrade;
		int wanted;
	} rows[] = {
		{NULL, 0},
		{"", 0},
		{"websocket", 1},
		{"WebSocket", 1},
		{"h2c, websocket", 1},
		{" websocket\t,h2c", 1},
		{"websockets", 0},
		{"web socket", 0},
		{"h2c", 0},
		{",,,", 0},
		{"websocket/13", 0},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(ws_handshake_wanted(rows[i].upgrade), rows[i].wanted);
}

static void test_accept(void **state)
{
	static const struct {
		const char *connection, *version, *key, *protocol;
		int code; /* 0: accepted */
		const char *answer;
	} rows[] = {
		{"Upgrade", "13", KEY, "sockethub", 0, "sockethub"},
		{"keep-alive, upgrade", "13", KEY, "chat, SocketHub", 0, "SocketHub"},
		{"UPGRADE", "13", KEY, "SOCKETHUB,sockethub", 0, "SOCKETHUB"},
		{NULL, "13", KEY, "sockethub", ERR_INVALID, NULL},
		{"close", "13", KEY, "sockethub", ERR_INVALID, NULL},
		{"upgraded", "13", KEY, "sockethub", ERR_INVALID, NULL},
		{"Upgrade", NULL, KEY, "sockethub", ERR_UPGRADE, NULL},
		{"Upgrade", "8", KEY, "sockethub", ERR_UPGRADE, NULL},
		{"Upgrade", "130", KEY, "sockethub", ERR_UPGRADE, NULL},
		{"Upgrade", "13", NULL, "sockethub", ERR_INVALID, NULL},
		{"Upgrade", "13", "", "sockethub", ERR_INVALID, NULL},
		{"Upgrade", "13", "dGhlIHNhbXBsZSBub25jZQ", "sockethub", ERR_INVALID, NULL},
		{"Upgrade", "13", "dGhlIHNhbXBsZSBub25jZWU=", "sockethub", ERR_INVALID, NULL},
		{"Upgrade", "13", "dGhlIHNhbXBsZSBub25j*Q==", "sockethub", ERR_INVALID, NULL},
		{"Upgrade", "13", KEY KEY, "sockethub", ERR_INVALID, NULL},
		{"Upgrade", "13", KEY, NULL, ERR_INVALID, NULL},
		{"Upgrade", "13", KEY, "", ERR_INVALID, NULL},
		{"Upgrade", "13", KEY, "chat", ERR_INVALID, NULL},
		{"Upgrade", "13", KEY, "sockethub2", ERR_INVALID, NULL},
		{"Upgrade", "13", KEY, "xsockethub", ERR_INVALID, NULL},
		{"Upgrade", "13", KEY, "sockethub x", ERR_INVALID, NULL},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct ws_offer offer = {
			rows[i].connection, rows[i].version, rows[i].key, rows[i].protocol};
		struct ws_answer answer;
		struct err e = {0};

		assert_int_equal(ws_handshake(&offer, &answer, &e), -rows[i].code);
		assert_int_equal(e.code, rows[i].code);
		if (rows[i].code != 0)
			continue;
		assert_string_equal(answer.accept, ACCEPT);
		assert_string_equal(answer.protocol, rows[i].answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
