/* SPDX-License-Identifier: MIT */
/* Requests of others, and what comes back to our own. */
#include "tests/unit/xmpp_rig.h"

/* --- requests ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *iq, *reply; /* NULL: none */
} requests[] = {
	{"<iq id='v1' type='get' from='bob@localhost/desk'><query xmlns='jabber:iq:version'/></iq>",
		"<iq id=\"v1\" to=\"bob@localhost/desk\" type=\"result\"><query "
		"xmlns=\"jabber:iq:version\"><name>Sockethub</name><version>" SOCKETHUB_VERSION
		"</version></query></iq>"},
	{"<iq id='p' type='get' from='localhost'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<iq id=\"p\" to=\"localhost\" type=\"result\"/>"},
	{"<iq id='p' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<iq id=\"p\" type=\"result\"/>"},
	{"<iq id='t' type='get' from='bob@localhost/desk'><time xmlns='urn:xmpp:time'/></iq>",
		"<iq id=\"t\" to=\"bob@localhost/desk\" type=\"result\"><time "
		"xmlns=\"urn:xmpp:time\"><tzo>+00:00</tzo><utc>2026-11-23T08:00:00.000Z</utc>"
		"</time></iq>"},
	{"<iq id='i' type='get' from='bob@localhost/desk'><query "
	 "xmlns='http://jabber.org/protocol/disco#items'/></iq>",
		"<iq id=\"i\" to=\"bob@localhost/desk\" type=\"result\"><query "
		"xmlns=\"http://jabber.org/protocol/disco#items\"/></iq>"},
	{"<iq id='n' type='get' from='bob@localhost/desk'><query node='x' "
	 "xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		"<iq id=\"n\" to=\"bob@localhost/desk\" type=\"error\"><error type=\"cancel\">"
		"<item-not-found xmlns=\"" RIG_STANZAS "\"/></error></iq>"},
	{"<iq id='u' type='set' from='bob@localhost/desk'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<iq id=\"u\" to=\"bob@localhost/desk\" type=\"error\"><error type=\"cancel\">"
		"<service-unavailable xmlns=\"" RIG_STANZAS "\"/></error></iq>"},
	/* what a sender calls itself and its request stays text */
	{"<iq id='&quot;/>&lt;x>' type='get' from='bob@localhost/&lt;x&apos;'><ping "
	 "xmlns='urn:xmpp:ping'/></iq>",
		"<iq id=\"&quot;/&gt;&lt;x&gt;\" to=\"bob@localhost/&lt;x'\" type=\"result\"/>"},
	{"<iq type='get' from='bob@localhost/desk'><ping xmlns='urn:xmpp:ping'/></iq>", NULL},
	{"<iq id='x' type='get' from='@'><ping xmlns='urn:xmpp:ping'/></iq>", NULL},
	{"<iq id='x' type='what' from='bob@localhost'><ping xmlns='urn:xmpp:ping'/></iq>", NULL},
	{"<iq id='x' type='result' from='bob@localhost'><ping xmlns='urn:xmpp:ping'/></iq>", NULL},
};

static void test_requests(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct xmpp_read_news news = rig_news(requests[i].iq, &rig_self);
		if (requests[i].reply == NULL && news.reply != NULL)
			fail_msg("%s: has a reply", requests[i].iq);
		if (requests[i].reply != NULL) {
			rig_expect_stanza(news.reply, requests[i].reply, requests[i].iq);
			news.reply = NULL;
		}
		assert_int_equal(json_array_size(news.messages), 0);
		xmpp_read_release(&news);
	}
}

/* Every feature that is claimed, so that a new one is thought about. */
static void test_disco_info(void **state)
{
	struct xmpp_read_news news = rig_news(
		"<iq id='i' type='get' from='bob@localhost/desk'><query "
		"xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		&rig_self);

	UNUSED(state);
	rig_expect_stanza(news.reply,
		"<iq id=\"i\" to=\"bob@localhost/desk\" type=\"result\"><query "
		"xmlns=\"http://jabber.org/protocol/disco#info\"><identity type=\"web\" "
		"category=\"client\" name=\"Sockethub\"/>"
		"<feature var=\"http://jabber.org/protocol/caps\"/>"
		"<feature var=\"http://jabber.org/protocol/chatstates\"/>"
		"<feature var=\"http://jabber.org/protocol/disco#info\"/>"
		"<feature var=\"http://jabber.org/protocol/disco#items\"/>"
		"<feature var=\"http://jabber.org/protocol/muc\"/>"
		"<feature var=\"jabber:iq:version\"/><feature var=\"jabber:x:conference\"/>"
		"<feature var=\"urn:xmpp:chat-markers:0\"/>"
		"<feature var=\"urn:xmpp:message-correct:0\"/><feature var=\"urn:xmpp:ping\"/>"
		"<feature var=\"urn:xmpp:receipts\"/><feature var=\"urn:xmpp:time\"/></query></iq>",
		"disco#info");
	news.reply = NULL;
	xmpp_read_release(&news);
}

static void test_answers(void **state)
{
	struct xmpp_read_news news = rig_news(
		"<iq type='result' id='r1' from='localhost'/>", &rig_self);

	UNUSED(state);
	assert_int_equal(news.kind, XMPP_READ_RESULT);
	assert_string_equal(news.id, "r1");
	assert_string_equal(news.from, "localhost");
	xmpp_read_release(&news);
	news = rig_news("<iq type='error' id='r1'><error type='cancel'><feature-not-implemented "
			"xmlns='" RIG_STANZAS "'/></error></iq>",
		&rig_self);
	assert_int_equal(news.kind, XMPP_READ_FAILED);
	assert_null(news.from);
	assert_int_equal(news.why.code, ERR_UNSUPPORTED);
	assert_string_equal(news.condition, "feature-not-implemented");
	xmpp_read_release(&news);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_disco_info),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
