/* SPDX-License-Identifier: MIT */
/* What happens in rooms, as Prosody 0.12 told it. */
#include "core/mem.h"
#include "tests/unit/xmpp_rig.h"

/* --- rooms ------------------------------------------------------------------------------------------------------- */

#define X(inside) "<x xmlns='" RIG_MUC_USER "'>" inside "</x>"

static const struct rig_row rooms[] = {
	{"<message id='g1' type='groupchat' from='" RIG_ROOM "/bob'><body>all</body>"
	 "<stanza-id by='" RIG_ROOM "' xmlns='urn:xmpp:sid:0' id='CbGT'/></message>",
		XMPP_READ_MESSAGES,
		"[{" RIG_OCCUPANT("bob") RIG_TO_ROOM
		"'verb':'send','object':{'text':'all','id':'g1','stanzaId':'CbGT'}}]"},
	{"<message id='g1' type='groupchat' from='" RIG_ROOM "/al'><body>all</body></message>",
		XMPP_READ_MESSAGES,
		"[{" RIG_OCCUPANT("al") RIG_TO_ROOM
		"'verb':'send','object':{'text':'all','id':'g1','own':true}}]"},
	{"<message id='g1' type='groupchat' from='" RIG_ROOM "/bob'><body>all</body><delay "
	 "xmlns='urn:xmpp:delay' from='" RIG_ROOM "' stamp='2026-11-23T07:43:25Z'/></message>",
		XMPP_READ_MESSAGES,
		"[{" RIG_OCCUPANT("bob") RIG_TO_ROOM
		"'verb':'send','object':{'text':'all','id':'g1','date':'2026-11-23T07:43:25.000Z',"
		"'delayed':true}}]"},
	{"<message type='groupchat' from='" RIG_ROOM "/bob'><subject>Topic</subject></message>",
		XMPP_READ_MESSAGES,
		"[{" RIG_OCCUPANT("bob") RIG_TO_ROOM
		"'verb':'update','object':{'objectType':'topic','topic':'Topic'}}]"},
	{"<message type='groupchat' from='" RIG_ROOM "'><subject/></message>", XMPP_READ_MESSAGES,
		"[{'actor':{'address':'" RIG_ROOM "'}," RIG_TO_ROOM
		"'verb':'update','object':{'objectType':'topic','topic':''}}]"},
	{"<message id='g3' type='chat' from='" RIG_ROOM
	 "/bob'><body>psst</body>" X("") "</message>",
		XMPP_READ_MESSAGES,
		"[{" RIG_OCCUPANT("bob") RIG_TO_ALICE
		"'verb':'send','object':{'text':'psst','id':'g3'}}]"},
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
		"[{'actor':{'address':'bob@localhost','resource':'desk'}," RIG_TO_ALICE
		"'verb':'update','object':{'objectType':'invitation','text':'come',"
		"'password':'pw','room':'" RIG_NEW "'}}]"},
	{"<message from='" RIG_ROOM "'>" X("<invite from='" RIG_ROOM "/bob'/>") "</message>",
		XMPP_READ_MESSAGES,
		"[{" RIG_OCCUPANT("bob") RIG_TO_ALICE
		"'verb':'update','object':{'objectType':'invitation','room':'" RIG_ROOM "'}}]"},
	{"<message from='bob@localhost'><x xmlns='jabber:x:conference' jid='" RIG_NEW
	 "' reason='come'/></message>",
		XMPP_READ_MESSAGES,
		RIG_FROM_BOB("update",
			"{'objectType':'invitation','text':'come','room':'" RIG_NEW "'}")},
	/* occupants: who comes, who was there, who changes, who goes */
	{"<presence from='" RIG_ROOM "/car'>" X("<item affiliation='none' jid='carol@localhost/x' "
						"role='participant'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" RIG_OCCUPANT("car") RIG_TO_ROOM
		"'verb':'join','object':{'statusText':null,'state':'online','objectType':'presence'"
		","
		"'role':'participant','affiliation':'none','address':'carol@localhost/x'}}]"},
	{"<presence from='" RIG_ROOM "/bob'><show>dnd</show><status>busy</status>" X(
		 "<item affiliation='none' role='participant'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" RIG_OCCUPANT("bob") RIG_TO_ROOM
		"'verb':'update','object':{'statusText':'busy','state'"
		":'dnd','objectType':'presence',"
		"'role':'participant','affiliation':'none'}}]"},
	/* Words that XMPP has not are not passed on, and not kept. */
	{"<presence from='" RIG_ROOM
	 "/bob'>" X("<item affiliation='king' role='visitor &lt;'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" RIG_OCCUPANT("bob") RIG_TO_ROOM "'verb':'update','object':{'statusText':null,"
						     "'state':'online','objectType':'presence'}}]"},
	{"<presence from='" RIG_NEW "/car'>" X("<item role='visitor'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{'actor':{'address':'" RIG_NEW
		"/car','name':'car'},'target':[{'address':'" RIG_NEW
		"','objectType':'room'}],'status':true,'verb':'update','object':{'statusText':null,"
		"'state':'online','objectType':'presence','role':'visitor'}}]"},
	{"<presence type='unavailable' from='" RIG_ROOM
	 "/bob'><status>bye</status>" X("<item affiliation='none' role='none'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" RIG_OCCUPANT("bob") RIG_TO_ROOM "'verb':'leave','object':{'text':'bye'}}]"},
	{"<presence type='unavailable' from='" RIG_ROOM
	 "/bob'>" X("<status code='307'/><item role='none'><actor nick='al'/><reason>rude</reason>"
		    "</item>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" RIG_OCCUPANT("bob") RIG_TO_ROOM
		"'verb':'leave','object':{'text':'rude','condition':'kicked','by':'al'}}]"},
	{"<presence type='unavailable' from='" RIG_ROOM
	 "/bob'>" X("<status code='303'/><item nick='bobby'/>") "</presence>",
		XMPP_READ_OCCUPANT,
		"[{" RIG_OCCUPANT(
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
		"[{" RIG_OCCUPANT("al") RIG_TO_ROOM
		"'verb':'leave','object':{'text':'','own':true}}]"},
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
	rig_check_rows(rooms, ARRAY_LEN(rooms));
}

static void test_entering(void **state)
{
	struct xmpp_read_news news = rig_news(
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
	struct xmpp_read_news news = rig_news(
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
					"/al'><x xmlns='" RIG_MUC_USER "'>%s</x></presence>",
			partings[i].inside);
		struct xmpp_read_news news = rig_news(text, &rig_self);
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
					"/al'><error type='auth'><%s xmlns='" RIG_STANZAS
					"'/></error></presence>",
			refusals[i].condition);
		struct xmpp_read_news news = rig_news(text, &rig_self);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_entering),
		cmocka_unit_test(test_own_new_nick),
		cmocka_unit_test(test_parting),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
