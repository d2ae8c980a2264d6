/* SPDX-License-Identifier: MIT */
/* Roster, friends, own presence. */
#include "tests/unit/xmpp_account_rig.h"

#include "core/buf.h"

/* --- contacts ------------------------------------------------------------------------------------------------------------------------- */

static void test_roster(void **state)
{
	struct fake *f = *state;
	int n, j = job(f, "fetch", "roster", NULL);
	const char *id = attribute("jabber:iq:roster", "id");

	/* Not from just anybody. */
	comes("<iq type='result' id='%s' from='mallory@example.com'><query "
	      "xmlns='jabber:iq:roster'><item jid='mallory@example.com' "
	      "subscription='both'/></query></iq>",
		id);
	assert_false(fake_is_answered(f, j));
	comes("<iq type='result' id='%s'><query xmlns='jabber:iq:roster'><item "
	      "jid='bob@example.org' name='Bob' subscription='both'/><item jid='eve@example.org' "
	      "subscription='none'/></query></iq>",
		id);
	assert_int_equal(json_integer_value(json_object_get(done(f, j), "count")), 2);
	assert_string_equal(text(json_object_get(message(f, "update", &n), "actor"), "address"),
		"bob@example.org");
	assert_int_equal(n, 1);
	message(f, "request-friend", &n);
	assert_int_equal(n, 1);
}

static void test_receipts_for_friends_only(void **state)
{
	struct fake *f = *state;

	UNUSED(f);
	comes("<message from='bob@example.org/x' to='" ME
	      "' id='m1' type='chat'><body>hi</body><request "
	      "xmlns='urn:xmpp:receipts'/></message>");
	assert_int_equal(SENT("<received"), 0);
	comes("<iq type='set' id='p1'><query xmlns='jabber:iq:roster'><item "
	      "jid='bob@example.org' subscription='both'/></query></iq>");
	comes("<message from='bob@example.org/x' to='" ME
	      "' id='m2' type='chat'><body>hi</body><request "
	      "xmlns='urn:xmpp:receipts'/></message>");
	assert_int_equal(SENT("<received", "id=\"m2\""), 1);
}

/* Local part and domain as long as they may be, beginning with the number. */
static const char *long_address(int i)
{
	static char address[2048];

	memset(address, 'a', sizeof address - 1);
	address[snprintf(address, sizeof address, "%d", i)] = 'a';
	address[1000] = '@';
	address[2020] = '\0';
	return address;
}

static int is_friend(const char *address)
{
	int before = SENT("<received");

	comes("<message from='%s' to='" ME
	      "' id='m1' type='chat'><body>hi</body><request xmlns='urn:xmpp:receipts'/></message>",
		address);
	return SENT("<received") > before;
}

static void test_long_addresses_are_bounded(void **state)
{
	struct fake *f = *state;
	struct buf roster = BUF_INIT;

	UNUSED(f);
	buf_printf(&roster, "<iq type='result' id='%s'><query xmlns='jabber:iq:roster'>",
		attribute("jabber:iq:roster", "id"));
	for (int i = 0; i < 5000; i++)
		buf_printf(&roster, "<item jid='%s' subscription='both'/>", long_address(i));
	buf_printf(&roster, "</query></iq>");
	comes_text(buf_str(&roster));
	buf_release(&roster);
	assert_true(is_friend(long_address(0)));
	assert_true(is_friend(long_address(3000)));
	assert_false(is_friend(long_address(4999)));
	/* A place that is free again can be had. */
	comes("<iq type='set' id='p1'><query xmlns='jabber:iq:roster'><item jid='%s' "
	      "subscription='remove'/></query></iq>",
		long_address(0));
	assert_false(is_friend(long_address(0)));
	comes("<iq type='set' id='p2'><query xmlns='jabber:iq:roster'><item jid='%s' "
	      "subscription='both'/></query></iq>",
		long_address(4999));
	assert_true(is_friend(long_address(4999)));
}

static void test_friends(void **state)
{
	struct fake *f = *state;
	int a = job(f, "request-friend", "bob@example.org", NULL);
	int b, c;

	assert_int_equal(SENT("type=\"subscribe\""), 1);
	answer_ping();
	done(f, a);
	b = job(f, "make-friend", "bob@example.org", NULL);
	assert_int_equal(SENT("type=\"subscribed\""), 1);
	answer_ping();
	done(f, b);
	c = job(f, "remove-friend", "bob@example.org", NULL);
	assert_int_equal(SENT("type=\"unsubscribe\""), 1);
	assert_int_equal(SENT("type=\"unsubscribed\""), 1);
	answer_ping();
	done(f, c);
	failed(f, job(f, "request-friend", "not an address", NULL), "invalid");
}

static void test_contact(void **state)
{
	struct fake *f = *state;
	int j = job(f, "update", "bob@example.org",
		json_pack("{sssss[s]}", "objectType", "contact", "name", "Bobby", "groups", "tea"));

	assert_int_equal(SENT("jabber:iq:roster", "name=\"Bobby\"", "<group>tea</group>"), 1);
	comes("<iq type='result' id='%s'/>", attribute("Bobby", "id"));
	done(f, j);
	j = job(f, "update", "bob@example.org",
		json_pack("{sssb}", "objectType", "contact", "remove", 1));
	comes("<iq type='error' id='%s'><error type='cancel'><item-not-found "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
		attribute("subscription=\"remove\"", "id"));
	failed(f, j, "not-found");
}

static void test_presence(void **state)
{
	struct fake *f = *state;
	const json_t *kept;
	int j = job(f, "update", NULL,
		json_pack("{sssssb}", "show", "away", "status", "tea", "roster", 0));

	assert_int_equal(SENT("<presence", "<show>away</show>", "<status>tea</status>"), 1);
	answer_ping();
	done(f, j);
	kept = json_object_get(json_object_get(event(f, "keep", NULL), "state"), "presence");
	assert_string_equal(text(kept, "show"), "away");
	down(ERR_REMOTE, "lost");
	up(0);
	assert_int_equal(SENT("<presence", "<show>away</show>", "<status>tea</status>"), 2);
	/* The classic way asks for the roster, too. */
	j = job(f, "update", NULL, json_pack("{ss}", "type", "dnd"));
	comes("<iq type='result' id='%s'><query xmlns='jabber:iq:roster'/></iq>",
		attribute("jabber:iq:roster", "id"));
	done(f, j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_roster),
		TEST(test_receipts_for_friends_only),
		TEST(test_long_addresses_are_bounded),
		TEST(test_friends),
		TEST(test_contact),
		TEST(test_presence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
