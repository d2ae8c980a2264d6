/* SPDX-License-Identifier: MIT */
/* Stanzas as Prosody 0.12 sent them, and those that a stranger might send. */
#include "core/mem.h"
#include "tests/unit/xmpp_rig.h"

#define STANZAS        "urn:ietf:params:xml:ns:xmpp-stanzas"
#define MUC_USER       "http://jabber.org/protocol/muc#user"
#define TO_ALICE       "'target':[{'address':'alice@localhost'}],'status':true,"
#define TO_ROOM        "'target':[{'address':'" RIG_ROOM "','objectType':'room'}],'status':true,"
#define OCCUPANT(nick) "'actor':{'address':'" RIG_ROOM "/" nick "','name':'" nick "'},"

struct row {
	const char *stanza;
	enum xmpp_read_kind kind;
	const char *messages; /* NULL: none */
};

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		xmpp_stanza_t *s = rig_stanza(rows[i].stanza);
		struct xmpp_read_news news;
		xmpp_read_stanza(s, &rig_self, &news);
		rig_expect(news.messages, rows[i].messages != NULL ? rows[i].messages : "[]",
			rows[i].stanza);
		if (news.kind != rows[i].kind)
			fail_msg("%s\n  is of kind %d, not %d", rows[i].stanza, (int)news.kind,
				(int)rows[i].kind);
		xmpp_read_release(&news);
		xmpp_stanza_release(s);
	}
}

/* The stanza's news; the caller releases them. */
static struct xmpp_read_news news_of(const char *text, const struct xmpp_read_self *self)
{
	xmpp_stanza_t *s = rig_stanza(text);
	struct xmpp_read_news news;

	xmpp_read_stanza(s, self, &news);
	xmpp_stanza_release(s);
	return news;
}

/* --- messages ---------------------------------------------------------------------------------------------------- */

static const struct row messages[] = {
	{"<message id='m1' xml:lang='en' type='chat' from='bob@localhost/desk' "
	 "to='alice@localhost'>"
	 "<body>hello &lt;b&gt;</body><request xmlns='urn:xmpp:receipts'/>"
	 "<active xmlns='http://jabber.org/protocol/chatstates'/><stanza-id by='alice@localhost' "
	 "xmlns='urn:xmpp:sid:0' id='F5WE1-CGF8LY35Iqpt0i5Ukd'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'send','object':{'text':'hello <b>','id':'m1','chatState':'active',"
		"'receipt':'requested','stanzaId':'F5WE1-CGF8LY35Iqpt0i5Ukd'}}]"},
	/* the least there can be is the classic form */
	{"<message type='chat' from='bob@localhost'><body>hi</body></message>", XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost'}," TO_ALICE
		"'verb':'send','object':{'text':'hi'}}]"},
	{"<message id='m4' type='chat' from='bob@localhost/desk'><body>hello</body>"
	 "<replace id='m3' xmlns='urn:xmpp:message-correct:0'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'send','object':{'text':'hello','id':'m4','replaces':'m3'}}]"},
	{"<message type='chat' from='bob@localhost/desk'>"
	 "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'update','object':{'objectType':'chatState','chatState':'composing'}}]"},
	{"<message id='m2' type='chat' from='bob@localhost/desk'>"
	 "<received id='m1' xmlns='urn:xmpp:receipts'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'update','object':{'objectType':'receipt','receipt':'received','id':'m1'}}"
		"]"},
	{"<message id='m2' type='chat' from='bob@localhost/desk'>"
	 "<displayed id='m1' xmlns='urn:xmpp:chat-markers:0'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'update','object':{'objectType':'receipt','receipt':'displayed','id':'m1'}}"
		"]"},
	{"<message id='m7' from='bob@localhost/desk'><subject>S</subject><body>B</body>"
	 "<thread>T</thread></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'send','object':{'text':'B','id':'m7','subject':'S','thread':'T'}}]"},
	{"<message type='headline' from='localhost'><body>down at 5</body></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'localhost'}," TO_ALICE
		"'verb':'send','object':{'text':'down at 5','type':'headline'}}]"},
	/* kept while nobody was there */
	{"<message type='chat' id='o' from='bob@localhost/desk'><body>x</body><delay "
	 "xmlns='urn:xmpp:delay' from='localhost' stamp='2026-11-22T07:43:25Z'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'send','object':{'text':'x','id':'o','date':'2026-11-22T07:43:25.000Z',"
		"'delayed':true}}]"},
	/* the server's date counts, not the sender's; nor one that lies ahead */
	{"<message type='chat' from='bob@localhost/desk'><body>x</body>"
	 "<delay xmlns='urn:xmpp:delay' stamp='2001-01-01T00:00:00Z'/>"
	 "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='2026-11-22T07:43:25Z'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'send','object':{'text':'x','date':'2026-11-22T07:43:25.000Z','delayed':"
		"true}}]"},
	{"<message type='chat' from='bob@localhost/desk'><body>x</body>"
	 "<delay xmlns='urn:xmpp:delay' from='localhost' stamp='2099-01-01T00:00:00Z'/>"
	 "<delay xmlns='urn:xmpp:delay' stamp='yesterday'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'send','object':{'text':'x'}}]"},
	/* an id for the archive that the sender made up */
	{"<message type='chat' from='bob@localhost/desk'><body>x</body>"
	 "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@localhost' id='1'/>"
	 "<stanza-id xmlns='urn:xmpp:sid:0' by='alice@localhost/web' id='2'/></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'send','object':{'text':'x'}}]"},
	{"<message id='m6' type='error' from='nobody@localhost' to='alice@localhost/web'>"
	 "<error type='cancel'><service-unavailable xmlns='" STANZAS "'/></error></message>",
		XMPP_READ_BOUNCED,
		"[{'actor':{'address':'nobody@localhost'}," TO_ALICE
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
	check_rows(messages, ARRAY_LEN(messages));
}

static void test_bounce(void **state)
{
	struct xmpp_read_news news = news_of("<message id='m6' type='error' from='" RIG_ROOM
					     "'><error type='auth'><forbidden xmlns='" STANZAS
					     "'/><text xmlns='" STANZAS
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
		struct xmpp_read_news news = news_of(receipts[i].stanza, &rig_self);
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

#define PRESENCE_OF_BOB(object)                                             \
	"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE \
	"'verb':'update','object':" object "}]"
#define FROM_BOB(verb, object)                                                                     \
	"[{'actor':{'address':'bob@localhost'}," TO_ALICE "'verb':'" verb "','object':" object "}" \
	"]"

static const struct row presences[] = {
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
		"[{'actor':{'address':'alice@localhost','resource':'phone'}," TO_ALICE
		"'verb':'update','object':{'statusText':null,'state':'online',"
		"'objectType':'presence','own':true}}]"},
	{"<presence from='alice@localhost/web'/>", XMPP_READ_NOTHING, NULL},
	{"<presence from='ALICE@LOCALHOST/web'/>", XMPP_READ_NOTHING, NULL},
	{"<presence/>", XMPP_READ_NOTHING, NULL},
	{"<presence type='probe' from='bob@localhost'/>", XMPP_READ_NOTHING, NULL},
	{"<presence type='subscribe' from='bob@localhost/x'/>", XMPP_READ_MESSAGES,
		FROM_BOB("request-friend", "{}")},
	{"<presence type='subscribe' from='bob@localhost'><status>hi &amp; bye</status></presence>",
		XMPP_READ_MESSAGES, FROM_BOB("request-friend", "{'text':'hi & bye'}")},
	{"<presence type='subscribed' from='bob@localhost'/>", XMPP_READ_MESSAGES,
		FROM_BOB("make-friend", "{}")},
	{"<presence type='unsubscribed' from='bob@localhost'/>", XMPP_READ_MESSAGES,
		FROM_BOB("remove-friend", "{}")},
	{"<presence type='unsubscribe' from='bob@localhost'/>", XMPP_READ_MESSAGES,
		FROM_BOB("remove-friend", "{'type':'unsubscribe'}")},
	{"<presence type='error' from='eve@nowhere.example'><error type='cancel'>"
	 "<remote-server-not-found xmlns='" STANZAS "'/></error></presence>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'eve@nowhere.example'}," TO_ALICE
		"'verb':'error','object':{'objectType':'error','text':'the server of this address "
		"was "
		"not found','condition':'remote-server-not-found'}}]"},
};

static void test_presences(void **state)
{
	UNUSED(state);
	check_rows(presences, ARRAY_LEN(presences));
}

/* --- rooms ------------------------------------------------------------------------------------------------------- */

#define X(inside) "<x xmlns='" MUC_USER "'>" inside "</x>"

static const struct row rooms[] = {
	{"<message id='g1' type='groupchat' from='" RIG_ROOM "/bob'><body>all</body>"
	 "<stanza-id by='" RIG_ROOM "' xmlns='urn:xmpp:sid:0' id='CbGT'/></message>",
		XMPP_READ_MESSAGES,
		"[{" OCCUPANT("bob") TO_ROOM
		"'verb':'send','object':{'text':'all','id':'g1','stanzaId':'CbGT'}}]"},
	{"<message id='g1' type='groupchat' from='" RIG_ROOM "/al'><body>all</body></message>",
		XMPP_READ_MESSAGES,
		"[{" OCCUPANT("al") TO_ROOM
		"'verb':'send','object':{'text':'all','id':'g1','own':true}}]"},
	{"<message id='g1' type='groupchat' from='" RIG_ROOM "/bob'><body>all</body><delay "
	 "xmlns='urn:xmpp:delay' from='" RIG_ROOM "' stamp='2026-11-23T07:43:25Z'/></message>",
		XMPP_READ_MESSAGES,
		"[{" OCCUPANT("bob") TO_ROOM
		"'verb':'send','object':{'text':'all','id':'g1','date':'2026-11-23T07:43:25.000Z',"
		"'delayed':true}}]"},
	{"<message type='groupchat' from='" RIG_ROOM "/bob'><subject>Topic</subject></message>",
		XMPP_READ_MESSAGES,
		"[{" OCCUPANT("bob") TO_ROOM
		"'verb':'update','object':{'objectType':'topic','topic':'Topic'}}]"},
	{"<message type='groupchat' from='" RIG_ROOM "'><subject/></message>", XMPP_READ_MESSAGES,
		"[{'actor':{'address':'" RIG_ROOM "'}," TO_ROOM
		"'verb':'update','object':{'objectType':'topic','topic':''}}]"},
	{"<message id='g3' type='chat' from='" RIG_ROOM
	 "/bob'><body>psst</body>" X("") "</message>",
		XMPP_READ_MESSAGES,
		"[{" OCCUPANT("bob") TO_ALICE "'verb':'send','object':{'text':'psst','id':'g3'}}]"},
	{"<message from='" RIG_ROOM "'>" X("<status code='104'/>") "</message>", XMPP_READ_NOTHING,
		NULL},
	/* a contact that speaks as if it were a room */
	{"<message type='groupchat' from='bob@localhost/al'><body>x</body></message>",
		XMPP_READ_NOTHING, NULL},
	/* invitations; the room's own words about it are left aside */
	{"<message from='" RIG_NEW "' to='alice@localhost'>" X(
		 "<invite from='bob@localhost/desk'><reason>come</reason></invite>"
		 "<password>pw</password>") "<body>bob invited you</body><x "
					    "xmlns='jabber:x:conference' "
					    "jid='" RIG_NEW "'>come</x></message>",
		XMPP_READ_MESSAGES,
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," TO_ALICE
		"'verb':'update','object':{'objectType':'invitation','text':'come',"
		"'password':'pw','room':'" RIG_NEW "'}}]"},
	{"<message from='" RIG_ROOM "'>" X("<invite from='" RIG_ROOM "/bob'/>") "</message>",
		XMPP_READ_MESSAGES,
		"[{" OCCUPANT("bob") TO_ALICE
		"'verb':'update','object':{'objectType':'invitation','room':'" RIG_ROOM "'}}]"},
	{"<message from='bob@localhost'><x xmlns='jabber:x:conference' jid='" RIG_NEW
	 "' reason='come'/></message>",
		XMPP_READ_MESSAGES,
		FROM_BOB("update",
			"{'objectType':'invitation','text':'come','room':'" RIG_NEW "'}")},
	/* occupants: who comes, who was there, who changes, who goes */
	{"<presence from='" RIG_ROOM "/car'>" X("<item affiliation='none' jid='carol@localhost/x' "
						"role='participant'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" OCCUPANT("car") TO_ROOM
		"'verb':'join','object':{'statusText':null,'state':'online','objectType':'presence'"
		","
		"'role':'participant','affiliation':'none','address':'carol@localhost/x'}}]"},
	{"<presence from='" RIG_ROOM "/bob'><show>dnd</show><status>busy</status>" X(
		 "<item affiliation='none' role='participant'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" OCCUPANT("bob") TO_ROOM "'verb':'update','object':{'statusText':'busy','state'"
					     ":'dnd','objectType':'presence',"
					     "'role':'participant','affiliation':'none'}}]"},
	{"<presence from='" RIG_NEW "/car'>" X("<item role='visitor'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{'actor':{'address':'" RIG_NEW
		"/car','name':'car'},'target':[{'address':'" RIG_NEW
		"','objectType':'room'}],'status':true,'verb':'update','object':{'statusText':null,"
		"'state':'online','objectType':'presence','role':'visitor'}}]"},
	{"<presence type='unavailable' from='" RIG_ROOM
	 "/bob'><status>bye</status>" X("<item affiliation='none' role='none'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" OCCUPANT("bob") TO_ROOM "'verb':'leave','object':{'text':'bye'}}]"},
	{"<presence type='unavailable' from='" RIG_ROOM
	 "/bob'>" X("<status code='307'/><item role='none'><actor nick='al'/><reason>rude</reason>"
		    "</item>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" OCCUPANT("bob") TO_ROOM
		"'verb':'leave','object':{'text':'rude','condition':'kicked','by':'al'}}]"},
	{"<presence type='unavailable' from='" RIG_ROOM
	 "/bob'>" X("<status code='303'/><item nick='bobby'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" OCCUPANT(
			"bob") "'target':[{'address':'" RIG_ROOM
			       "/bobby','name':'bobby'}],'status':true,'verb':'update','object':{"
			       "'objectType':'address','room':'" RIG_ROOM "'}}]"},
	/* oneself */
	{"<presence from='" RIG_NEW
	 "/al'>" X("<status code='201'/><item affiliation='owner' role='moderator'/>"
		   "<status code='110'/>") "</presence>",
		XMPP_READ_ENTERED,
		"[{'actor':{'address':'" RIG_NEW "/al','name':'al'},'target':[{'address':'" RIG_NEW
		"','objectType':'room'}],'status':true,'verb':'join','object':{'statusText':null,"
		"'state':'online','objectType':'presence','role':'moderator','affiliation':'owner',"
		"'own':true}}]"},
	{"<presence type='unavailable' from='" RIG_ROOM
	 "/al'>" X("<status code='110'/><item role='none'/>") "</presence>",
		XMPP_READ_LEFT,
		"[{" OCCUPANT("al") TO_ROOM "'verb':'leave','object':{'text':'','own':true}}]"},
	/* of no room that we know */
	{"<presence from='other@conference.localhost/al'>" X("<status code='110'/>") "</presence>",
		XMPP_READ_NOTHING, NULL},
	{"<presence from='" RIG_ROOM "'><x xmlns='vcard-temp:x:update'/></presence>",
		XMPP_READ_NOTHING, NULL},
	{"<presence type='subscribe' from='" RIG_ROOM "/bob'/>", XMPP_READ_NOTHING, NULL},
};

static void test_rooms(void **state)
{
	UNUSED(state);
	check_rows(rooms, ARRAY_LEN(rooms));
}

static void test_entering(void **state)
{
	struct xmpp_read_news news = news_of(
		"<presence from='" RIG_NEW
		"/al2'>" X("<status code='100'/><status code='210'/><status code='201'/>"
			   "<item affiliation='owner' role='moderator' jid='alice@localhost/web'/>"
			   "<status code='110'/>") "</presence>",
		&rig_self);

	UNUSED(state);
	assert_int_equal(news.kind, XMPP_READ_ENTERED);
	assert_string_equal(news.room, RIG_NEW);
	assert_string_equal(news.nick, "al2");
	assert_int_equal(news.codes, XMPP_READ_CODE_SELF | XMPP_READ_CODE_CREATED |
					     XMPP_READ_CODE_NICK_GIVEN | XMPP_READ_CODE_PUBLIC);
	assert_string_equal(news.role, "moderator");
	assert_string_equal(news.affiliation, "owner");
	assert_string_equal(news.jid, "alice@localhost/web");
	xmpp_read_release(&news);
	/* Once more is harmless. */
	xmpp_read_release(&news);
}

static void test_own_new_nick(void **state)
{
	struct xmpp_read_news news = news_of(
		"<presence type='unavailable' from='" RIG_ROOM "/al'>" X(
			"<status code='303'/><item nick='alf'/><status code='110'/>") "</presence>",
		&rig_self);

	UNUSED(state);
	assert_int_equal(news.kind, XMPP_READ_OCCUPANT);
	assert_true(news.codes & XMPP_READ_CODE_SELF);
	assert_string_equal(news.nick, "al");
	assert_string_equal(news.new_nick, "alf");
	assert_true(news.here);
	xmpp_read_release(&news);
}

static const struct {
	const char *inside;
	enum err_code code;
	const char *text;
} partings[] = {
	{"<item/>", ERR_NONE, ""},
	{"<status code='307'/><item><reason>rude</reason></item>", ERR_FORBIDDEN,
		"you were kicked from the room: rude"},
	{"<status code='301'/><item/>", ERR_FORBIDDEN, "you were banned from the room"},
	{"<status code='321'/>", ERR_FORBIDDEN, "you are no longer a member of the room"},
	{"<status code='322'/>", ERR_FORBIDDEN, "the room is for members only now"},
	{"<status code='307'/><status code='332'/>", ERR_REMOTE,
		"the room's server is shutting down"},
	{"<destroy jid='x@y'><reason>over</reason></destroy><item/>", ERR_NOT_FOUND,
		"the room was destroyed: over"},
	{"<status code='99999999999999999999'/><status/><status code='x'/>", ERR_NONE, ""},
};

static void test_parting(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(partings); i++) {
		char *text = mem_printf("<presence type='unavailable' from='" RIG_ROOM
					"/al'><x xmlns='" MUC_USER "'>%s</x></presence>",
			partings[i].inside);
		struct xmpp_read_news news = news_of(text, &rig_self);
		assert_int_equal(news.kind, XMPP_READ_LEFT);
		assert_int_equal(news.why.code, partings[i].code);
		assert_string_equal(news.why.text, partings[i].text);
		xmpp_read_release(&news);
		mem_free(text);
	}
}

static const struct {
	const char *condition;
	enum err_code code;
	const char *text;
} refusals[] = {
	{"not-authorized", ERR_FORBIDDEN, "the room wants a password"},
	{"forbidden", ERR_FORBIDDEN, "you are banned from this room"},
	{"conflict", ERR_CONFLICT, "the nick is taken"},
	{"registration-required", ERR_FORBIDDEN, "the room is for members only"},
	{"item-not-found", ERR_NOT_FOUND, "the room does not exist, or is not open yet"},
	{"not-allowed", ERR_FORBIDDEN, "you may not open a room there"},
	{"service-unavailable", ERR_REMOTE, "the room is full"},
	{"remote-server-not-found", ERR_RESOLVE, "the server of the room was not found"},
	{"internal-server-error", ERR_REMOTE, "the server has an internal error"},
	{"never-heard-of", ERR_REMOTE, "the server reported an error"},
};

static void test_refusals(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		char *text = mem_printf("<presence id='j1' type='error' from='" RIG_NEW
					"/al'><error type='auth'><%s xmlns='" STANZAS
					"'/></error></presence>",
			refusals[i].condition);
		struct xmpp_read_news news = news_of(text, &rig_self);
		assert_int_equal(news.kind, XMPP_READ_REFUSED);
		assert_string_equal(news.room, RIG_NEW);
		assert_string_equal(news.id, "j1");
		assert_int_equal(news.why.code, refusals[i].code);
		assert_string_equal(news.why.text, refusals[i].text);
		assert_int_equal(json_array_size(news.messages), 0);
		xmpp_read_release(&news);
		mem_free(text);
	}
}

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
		"<item-not-found xmlns=\"" STANZAS "\"/></error></iq>"},
	{"<iq id='u' type='set' from='bob@localhost/desk'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<iq id=\"u\" to=\"bob@localhost/desk\" type=\"error\"><error type=\"cancel\">"
		"<service-unavailable xmlns=\"" STANZAS "\"/></error></iq>"},
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
		struct xmpp_read_news news = news_of(requests[i].iq, &rig_self);
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
	struct xmpp_read_news news = news_of(
		"<iq id='i' type='get' from='bob@localhost/desk'><query "
		"xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		&rig_self);

	UNUSED(state);
	rig_expect_stanza(news.reply,
		"<iq id=\"i\" to=\"bob@localhost/desk\" type=\"result\"><query "
		"xmlns=\"http://jabber.org/protocol/disco#info\"><identity type=\"web\" "
		"category=\"client\" name=\"Sockethub\"/>"
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
	struct xmpp_read_news news = news_of(
		"<iq type='result' id='r1' from='localhost'/>", &rig_self);

	UNUSED(state);
	assert_int_equal(news.kind, XMPP_READ_RESULT);
	assert_string_equal(news.id, "r1");
	assert_string_equal(news.from, "localhost");
	xmpp_read_release(&news);
	news = news_of("<iq type='error' id='r1'><error type='cancel'><feature-not-implemented "
		       "xmlns='" STANZAS "'/></error></iq>",
		&rig_self);
	assert_int_equal(news.kind, XMPP_READ_FAILED);
	assert_null(news.from);
	assert_int_equal(news.why.code, ERR_UNSUPPORTED);
	assert_string_equal(news.condition, "feature-not-implemented");
	xmpp_read_release(&news);
}

/* An account that knows nothing yet. */
static void test_no_callbacks(void **state)
{
	static const struct xmpp_read_self bare = {
		.actor = "alice@localhost", .full_jid = "alice@localhost/web", .now_ms = RIG_NOW};

	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(messages) + ARRAY_LEN(rooms); i++) {
		size_t n = ARRAY_LEN(messages);
		struct xmpp_read_news news = news_of(
			i < n ? messages[i].stanza : rooms[i - n].stanza, &bare);
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
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_entering),
		cmocka_unit_test(test_own_new_nick),
		cmocka_unit_test(test_parting),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_disco_info),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_no_callbacks),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
