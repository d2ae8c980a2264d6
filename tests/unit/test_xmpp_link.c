/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/mem.h"
#include "platforms/xmpp/xmpp_link.h"
#include "tests/fake/psession.h"
#include "tests/fake/xmppd.h"
#include "tests/unit/unit.h"

#define WAIT_MS    30000
#define TIMEOUT_MS 20000
#define USERS      "one two three four five six seven eight"

/* --- a platform that has a session, and nothing else ---------------------------------------------------------------- */

static int open_nothing(struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	UNUSED(settings);
	UNUSED(e);
	*state = ps;
	return 0;
}

static void close_nothing(void *state)
{
	UNUSED(state);
}

static const struct verb no_verbs[] = {{NULL, 0, NULL}};
static const struct platform nothing = {.name = "nothing",
	.life = PLATFORM_PER_ACCOUNT,
	.verbs = no_verbs,
	.open = open_nothing,
	.close = close_nothing};
static const char *const allow[] = {"127.0.0.1", "::1", NULL};

/* --- the real server --------------------------------------------------------------------------------------------------- */

static char folder[64], ca[96];
static unsigned port; /* and port + 1 */

static unsigned free_ports(void)
{
	for (;;) {
		struct sockaddr_in sa = {
			.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof sa;
		int first = socket(AF_INET, SOCK_STREAM, 0),
		    second = socket(AF_INET, SOCK_STREAM, 0);
		unsigned n;
		int ok;

		assert_int_equal(bind(first, (struct sockaddr *)&sa, sizeof sa), 0);
		assert_int_equal(getsockname(first, (struct sockaddr *)&sa, &len), 0);
		n = ntohs(sa.sin_port);
		sa.sin_port = htons((uint16_t)(n + 1));
		ok = n < 65535 && bind(second, (struct sockaddr *)&sa, sizeof sa) == 0;
		close(first);
		close(second);
		if (ok)
			return n;
	}
}

static int run_script(const char *script, const char *argument)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setenv("XMPP_USERS", USERS, 1);
		execl(script, script, folder, argument, NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int start_server(void **state)
{
	char number[16];

	UNUSED(state);
	/* As the platform's start() does; before there is any thread. */
	setenv("SSL_CERT_FILE", "/dev/null", 1);
	signal(SIGPIPE, SIG_IGN);
	unit_folder(folder);
	snprintf(ca, sizeof ca, "%s/ca.pem", folder);
	port = free_ports();
	snprintf(number, sizeof number, "%u", port);
	return run_script("tests/servers/prosody/start.sh", number);
}

static int stop_server(void **state)
{
	char *command = mem_printf("rm -rf %s", folder);
	int rc;

	UNUSED(state);
	run_script("tests/servers/stop.sh", NULL);
	rc = system(command);
	mem_free(command);
	return rc;
}

/* --- a link, and what it told ------------------------------------------------------------------------------------------- */

struct peer {
	struct fake *fake;
	struct xmpp_link *link;
	int online, offline, resumed, free_it;
	char full_jid[256];
	struct err why;
	int n_stanzas;
	char bodies[4096]; /* of messages, each behind a "|" */
};

static void on_online(void *arg, const char *full_jid, int resumed)
{
	struct peer *p = arg;

	p->online++;
	p->resumed = resumed;
	snprintf(p->full_jid, sizeof p->full_jid, "%s", full_jid);
	if (p->free_it)
		xmpp_link_free(&p->link);
}

static void on_stanza(void *arg, const xmpp_stanza_t *stanza)
{
	struct peer *p = arg;
	char *body = xmpp_message_get_body((xmpp_stanza_t *)stanza);
	size_t len = strlen(p->bodies);

	p->n_stanzas++;
	if (body != NULL)
		snprintf(p->bodies + len, sizeof p->bodies - len, "|%s", body);
	xmpp_free(xmpp_stanza_get_context(stanza), body);
}

static void on_offline(void *arg, const struct err *why)
{
	struct peer *p = arg;

	p->offline++;
	p->why = *why;
}

static struct xmpp_link_options to_prosody(const char *jid)
{
	return (struct xmpp_link_options){.jid = jid,
		.password = "secret",
		.host = "127.0.0.1",
		.port = port,
		.ca_file = ca,
		.connect_timeout_ms = TIMEOUT_MS};
}

static struct xmpp_link_options to_fake(const struct xmppd *d)
{
	struct xmpp_link_options o = to_prosody("ann@localhost");

	o.port = xmppd_port(d);
	return o;
}

static int try_new(struct peer *p, struct fake *f, const struct xmpp_link_options *o, struct err *e)
{
	struct xmpp_link_events events = {on_online, on_stanza, on_offline, p};

	memset(p, 0, sizeof *p);
	p->fake = f;
	return xmpp_link_new(fake_state(f), o, &events, &p->link, e);
}

static void peer_init(struct peer *p, struct fake *f, struct xmpp_link_options o)
{
	struct err e;

	assert_int_equal(try_new(p, f, &o, &e), 0);
	xmpp_link_connect(p->link);
}

static int is_settled(void *arg)
{
	struct peer *p = arg;

	return p->online > 0 || p->offline > 0;
}

static int is_offline(void *arg)
{
	return ((struct peer *)arg)->offline > 0;
}

static void wait_for(struct peer *p, int (*cond)(void *arg))
{
	assert_int_equal(fake_run_until(p->fake, cond, p, WAIT_MS), 0);
}

static void wait_online(struct peer *p)
{
	wait_for(p, is_settled);
	if (p->offline > 0)
		fail_msg("offline: %s", p->why.text);
}

static void wait_offline(struct peer *p, enum err_code code, const char *text)
{
	wait_for(p, is_offline);
	if (p->why.code != code || strstr(p->why.text, text) == NULL)
		fail_msg("%s: %s", err_token((int)p->why.code), p->why.text);
	assert_null(strstr(p->why.text, "secret"));
}

static void forget(struct peer *p)
{
	p->online = p->offline = 0;
}

static void say(struct peer *p, const char *to, const char *body)
{
	xmpp_stanza_t *s = xmpp_message_new(xmpp_link_ctx(p->link), "chat", to, NULL);

	xmpp_message_set_body(s, body);
	xmpp_link_send(p->link, s);
}

static int setup(void **state)
{
	*state = fake_new(&nothing, NULL, allow);
	return 0;
}

static int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

/* --- with a real server --------------------------------------------------------------------------------------------------- */

static int has_three(void *arg)
{
	return strcmp(((struct peer *)arg)->bodies, "|1|<two> & \"zwei\"|3") == 0;
}

static void test_messages(void **state)
{
	struct peer one, two;
	struct xmpp_link_options o = to_prosody("two@localhost/desk");

	peer_init(&one, *state, to_prosody("one@localhost"));
	o.direct_tls = 1;
	o.port = port + 1;
	peer_init(&two, *state, o);
	wait_online(&one);
	wait_online(&two);
	assert_int_equal(one.resumed, 0);
	assert_memory_equal(one.full_jid, "one@localhost/", 14);
	assert_string_equal(two.full_jid, "two@localhost/desk");
	say(&one, "two@localhost/desk", "1");
	say(&one, "two@localhost/desk", "<two> & \"zwei\"");
	say(&one, "two@localhost/desk", "3");
	wait_for(&two, has_three);
	xmpp_link_free(&one.link);
	xmpp_link_disconnect(two.link);
	wait_offline(&two, ERR_CANCELLED, "disconnected");
	xmpp_link_connect(two.link);
	forget(&two);
	wait_online(&two);
	assert_int_equal(two.resumed, 0);
	xmpp_link_free(&two.link);
	assert_null(two.link);
	xmpp_link_free(&two.link);
}

static void test_refused(void **state)
{
	struct peer p;
	struct xmpp_link_options o = to_prosody("one@localhost");

	o.password = "wrong";
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_AUTH, "localhost refused the credentials: not-authorized");
	xmpp_link_free(&p.link);

	o = to_prosody("one@localhost");
	o.ca_file = NULL;
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_TLS, "unable to get local issuer certificate");
	xmpp_link_free(&p.link);
	o.insecure = 1;
	peer_init(&p, *state, o);
	wait_online(&p);
	xmpp_link_free(&p.link);

	o = to_prosody("one@other.example");
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_REMOTE, "the server does not serve other.example");
	xmpp_link_free(&p.link);
}

static void test_wrong_name(void **state)
{
	static const struct xmppd_step steps[] = {
		{XMPPD_TLS, NULL, 0}, {XMPPD_CLOSE, NULL, 0}, {XMPPD_END, NULL, 0}};
	struct xmppd *d = xmppd_new(steps, folder);
	struct xmpp_link_options o = to_fake(d);
	struct peer p;

	/* The name of the host that was connected to would be right, but the account is elsewhere. */
	o.jid = "ann@other.example";
	o.host = "localhost";
	o.direct_tls = 1;
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_TLS, "no encrypted connection to other.example: hostname mismatch");
	xmpp_link_free(&p.link);
	xmppd_free(d);
}

static void test_unreachable(void **state)
{
	struct peer p;
	struct xmpp_link_options o = to_prosody("one@localhost");
	static const char *const bad[] = {"localhost", "@localhost", "one@", "o\"e@localhost",
		"o e@localhost", "one/@localhost"};
	struct err e;

	o.port = free_ports();
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_CONNECT, "could not connect to localhost: Connection refused");
	xmpp_link_free(&p.link);
	o.host = "127.0.0.2";
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_BLOCKED, "127.0.0.2");
	xmpp_link_free(&p.link);
	o.host = "nowhere.invalid";
	peer_init(&p, *state, o);
	wait_offline(&p, ERR_RESOLVE, "nowhere.invalid");
	xmpp_link_free(&p.link);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		o.jid = bad[i];
		assert_int_equal(try_new(&p, *state, &o, &e), -ERR_INVALID);
		assert_null(p.link);
	}
}

static void test_conflict(void **state)
{
	struct peer one, two;

	peer_init(&one, *state, to_prosody("three@localhost/desk"));
	wait_online(&one);
	peer_init(&two, *state, to_prosody("three@localhost/desk"));
	wait_online(&two);
	wait_offline(&one, ERR_CONFLICT, "took the place");
	xmpp_link_free(&one.link);
	xmpp_link_free(&two.link);
}

/* The only link's socket has the highest number. */
static void cut(void)
{
	assert_int_equal(shutdown(1023, SHUT_RDWR), 0);
}

static int has_lost_nothing(void *arg)
{
	return strcmp(((struct peer *)arg)->bodies, "|before|behind") == 0;
}

static void test_resume(void **state)
{
	struct peer p, other;

	peer_init(&p, *state, to_prosody("four@localhost/desk"));
	wait_online(&p);
	say(&p, "four@localhost/desk", "before");
	while (p.bodies[0] == '\0')
		fake_run_for(p.fake, 5);
	cut();
	wait_offline(&p, ERR_REMOTE, "the connection to localhost was lost");
	peer_init(&other, *state, to_prosody("five@localhost"));
	wait_online(&other);
	say(&other, "four@localhost/desk", "behind");
	forget(&p);
	xmpp_link_connect(p.link);
	wait_online(&p);
	assert_int_equal(p.resumed, 1);
	assert_string_equal(p.full_jid, "four@localhost/desk");
	wait_for(&p, has_lost_nothing);
	xmpp_link_free(&p.link);
	xmpp_link_free(&other.link);
}

static void test_free_anywhere(void **state)
{
	struct peer p;

	for (unsigned ms = 0; ms < 60; ms += 3) {
		peer_init(&p, *state, to_prosody("six@localhost"));
		fake_run_for(p.fake, ms);
		xmpp_link_free(&p.link);
	}
	peer_init(&p, *state, to_prosody("six@localhost"));
	p.free_it = 1;
	wait_online(&p);
	assert_null(p.link);
}

/* --- with a server that does what it should not --------------------------------------------------------------------------- */

#define EXPECT(t)                  \
	{                          \
		XMPPD_EXPECT, t, 0 \
	}
#define SEND(t)                  \
	{                        \
		XMPPD_SEND, t, 0 \
	}
#define TIMES(m, t)              \
	{                        \
		XMPPD_SEND, t, m \
	}
#define TLS                        \
	{                          \
		XMPPD_TLS, NULL, 0 \
	}
#define HANG                        \
	{                           \
		XMPPD_HANG, NULL, 0 \
	}
#define DEAF                        \
	{                           \
		XMPPD_DEAF, NULL, 0 \
	}
#define CLOSE                        \
	{                            \
		XMPPD_CLOSE, NULL, 0 \
	}
#define END                        \
	{                          \
		XMPPD_END, NULL, 0 \
	}

#define HEADER                                                                     \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" \
	"http://etherx.jabber.org/streams' id='1' from='localhost' version='1.0'>"
#define FEATURES(f) "<stream:features>" f "</stream:features>"
#define STARTTLS    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
#define PROCEED     "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define SASL_NS     "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define PLAIN       "<mechanisms " SASL_NS "><mechanism>PLAIN</mechanism></mechanisms>"
#define BIND        "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
#define SM          "<sm xmlns='urn:xmpp:sm:3'/>"
#define BOUND                                                                            \
	"<iq type='result' id='sh-bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" \
	"<jid>ann@localhost/x</jid></bind></iq>"
#define ENABLED "<enabled xmlns='urn:xmpp:sm:3' id='s1' resume='true'/>"

#define OPEN    EXPECT("<stream:stream"), EXPECT(">"), SEND(HEADER)
#define SECURE  OPEN, SEND(FEATURES(STARTTLS)), EXPECT("<starttls"), SEND(PROCEED), TLS
#define AUTH \
	SECURE, OPEN, SEND(FEATURES(PLAIN)), EXPECT("</auth>"), SEND("<success " SASL_NS "/>"), OPEN
#define SESSION AUTH, SEND(FEATURES(BIND)), EXPECT("</iq>"), SEND(BOUND)
#define MANAGED                                                                         \
	AUTH, SEND(FEATURES(BIND SM)), EXPECT("</iq>"), SEND(BOUND), EXPECT("<enable"), \
		SEND(ENABLED)
#define LAUGHS                                                                             \
	"<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a 'hahahahahahahahahahahahahahahaha'>" \
	"<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"                   \
	"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>"                   \
	"<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"                   \
	"<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>]>"                 \
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

static const struct hostile {
	const char *name;
	enum err_code code;
	const char *text;
	int secretless; /* the password must not have been sent */
	struct xmppd_step steps[40];
} hostile[] = {
	{"closes at once", ERR_REMOTE, "closed the connection", 1, {CLOSE, END}},
	{"no XMPP", ERR_REMOTE, "does not speak XMPP", 1, {SEND("SSH-2.0-x\r\n"), HANG, END}},
	{"no answer", ERR_TIMEOUT, "not up in time", 1, {HANG, END}},
	{"another document", ERR_REMOTE, "closed the connection", 1,
		{EXPECT("<stream:stream"), SEND("<html></html>"), HANG, END}},
	{"no encryption", ERR_TLS, "offers no encryption", 1,
		{OPEN, SEND(FEATURES(PLAIN)), HANG, END}},
	{"encryption refused", ERR_TLS, "could not start the encryption", 1,
		{OPEN, SEND(FEATURES(STARTTLS PLAIN)), EXPECT("<starttls"),
			SEND("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), HANG, END}},
	{"no handshake", ERR_TIMEOUT, "not up in time", 1,
		{OPEN, SEND(FEATURES(STARTTLS)), EXPECT("<starttls"), SEND(PROCEED), HANG, END}},
	{"no handshake, deaf", ERR_TIMEOUT, "not up in time", 1,
		{OPEN, SEND(FEATURES(STARTTLS)), EXPECT("<starttls"), SEND(PROCEED), DEAF, END}},
	{"broken handshake", ERR_TLS, "no encrypted connection to localhost", 1,
		{OPEN, SEND(FEATURES(STARTTLS)), EXPECT("<starttls"), SEND(PROCEED), CLOSE, END}},
	{"garbage for a handshake", ERR_TLS, "wrong version number", 1,
		{OPEN, SEND(FEATURES(STARTTLS)), EXPECT("<starttls"), SEND(PROCEED),
			EXPECT("localhost"), SEND("no TLS record"), HANG, END}},
	{"injected before the handshake", ERR_REMOTE, "does not keep to the rules", 1,
		{OPEN, SEND(FEATURES(STARTTLS)), EXPECT("<starttls"), SEND(PROCEED FEATURES(PLAIN)),
			HANG, END}},
	{"success without a question", ERR_REMOTE, "does not keep to the rules", 1,
		{SECURE, OPEN, SEND("<success " SASL_NS "/>"), HANG, END}},
	{"no mechanism", ERR_AUTH, "no way to log in", 1,
		{SECURE, OPEN, SEND(FEATURES("")), HANG, END}},
	{"closes during the log-in", ERR_REMOTE, "closed the connection during the log-in", 0,
		{SECURE, OPEN, SEND(FEATURES(PLAIN)), EXPECT("</auth>"), CLOSE, END}},
	{"account disabled", ERR_AUTH, "account-disabled (Call us.)", 0,
		{SECURE, OPEN, SEND(FEATURES(PLAIN)), EXPECT("</auth>"),
			SEND("<failure " SASL_NS
			     "><account-disabled/><text>Call us.</text></failure>"),
			HANG, END}},
	{"a bad moment", ERR_REMOTE, "temporary-auth-failure", 0,
		{SECURE, OPEN, SEND(FEATURES(PLAIN)), EXPECT("</auth>"),
			SEND("<failure " SASL_NS "><temporary-auth-failure/></failure>"), HANG,
			END}},
	{"no resource", ERR_CONFLICT, "in use", 0,
		{AUTH, SEND(FEATURES(BIND)), EXPECT("</iq>"),
			SEND("<iq type='error' id='sh-bind'><error type='cancel'><conflict xmlns='"
			     "urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"),
			HANG, END}},
	{"an empty stream error", ERR_REMOTE, "undefined-condition", 1,
		{OPEN, SEND("<stream:error/>"), HANG, END}},
	{"entities, in the clear", ERR_REMOTE, "localhost", 1,
		{EXPECT("<stream:stream"), SEND(LAUGHS), SEND(FEATURES("&e;")), HANG, END}},
	{"a long document type", ERR_REMOTE, "too much in one piece", 0,
		{SECURE, EXPECT("<stream:stream"), SEND("<!DOCTYPE s ["),
			TIMES(4000, "<!ENTITY x 'yyyyyyyyyyyyyyyy'>"), HANG, END}},
	{"long features", ERR_REMOTE, "localhost sent", 1,
		{OPEN, SEND("<stream:features>"), TIMES(1 << 20, "<x>0</x>"), HANG, END}},
};

static void test_hostile_login(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		const struct hostile *h = &hostile[i];
		struct xmppd *d = xmppd_new(h->steps, folder);
		struct xmpp_link_options o = to_fake(d);
		struct peer p;

		print_message("%s\n", h->name);
		o.connect_timeout_ms = h->code == ERR_TIMEOUT ? 300 : TIMEOUT_MS;
		peer_init(&p, *state, o);
		wait_offline(&p, h->code, h->text);
		assert_int_equal(p.online, 0);
		assert_int_equal(p.n_stanzas, 0);
		if (h->secretless)
			assert_int_equal(xmppd_count(d, "<auth"), 0);
		xmpp_link_free(&p.link);
		xmppd_free(d);
	}
}

#define HEAD16 "AAAAAAAAAAAAAAAA"
#define LINE64 HEAD16 HEAD16 HEAD16 HEAD16
#define LINE   LINE64 LINE64 LINE64 LINE64 LINE64 LINE64 LINE64 LINE64

static const struct hostile hostile_online[] = {
	{"one text of 100 MB", ERR_REMOTE, "too much", 0,
		{SESSION, SEND("<message><body>"), TIMES(100 << 11, LINE), HANG, END}},
	{"lines and lines", ERR_REMOTE, "localhost sent", 0,
		{SESSION, SEND("<message><body>"), TIMES(100 << 20, "\n"), HANG, END}},
	{"a tag without end", ERR_REMOTE, "too much", 0,
		{SESSION, SEND("<message from='"), TIMES(100 << 11, LINE), HANG, END}},
	{"white space", ERR_REMOTE, "too much", 0,
		{SESSION, TIMES(100 << 14, "                "), HANG, END}},
	{"deep, closed", ERR_REMOTE, "nested too deeply", 0,
		{SESSION, SEND("<message>"), TIMES(150, "<a>"), TIMES(150, "</a>"),
			SEND("</message>"), HANG, END}},
	{"deep, never closed", ERR_REMOTE, "localhost sent", 0,
		{SESSION, SEND("<message>"), TIMES(100 << 20, "<a xmlns=''>"), HANG, END}},
	{"deep, closed late", ERR_REMOTE, "localhost sent", 0,
		{SESSION, SEND("<message>"), TIMES(40000, "<a>"), TIMES(40000, "</a>"),
			SEND("</message>"), HANG, END}},
	{"wide", ERR_REMOTE, "localhost sent", 0,
		{SESSION, SEND("<message>"), TIMES(100 << 20, "<a/>"), HANG, END}},
	{"entities", ERR_REMOTE, "localhost sent", 0,
		{SECURE, OPEN, SEND(FEATURES(PLAIN)), EXPECT("</auth>"),
			SEND("<success " SASL_NS "/>"), EXPECT("<stream:stream"), SEND(LAUGHS),
			SEND(FEATURES(BIND)), EXPECT("</iq>"), SEND(BOUND),
			SEND("<message><body>&e;</body></message>"), HANG, END}},
	{"an empty stream error", ERR_REMOTE, "undefined-condition", 0,
		{SESSION, SEND("<stream:error/>"), HANG, END}},
	{"shutting down", ERR_REMOTE, "system-shutdown (\xc3\xa4?)", 0,
		{SESSION,
			SEND("<stream:error><system-shutdown xmlns='" XMPP_NS_STREAMS_IETF
			     "'/><text xmlns='" XMPP_NS_STREAMS_IETF
			     "'>\xc3\xa4\n</text></stream:error>"),
			HANG, END}},
	{"end of the stream", ERR_REMOTE, "was lost", 0,
		{SESSION, SEND("</stream:stream>"), HANG, END}},
	{"resumed without a question", ERR_REMOTE, "was lost", 0,
		{SESSION, SEND("<resumed xmlns='urn:xmpp:sm:3' previd='x' h='1'/>"), CLOSE, END}},
	{"resumed instead of enabled", ERR_REMOTE, "was lost", 0,
		{AUTH, SEND(FEATURES(BIND SM "<session xmlns='" XMPP_NS_SESSION "'/>")),
			EXPECT("</iq>"),
			SEND(BOUND "<resumed xmlns='urn:xmpp:sm:3' previd='x' h='1'/>"),
			EXPECT("<enable"), CLOSE, END}},
	{"enabled twice", ERR_REMOTE, "keep to the rules", 0, {MANAGED, SEND(ENABLED), HANG, END}},
	{"acknowledged before it was sent", ERR_REMOTE, "was not sent", 0,
		{MANAGED, SEND("<a xmlns='urn:xmpp:sm:3' h='1'/>"), HANG, END}},
	{"no number", ERR_REMOTE, "was not sent", 0,
		{MANAGED, SEND("<a xmlns='urn:xmpp:sm:3' h='-1'/>"), HANG, END}},
};

static void test_hostile_online(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(hostile_online); i++) {
		const struct hostile *h = &hostile_online[i];
		struct xmppd *d = xmppd_new(h->steps, folder);
		struct peer p;

		print_message("%s\n", h->name);
		peer_init(&p, *state, to_fake(d));
		wait_offline(&p, h->code, h->text);
		assert_int_equal(p.online, 1);
		assert_int_equal(p.n_stanzas, 0);
		xmpp_link_free(&p.link);
		xmppd_free(d);
	}
}

static int has_many(void *arg)
{
	return ((struct peer *)arg)->n_stanzas >= 20001;
}

/* More than may wait for the loop: the server has to wait, nothing is lost, and the order is kept. */
static void test_flood_of_stanzas(void **state)
{
	static const struct xmppd_step steps[] = {SESSION,
		TIMES(10000, "<message><x/></message><presence/>"),
		SEND("<message><body>last</body></message>"), HANG, END};
	struct xmppd *d = xmppd_new(steps, folder);
	struct peer p;

	peer_init(&p, *state, to_fake(d));
	wait_online(&p);
	usleep(200 * 1000); /* the loop is busy elsewhere */
	wait_for(&p, has_many);
	assert_string_equal(p.bodies, "|last");
	assert_int_equal(p.offline, 0);
	xmpp_link_free(&p.link);
	xmppd_free(d);
}

/* A server that reads no more: what is sent is bounded, too. */
static void test_deaf(void **state)
{
	static const struct xmppd_step steps[] = {SESSION, DEAF, END};
	struct xmppd *d = xmppd_new(steps, folder);
	struct buf body = BUF_INIT;
	struct peer p;

	while (body.len < 100000)
		buf_add_str(&body, LINE);
	peer_init(&p, *state, to_fake(d));
	wait_online(&p);
	for (int i = 0; p.offline == 0 && i < 5000; i++) {
		say(&p, "b@localhost", buf_str(&body));
		fake_run_for(p.fake, 1);
	}
	wait_offline(&p, ERR_REMOTE, "memory");
	buf_release(&body);
	xmpp_link_free(&p.link);
	xmppd_free(d);
}

#define RESUME                                                                                  \
	SECURE, OPEN, SEND(FEATURES(PLAIN)), EXPECT("</auth>"), SEND("<success " SASL_NS "/>"), \
		OPEN, SEND(FEATURES(BIND SM)), EXPECT("<resume"), EXPECT(">")

/* Of three messages the server has one when the connection breaks; the next attempts do not even come to a log-in. */
static void resume_with(struct fake *f, const struct xmppd_step *steps, int expected, int resumed)
{
	struct xmppd *d = xmppd_new(steps, folder);
	struct peer p;

	peer_init(&p, f, to_fake(d));
	wait_online(&p);
	say(&p, "b@localhost", "m1");
	say(&p, "b@localhost", "m2");
	say(&p, "b@localhost", "m3");
	wait_offline(&p, ERR_REMOTE, "was lost");
	forget(&p);
	xmpp_link_connect(p.link);
	wait_offline(&p, ERR_REMOTE, "closed the connection");
	forget(&p);
	xmpp_link_connect(p.link);
	wait_online(&p);
	assert_int_equal(p.resumed, resumed);
	say(&p, "b@localhost", "m4");
	while (xmppd_count(d, "m4") == 0)
		fake_run_for(f, 5);
	wait_offline(&p, ERR_REMOTE, "was lost");
	assert_int_equal(xmppd_count(d, "m1"), 1);
	assert_int_equal(xmppd_count(d, "m2"), expected);
	assert_int_equal(xmppd_count(d, "m3"), expected);
	assert_int_equal(xmppd_count(d, "m4"), 1);
	assert_int_equal(xmppd_count(d, "previd=\"s1\""), 1);
	assert_int_equal(xmppd_count(d, "h=\"2\""), 1);
	xmpp_link_free(&p.link);
	xmppd_free(d);
}

#define BROKEN                                                \
	MANAGED, SEND("<message/><presence/>"), EXPECT("m3"), \
		SEND("<a xmlns='urn:xmpp:sm:3' h='1'/>"), CLOSE, CLOSE

static void test_resumed_sends_again(void **state)
{
	static const struct xmppd_step steps[] = {BROKEN, RESUME,
		SEND("<resumed xmlns='urn:xmpp:sm:3' previd='s1' h='1'/>"), EXPECT("m4"), CLOSE,
		END};

	resume_with(*state, steps, 2, 1);
}

static void test_failed_resumption_sends_nothing(void **state)
{
	static const struct xmppd_step steps[] = {BROKEN, RESUME,
		SEND("<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='" XMPP_NS_STANZAS_IETF
		     "'/></failed>"),
		EXPECT("</iq>"), SEND(BOUND), EXPECT("<enable"), SEND(ENABLED), EXPECT("m4"), CLOSE,
		END};

	resume_with(*state, steps, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreachable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conflict, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resume, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_login, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_online, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood_of_stanzas, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deaf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resumed_sends_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_failed_resumption_sends_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
