/* SPDX-License-Identifier: MIT */
/* The wire with a server over TLS that logs in and then lets it wait. What is said on it is tested with its users. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sys/socket.h>

#include "core/json.h"
#include "core/mem.h"
#include "platforms/email/email_curl.h"
#include "platforms/email/email_server.h"
#include "platforms/email/email_wire.h"
#include "tests/fake/lined.h"
#include "tests/fake/psession.h"

#define PASSWORD "correct horse battery staple, correct horse battery staple"
/* Of its form in base64, which is not at its begin. */
#define ENCODED     "IGhvcnNlIGJhdHRlcnkgc3RhcGxl"
#define WRITES      2000
#define WRITE_BYTES 3001
#define TOTAL       ((size_t)WRITES * WRITE_BYTES)
#define WAIT_MS     20000

static struct {
	int listener, go[2];
	SSL_CTX *tls;
	int old; /* the server knows no TLS but 1.1 */
	pthread_t thread;
	size_t received, wrong; /* the thread's until it is joined */
	struct psession *ps;
	int up, down, sent, answered;
	struct err why;
} S;

/* --- the server --------------------------------------------------------------------------------------------------- */

static SSL_CTX *context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_sign(cert, key, EVP_sha256());
	assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	if (S.old) {
		SSL_CTX_set_min_proto_version(ctx, TLS1_1_VERSION);
		SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
		SSL_CTX_set_security_level(ctx, 0);
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

static void say(SSL *ssl, const char *text)
{
	SSL_write(ssl, text, (int)strlen(text));
}

/* One POP3 login. */
static void log_in(SSL *ssl)
{
	static const char *const answers[] = {"+OK\r\nSASL PLAIN\r\n.\r\n", "+ \r\n", "+OK\r\n"};
	char line[200];

	say(ssl, "+OK hi\r\n");
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (SSL_read(ssl, line, sizeof line) > 0)
			say(ssl, answers[i]);
}

/* Byte number i of all is i % 251. */
static void *serve(void *arg)
{
	int fd = accept(S.listener, NULL, NULL), n;
	SSL *ssl = SSL_new(S.tls);
	unsigned char bytes[16384];
	char c;

	UNUSED(arg);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		log_in(ssl);
	/* Nothing is read before the test says so. */
	if (read(S.go[0], &c, 1) == 1)
		while (S.received < TOTAL && (n = SSL_read(ssl, bytes, sizeof bytes)) > 0)
			for (int i = 0; i < n; i++)
				S.wrong += bytes[i] != S.received++ % 251;
	say(ssl, "+OK all\r\n");
	SSL_free(ssl);
	close(fd);
	return NULL;
}

static int server_start(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;

	S.tls = context();
	S.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(S.listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(S.listener, 1), 0);
	assert_int_equal(getsockname(S.listener, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(pipe(S.go), 0);
	assert_int_equal(pthread_create(&S.thread, NULL, serve, NULL), 0);
	return ntohs(a.sin_port);
}

static void server_stop(void)
{
	close(S.go[1]);
	pthread_join(S.thread, NULL);
	close(S.go[0]);
	close(S.listener);
	SSL_CTX_free(S.tls);
}

/* --- the wire ----------------------------------------------------------------------------------------------------- */

static int rig_open(struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	UNUSED(settings);
	UNUSED(e);
	S.ps = ps;
	*state = &S;
	return 0;
}

static void rig_close(void *state)
{
	UNUSED(state);
}

static const struct verb verbs[] = {{0}};
static const struct platform platform = {.name = "email",
	.life = PLATFORM_PER_ACCOUNT,
	.verbs = verbs,
	.open = rig_open,
	.close = rig_close};

static void on_up(void *arg)
{
	UNUSED(arg);
	S.up++;
}

static void on_bytes(void *arg, const char *bytes, size_t len)
{
	UNUSED(arg);
	S.answered += memmem(bytes, len, "all", 3) != NULL;
}

static void on_sent(void *arg)
{
	UNUSED(arg);
	S.sent++;
}

static void on_down(void *arg, const struct err *why)
{
	UNUSED(arg);
	S.down++;
	S.why = *why;
}

static int is_there(void *arg)
{
	return S.down > 0 || *(int *)arg > 0;
}

/* `more` settings: JSON. */
static struct email_server *server_with(
	enum email_server_kind kind, int port, int starttls, const char *more)
{
	json_t *block = json_pack("{sssisssssb}", "host", "127.0.0.1", "port", port, "username",
		"ann", "password", PASSWORD, starttls ? "starttls" : "tls", 1);
	json_t *settings = json_loads(more, 0, NULL);
	struct email_server *s;
	struct err e;

	assert_int_equal(email_server_new(kind, block, settings, &s, &e), 0);
	json_decref(block);
	json_decref(settings);
	return s;
}

static struct email_server *server(int port)
{
	return server_with(EMAIL_SERVER_POP, port, 0, "{\"verify\":false}");
}

/* More than sockets hold is written in pieces, so that the queue grows while the TLS layer waits with some of it. */
static void a_full_socket_loses_nothing(void **state)
{
	static const char *const allow[] = {"127.0.0.1", NULL};
	const struct email_wire_events ev = {
		.up = on_up, .bytes = on_bytes, .sent = on_sent, .down = on_down};
	struct email_server *s = server(server_start());
	struct fake *fake = fake_new(&platform, NULL, allow);
	struct email_wire *w = email_wire_new(S.ps, s, &ev);
	unsigned char piece[WRITE_BYTES];
	size_t n = 0;

	UNUSED(state);
	assert_int_equal(fake_run_until(fake, is_there, &S.up, WAIT_MS), 0);
	assert_int_equal(S.up, 1);
	for (size_t i = 0; i < WRITES; i++) {
		for (size_t k = 0; k < WRITE_BYTES; k++)
			piece[k] = (unsigned char)(n++ % 251);
		email_wire_write(w, piece, sizeof piece);
	}
	assert_true(email_wire_left(w) > 0);
	assert_int_equal(S.sent, 0); /* never from within the call */
	assert_int_equal(write(S.go[1], "g", 1), 1);
	fake_run_until(fake, is_there, &S.answered, WAIT_MS);
	if (S.down > 0)
		fail_msg("%s", S.why.text);
	assert_int_equal(S.answered, 1);
	assert_int_equal(email_wire_left(w), 0);
	assert_true(S.sent > 0);
	email_wire_free(&w);
	server_stop();
	assert_int_equal(S.received, TOTAL);
	assert_int_equal(S.wrong, 0);
	fake_free(fake);
	email_server_free(s);
}

/* The wire to `s` (TAKES) fails with `code`. */
static void fails(struct email_server *s, enum err_code code, const char *text)
{
	static const char *const allow[] = {"127.0.0.1", NULL};
	const struct email_wire_events ev = {.up = on_up, .bytes = on_bytes, .down = on_down};
	struct fake *fake = fake_new(&platform, NULL, allow);
	struct email_wire *w = email_wire_new(S.ps, s, &ev);

	S.up = S.down = 0;
	assert_int_equal(fake_run_until(fake, is_there, &S.up, WAIT_MS), 0);
	assert_int_equal(S.up, 0);
	if (S.why.code != code || strstr(S.why.text, text) == NULL)
		fail_msg("%s: %s", err_token((int)S.why.code), S.why.text);
	email_wire_free(&w);
	fake_free(fake);
	email_server_free(s);
}

/* Nor is a certificate that nobody vouches for, and nothing older than TLS 1.2. */
static void a_weak_server_is_not_logged_in_to(void **state)
{
	UNUSED(state);
	fails(server_with(EMAIL_SERVER_POP, server_start(), 0, "{}"), ERR_TLS, "certificate");
	server_stop();
	S.old = 1;
	fails(server(server_start()), ERR_TLS, "no secure connection");
	server_stop();
	S.old = 0;
}

/* Somebody in between hides STARTTLS, or says things before it that would count as said behind it: no password goes out,
 * lined would take it for a mistake. */
static void starttls_can_not_be_taken_away(void **state)
{
	static const struct {
		enum email_server_kind kind;
		struct lined_step steps[4];
		enum err_code code;
		const char *text;
	} rows[] = {
		{EMAIL_SERVER_SMTP,
			{{.send = "220 hi\r\n"},
				{.expect = "EHLO", .send = "250-a\r\n250 AUTH PLAIN\r\n"}, {0}},
			ERR_TLS, "does not offer STARTTLS"},
		{EMAIL_SERVER_IMAP,
			{{.send = "* OK hi\r\n"},
				{.expect = "CAPABILITY",
					.send = "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n%T OK\r\n"},
				{0}},
			ERR_TLS, "does not offer STARTTLS"},
		{EMAIL_SERVER_IMAP,
			{{.send = "* PREAUTH hi\r\n"},
				{.expect = "CAPABILITY",
					.send = "* CAPABILITY IMAP4rev1 STARTTLS\r\n%T OK\r\n"},
				{0}},
			ERR_TLS, "does not offer STARTTLS"},
		{EMAIL_SERVER_POP,
			{{.send = "+OK hi\r\n"},
				{.expect = "CAPA", .send = "+OK\r\nSASL PLAIN\r\n.\r\n"}, {0}},
			ERR_TLS, "does not offer STARTTLS"},
		{EMAIL_SERVER_SMTP,
			{{.send = "220 hi\r\n"},
				{.expect = "EHLO", .send = "250-a\r\n250 STARTTLS\r\n"},
				{.expect = "STARTTLS",
					.send = "220 go\r\n250-a\r\n250 AUTH PLAIN\r\n"},
				{0}},
			ERR_REMOTE, "does not speak the expected protocol"},
		{EMAIL_SERVER_IMAP,
			{{.send = "* OK hi\r\n"},
				{.expect = "CAPABILITY",
					.send = "* CAPABILITY IMAP4rev1 STARTTLS\r\n%T OK\r\n"},
				{.expect = "STARTTLS",
					.send = "%T OK\r\n* CAPABILITY AUTH=PLAIN\r\n"},
				{0}},
			ERR_REMOTE, "does not speak the expected protocol"},
		{EMAIL_SERVER_POP,
			{{.send = "+OK hi\r\n"}, {.expect = "CAPA", .send = "+OK\r\nSTLS\r\n.\r\n"},
				{.expect = "STLS", .send = "+OK\r\n+OK\r\nSASL PLAIN\r\n.\r\n"},
				{0}},
			ERR_REMOTE, "does not speak the expected protocol"},
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lined *l = lined_new(rows[i].steps, 0);
		fails(server_with(rows[i].kind, lined_port(l), 1, "{\"verify\":false}"),
			rows[i].code, rows[i].text);
		for (int ms = 0; !lined_is_done(l) && ms < 5000; ms++)
			usleep(1000); /* its thread may be a moment behind us */
		assert_true(lined_is_done(l));
		assert_int_equal(lined_free(l), 0);
	}
}

/* How often `text` is in the heap. */
static int copies(const char *text)
{
	char line[256], heap[] = "[heap]";
	unsigned long from = 0, to = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	int n = 0;

	while (to == 0 && fgets(line, sizeof line, maps) != NULL)
		if (strstr(line, heap) != NULL)
			sscanf(line, "%lx-%lx", &from, &to);
	fclose(maps);
	if (to == 0) /* the address sanitizer has memory of its own */
		return 0;
	for (const char *at = (const char *)from, *end = (const char *)to;
		(at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL; at++)
		n++;
	return n;
}

static void no_secret_stays_in_memory(void **state)
{
	static const char *const allow[] = {"127.0.0.1", NULL};
	const struct email_wire_events ev = {.up = on_up, .bytes = on_bytes, .down = on_down};
	struct email_server *s = server(server_start());
	struct fake *fake = fake_new(&platform, NULL, allow);
	struct email_wire *w = email_wire_new(S.ps, s, &ev);

	UNUSED(state);
	S.up = S.down = 0;
	assert_int_equal(fake_run_until(fake, is_there, &S.up, WAIT_MS), 0);
	assert_int_equal(S.up, 1);
	email_wire_free(&w);
	email_server_free(s);
	server_stop();
	fake_free(fake);
	assert_int_equal(copies(PASSWORD + 20), 0);
	assert_int_equal(copies(ENCODED), 0);
}

int main(void)
{
	struct err e;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_socket_loses_nothing),
		cmocka_unit_test(a_weak_server_is_not_logged_in_to),
		cmocka_unit_test(starttls_can_not_be_taken_away),
		cmocka_unit_test(no_secret_stays_in_memory),
	};

	json_setup();
	if (email_curl_start(&e) < 0) /* before the first psession_http() */
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
