/* SPDX-License-Identifier: MIT */
#include "core/buf.h"
#include "tests/unit/xmpp_link_rig.h"
#include "tests/unit/xmpp_script.h"

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
	{"a bare address", ERR_REMOTE, "does not keep to the rules", 0,
		{AUTH, SEND(FEATURES(BIND)), EXPECT("</iq>"), SEND(BOUND_TO("ann@localhost")), HANG,
			END}},
	{"no address", ERR_REMOTE, "does not keep to the rules", 0,
		{AUTH, SEND(FEATURES(BIND)), EXPECT("</iq>"), SEND(BOUND_TO("a b@localhost/x")),
			HANG, END}},
	{"a redirection", ERR_REMOTE, "localhost wants this account to connect to another server",
		1,
		{OPEN,
			SEND("<stream:error><see-other-host xmlns='" XMPP_NS_STREAMS_IETF
			     "'>127.0.0.2:1</see-other-host></stream:error>"),
			HANG, END}},
	{"success without a proof", ERR_AUTH, "did not prove that it knows the password", 0,
		{SECURE, OPEN, SEND(FEATURES(SCRAM)), EXPECT("</auth>"),
			SEND("<success " SASL_NS "/>"), HANG, END}},
	{"success with a false proof", ERR_AUTH, "the password", 0,
		{SECURE, OPEN, SEND(FEATURES(SCRAM)), EXPECT("</auth>"),
			SEND("<success " SASL_NS ">dj1BQUFB</success>"), HANG, END}},
	{"no features after the log-in", ERR_REMOTE, "does not keep to the rules", 0,
		{AUTH, SEND(FEATURES("")), HANG, END}},
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
	{"one text of 100 MB", ERR_REMOTE, "localhost sent", 0,
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wrong_name, setup, teardown),
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
