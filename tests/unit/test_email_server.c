/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/json.h"
#include "core/outbound.h"
#include "platforms/email/email_server.h"

#define SMTP  EMAIL_SERVER_SMTP
#define IMAP  EMAIL_SERVER_IMAP
#define POP   EMAIL_SERVER_POP
#define BOX   "\"host\":\"mail.example.org\",\"username\":\"ann\""
#define LOGIN BOX ",\"password\":\"secret\""

static struct email_server *make(
	enum email_server_kind kind, const char *block, const char *settings, struct err *e)
{
	json_t *b = json_loads(block, JSON_ALLOW_NUL, NULL), *s = json_loads(settings, 0, NULL);
	struct email_server *server = NULL;
	int rc;

	if (b == NULL || s == NULL)
		fail_msg("not JSON: %s %s", block, settings);
	*e = (struct err){0};
	rc = email_server_new(kind, b, s, &server, e);
	assert_true((rc == 0) == (server != NULL) && rc == -(int)e->code);
	json_decref(b);
	json_decref(s);
	return server;
}

static struct email_server *good(enum email_server_kind kind, const char *block)
{
	struct err e;
	struct email_server *s = make(kind, block, "{\"allow_plaintext\":true}", &e);

	if (s == NULL)
		fail_msg("%s: %s", block, e.text);
	return s;
}

static void ports_and_security_have_defaults(void **state)
{
	static const struct {
		enum email_server_kind kind;
		const char *fields, *name, *url;

	} cases[] = {
		{SMTP, "", "mail.example.org:587", "smtp://"},
		{SMTP, ",\"tls\":true", "mail.example.org:465", "smtps://"},
		{SMTP, ",\"tls\":false", "mail.example.org:587", "smtp://"},
		{SMTP, ",\"starttls\":true", "mail.example.org:587", "smtp://"},
		{SMTP, ",\"tls\":false,\"starttls\":false", "mail.example.org:25", "smtp://"},
		{SMTP, ",\"port\":465", "mail.example.org:465", "smtps://"},
		{SMTP, ",\"port\":2525", "mail.example.org:2525", "smtp://"},
		{IMAP, "", "mail.example.org:993", "imaps://"},
		{IMAP, ",\"tls\":false", "mail.example.org:143", "imap://"},
		{IMAP, ",\"port\":143", "mail.example.org:143", "imap://"},
		{IMAP, ",\"port\":993", "mail.example.org:993", "imaps://"},
		{IMAP, ",\"port\":993,\"starttls\":true", "mail.example.org:993", "imap://"},
		{POP, "", "mail.example.org:995", "pop3s://"},
		{POP, ",\"starttls\":true", "mail.example.org:110", "pop3://"},
		{POP, ",\"starttls\":false", "mail.example.org:110", "pop3://"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct outbound *outbound;
		struct email_server_call call;
		CURL *easy = curl_easy_init();
		struct email_server *s;
		char block[300], *url;
		snprintf(block, sizeof block, "{" LOGIN "%s}", cases[i].fields);
		s = good(cases[i].kind, block);
		assert_string_equal(email_server_name(s), cases[i].name);
		assert_int_equal(outbound_new(NULL, 0, &outbound, NULL), 0);
		email_server_prepare(s, outbound, &call, easy);
		curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
		if (strncmp(url, cases[i].url, strlen(cases[i].url)) != 0)
			fail_msg("%s: %s", cases[i].fields, url);
		assert_null(strstr(url, "secret"));
		curl_easy_cleanup(easy);
		outbound_free(outbound);
		email_server_free(s);
	}
}

static void hosts_may_be_addresses_and_foreign(void **state)
{
	static const char *const hosts[][2] = {{"::1", "[::1]:587"}, {"192.0.2.1", "192.0.2.1:587"},
		{"b\\u00fccher.example", "xn--bcher-kva.example:587"},
		{"MAIL.example.org", "mail.example.org:587"}};
	char block[200];

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct email_server *s;
		snprintf(block, sizeof block,
			"{\"host\":\"%s\",\"username\":\"a\",\"password\":\"b\"}", hosts[i][0]);
		s = good(SMTP, block);
		assert_string_equal(email_server_name(s), hosts[i][1]);
		email_server_free(s);
	}
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *block, *why;
	} cases[] = {
		{"{}", "smtp.host is missing"},
		{"{\"host\":7}", "smtp.host has to be a string"},
		{"{\"host\":\"\"}", "smtp.host is empty"},
		{"{\"host\":\"a b\"}", "smtp.host is not a host name"},
		{"{\"host\":\"evil.org/x\"}", "smtp.host is not a host name"},
		{"{\"host\":\"a@evil.org\"}", "smtp.host is not a host name"},
		{"{\"host\":\"evil.org:25\"}", "smtp.host is not a host name"},
		{"{\"host\":\"[::1]\"}", "smtp.host is not a host name"},
		{"{\"host\":\"evil.org\\u0000.example.org\"}", "control characters"},
		{"{\"host\":\"evil.org\\r\\nQUIT\"}", "control characters"},
		{"{" LOGIN ",\"port\":0}", "smtp.port is not a port number"},
		{"{" LOGIN ",\"port\":65536}", "smtp.port is not a port number"},
		{"{" LOGIN ",\"port\":\"25\"}", "smtp.port is not a port number"},
		{"{" LOGIN ",\"tls\":true,\"starttls\":true}", "exclude each other"},
		{"{" LOGIN ",\"tls\":1}", "smtp.tls has to be true or false"},
		{"{\"host\":\"a.org\",\"password\":\"x\"}", "smtp.username is missing"},
		{"{\"host\":\"a.org\",\"username\":\"\",\"password\":\"x\"}",
			"smtp.username is empty"},
		{"{\"host\":\"a.org\",\"username\":\"a\\nb\",\"password\":\"x\"}",
			"smtp.username has control characters"},
		{"{" BOX "}", "smtp.password is missing"},
		{"{" BOX ",\"password\":\"secret\\r\\nQUIT\"}",
			"smtp.password has control characters"},
		{"{" BOX ",\"token\":\"secret\\u0001\"}", "smtp.token has control characters"},
		{"{" LOGIN ",\"token\":\"secret\"}", "exclude each other"},
		{"{" BOX ",\"token\":\"secret\",\"oauth\":\"PLAIN\"}", "XOAUTH2 or OAUTHBEARER"},
		{"{" LOGIN ",\"domain\":\"a b\"}", "smtp.domain is not a domain name"},
		{"{" LOGIN ",\"domain\":\"a/b\"}", "smtp.domain is not a domain name"},
		{"{" LOGIN ",\"domain\":\"[1.2.3.4]\\r\\nX\"}", "control characters"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e;
		assert_null(make(SMTP, cases[i].block, "{\"allow_plaintext\":true}", &e));
		assert_int_equal(e.code, ERR_INVALID);
		if (strstr(e.text, cases[i].why) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", cases[i].why, e.text);
		assert_null(strstr(e.text, "secret"));
	}
}

static void plaintext_is_the_operators_choice(void **state)
{
	const char *block = "{" LOGIN ",\"starttls\":false}";
	struct err e;

	UNUSED(state);
	assert_null(make(IMAP, block, "{}", &e));
	assert_int_equal(e.code, ERR_FORBIDDEN);
	assert_string_equal(
		e.text, "credentials: imap: a connection without TLS is not allowed here");
	assert_null(make(IMAP, block, "{\"allow_plaintext\":false}", &e));
	email_server_free(good(IMAP, block));
}

/* What libcurl and the server said, as an error. */
static void explains(
	enum email_server_kind kind, const char *said, CURLcode rc, const char *expected)
{
	struct email_server *s = good(kind, "{" LOGIN ",\"port\":10,\"starttls\":true}");
	struct email_server_call call = {0};
	CURL *easy = curl_easy_init();
	char text[ERR_TEXT_SIZE + 40];
	struct err e;
	int result;

	strcpy(call.said, said);
	strcpy(call.error, "words of libcurl");
	call.guard.opened = 1;
	result = email_server_explain(s, &call, easy, rc, &e);
	assert_int_equal(result, -(int)e.code);
	snprintf(text, sizeof text, "%s %s", err_token((int)e.code), e.text);
	assert_string_equal(text, expected);
	curl_easy_cleanup(easy);
	email_server_free(s);
}

static void results_become_sentences(void **state)
{
	static const struct {
		enum email_server_kind kind;
		const char *said;
		CURLcode rc;
		const char *expected;
	} cases[] = {
		{SMTP, "535 5.7.8 no", CURLE_LOGIN_DENIED,
			"auth mail.example.org:10 refused user name or password: 535 5.7.8 no"},
		{SMTP, "535 5.7.8 secret?", CURLE_LOGIN_DENIED,
			"auth mail.example.org:10 refused user name or password"},
		{SMTP, "454 4.7.0 wait", CURLE_LOGIN_DENIED,
			"busy mail.example.org:10 can not take the login now, try again later: 454 "
			"4.7.0 wait"},
		{SMTP, "250 HELP", CURLE_LOGIN_DENIED,
			"auth mail.example.org:10 offers no way to log in with these credentials"},
		{IMAP, "A002 NO [AUTHENTICATIONFAILED] wrong", CURLE_LOGIN_DENIED,
			"auth mail.example.org:10 refused user name or password: A002 NO "
			"[AUTHENTICATIONFAILED] wrong"},
		{IMAP, "A002 NO [UNAVAILABLE] backend", CURLE_LOGIN_DENIED,
			"busy mail.example.org:10 can not take the login now, try again later: "
			"A002 NO "
			"[UNAVAILABLE] backend"},
		{POP, "-ERR [AUTH] bad", CURLE_LOGIN_DENIED,
			"auth mail.example.org:10 refused user name or password: -ERR [AUTH] bad"},
		{POP, "-ERR [IN-USE] locked", CURLE_LOGIN_DENIED,
			"busy mail.example.org:10 can not take the login now, try again later: "
			"-ERR "
			"[IN-USE] locked"},
		{SMTP, "", CURLE_COULDNT_RESOLVE_HOST, "resolve mail.example.org:10: no such host"},
		{SMTP, "", CURLE_COULDNT_CONNECT,
			"connect could not connect to mail.example.org:10"},
		{SMTP, "", CURLE_OPERATION_TIMEDOUT,
			"timeout mail.example.org:10 did not answer in time; maybe this port wants "
			"TLS "
			"from the first byte (tls: true)"},
		{SMTP, "220 hi", CURLE_OPERATION_TIMEDOUT,
			"timeout mail.example.org:10 did not answer in time"},
		{SMTP, "250 HELP", CURLE_USE_SSL_FAILED,
			"tls mail.example.org:10 does not offer STARTTLS, which is required"},
		{SMTP, "454 4.7.0 TLS not available", CURLE_USE_SSL_FAILED,
			"tls mail.example.org:10 does not offer STARTTLS, which is required: 454 "
			"4.7.0 "
			"TLS not available"},
		{SMTP, "", CURLE_PEER_FAILED_VERIFICATION,
			"tls mail.example.org:10: no secure connection: words of libcurl"},
		{SMTP, "250 HELP", CURLE_RECV_ERROR,
			"remote the connection to mail.example.org:10 was lost"},
		{SMTP, "421 4.3.2 bye", CURLE_RECV_ERROR,
			"remote mail.example.org:10 closed the connection: 421 4.3.2 bye"},
		{SMTP, "SSH-2.0-x", CURLE_WEIRD_SERVER_REPLY,
			"remote mail.example.org:10 does not speak the expected protocol: "
			"SSH-2.0-x"},
		{SMTP, "554 \xff go\x1b away", CURLE_WEIRD_SERVER_REPLY,
			"remote mail.example.org:10 refused: 554 ? go away"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		explains(cases[i].kind, cases[i].said, cases[i].rc, cases[i].expected);
}

static void a_refused_address_is_named(void **state)
{
	struct email_server *s = good(SMTP, "{" LOGIN "}");
	struct email_server_call call = {0};
	CURL *easy = curl_easy_init();
	struct err e;

	UNUSED(state);
	strcpy(call.guard.blocked, "10.0.0.1");
	assert_int_equal(
		email_server_explain(s, &call, easy, CURLE_COULDNT_CONNECT, &e), -ERR_BLOCKED);
	assert_string_equal(e.text, "mail.example.org:587: the address 10.0.0.1 is not allowed");
	assert_int_equal(email_server_explain(s, &call, easy, CURLE_OK, &e), 0);
	assert_int_equal(e.code, ERR_NONE);
	curl_easy_cleanup(easy);
	email_server_free(s);
}

static void texts_of_servers_are_cleaned(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"plain", "plain"},
		{"  a \t\r\n b  ", "a b"},
		{"a\x01\x02z", "a z"},
		{"gr\xc3\xbc\xc3\x9f"
		 "e",
			"gr\xc3\xbc\xc3\x9f"
			"e"},
		{"gr\xfc\xdf"
		 "e",
			"gr??e"},
		{"\xc3", "?"},
		{"\xe2\x82", "??"},
		{"\xed\xa0\x80", "???"},
		{"\xc0\x80", "??"},
		{"\xf4\x90\x80\x80", "????"},
		{"a\xc2\x85"
		 "b\x7f"
		 "c",
			"a b c"},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	};
	char out[32];

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(
			email_server_text(out, sizeof out, cases[i][0], strlen(cases[i][0])),
			cases[i][1]);
	/* Cut, and never within a character. */
	assert_string_equal(email_server_text(out, 4, "abcdef", 6), "abc");
	assert_string_equal(email_server_text(out, 4, "ab\xc3\xbc", 4), "ab");
	assert_string_equal(email_server_text(out, 5, "ab\xc3\xbc", 4), "ab\xc3\xbc");
	assert_string_equal(email_server_text(out, 4, "ab cd", 5), "ab");
	assert_string_equal(email_server_text(out, 1, "ab", 2), "");
}

/* A port that nobody listens on. */
static int closed_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* Options that it does not know libcurl reports as a malformed URL, and not before it connects. */
static void libcurl_takes_all_options(void **state)
{
	static const char *const logins[] = {"\"password\":\"s\"", "\"password\":\"\u00fc\"",
		"\"token\":\"t\"", "\"token\":\"t\",\"oauth\":\"OAUTHBEARER\""};
	const char *const any = "any";
	struct outbound *outbound;
	char block[200];

	UNUSED(state);
	assert_int_equal(outbound_new(&any, 1, &outbound, NULL), 0);
	for (int kind = SMTP; kind <= POP; kind++)
		for (size_t i = 0; i < ARRAY_LEN(logins); i++) {
			struct email_server_call call;
			CURL *easy = curl_easy_init();
			struct email_server *s;
			struct err e;
			snprintf(block, sizeof block,
				"{\"host\":\"127.0.0.1\",\"port\":%d,\"username\":\"a@b\",%s}",
				closed_port(), logins[i]);
			s = good((enum email_server_kind)kind, block);
			email_server_prepare(s, outbound, &call, easy);
			email_server_explain(s, &call, easy, curl_easy_perform(easy), &e);
			assert_int_equal(e.code, ERR_CONNECT);
			curl_easy_cleanup(easy);
			email_server_free(s);
		}
	outbound_free(outbound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_and_security_have_defaults),
		cmocka_unit_test(hosts_may_be_addresses_and_foreign),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(plaintext_is_the_operators_choice),
		cmocka_unit_test(results_become_sentences),
		cmocka_unit_test(a_refused_address_is_named),
		cmocka_unit_test(libcurl_takes_all_options),
		cmocka_unit_test(texts_of_servers_are_cleaned),
	};

	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
