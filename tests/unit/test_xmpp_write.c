/* SPDX-License-Identifier: MIT */
/* Activities to stanzas: the forms, what is refused, and that no text becomes markup. */
#include "core/mem.h"
#include "platforms/xmpp/xmpp_write_iq.h"
#include "platforms/xmpp/xmpp_write_message.h"
#include "platforms/xmpp/xmpp_write_presence.h"
#include "platforms/xmpp/xmpp_xml.h"
#include "tests/unit/xmpp_rig.h"

#define ACTIVE "<active xmlns=\"http://jabber.org/protocol/chatstates\"/>"
#define ASKS   "<request xmlns=\"urn:xmpp:receipts\"/>"

/* --- messages ---------------------------------------------------------------------------------------------------- */

#define PRIVATE "<x xmlns=\"http://jabber.org/protocol/muc#user\"/>"

static const struct {
	const char *to;
	int room;
	const char *object, *stanza; /* NULL: refused */
} messages[] = {
	{"bob@localhost", 0, "{'text':'hi & <b>bye</b>'}",
		"<message id=\"i1\" to=\"bob@localhost\" type=\"chat\"><body>hi &amp; "
		"&lt;b&gt;bye&lt;/b&gt;</body>" ASKS ACTIVE "</message>"},
	{"bob@localhost/desk", 0,
		"{'text':'x','receipt':false,'chatState':'gone','subject':'S','thread':'T'}",
		"<message id=\"i1\" to=\"bob@localhost/desk\" type=\"chat\"><subject>S</subject>"
		"<body>x</body><thread>T</thread><gone "
		"xmlns=\"http://jabber.org/protocol/chatstates\"/></message>"},
	{"bob@localhost", 0, "{'text':'x','replaces':'m3','receipt':false}",
		"<message id=\"i1\" to=\"bob@localhost\" type=\"chat\"><body>x</body><replace "
		"id=\"m3\" xmlns=\"urn:xmpp:message-correct:0\"/>" ACTIVE "</message>"},
	{"bob@localhost", 0, "{'chatState':'composing'}",
		"<message id=\"i1\" to=\"bob@localhost\" type=\"chat\"><composing "
		"xmlns=\"http://jabber.org/protocol/chatstates\"/><no-store "
		"xmlns=\"urn:xmpp:hints\"/></message>"},
	{"bob@localhost", 0, "{'text':'','receipt':false}",
		"<message id=\"i1\" to=\"bob@localhost\" type=\"chat\"><body/>" ACTIVE
		"</message>"},
	{"room@conference.localhost", 1, "{'text':'all','receipt':true}",
		"<message id=\"i1\" to=\"room@conference.localhost\" type=\"groupchat\"><body>all"
		"</body></message>"},
	{"room@conference.localhost/bob", 0, "{'text':'psst','receipt':false,'lang':null}",
		"<message id=\"i1\" to=\"room@conference.localhost/bob\" type=\"chat\"><body>psst"
		"</body>" ACTIVE "</message>"},
	/* what XML cannot carry is left out; the rest arrives */
	{"bob@localhost", 0, "{'text':'a\\u0001b\\u001fc\\ufffed\\u007f\\n\\te','receipt':false}",
		"<message id=\"i1\" to=\"bob@localhost\" "
		"type=\"chat\"><body>abcd\n\te</body>" ACTIVE "</message>"},
	{"room@conference.localhost/bob", 1, "{'text':'x'}", NULL},
	{"not an address", 0, "{'text':'x'}", NULL},
	{NULL, 0, "{'text':'x'}", NULL},
	{"bob@localhost", 0, "{}", NULL},
	{"bob@localhost", 0, "{'text':7}", NULL},
	{"bob@localhost", 0, "{'text':null}", NULL},
	{"bob@localhost", 0, "{'text':'x','subject':{}}", NULL},
	{"bob@localhost", 0, "{'text':'x','chatState':'x/><evil'}", NULL},
	{"bob@localhost", 0, "{'text':'x','lang':'de&'}", NULL},
	{"bob@localhost", 0, "{'text':'x','lang':''}", NULL},
	{"bob@localhost", 0, "{'text':'x','replaces':''}", NULL},
};

static void test_messages(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		struct xmpp_write_message_head head = {"i1", messages[i].to, messages[i].room, 0};
		json_t *object = rig_json(messages[i].object);
		struct err e = {0};
		xmpp_stanza_t *s = xmpp_write_message(rig_ctx, &head, object, &e);
		if (messages[i].stanza != NULL)
			rig_expect_stanza(s, messages[i].stanza, messages[i].object);
		else if (s != NULL || e.code != ERR_INVALID)
			fail_msg("%s: not refused", messages[i].object);
		json_decref(object);
	}
}

static void test_message_lang(void **state)
{
	struct xmpp_write_message_head head = {"i1", "bob@localhost", 0, 0};
	json_t *object = rig_json("{'text':'ja','lang':'de-AT'}");
	xmpp_stanza_t *s = xmpp_write_message(rig_ctx, &head, object, NULL);

	UNUSED(state);
	assert_non_null(s);
	assert_string_equal(xmpp_stanza_get_attribute(s, "xml:lang"), "de-AT");
	xmpp_stanza_release(s);
	json_decref(object);
}

/* XEP-0045, 7.5. */
static void test_private_message(void **state)
{
	struct xmpp_write_message_head head = {"i1", RIG_ROOM "/bob", 0, 1};
	json_t *object = rig_json("{'text':'psst','receipt':false}");

	UNUSED(state);
	rig_expect_stanza(xmpp_write_message(rig_ctx, &head, object, NULL),
		"<message id=\"i1\" to=\"" RIG_ROOM "/bob\" type=\"chat\">" PRIVATE
		"<body>psst</body>" ACTIVE "</message>",
		"private");
	json_decref(object);
}

static void test_message_too_long(void **state)
{
	struct xmpp_write_message_head head = {"i1", "bob@localhost", 0, 0};
	char *text = mem_alloc(XMPP_XML_BODY_MAX + 2);
	struct err e;
	json_t *object;

	UNUSED(state);
	memset(text, 'x', XMPP_XML_BODY_MAX + 1);
	object = json_pack("{ss}", "text", text);
	assert_null(xmpp_write_message(rig_ctx, &head, object, &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	json_decref(object);
	text[XMPP_XML_BODY_MAX] = '\0';
	object = json_pack("{ss}", "text", text);
	xmpp_stanza_t *s = xmpp_write_message(rig_ctx, &head, object, &e);
	assert_non_null(s);
	xmpp_stanza_release(s);
	json_decref(object);
	head.room = 1;
	assert_null(xmpp_write_message_topic(rig_ctx, &head, text, &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	mem_free(text);
}

static void test_own_id(void **state)
{
	static const struct {
		const char *object, *id;
	} rows[] = {{"{'id':'abc 1'}", "abc 1"}, {"{'id':''}", NULL}, {"{'id':7}", NULL},
		{"{}", NULL}, {"{'id':'a\\nb'}", NULL}};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *object = rig_json(rows[i].object);
		const char *id = xmpp_write_message_own_id(object);
		if (rows[i].id == NULL)
			assert_null(id);
		else
			assert_string_equal(id, rows[i].id);
		json_decref(object);
	}
}

static void test_other_messages(void **state)
{
	struct xmpp_write_message_head room = {"i1", RIG_ROOM, 1, 0},
				       bob = {"i1", "bob@localhost", 0, 0},
				       occupant = {"i1", RIG_ROOM "/bob", 0, 1};
	struct err e;

	UNUSED(state);
	rig_expect_stanza(xmpp_write_message_topic(rig_ctx, &room, "T<1>", &e),
		"<message id=\"i1\" to=\"" RIG_ROOM
		"\" type=\"groupchat\"><subject>T&lt;1&gt;</subject></message>",
		"topic");
	rig_expect_stanza(xmpp_write_message_topic(rig_ctx, &room, "", &e),
		"<message id=\"i1\" to=\"" RIG_ROOM "\" type=\"groupchat\"><subject/></message>",
		"no topic");
	assert_null(xmpp_write_message_topic(rig_ctx, &room, NULL, &e));
	rig_expect_stanza(xmpp_write_message_receipt(rig_ctx, &bob, "m\"1", "received", &e),
		"<message id=\"i1\" to=\"bob@localhost\" type=\"chat\"><received id=\"m&quot;1\" "
		"xmlns=\"urn:xmpp:receipts\"/><store xmlns=\"urn:xmpp:hints\"/></message>",
		"received");
	rig_expect_stanza(xmpp_write_message_receipt(rig_ctx, &occupant, "m1", "displayed", &e),
		"<message id=\"i1\" to=\"" RIG_ROOM "/bob\" type=\"chat\">" PRIVATE
		"<displayed id=\"m1\" xmlns=\"urn:xmpp:chat-markers:0\"/><store "
		"xmlns=\"urn:xmpp:hints\"/></message>",
		"displayed to an occupant");
	rig_expect_stanza(xmpp_write_message_receipt(rig_ctx, &room, "m1", "displayed", &e),
		"<message id=\"i1\" to=\"" RIG_ROOM "\" type=\"groupchat\"><displayed id=\"m1\" "
		"xmlns=\"urn:xmpp:chat-markers:0\"/><store xmlns=\"urn:xmpp:hints\"/></message>",
		"displayed");
	assert_null(xmpp_write_message_receipt(rig_ctx, &room, "m1", "received", &e));
	assert_null(xmpp_write_message_receipt(rig_ctx, &bob, "m1", "evil", &e));
	assert_null(xmpp_write_message_receipt(rig_ctx, &bob, "m1", NULL, &e));
	assert_null(xmpp_write_message_receipt(rig_ctx, &bob, "", "received", &e));
	assert_null(xmpp_write_message_receipt(rig_ctx, &bob, NULL, "received", &e));
	rig_expect_stanza(xmpp_write_message_invite(rig_ctx, &room, "bob@localhost", "co<me", &e),
		"<message id=\"i1\" to=\"" RIG_ROOM
		"\"><x xmlns=\"http://jabber.org/protocol/muc#user\"><invite "
		"to=\"bob@localhost\"><reason>co&lt;me</reason></invite></x></message>",
		"invite");
	assert_null(xmpp_write_message_invite(rig_ctx, &room, "b b", NULL, &e));
}

/* --- presence ---------------------------------------------------------------------------------------------------- */

/* Worked out by hand from the list in test_xmpp_read_iq.c. */
#define CAPS                                                           \
	"<c hash=\"sha-1\" xmlns=\"http://jabber.org/protocol/caps\" " \
	"ver=\"89wpNAYTL45wWNUqcMmzAFtenS8=\" node=\"https://sockethub.org\"/>"

static const struct {
	const char *object, *inside; /* NULL: refused */
} states[] = {
	{"{}", ">" CAPS "</presence>"},
	{"{'show':'online'}", ">" CAPS "</presence>"},
	{"{'show':'available','status':'here'}",
		"><show>chat</show><status>here</status>" CAPS "</presence>"},
	{"{'show':'chat'}", "><show>chat</show>" CAPS "</presence>"},
	{"{'show':'away','status':'<out> & about','priority':-3}",
		"><show>away</show><status>&lt;out&gt; &amp; "
		"about</status><priority>-3</priority>" CAPS "</presence>"},
	{"{'state':'dnd','statusText':'no'}",
		"><show>dnd</show><status>no</status>" CAPS "</presence>"},
	{"{'show':'xa','status':''}", "><show>xa</show>" CAPS "</presence>"},
	{"{'show':'offline','status':'bye'}",
		" type=\"unavailable\"><status>bye</status></presence>"},
	{"{'show':null,'status':null,'priority':null}", ">" CAPS "</presence>"},
	{"{'show':'busy'}", NULL},
	{"{'show':'<x/>'}", NULL},
	{"{'show':1}", NULL},
	{"{'status':[]}", NULL},
	{"{'priority':128}", NULL},
	{"{'priority':-129}", NULL},
	{"{'priority':'5'}", NULL},
};

static void test_states(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		json_t *object = rig_json(states[i].object);
		struct err e = {0};
		xmpp_stanza_t *s = xmpp_write_presence(rig_ctx, NULL, object, &e);
		char text[400];
		if (states[i].inside == NULL) {
			if (s != NULL || e.code != ERR_INVALID)
				fail_msg("%s: not refused", states[i].object);
		} else {
			snprintf(text, sizeof text, "<presence%s", states[i].inside);
			rig_expect_stanza(s, text, states[i].object);
		}
		json_decref(object);
	}
}

static void test_subscriptions(void **state)
{
	struct err e;

	UNUSED(state);
	rig_expect_stanza(xmpp_write_presence_subscription(
				  rig_ctx, "bob@localhost/desk", "subscribe", "let <me>", &e),
		"<presence to=\"bob@localhost\" type=\"subscribe\"><status>let &lt;me&gt;</status>"
		"</presence>",
		"subscribe");
	rig_expect_stanza(xmpp_write_presence_subscription(
				  rig_ctx, "bob@localhost", "unsubscribed", NULL, &e),
		"<presence to=\"bob@localhost\" type=\"unsubscribed\"/>", "unsubscribed");
	assert_null(
		xmpp_write_presence_subscription(rig_ctx, "b<b@localhost", "subscribe", NULL, &e));
	assert_int_equal(e.code, ERR_INVALID);
}

static void test_rooms(void **state)
{
	struct xmpp_write_presence_join j = {.room = RIG_ROOM,
		.nick = "a <l> & \"'",
		.password = "p<w>&\"",
		.history = 20,
		.since = "2026-11-23T09:00:00+01:00"};
	json_t *offline = rig_json("{'show':'offline'}");
	struct err e;

	UNUSED(state);
	rig_expect_stanza(xmpp_write_presence_join(rig_ctx, &j, &e),
		"<presence to=\"" RIG_ROOM "/a &lt;l&gt; &amp; &quot;'\">" CAPS "<x "
		"xmlns=\"http://jabber.org/protocol/muc\"><history maxstanzas=\"20\" "
		"since=\"2026-11-23T08:00:00.000Z\"/><password>p&lt;w&gt;&amp;&quot;</password></x>"
		"</presence>",
		"join");
	j = (struct xmpp_write_presence_join){.room = RIG_ROOM, .nick = "al", .history = -1};
	rig_expect_stanza(xmpp_write_presence_join(rig_ctx, &j, &e),
		"<presence to=\"" RIG_ROOM "/al\">" CAPS
		"<x xmlns=\"http://jabber.org/protocol/muc\"/></presence>",
		"join without all");
	j.since = "yesterday";
	assert_null(xmpp_write_presence_join(rig_ctx, &j, &e));
	j.since = NULL;
	j.nick = "a\nl";
	assert_null(xmpp_write_presence_join(rig_ctx, &j, &e));
	j.nick = NULL;
	assert_null(xmpp_write_presence_join(rig_ctx, &j, &e));
	j.nick = "al";
	j.room = RIG_ROOM "/al";
	assert_null(xmpp_write_presence_join(rig_ctx, &j, &e));
	rig_expect_stanza(xmpp_write_presence_nick(rig_ctx, RIG_ROOM, "alf", NULL, &e),
		"<presence to=\"" RIG_ROOM "/alf\">" CAPS "</presence>", "nick");
	j.room = RIG_ROOM;
	j.object = offline;
	rig_expect_stanza(xmpp_write_presence_join(rig_ctx, &j, &e),
		"<presence to=\"" RIG_ROOM "/al\">" CAPS
		"<x xmlns=\"http://jabber.org/protocol/muc\"/></presence>",
		"join while offline");
	json_decref(offline);
	rig_expect_stanza(xmpp_write_presence_leave(rig_ctx, RIG_ROOM, "al", "b<ye", &e),
		"<presence type=\"unavailable\" to=\"" RIG_ROOM
		"/al\"><status>b&lt;ye</status></presence>",
		"leave");
	assert_null(xmpp_write_presence_leave(rig_ctx, "room", "", NULL, &e));
}

/* --- iq ---------------------------------------------------------------------------------------------------------- */

static void test_roster(void **state)
{
	json_t *object = rig_json("{'groups':['a & b','<c/>']}");
	struct err e;

	UNUSED(state);
	json_object_set_new(object, "name", json_string("B<o>\"b'"));
	rig_expect_stanza(xmpp_write_iq_roster(rig_ctx, "r"),
		"<iq id=\"r\" type=\"get\"><query xmlns=\"jabber:iq:roster\"/></iq>", "get");
	rig_expect_stanza(xmpp_write_iq_roster_set(rig_ctx, "r", "bob@localhost", object, &e),
		"<iq id=\"r\" type=\"set\"><query xmlns=\"jabber:iq:roster\"><item "
		"jid=\"bob@localhost\" name=\"B&lt;o&gt;&quot;b'\"><group>a &amp; b</group><group>"
		"&lt;c/&gt;</group></item></query></iq>",
		"set");
	rig_expect_stanza(xmpp_write_iq_roster_remove(rig_ctx, "r", "bob@localhost", &e),
		"<iq id=\"r\" type=\"set\"><query xmlns=\"jabber:iq:roster\"><item "
		"jid=\"bob@localhost\" subscription=\"remove\"/></query></iq>",
		"remove");
	assert_null(xmpp_write_iq_roster_remove(rig_ctx, "r", "bob@localhost/desk", &e));
	json_decref(object);
	static const char *const wrong[] = {
		"{'name':1}", "{'groups':'a'}", "{'groups':['']}", "{'groups':[1]}"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		object = rig_json(wrong[i]);
		assert_null(xmpp_write_iq_roster_set(rig_ctx, "r", "bob@localhost", object, &e));
		assert_int_equal(e.code, ERR_INVALID);
		json_decref(object);
	}
}

#define FORM_TYPE "<field type=\"hidden\" var=\"FORM_TYPE\"><value>urn:xmpp:mam:2</value></field>"
#define QUERY(fields, set)                                                           \
	"<query queryid=\"q1\" xmlns=\"urn:xmpp:mam:2\"><x xmlns=\"jabber:x:data\" " \
	"type=\"submit\">" FORM_TYPE fields "</x><set "                              \
	"xmlns=\"http://jabber.org/protocol/rsm\">" set "</set></query></iq>"

static const struct {
	const char *to, *object, *rest; /* NULL: refused */
} pages[] = {
	{NULL, "{}", " type=\"set\">" QUERY("", "<max>50</max><before/>")},
	{RIG_ROOM, "{'limit':3,'before':'a<b'}",
		" to=\"" RIG_ROOM
		"\" type=\"set\">" QUERY("", "<max>3</max><before>a&lt;b</before>")},
	{NULL,
		"{'with':'bob@localhost','start':'2026-11-23T09:00:00+01:00',"
		"'end':'2026-11-24T00:00:00Z','after':'x'}",
		" type=\"set\">" QUERY(
			"<field var=\"with\"><value>bob@localhost</value></field>"
			"<field var=\"start\"><value>2026-11-23T08:00:00.000Z</value>"
			"</field><field var=\"end\"><value>2026-11-24T00:00:00.000Z"
			"</value></field>",
			"<max>50</max><after>x</after>")},
	{NULL, "{'limit':0}", NULL},
	{NULL, "{'limit':201}", NULL},
	{NULL, "{'limit':'many'}", NULL},
	{NULL, "{'with':'b b'}", NULL},
	{NULL, "{'start':'soon'}", NULL},
	{NULL, "{'end':7}", NULL},
	{NULL, "{'before':'a','after':'b'}", NULL},
	{"<x>", "{}", NULL},
};

static void test_history(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		json_t *object = rig_json(pages[i].object);
		struct err e = {0};
		xmpp_stanza_t *s = xmpp_write_iq_history(rig_ctx, "q1", pages[i].to, object, &e);
		char text[1000];
		if (pages[i].rest == NULL) {
			if (s != NULL || e.code != ERR_INVALID)
				fail_msg("%s: not refused", pages[i].object);
		} else {
			snprintf(text, sizeof text, "<iq id=\"q1\"%s", pages[i].rest);
			rig_expect_stanza(s, text, pages[i].object);
		}
		json_decref(object);
	}
}

static void test_small_ones(void **state)
{
	UNUSED(state);
	rig_expect_stanza(xmpp_write_iq_info(rig_ctx, "d", RIG_ROOM),
		"<iq id=\"d\" to=\"" RIG_ROOM "\" type=\"get\"><query "
		"xmlns=\"http://jabber.org/protocol/disco#info\"/></iq>",
		"info");
	rig_expect_stanza(xmpp_write_iq_items(rig_ctx, "d", NULL),
		"<iq id=\"d\" type=\"get\"><query "
		"xmlns=\"http://jabber.org/protocol/disco#items\"/></iq>",
		"items");
	rig_expect_stanza(xmpp_write_iq_carbons(rig_ctx, "c"),
		"<iq id=\"c\" type=\"set\"><enable xmlns=\"urn:xmpp:carbons:2\"/></iq>", "carbons");
	rig_expect_stanza(xmpp_write_iq_ping(rig_ctx, "p", "localhost"),
		"<iq id=\"p\" to=\"localhost\" type=\"get\"><ping xmlns=\"urn:xmpp:ping\"/></iq>",
		"ping");
	rig_expect_stanza(xmpp_write_iq_version(rig_ctx, "v", "localhost"),
		"<iq id=\"v\" to=\"localhost\" type=\"get\"><query "
		"xmlns=\"jabber:iq:version\"/></iq>",
		"version");
	rig_expect_stanza(xmpp_write_iq_unlock(rig_ctx, "u", RIG_ROOM),
		"<iq id=\"u\" to=\"" RIG_ROOM "\" type=\"set\"><query "
		"xmlns=\"http://jabber.org/protocol/muc#owner\"><x xmlns=\"jabber:x:data\" "
		"type=\"submit\"/></query></iq>",
		"unlock");
}

/* --- injection --------------------------------------------------------------------------------------------------- */

/* How many elements a stanza has after it was written and read again. */
static int elements(xmpp_stanza_t *s)
{
	int n = xmpp_stanza_is_tag(s);

	for (xmpp_stanza_t *c = xmpp_stanza_get_children(s); c != NULL; c = xmpp_stanza_get_next(c))
		n += elements(c);
	return n;
}

static int elements_when_read(xmpp_stanza_t *s, const char *attack)
{
	xmpp_stanza_t *again;
	char *text;
	size_t len;
	int n;

	if (s == NULL)
		return 0;
	assert_int_equal(xmpp_stanza_to_text(s, &text, &len), XMPP_EOK);
	again = xmpp_stanza_new_from_string(rig_ctx, text);
	if (again == NULL)
		fail_msg("%s: made of it was %s", attack, text);
	n = elements(again);
	xmpp_free(rig_ctx, text);
	xmpp_stanza_release(again);
	xmpp_stanza_release(s);
	return n;
}

static const char *const attacks[] = {
	"</body><evil/><body>",
	"]]></body><evil/>",
	"' evil='1",
	"\" evil=\"1\"><evil/><x y=\"",
	"&evil;",
	"&#60;evil/&#62;",
	"<!--",
	"<![CDATA[<evil/>]]>",
	"\x01\x02\x03</presence><evil/>",
	"\xEF\xBF\xBF<evil/>",
	"\n</status>\t<evil/>",
	"a@b/<evil/>",
	"a@b/\"/><evil/>",
	"</stream:stream>",
};

/* The same stanzas with a harmless text and with an attack have the same number of elements, or are refused. */
static void attack_all(const char *t, int counts[12])
{
	struct xmpp_write_message_head bob = {t, "bob@localhost", 0, 0}, to = {"i", t, 0, 0},
				       room = {t, RIG_ROOM, 1, 0};
	struct xmpp_write_presence_join j = {.room = RIG_ROOM, .nick = t, .password = t};
	json_t *text = json_pack("{ss ss ss ss sb}", "text", t, "subject", t, "thread", t,
		"replaces", t, "receipt", 0);
	json_t *show = json_pack("{ss}", "status", t);
	json_t *contact = json_pack("{ss s[s]}", "name", t, "groups", t);
	json_t *page = json_pack("{ss}", "before", t);
	int n = 0;

	counts[n++] = elements_when_read(xmpp_write_message(rig_ctx, &bob, text, NULL), t);
	counts[n++] = elements_when_read(xmpp_write_message(rig_ctx, &to, text, NULL), t);
	counts[n++] = elements_when_read(xmpp_write_message_topic(rig_ctx, &room, t, NULL), t);
	counts[n++] = elements_when_read(
		xmpp_write_message_receipt(rig_ctx, &bob, t, "received", NULL), t);
	counts[n++] = elements_when_read(
		xmpp_write_message_invite(rig_ctx, &room, "bob@localhost", t, NULL), t);
	counts[n++] = elements_when_read(xmpp_write_presence(rig_ctx, NULL, show, NULL), t);
	counts[n++] = elements_when_read(
		xmpp_write_presence_subscription(rig_ctx, "bob@localhost", "subscribe", t, NULL),
		t);
	counts[n++] = elements_when_read(xmpp_write_presence_join(rig_ctx, &j, NULL), t);
	counts[n++] = elements_when_read(
		xmpp_write_presence_leave(rig_ctx, RIG_ROOM, "al", t, NULL), t);
	counts[n++] = elements_when_read(
		xmpp_write_iq_roster_set(rig_ctx, t, "bob@localhost", contact, NULL), t);
	counts[n++] = elements_when_read(xmpp_write_iq_history(rig_ctx, t, NULL, page, NULL), t);
	counts[n++] = elements_when_read(xmpp_write_presence(rig_ctx, t, show, NULL), t);
	json_decref(text);
	json_decref(show);
	json_decref(contact);
	json_decref(page);
}

static void test_injection(void **state)
{
	int harmless[12], counts[12];

	UNUSED(state);
	attack_all("a@b", harmless);
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
		assert_true(harmless[i] > 0);
	for (size_t i = 0; i < ARRAY_LEN(attacks); i++) {
		attack_all(attacks[i], counts);
		for (size_t k = 0; k < ARRAY_LEN(counts); k++)
			if (counts[k] != harmless[k] && counts[k] != 0)
				fail_msg("%s changed stanza %zu", attacks[i], k);
		/* A text is never refused for what it says. */
		assert_true(counts[0] > 0 && counts[2] > 0 && counts[5] > 0 && counts[8] > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_message_lang),
		cmocka_unit_test(test_private_message),
		cmocka_unit_test(test_message_too_long),
		cmocka_unit_test(test_own_id),
		cmocka_unit_test(test_other_messages),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_subscriptions),
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_roster),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_small_ones),
		cmocka_unit_test(test_injection),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
