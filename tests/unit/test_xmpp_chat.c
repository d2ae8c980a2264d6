/* SPDX-License-Identifier: MIT */
/* Messages and when they count as sent; the archive. */
#include "tests/unit/xmpp_account_rig.h"

#include "platforms/xmpp/xmpp_account.h"

/* --- send --------------------------------------------------------------------------------------------------------------------------- */

static void test_send_is_fenced(void **state)
{
	struct fake *f = *state;
	int a = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));
	int b, c, n;

	assert_int_equal(SENT("urn:xmpp:ping"), 1);
	b = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "two"));
	c = job(f, "send", "bob@example.org", json_pack("{ssss}", "text", "three", "id", "own-id"));
	/* One at a time. */
	assert_int_equal(SENT("urn:xmpp:ping"), 1);
	assert_int_equal(SENT("<message", "<body>three</body>", "id=\"own-id\""), 1);
	answer_ping();
	assert_true(strlen(text(done(f, a), "id")) > 8);
	assert_false(fake_is_answered(f, b));
	assert_int_equal(SENT("urn:xmpp:ping"), 2);
	answer_ping();
	done(f, b);
	assert_string_equal(text(done(f, c), "id"), "own-id");
	assert_int_equal(SENT("urn:xmpp:ping"), 2);
	/* The other pages of the user see it, too. */
	event(f, "others", &n);
	assert_int_equal(n, 3);
	assert_string_equal(
		text(object_of(json_object_get(event(f, "others", NULL), "message")), "carbon"),
		"sent");
}

static void test_ping_may_be_refused(void **state)
{
	struct fake *f = *state;
	int j = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));

	comes("<iq type='error' id='%s' from='example.org'><error "
	      "type='cancel'><service-unavailable "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
		attribute("urn:xmpp:ping", "id"));
	done(f, j);
}

static void test_bounce(void **state)
{
	struct fake *f = *state;
	int j = job(
		f, "send", "nobody@example.org", json_pack("{ssss}", "text", "one", "id", "x1"));

	bounces("mallory@example.com", "x1");
	assert_false(fake_is_answered(f, j));
	bounces("nobody@example.org", "x1");
	failed(f, j, "remote");
	answer_ping();
	assert_null(event(f, "others", NULL));
	/* One that comes later is a message. */
	bounces("nobody@example.org", "x1");
	assert_string_equal(text(object_of(message(f, "error", NULL)), "id"), "x1");
}

/* Two pages count their messages from 1. */
static void test_bounce_of_one_of_two(void **state)
{
	struct fake *f = *state;
	int bob = job(f, "send", "bob@example.org", json_pack("{ssss}", "text", "one", "id", "1"));
	int eve = job(f, "send", "eve@example.org", json_pack("{ssss}", "text", "two", "id", "1"));

	bounces("eve@example.org", "1");
	failed(f, eve, "remote");
	assert_false(fake_is_answered(f, bob));
	answer_ping();
	answer_ping();
	done(f, bob);
}

/* XEP-0045, 7.5: neither the room's other clients nor the user's other pages take it for a word to a person. */
static void test_private_word_in_a_room(void **state)
{
	struct fake *f = *state;
	int j = job(f, "join", ROOM "/Ann", NULL);
	const json_t *target;

	comes("<presence from='" ROOM "/Ann' to='" ME "'><x xmlns='" MUC
	      "#user'><status code='110'/></x></presence>");
	done(f, j);
	j = job(f, "send", ROOM "/bob",
		json_pack("{ssssss}", "text", "psst", "thread", "t1", "subject", "S"));
	assert_int_equal(SENT("<message", "type=\"chat\"", "<x xmlns=\"" MUC "#user\"/>"), 1);
	answer_ping();
	done(f, j);
	target = json_array_get(
		json_object_get(json_object_get(event(f, "others", NULL), "message"), "target"), 0);
	assert_string_equal(text(target, "address"), ROOM "/bob");
	assert_string_equal(text(target, "name"), "bob");
	assert_string_equal(
		text(object_of(json_object_get(event(f, "others", NULL), "message")), "thread"),
		"t1");
	/* Somebody's device is no occupant. */
	job(f, "send", "bob@example.org/desk", json_pack("{ss}", "text", "hi"));
	assert_int_equal(SENT("<message", "<x xmlns"), 1);
}

static void test_send_to_many(void **state)
{
	struct fake *f = *state;
	int n, j = fake_job(f, json_pack("{s{ss}ssss s[{ss}{ss}] s{ss}}", "actor", "address",
				       "ann@example.org", "verb", "send", "platform", "xmpp",
				       "target", "address", "bob@example.org", "address",
				       "carol@example.org", "object", "text", "both"));

	assert_int_equal(SENT("<message", "to=\"bob@example.org\""), 1);
	assert_int_equal(SENT("<message", "to=\"carol@example.org\""), 1);
	assert_int_equal(SENT("urn:xmpp:ping"), 1);
	answer_ping();
	done(f, j);
	event(f, "others", &n);
	assert_int_equal(n, 2);
	/* One bad address: none is sent. */
	j = fake_job(
		f, json_pack("{s{ss}ssss s[{ss}{ss}] s{ss}}", "actor", "address", "ann@example.org",
			   "verb", "send", "platform", "xmpp", "target", "address",
			   "bob@example.org", "address", "@@", "object", "text", "never"));
	failed(f, j, "invalid");
	assert_int_equal(SENT("never"), 0);
}

static void test_lost_before_the_fence(void **state)
{
	struct fake *f = *state;
	int j = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));

	down(ERR_REMOTE, "lost");
	assert_false(fake_is_answered(f, j));
	up(0);
	failed(f, j, "unknown-outcome");
	j = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "two"));
	answer_ping();
	done(f, j);
}

static void test_resumed_before_the_fence(void **state)
{
	struct fake *f = *state;
	int j = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));

	down(ERR_REMOTE, "lost");
	up(1);
	assert_false(fake_is_answered(f, j));
	answer_ping();
	done(f, j);
}

/* The first and its fence have no more time while the stream is away; the second, which waits for the next fence, has. */
static void test_fence_times_out_while_away(void **state)
{
	struct fake *f = *state;
	struct xmpp_account *a = xmpp_account_of(fake_state(f));
	int one = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));
	int two = job(f, "send", "bob@example.org", json_pack("{ssss}", "text", "two", "id", "x2"));

	xmpp_requests_find(a->requests, "x2")->deadline_ms += 60000;
	down(ERR_REMOTE, "lost");
	fake_wait(f, one);
	failed(f, one, "unknown-outcome");
	assert_false(fake_is_answered(f, two));
	assert_int_equal(SENT("urn:xmpp:ping"), 1);
	up(1);
	assert_int_equal(SENT("urn:xmpp:ping"), 2);
	answer_ping();
	done(f, two);
	/* When nobody waits, none is sent. */
	down(ERR_REMOTE, "lost");
	up(1);
	assert_int_equal(SENT("urn:xmpp:ping"), 2);
}

static void test_silent_server(void **state)
{
	struct fake *f = *state;
	int sent = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));
	int asked = job(f, "fetch", "roster", NULL);

	fake_wait(f, asked);
	failed(f, sent, "unknown-outcome");
	failed(f, asked, "timeout");
	/* The next one is not held up by the fence that never came. */
	sent = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "two"));
	answer_ping();
	done(f, sent);
}

static void test_cancelled(void **state)
{
	struct fake *f = *state;
	int a = job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one"));
	int b = job(f, "fetch", "roster", NULL);

	fake_cancel(f, a);
	fake_cancel(f, b);
	answer_ping();
	comes("<iq type='result' id='%s'><query xmlns='jabber:iq:roster'/></iq>",
		attribute("jabber:iq:roster", "id"));
	assert_false(fake_is_answered(f, a));
	assert_false(fake_is_answered(f, b));
}

static void test_too_many_wait(void **state)
{
	struct fake *f = *state;

	for (int i = 0; i < 4; i++)
		job(f, "fetch", "roster", NULL);
	/* Two targets are two messages. */
	failed(f,
		fake_job(f, json_pack("{s{ss}ssss s[{ss}{ss}] s{ss}}", "actor", "address",
				    "ann@example.org", "verb", "send", "platform", "xmpp", "target",
				    "address", "bob@example.org", "address", "carol@example.org",
				    "object", "text", "both")),
		"busy");
	job(f, "fetch", "roster", NULL);
	failed(f, job(f, "send", "bob@example.org", json_pack("{ss}", "text", "one")), "busy");
	assert_int_equal(SENT("<message"), 0);
}

/* --- history ----------------- ------------------------------------------------------------------------------------------------------------------ */

static void archived(const char *from, const char *query, const char *body)
{
	comes("<message to='" ME "' from='%s'><result xmlns='urn:xmpp:mam:2' queryid='%s' "
	      "id='a1'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
	      "stamp='2013-11-01T12:00:00Z'/><message xmlns='jabber:client' "
	      "from='bob@example.org/x' to='ann@example.org' "
	      "type='chat'><body>%s</body></message></forwarded></result></message>",
		from, query, body);
}

static void test_history(void **state)
{
	struct fake *f = *state;
	int n, j = job(f, "fetch", NULL,
		       json_pack("{sssi}", "objectType", "history", "limit", 200));
	char id[64];

	snprintf(id, sizeof id, "%s", attribute("urn:xmpp:mam:2", "id"));
	/* Never more than the operator allows. */
	assert_int_equal(SENT("urn:xmpp:mam:2", "<max>100</max>"), 1);
	archived("mallory@example.com", id, "forged");
	archived("ann@example.org", "other", "not asked");
	archived("ann@example.org", id, "old");
	comes("<iq type='result' id='%s' from='ann@example.org'><fin xmlns='urn:xmpp:mam:2' "
	      "complete='true'><set "
	      "xmlns='http://jabber.org/protocol/rsm'><first>a1</first><last>a1</last></set></"
	      "fin></iq>",
		id);
	assert_true(json_is_true(json_object_get(done(f, j), "complete")));
	assert_string_equal(text(object_of(message(f, "send", &n)), "text"), "old");
	assert_int_equal(n, 1);
}

static void test_history_of_a_server_without(void **state)
{
	struct fake *f = *state;
	int j = job(f, "fetch", NULL, json_pack("{ss}", "objectType", "history"));

	comes("<iq type='error' id='%s' from='ann@example.org'><error "
	      "type='cancel'><service-unavailable "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
		attribute("urn:xmpp:mam:2", "id"));
	assert_non_null(strstr(text(failed(f, j, "unsupported"), "text"), "no archive"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_send_is_fenced),
		TEST(test_ping_may_be_refused),
		TEST(test_bounce),
		TEST(test_bounce_of_one_of_two),
		TEST(test_private_word_in_a_room),
		TEST(test_send_to_many),
		TEST(test_lost_before_the_fence),
		TEST(test_resumed_before_the_fence),
		IMPATIENT(test_fence_times_out_while_away),
		IMPATIENT(test_silent_server),
		TEST(test_cancelled),
		TEST(test_too_many_wait),
		TEST(test_history),
		TEST(test_history_of_a_server_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
