/* SPDX-License-Identifier: MIT */
/* Who may not say what: forged carbons, archives, roster pushes; and stanzas that are too much. */
#include "core/buf.h"
#include "core/mem.h"
#include "platforms/xmpp/xmpp_xml.h"
#include "tests/unit/xmpp_rig.h"

#define INNER(attrs, body)                                                            \
	"<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' " attrs \
	"><body>" body "</body></message></forwarded>"
#define CARBON(from, which, inner)                                                              \
	"<message type='chat' " from "><" which " xmlns='urn:xmpp:carbons:2'>" inner "</" which \
	"></message>"
#define ARCHIVED(from, query, inner)                                                          \
	"<message " from "><result xmlns='urn:xmpp:mam:2' id='28' queryid='" query "'>" inner \
	"</result></message>"
#define FROM_BOB "type='chat' id='m' from='bob@localhost/desk' to='alice@localhost'"
#define BY_ALICE "type='chat' id='m' from='alice@localhost/phone' to='bob@localhost'"

#define TO_ALICE "'target':[{'address':'alice@localhost'}],'status':true,'verb':'send',"

static void check(const char *stanza, enum xmpp_read_kind kind, const char *messages)
{
	xmpp_stanza_t *s = rig_stanza(stanza);
	struct xmpp_read_news news;

	xmpp_read_stanza(s, &rig_self, &news);
	rig_expect(news.messages, messages, stanza);
	if (news.kind != kind)
		fail_msg("%s\n  is of kind %d, not %d", stanza, (int)news.kind, (int)kind);
	assert_null(news.reply);
	xmpp_read_release(&news);
	xmpp_stanza_release(s);
}

/* --- carbons ----------------------------------------------------------------------------------------------------- */

static void test_carbons(void **state)
{
	static const char received[] =
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'object':{'text':'x','id':'m','carbon':'received'}}]";
	static const char sent[] =
		"[{'actor':{'address':'alice@localhost','resource':'phone'},'target':[{'address':"
		"'bob@localhost'}],'status':true,'verb':'send','object':{'text':'x','id':'m',"
		"'carbon':'sent','own':true}}]";

	UNUSED(state);
	check(CARBON("from='alice@localhost'", "received", INNER(FROM_BOB, "x")),
		XMPP_READ_MESSAGES, received);
	check(CARBON("from='Alice@LOCALHOST'", "received", INNER(FROM_BOB, "x")),
		XMPP_READ_MESSAGES, received);
	check(CARBON("", "received", INNER(FROM_BOB, "x")), XMPP_READ_MESSAGES, received);
	check(CARBON("from='alice@localhost'", "sent", INNER(BY_ALICE, "x")), XMPP_READ_MESSAGES,
		sent);
	/* To an occupant of a room, whose address is room and nick. */
	check(CARBON("from='alice@localhost'", "sent",
		      INNER("type='chat' from='alice@localhost/phone' to='" RIG_ROOM "/bob'", "x")),
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'alice@localhost','resource':'phone'},'target':[{'address':"
		"'" RIG_ROOM
		"/bob','name':'bob'}],'status':true,'verb':'send','object':{'text':'x',"
		"'carbon':'sent','own':true}}]");
}

/* As in CVE-2017-5589 and its kin: a stranger wraps what somebody else never said. */
static const char *const forged_carbons[] = {
	CARBON("from='eve@localhost'", "received", INNER(FROM_BOB, "x")),
	CARBON("from='eve@localhost'", "sent", INNER(BY_ALICE, "x")),
	CARBON("from='eve@localhost/web'", "received", INNER(FROM_BOB, "x")),
	CARBON("from='localhost'", "received", INNER(FROM_BOB, "x")),
	CARBON("from='alice@localhost/web'", "received", INNER(FROM_BOB, "x")),
	CARBON("from='alice@localhost.eve.example'", "received", INNER(FROM_BOB, "x")),
	CARBON("from='alice@localhost&#9;'", "received", INNER(FROM_BOB, "x")),
	CARBON("from=''", "received", INNER(FROM_BOB, "x")),
	CARBON("from='" RIG_ROOM "'", "received", INNER(FROM_BOB, "x")),
	/* the wrapping is right, what is in it does not belong there */
	CARBON("from='alice@localhost'", "sent", INNER(FROM_BOB, "x")),
	CARBON("from='alice@localhost'", "received",
		INNER("type='chat' from='bob@localhost' to='carol@localhost'", "x")),
	CARBON("from='alice@localhost'", "received",
		INNER("type='groupchat' from='" RIG_ROOM "/bob' to='alice@localhost'", "x")),
	CARBON("from='alice@localhost'", "received",
		INNER("type='error' id='m' from='bob@localhost' to='alice@localhost'", "x")),
	CARBON("from='alice@localhost'", "received",
		INNER("type='chat' from='b b@x' to='alice@localhost'", "x")),
	CARBON("from='alice@localhost'", "received", "<forwarded xmlns='urn:xmpp:forward:0'/>"),
	CARBON("from='alice@localhost'", "received", ""),
	/* a carbon in a carbon, and an archive's result in one */
	CARBON("from='alice@localhost'", "received",
		"<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' " FROM_BOB
		"><sent xmlns='urn:xmpp:carbons:2'>" INNER(
			BY_ALICE, "x") "</sent></message></forwarded>"),
	/* with a text of its own: nothing of it is believed */
	"<message type='chat' from='eve@localhost'><body>mine</body><received "
	"xmlns='urn:xmpp:carbons:2'>" INNER(FROM_BOB, "x") "</received></message>",
};

static void test_forged_carbons(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(forged_carbons); i++)
		check(forged_carbons[i], XMPP_READ_NOTHING, "[]");
}

/* --- archives ---------------------------------------------------------------------------------------------------- */

static void test_archives(void **state)
{
	xmpp_stanza_t *s = rig_stanza(
		"<message to='alice@localhost/web'><result xmlns='urn:xmpp:mam:2' id='O1D' "
		"queryid='q1'>"
		"<forwarded xmlns='urn:xmpp:forward:0'><delay stamp='2026-11-23T07:43:28Z' "
		"xmlns='urn:xmpp:delay'/><message id='m' xmlns='jabber:client' type='chat' "
		"from='bob@localhost/desk' "
		"to='alice@localhost'><body>x</body></message></forwarded>"
		"</result></message>");
	struct xmpp_read_news news;

	UNUSED(state);
	xmpp_read_stanza(s, &rig_self, &news);
	assert_int_equal(news.kind, XMPP_READ_ARCHIVED);
	assert_string_equal(news.query, "q1");
	assert_string_equal(news.archive, "alice@localhost");
	rig_expect(news.messages,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'object':{'text':'x','id':'m','date':'2026-11-23T07:43:28.000Z','delayed':true,"
		"'stanzaId':'O1D','archived':true}}]",
		"own archive");
	xmpp_read_release(&news);
	xmpp_stanza_release(s);
	check(ARCHIVED("from='alice@localhost'", "q1", INNER(BY_ALICE, "x")), XMPP_READ_ARCHIVED,
		"[{'actor':{'address':'alice@localhost','resource':'phone'},'target':[{'address':"
		"'bob@localhost'}],'status':true,'verb':'send','object':{'text':'x','id':'m',"
		"'stanzaId':'28','archived':true,'own':true}}]");
	check(ARCHIVED("from='" RIG_ROOM "'", "q2",
		      INNER("type='groupchat' from='" RIG_ROOM "/bob'", "x")),
		XMPP_READ_ARCHIVED,
		"[{'actor':{'address':'" RIG_ROOM
		"/bob','name':'bob'},'target':[{'address':'" RIG_ROOM
		"','objectType':'room'}],'status':true,'verb':'send','object':{'text':'x',"
		"'stanzaId':'28','archived':true}}]");
}

static const char *const forged_archives[] = {
	ARCHIVED("from='eve@localhost'", "q1", INNER(FROM_BOB, "x")),
	ARCHIVED("from='alice@localhost/phone'", "q1", INNER(FROM_BOB, "x")),
	ARCHIVED("from='alice@localhost'", "q2", INNER(FROM_BOB, "x")),
	ARCHIVED("from='alice@localhost'", "", INNER(FROM_BOB, "x")),
	ARCHIVED("from='alice@localhost'", "q9", INNER(FROM_BOB, "x")),
	ARCHIVED("", "q2", INNER("type='groupchat' from='" RIG_ROOM "/bob'", "x")),
	ARCHIVED("from='" RIG_ROOM "'", "q1",
		INNER("type='groupchat' from='" RIG_ROOM "/bob'", "x")),
	/* a room knows only of itself */
	ARCHIVED("from='" RIG_ROOM "'", "q2", INNER(FROM_BOB, "x")),
	ARCHIVED(
		"from='" RIG_ROOM "'", "q2", INNER("type='groupchat' from='" RIG_NEW "/bob'", "x")),
	ARCHIVED("from='" RIG_ROOM "/bob'", "q2",
		INNER("type='groupchat' from='" RIG_ROOM "/bob'", "x")),
	ARCHIVED("from='alice@localhost'", "q1", INNER("type='error' from='bob@localhost'", "x")),
	"<message><result xmlns='urn:xmpp:mam:2' queryid='q1'>" INNER(
		FROM_BOB, "x") "</result></message>",
};

static void test_forged_archives(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(forged_archives); i++)
		check(forged_archives[i], XMPP_READ_NOTHING, "[]");
}

/* --- roster pushes ----------------------------------------------------------------------------------------------- */

#define PUSH(from, item) \
	"<iq id='p' type='set' " from "><query xmlns='jabber:iq:roster'>" item "</query></iq>"

static void test_roster_push(void **state)
{
	static const char *const from[] = {"", "from='alice@localhost'"};
	struct xmpp_read_news news;

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		char *text = mem_printf(
			PUSH("%s", "<item jid='bob@localhost' name='Bob' subscription='both'>"
				   "<group>Friends</group><group>a &amp; b</group></item>"),
			from[i]);
		xmpp_stanza_t *s = rig_stanza(text);
		xmpp_read_stanza(s, &rig_self, &news);
		assert_int_equal(news.kind, XMPP_READ_CONTACT);
		assert_string_equal(news.jid, "bob@localhost");
		assert_string_equal(news.subscription, "both");
		rig_expect(news.messages,
			"[{'actor':{'address':'bob@localhost','name':'Bob'},'target':[{'address':"
			"'alice@localhost'}],'status':true,'verb':'update','object':{"
			"'objectType':'contact','subscription':'both','groups':['Friends','a & "
			"b']}}]",
			text);
		assert_non_null(news.reply);
		assert_string_equal(xmpp_stanza_get_type(news.reply), "result");
		xmpp_read_release(&news);
		xmpp_stanza_release(s);
		mem_free(text);
	}
}

static void test_push_of_removal(void **state)
{
	xmpp_stanza_t *s = rig_stanza(
		PUSH("", "<item subscription='remove' jid='bob@localhost'/>"));
	struct xmpp_read_news news;

	UNUSED(state);
	xmpp_read_stanza(s, &rig_self, &news);
	assert_int_equal(news.kind, XMPP_READ_CONTACT);
	rig_expect(news.messages,
		"[{'actor':{'address':'bob@localhost'},'target':[{'address':'alice@localhost'}],"
		"'status':true,'verb':'remove-friend','object':{'objectType':'contact',"
		"'subscription':'remove'}}]",
		"removal");
	xmpp_read_release(&news);
	xmpp_stanza_release(s);
	/* One without a valid address is acknowledged, and that is all. */
	s = rig_stanza(PUSH("", "<item jid='b b'/>"));
	xmpp_read_stanza(s, &rig_self, &news);
	assert_int_equal(news.kind, XMPP_READ_NOTHING);
	assert_string_equal(xmpp_stanza_get_type(news.reply), "result");
	xmpp_read_release(&news);
	xmpp_stanza_release(s);
}

/* Refused, and without a word to the sessions. */
static void test_forged_pushes(void **state)
{
	static const char *const forged[] = {
		PUSH("from='eve@localhost'", "<item jid='bob@localhost' subscription='both'/>"),
		PUSH("from='alice@localhost/phone'",
			"<item jid='bob@localhost' subscription='both'/>"),
		PUSH("from='localhost'", "<item jid='bob@localhost' subscription='remove'/>"),
		PUSH("from='alice@localhost.example'", "<item jid='bob@localhost'/>"),
		PUSH("", ""),
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
		xmpp_stanza_t *s = rig_stanza(forged[i]);
		struct xmpp_read_news news;
		xmpp_read_stanza(s, &rig_self, &news);
		if (news.kind != XMPP_READ_NOTHING || json_array_size(news.messages) != 0)
			fail_msg("%s: was believed", forged[i]);
		assert_non_null(news.reply);
		assert_string_equal(xmpp_stanza_get_type(news.reply), "error");
		xmpp_read_release(&news);
		xmpp_stanza_release(s);
	}
	check("<iq id='p' type='set' from='eve@@localhost'><query xmlns='jabber:iq:roster'><item "
	      "jid='bob@localhost'/></query></iq>",
		XMPP_READ_NOTHING, "[]");
}

/* --- too much ---------------------------------------------------------------------------------------------------- */

static json_t *object_of(const struct xmpp_read_news *news)
{
	return json_object_get(json_array_get(news->messages, 0), "object");
}

/* A body of `n` times `piece`: how long is the text that comes of it? */
static size_t text_length(const char *piece, size_t n, int *truncated)
{
	struct buf b = BUF_INIT;
	struct xmpp_read_news news;
	xmpp_stanza_t *s;
	size_t len;

	buf_add_str(&b, "<message type='chat' from='bob@localhost'><body>");
	for (size_t i = 0; i < n; i++)
		buf_add_str(&b, piece);
	buf_add_str(&b, "</body></message>");
	s = rig_stanza(buf_str(&b));
	xmpp_read_stanza(s, &rig_self, &news);
	len = json_string_length(json_object_get(object_of(&news), "text"));
	*truncated = json_is_true(json_object_get(object_of(&news), "truncated"));
	xmpp_read_release(&news);
	xmpp_stanza_release(s);
	buf_release(&b);
	return len;
}

static void test_long_bodies(void **state)
{
	int cut;

	UNUSED(state);
	assert_int_equal(text_length("x", XMPP_XML_BODY_MAX, &cut), XMPP_XML_BODY_MAX);
	assert_false(cut);
	assert_int_equal(text_length("x", XMPP_XML_BODY_MAX + 1, &cut), XMPP_XML_BODY_MAX);
	assert_true(cut);
	/* Never within a character. */
	assert_int_equal(text_length("\xE2\x82\xAC", 100000, &cut), XMPP_XML_BODY_MAX / 3 * 3);
	assert_true(cut);
	assert_int_equal(text_length("&lt;", 500000, &cut), XMPP_XML_BODY_MAX);
	assert_true(cut);
}

static void test_long_attributes(void **state)
{
	char *id = mem_alloc(100001);
	char *text;
	struct xmpp_read_news news;
	xmpp_stanza_t *s;

	UNUSED(state);
	memset(id, 'i', 100000);
	text = mem_printf(
		"<message id='%s' type='chat' from='bob@localhost/%s'><body>x</body></message>", id,
		id);
	s = rig_stanza(text);
	xmpp_read_stanza(s, &rig_self, &news);
	/* An address that is too long is none, and not "the account itself". */
	assert_null(news.id);
	assert_null(news.from);
	assert_int_equal(json_array_size(news.messages), 0);
	xmpp_read_release(&news);
	xmpp_stanza_release(s);
	mem_free(text);
	text = mem_printf("<message type='chat' from='%s'><received xmlns='urn:xmpp:carbons:2'>%s"
			  "</received></message>",
		id, INNER(FROM_BOB, "x"));
	check(text, XMPP_READ_NOTHING, "[]");
	mem_free(text);
	text = mem_printf("<message type='error' id='m1' from='%s'/>", id);
	check(text, XMPP_READ_NOTHING, "[]");
	mem_free(text);
	text = mem_printf(ARCHIVED("from='alice@localhost'", "q1", INNER("from='%s'", "x")), id);
	check(text, XMPP_READ_ARCHIVED, "[]");
	mem_free(text);
	mem_free(id);
}

/* libstrophe's parser has to refuse these; if a later one did not, this test would tell. */
static void test_entities(void **state)
{
	static const char *const bombs[] = {
		"<!DOCTYPE message [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>]>"
		"<message><body>&b;</body></message>",
		"<!DOCTYPE message SYSTEM 'file:///etc/passwd'><message/>",
		"<message><body>&a;</body></message>",
		"<message><body>\x01</body></message>",
		"<message><body>&#0;</body></message>",
		"<message><body>&#xFFFE;</body></message>",
		"<message><body>\xC0\x80</body></message>",
		"<message from='a' from='b'/>",
	};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(bombs); i++)
		if (xmpp_stanza_new_from_string(rig_ctx, bombs[i]) != NULL)
			fail_msg("%s: was read", bombs[i]);
}

/* Markup in a text is text, also in CDATA; an element within a body is not part of it. */
static void test_markup(void **state)
{
	UNUSED(state);
	check("<message type='chat' "
	      "from='bob@localhost'><body>&lt;/body>&lt;b>x&lt;/b><![CDATA[<i>]]>"
	      "<evil>no</evil>&#x7f;&#13;z</body></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost'}," TO_ALICE
		"'object':{'text':'</body><b>x</b><i>\\rz'}}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carbons),
		cmocka_unit_test(test_forged_carbons),
		cmocka_unit_test(test_archives),
		cmocka_unit_test(test_forged_archives),
		cmocka_unit_test(test_roster_push),
		cmocka_unit_test(test_push_of_removal),
		cmocka_unit_test(test_forged_pushes),
		cmocka_unit_test(test_long_bodies),
		cmocka_unit_test(test_long_attributes),
		cmocka_unit_test(test_entities),
		cmocka_unit_test(test_markup),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
