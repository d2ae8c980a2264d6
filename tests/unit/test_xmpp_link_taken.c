/* SPDX-License-Identifier: MIT */
/* When a server is told that what it sent was taken: not before it was (XEP-0198). */
#include "tests/unit/xmpp_link_rig.h"
#include "tests/unit/xmpp_script.h"

#define MESSAGE(n) "<message><body>" n "</body></message>"
#define ASK        "<r xmlns='urn:xmpp:sm:3'/>"
#define ANSWER(n)  "<a xmlns='urn:xmpp:sm:3' h='" n "'/>"

static struct xmppd *server;
static const char *text;

static int has_come(void *arg)
{
	UNUSED(arg);
	return xmppd_count(server, text) > 0;
}

static void wait_text(struct peer *p, const char *what)
{
	text = what;
	wait_for(p, has_come);
}

static int is_told(void *arg)
{
	return strcmp(((struct peer *)arg)->bodies, text) == 0;
}

static void wait_told(struct peer *p, const char *what)
{
	text = what;
	wait_for(p, is_told);
}

static void take_all(struct fake *f)
{
	while (fake_is_asked(f))
		fake_take(f);
}

static void begin(struct peer *p, struct fake *f, const struct xmppd_step *steps)
{
	server = xmppd_new(steps, folder);
	fake_hold(f, 1);
	peer_init(p, f, to_fake(server));
	wait_online(p);
}

static void end(struct peer *p)
{
	xmpp_link_free(&p->link);
	assert_int_equal(fake_is_asked(p->fake), 0);
	xmppd_free(server);
}

/* What came before <enabled/> is not counted; what came behind the question is not confirmed without another. */
static void test_answered_when_taken(void **state)
{
	static const struct xmppd_step steps[] = {AUTH, SEND(FEATURES(BIND SM)), EXPECT("</iq>"),
		SEND(BOUND), EXPECT("<enable"),
		SEND("<presence/>" ENABLED MESSAGE("1") MESSAGE("2") ASK), EXPECT(ANSWER("2")),
		SEND(MESSAGE("3")), EXPECT("m1"), SEND(ASK), EXPECT(ANSWER("3")), HANG, END};
	struct peer p;

	begin(&p, *state, steps);
	wait_told(&p, "|1|2");
	assert_int_equal(fake_is_asked(*state), 1);
	fake_run_for(*state, 300);
	assert_int_equal(xmppd_count(server, "<a "), 0);
	take_all(*state);
	wait_told(&p, "|1|2|3");
	take_all(*state);
	fake_run_for(*state, 100);
	assert_int_equal(xmppd_count(server, ANSWER("3")), 0);
	say(&p, "b@localhost", "m1");
	wait_text(&p, ANSWER("3"));
	end(&p);
}

/* A question is answered as far as it can be, and then to its end. */
static void test_answered_in_parts(void **state)
{
	static const struct xmppd_step steps[] = {MANAGED, SEND(MESSAGE("1")), EXPECT("m1"),
		SEND(MESSAGE("2") MESSAGE("3") ASK), EXPECT(ANSWER("1")), EXPECT(ANSWER("3")), HANG,
		END};
	struct peer p;

	begin(&p, *state, steps);
	wait_told(&p, "|1");
	say(&p, "b@localhost", "m1");
	wait_told(&p, "|1|2|3");
	assert_int_equal(xmppd_count(server, "<a "), 0);
	fake_take(*state);
	wait_text(&p, ANSWER("1"));
	fake_run_for(*state, 100);
	assert_int_equal(xmppd_count(server, "<a "), 1);
	take_all(*state);
	wait_text(&p, ANSWER("3"));
	end(&p);
}

/* All that came is in the memory of this process: the server is not to send it again. No count is less than one before it, and
 * an answer that comes too late for its stream is none for another. */
static void test_resumed_with_all(void **state)
{
	static const struct xmppd_step steps[] = {MANAGED, SEND(MESSAGE("1") MESSAGE("2") ASK),
		EXPECT("m1"), CLOSE, RESUME,
		SEND("<resumed xmlns='urn:xmpp:sm:3' previd='s1' h='1'/>" ASK), EXPECT(ANSWER("2")),
		SEND(MESSAGE("3") ASK), EXPECT("m2"), EXPECT(ANSWER("3")), CLOSE, RESUME,
		SEND("<failed xmlns='urn:xmpp:sm:3'/>"), EXPECT("</iq>"), SEND(BOUND),
		EXPECT("<enable"), SEND(ENABLED ASK), EXPECT(ANSWER("0")), SEND(MESSAGE("4") ASK),
		EXPECT("m3"), EXPECT(ANSWER("1")), HANG, END};
	struct peer p;

	begin(&p, *state, steps);
	wait_told(&p, "|1|2");
	say(&p, "b@localhost", "m1");
	wait_offline(&p, ERR_REMOTE, "was lost");
	forget(&p);
	xmpp_link_connect(p.link);
	wait_online(&p);
	assert_int_equal(p.resumed, 1);
	wait_text(&p, "h=\"2\"");
	wait_told(&p, "|1|2|3");
	say(&p, "b@localhost", "m2");
	wait_text(&p, "m2");
	fake_run_for(*state, 100);
	assert_int_equal(xmppd_count(server, ANSWER("3")), 0);
	take_all(*state);
	wait_offline(&p, ERR_REMOTE, "was lost");
	forget(&p);
	xmpp_link_connect(p.link);
	wait_online(&p);
	assert_int_equal(p.resumed, 0);
	wait_told(&p, "|1|2|3|4");
	assert_int_equal(xmppd_count(server, ANSWER("1")), 0);
	say(&p, "b@localhost", "m3");
	wait_text(&p, "m3");
	assert_int_equal(xmppd_count(server, ANSWER("1")), 0);
	take_all(*state);
	wait_text(&p, ANSWER("1"));
	end(&p);
}

/* An end in order says what was taken, and no more: the server may have a use for the rest. */
static void test_last_words(void **state)
{
	static const struct xmppd_step steps[] = {MANAGED, SEND(MESSAGE("1")), EXPECT("m1"),
		SEND(MESSAGE("2")), EXPECT("</stream:stream>"), CLOSE, MANAGED,
		SEND(MESSAGE("3") ASK), EXPECT("</stream:stream>"), CLOSE, END};
	struct peer p;

	begin(&p, *state, steps);
	wait_told(&p, "|1");
	take_all(*state);
	say(&p, "b@localhost", "m1");
	wait_told(&p, "|1|2");
	xmpp_link_disconnect(p.link);
	wait_offline(&p, ERR_CANCELLED, "disconnected");
	assert_int_equal(xmppd_count(server, ANSWER("1")), 1);
	assert_int_equal(xmppd_count(server, "<a "), 1);
	forget(&p);
	take_all(*state);
	xmpp_link_connect(p.link);
	wait_told(&p, "|1|2|3");
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answered_when_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answered_in_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resumed_with_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last_words, setup, teardown),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
