/* SPDX-License-Identifier: MIT */
/* Messages, receipts and presence of people, as Prosody 0.12 sent them. */
#include "tests/unit/xmpp_rig.h"

/* --- messages ---------------------------------------------------------------------------------------------------- */

static const struct rig_row messages[] = {
	{"<message id='m1' xml:lang='en' type='chat' from='bob@localhost/desk' "
	 "to='alice@localhost'>"
	 "<body>hello &lt;b&gt;</body><request xmlns='urn:xmpp:receipts'/>"
	 "<active xmlns='http://jabber.org/protocol/chatstates'/><stanza-id by='alice@localhost' "
	 "xmlns='urn:xmpp:sid:0' id='F5WE1-CGF8LY35Iqpt0i5Ukd'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'send','object':{'text':'hello <b>','id':'m1','chatState':'active',"
		"'receipt':'requested','stanzaId':'F5WE1-CGF8LY35Iqpt0i5Ukd'}}]"},
	/* the least there can be is the classic form */
	{"<message type='chat' from='bob@localhost'><body>hi</body></message>", XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost'}," RIG_TO_ALICE
		"'verb':'send','object':{'text':'hi'}}]"},
	{"<message id='m4' type='chat' from='bob@localhost/desk'><body>hello</body>"
	 "<replace id='m3' xmlns='urn:xmpp:message-correct:0'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'send','object':{'text':'hello','id':'m4','replaces':'m3'}}]"},
	{"<message type='chat' from='bob@localhost/desk'>"
	 "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'update','object':{'objectType':'chatState','chatState':'composing'}}]"},
	{"<message id='m2' type='chat' from='bob@localhost/desk'>"
	 "<received id='m1' xmlns='urn:xmpp:receipts'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'update','object':{'objectType':'receipt','receipt':'received','id':'m1'}}"
		"]"},
	{"<message id='m2' type='chat' from='bob@localhost/desk'>"
	 "<displayed id='m1' xmlns='urn:xmpp:chat-markers:0'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'update','object':{'objectType':'receipt','receipt':'displayed','id':'m1'}}"
		"]"},
	{"<message id='m7' from='bob@localhost/desk'><subject>S</subject><body>B</body>"
	 "<thread>T</thread></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'send','object':{'text':'B','id':'m7','subject':'S','thread':'T'}}]"},
	{"<message type='headline' from='localhost'><body>down at 5</body></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'localhost'}," RIG_TO_ALICE
		"'verb':'send','object':{'text':'down at 5','type':'headline'}}]"},
	/* kept while nobody was there */
	{"<message type='chat' id='o' from='bob@localhost/desk'><body>x</body><delay "
	 "xmlns='urn:xmpp:delay' from='localhost' stamp='2026-11-22T07:43:25Z'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'send','object':{'text':'x','id':'o','date':'2026-11-22T07:43:25.000Z',"
		"'delayed':true}}]"},
	/* the server's date counts, not the sender's; nor one that lies ahead */
	{"<message type='chat' from='bob@localhost/desk'><body>x</body>"
	 "<delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z'/>"
	 "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='2026-11-22T07:43:25Z'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'send','object':{'text':'x','date':'2026-11-22T07:43:25.000Z','delayed':"
		"true}}]"},
	{"<message type='chat' from='bob@localhost/desk'><body>x</body>"
	 "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='2099-01-01T00:00:00Z'/>"
	 "<delay xmlns='urn:xmpp:delay' stamp='yesterday'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'send','object':{'text':'x'}}]"},
	/* an id for the archive that the sender made up */
	{"<message type='chat' from='bob@localhost/desk'><body>x</body>"
	 "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@localhost' id='1'/>"
	 "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@localhost/web' id='2'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'send','object':{'text':'x'}}]"},
	{"<message id='m6' type='error' from='nobody@localhost' to='alice@localhost/web'>"
	 "<error type='cancel'><service-unavailable xmlns='" RIG_STANZAS "'/></error></message>",
		XMPP_READ_BOUNCED,
		"[{'actor':{'address':'nobody@localhost'}," RIG_TO_ALICE
		"'verb':'error','object':{'objectType':'error','text':'the recipient cannot be "
		"reached','condition':'service-unavailable','id':'m6'}}]"},
	/* nothing to say */
	{"<message from='bob@localhost'/>", XMPP_READ_NOTHING, NULL},
	{"<message type='error' from='bob@localhost'/>", XMPP_READ_NOTHING, NULL},
	{"<message type='headline' from='bob@localhost'>"
	 "<event xmlns='http://jabber.org/protocol/pubsub#event'/></message>",
		XMPP_READ_NOTHING, NULL},
	{"<message from='b ob@localhost'><body>x</body></message>", XMPP_READ_NOTHING, NULL},
	{"<message xmlns='jabber:server' from='bob@localhost'><body>x</body></message>",
		XMPP_READ_NOTHING, NULL},
	{"<message from='bob@localhost'><body xmlns='urn:x'>x</body></message>", XMPP_READ_NOTHING,
		NULL},
	{"<other from='bob@localhost'/>", XMPP_READ_NOTHING, NULL},
};

static void test_messages(void **state)
{
	UNUSED(state);
	rig_check_rows(messages, ARRAY_LEN(messages));
}

static void test_bounce(void **state)
{
	struct xmpp_read_news news = rig_news("<message id='m6' type='error' from='" RIG_ROOM
					      "'><error type='auth'><forbidden xmlns='" RIG_STANZAS
					      "'/><text xmlns='" RIG_STANZAS
					      "'>no\nvoice</text></error></message>",
		&rig_self);

	UNUSED(state);
	assert_int_equal(news.kind, XMPP_READ_BOUNCED);
	assert_string_equal(news.id, "m6");
	assert_string_equal(news.condition, "forbidden");
	assert_int_equal(news.why.code, ERR_FORBIDDEN);
	assert_string_equal(news.why.text, "you may not do this in the room (no?voice)");
	xmpp_read_release(&news);
}

/* --- receipts ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *stanza, *reply;
} receipts[] = {
	{"<message id='m1' type='chat' from='bob@localhost/desk'><body>x</body>"
	 "<request xmlns='urn:xmpp:receipts'/></message>",
		"<message to=\"bob@localhost/desk\" type=\"chat\"><received id=\"m1\" "
		"xmlns=\"urn:xmpp:receipts\"/><store xmlns=\"urn:xmpp:hints\"/></message>"},
	/* not to strangers, rooms, oneself; not without id or text; not unasked */
	{"<message id='m1' type='chat' from='eve@localhost/desk'><body>x</body>"
	 "<request xmlns='urn:xmpp:receipts'/></message>",
		NULL},
	{"<message id='m1' type='groupchat' from='" RIG_ROOM "/bob'><body>x</body>"
	 "<request xmlns='urn:xmpp:receipts'/></message>",
		NULL},
	{"<message id='m1' type='chat' from='" RIG_ROOM "/bob'><body>x</body>"
	 "<request xmlns='urn:xmpp:receipts'/></message>",
		NULL},
	{"<message id='m1' type='chat' from='alice@localhost/phone'><body>x</body>"
	 "<request xmlns='urn:xmpp:receipts'/></message>",
		NULL},
	{"<message type='chat' from='bob@localhost/desk'><body>x</body>"
	 "<request xmlns='urn:xmpp:receipts'/></message>",
		NULL},
	{"<message id='m1' type='chat' from='bob@localhost/desk'>"
	 "<request xmlns='urn:xmpp:receipts'/></message>",
		NULL},
	{"<message id='m1' type='error' from='bob@localhost/desk'><body>x</body>"
	 "<request xmlns='urn:xmpp:receipts'/></message>",
		NULL},
	{"<message id='m1' type='headline' from='bob@localhost/desk'><body>x</body>"
	 "<request xmlns='urn:xmpp:receipts'/></message>",
		NULL},
	{"<message id='m1' type='chat' from='bob@localhost/desk'><body>x</body></message>", NULL},
	{"<message from='alice@localhost'><received xmlns='urn:xmpp:carbons:2'><forwarded "
	 "xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' id='m1' type='chat' "
	 "from='bob@localhost/desk' to='alice@localhost/phone'><body>x</body><request "
	 "xmlns='urn:xmpp:receipts'/></message></forwarded></received></message>",
		NULL},
};

static void test_receipts(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(receipts); i++) {
		struct xmpp_read_news news = rig_news(receipts[i].stanza, &rig_self);
		if (receipts[i].reply == NULL && news.reply != NULL)
			fail_msg("%s: has a reply", receipts[i].stanza);
		if (receipts[i].reply != NULL) {
			rig_expect_stanza(news.reply, receipts[i].reply, receipts[i].stanza);
			news.reply = NULL;
		}
		xmpp_read_release(&news);
	}
}

/* --- presence ---------------------------------------------------------------------------------------------------- */

#define PRESENCE_OF_BOB(object)                                                 \
	"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE \
	"'verb':'update','object':" object "}]"

static const struct rig_row presences[] = {
	{"<presence from='bob@localhost/desk' to='alice@localhost'><show>away</show>"
	 "<status>lunch</status><priority>5</priority></presence>",
		XMPP_READ_PRESENCE,
		PRESENCE_OF_BOB("{'statusText':'lunch','state':'away','objectType':'presence','"
				"priority':5}")},
	{"<presence from='bob@localhost/desk'/>", XMPP_READ_PRESENCE,
		PRESENCE_OF_BOB("{'statusText':null,'state':'online','objectType':'presence'}")},
	{"<presence from='bob@localhost/desk'><show>chat</show><status/></presence>",
		XMPP_READ_PRESENCE,
		PRESENCE_OF_BOB("{'statusText':'','state':'online','objectType':'presence'}")},
	{"<presence from='bob@localhost/desk'><show>xa</show><priority>999</priority></presence>",
		XMPP_READ_PRESENCE,
		PRESENCE_OF_BOB("{'statusText':null,'state':'xa','objectType':'presence'}")},
	{"<presence from='bob@localhost/desk'><show>&lt;script&gt;</show></presence>",
		XMPP_READ_PRESENCE,
		PRESENCE_OF_BOB("{'statusText':null,'state':'online','objectType':'presence'}")},
	{"<presence from='bob@localhost/desk'><delay xmlns='urn:xmpp:delay' from='localhost' "
	 "stamp='2026-11-23T07:42:58Z'/></presence>",
		XMPP_READ_PRESENCE,
		PRESENCE_OF_BOB("{'statusText':null,'state':'online','objectType':'presence',"
				"'date':'2026-11-23T07:42:58.000Z'}")},
	{"<presence type='unavailable' from='bob@localhost/desk'><show>dnd</show><status>gone"
	 "</status></presence>",
		XMPP_READ_PRESENCE,
		PRESENCE_OF_BOB("{'statusText':'gone','state':'offline','objectType':'presence'}")},
	{"<presence from='alice@localhost/phone' to='alice@localhost/web'/>", XMPP_READ_PRESENCE,
		"[{'actor':{'address':'alice@localhost','resource':'phone'}," RIG_TO_ALICE
		"'verb':'update','object':{'statusText':null,'state':'online',"
		"'objectType':'presence','own':true}}]"},
	{"<presence from='alice@localhost/web'/>", XMPP_READ_NOTHING, NULL},
	{"<presence from='ALICE@LOCALHOST/web'/>", XMPP_READ_NOTHING, NULL},
	{"<presence/>", XMPP_READ_NOTHING, NULL},
	{"<presence type='probe' from='bob@localhost'/>", XMPP_READ_NOTHING, NULL},
	{"<presence type='subscribe' from='bob@localhost/x'/>", XMPP_READ_MESSAGES,
		RIG_FROM_BOB("request-friend", "{}")},
	{"<presence type='subscribe' from='bob@localhost'><status>hi &amp; bye</status></presence>",
		XMPP_READ_MESSAGES, RIG_FROM_BOB("request-friend", "{'text':'hi & bye'}")},
	{"<presence type='subscribed' from='bob@localhost'/>", XMPP_READ_MESSAGES,
		RIG_FROM_BOB("make-friend", "{}")},
	{"<presence type='unsubscribed' from='bob@localhost'/>", XMPP_READ_MESSAGES,
		RIG_FROM_BOB("remove-friend", "{}")},
	{"<presence type='unsubscribe' from='bob@localhost'/>", XMPP_READ_MESSAGES,
		RIG_FROM_BOB("remove-friend", "{'type':'unsubscribe'}")},
	{"<presence type='error' from='eve@nowhere.example'><error type='cancel'>"
	 "<remote-server-not-found xmlns='" RIG_STANZAS "'/></error></presence>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'eve@nowhere.example'}," RIG_TO_ALICE
		"'verb':'error','object':{'objectType':'error','text':'the server of this address "
		"was "
		"not found','condition':'remote-server-not-found'}}]"},
};

static void test_presences(void **state)
{
	UNUSED(state);
	rig_check_rows(presences, ARRAY_LEN(presences));
}

/* An account that knows nothing yet. */
static void test_no_callbacks(void **state)
{
	static const struct xmpp_read_self bare = {
		.actor = "alice@localhost", .full_jid = "alice@localhost/web", .now_ms = RIG_NOW};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		struct xmpp_read_news news = rig_news(messages[i].stanza, &bare);
		assert_null(news.reply);
		assert_null(news.room);
		xmpp_read_release(&news);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_bounce),
		cmocka_unit_test(test_receipts),
		cmocka_unit_test(test_presences),
		cmocka_unit_test(test_no_callbacks),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
