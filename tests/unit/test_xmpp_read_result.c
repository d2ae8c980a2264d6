/* SPDX-License-Identifier: MIT */
/* Answers as Prosody 0.12 sent them, and wrong ones. */
#include "core/buf.h"
#include "core/mem.h"
#include "platforms/xmpp/xmpp_read_result.h"
#include "tests/unit/xmpp_rig.h"

#define IQ(child) "<iq id='r' type='result' to='alice@localhost/web'>" child "</iq>"
#define TO_ALICE  "'target':[{'address':'alice@localhost'}],'status':true,"

static void test_roster(void **state)
{
	xmpp_stanza_t *s = rig_stanza(
		IQ("<query ver='4' xmlns='jabber:iq:roster'><item jid='bob@localhost' "
		   "subscription='both' name='Bob'><group>Friends</group></item><item "
		   "jid='carol@localhost' subscription='from' ask='subscribe'/><item "
		   "jid='dan@localhost' "
		   "subscription='none' ask='subscribe'/><item jid='e e@localhost' "
		   "subscription='both'/>"
		   "<item subscription='both'/></query>"));
	json_t *messages = NULL, *object = NULL;
	struct err e;

	UNUSED(state);
	assert_int_equal(xmpp_read_result_roster(s, &rig_self, &messages, &object, &e), 0);
	rig_expect(messages,
		"[{'actor':{'address':'bob@localhost','name':'Bob'}," TO_ALICE
		"'verb':'update','object':{'statusText':'','state':'offline','objectType':'contact'"
		","
		"'subscription':'both','groups':['Friends']}},"
		"{'actor':{'address':'carol@localhost'}," TO_ALICE
		"'verb':'update','object':{'statusText':'','state':'notauthorized',"
		"'objectType':'contact','subscription':'from','ask':'subscribe'}},"
		"{'actor':{'address':'dan@localhost'}," TO_ALICE
		"'verb':'request-friend','object':{'objectType':'contact','subscription':'none',"
		"'ask':'subscribe'}}]",
		"roster messages");
	rig_expect(object,
		"{'objectType':'roster','count':3,'items':[{'address':'bob@localhost','name':'Bob',"
		"'subscription':'both','groups':['Friends']},{'address':'carol@localhost',"
		"'subscription':'from','ask':'subscribe'},{'address':'dan@localhost',"
		"'subscription':'none','ask':'subscribe'}]}",
		"roster object");
	json_decref(messages);
	json_decref(object);
	xmpp_stanza_release(s);
}

static void test_roster_bounds(void **state)
{
	struct buf b = BUF_INIT;
	json_t *messages, *object;
	xmpp_stanza_t *s;

	UNUSED(state);
	buf_add_str(&b, "<iq><query xmlns='jabber:iq:roster'>");
	for (int i = 0; i <= XMPP_READ_RESULT_ROSTER_MAX; i++) {
		buf_printf(&b, "<item jid='u%d@localhost' subscription='both'>", i);
		for (int g = 0; i == 0 && g < 100; g++)
			buf_printf(&b, "<group>g%d</group>", g);
		buf_add_str(&b, "</item>");
	}
	buf_add_str(&b, "</query></iq>");
	s = rig_stanza(buf_str(&b));
	assert_int_equal(xmpp_read_result_roster(s, &rig_self, &messages, &object, NULL), 0);
	assert_int_equal(json_array_size(messages), XMPP_READ_RESULT_MESSAGES_MAX);
	assert_true(json_is_true(json_object_get(object, "truncated")));
	assert_int_equal(json_array_size(json_object_get(
				 json_array_get(json_object_get(object, "items"), 0), "groups")),
		32);
	json_decref(messages);
	json_decref(object);
	xmpp_stanza_release(s);
	buf_release(&b);
}

typedef int object_reader_fn(const xmpp_stanza_t *iq, json_t **object, struct err *e);

static const struct {
	object_reader_fn *read;
	const char *iq, *object; /* NULL: not what was asked for */
} objects[] = {
	{xmpp_read_result_members,
		IQ("<query xmlns='http://jabber.org/protocol/disco#items'><item "
		   "jid='room@conference.localhost/al'/><item "
		   "jid='room@conference.localhost/&lt;b>'/><item jid='room@conference.localhost' "
		   "name='named'/><item jid='room@conference.localhost'/><item jid='b b' name='x'/>"
		   "</query>"),
		"['al','<b>','named']"},
	{xmpp_read_result_members, IQ("<query xmlns='http://jabber.org/protocol/disco#items'/>"),
		"[]"},
	{xmpp_read_result_members, IQ("<query xmlns='http://jabber.org/protocol/disco#info'/>"),
		NULL},
	{xmpp_read_result_items,
		IQ("<query xmlns='http://jabber.org/protocol/disco#items'><item "
		   "jid='room@conference.localhost' name='Room'/><item jid='x.localhost' "
		   "node='n'/><item name='nobody'/></query>"),
		"{'objectType':'items','items':[{'address':'room@conference.localhost','name':'"
		"Room'},"
		"{'address':'x.localhost','node':'n'}]}"},
	{xmpp_read_result_items, IQ(""), NULL},
	{xmpp_read_result_info,
		IQ("<query xmlns='http://jabber.org/protocol/disco#info'><feature "
		   "var='muc_unmoderated'/><identity type='text' category='conference'/><feature "
		   "var='urn:xmpp:mam:2'/><x type='result' xmlns='jabber:x:data'><field "
		   "var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#roominfo"
		   "</value></field><field var='muc#roominfo_description' type='text-single' "
		   "label='Description'><value/></field><field var='muc#roominfo_occupants' "
		   "type='text-single' label='Number of occupants'><value>3</value></field><field "
		   "var='muc#roomconfig_roomname' type='text-single' label='Title'/><field "
		   "var='admins' "
		   "type='jid-multi'><value>a@x</value><value>b@x</value></field><field "
		   "var='who' type='list-single'><value>a</value><option><value>a</value></option>"
		   "<option><value>b</value></option></field><field><value>no name</value></field>"
		   "</x></query>"),
		"{'objectType':'room-info','identities':[{'category':'conference','type':'text'}],"
		"'features':['muc_unmoderated','urn:xmpp:mam:2'],'roominfo':{"
		"'muc#roominfo_description':{'type':'text-single','label':'Description','value':''}"
		","
		"'muc#roominfo_occupants':{'type':'text-single','label':'Number of occupants',"
		"'value':'3'},'muc#roomconfig_roomname':{'type':'text-single','label':'Title'},"
		"'admins':{'type':'jid-multi','value':['a@x','b@x']},"
		"'who':{'type':'list-single','value':'a','options':['a','b']}}}"},
	{xmpp_read_result_info,
		IQ("<query xmlns='http://jabber.org/protocol/disco#info'><identity "
		   "category='account' type='registered' name='N'/></query>"),
		"{'objectType':'info','name':'N','identities':[{'category':'account',"
		"'type':'registered','name':'N'}],'features':[]}"},
	{xmpp_read_result_info,
		IQ("<query xmlns='http://jabber.org/protocol/disco#info'><x xmlns='jabber:x:data'>"
		   "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value>"
		   "</field><field var='a'><value>1</value></field></x><x xmlns='jabber:x:data'>"
		   "<field var='b'><value>2</value></field></x></query>"),
		"{'objectType':'info','identities':[],'features':[],'roomconfig':{'a':{"
		"'type':'text-single','value':'1'}},'custom':{'b':{'type':'text-single',"
		"'value':'2'}}}"},
	{xmpp_read_result_info, IQ("<query xmlns='jabber:iq:roster'/>"), NULL},
	{xmpp_read_result_history,
		IQ("<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>"
		   "<last>_aYJ</last><count>7</count><first>eSEh</first></set></fin>"),
		"{'objectType':'history','complete':false,'first':'eSEh','last':'_aYJ','count':7}"},
	{xmpp_read_result_history,
		IQ("<fin complete='true' xmlns='urn:xmpp:mam:2'><set "
		   "xmlns='http://jabber.org/protocol/rsm'><count>many</count><last/></set></fin>"),
		"{'objectType':'history','complete':true}"},
	{xmpp_read_result_history,
		IQ("<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>"
		   "<count>99999999999999999999999</count></set></fin>"),
		"{'objectType':'history','complete':false}"},
	{xmpp_read_result_history, IQ(""), NULL},
	{xmpp_read_result_version,
		IQ("<query xmlns='jabber:iq:version'><name>Prosody</name><version>0.12.3</version>"
		   "</query>"),
		"{'objectType':'version','name':'Prosody','version':'0.12.3'}"},
	{xmpp_read_result_version, IQ(""), NULL},
};

static void test_objects(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		xmpp_stanza_t *s = rig_stanza(objects[i].iq);
		json_t *object = NULL;
		struct err e = {0};
		int rc = objects[i].read(s, &object, &e);
		if ((rc == 0) != (objects[i].object != NULL))
			fail_msg("%s: %d", objects[i].iq, rc);
		if (rc == 0)
			rig_expect(object, objects[i].object, objects[i].iq);
		else
			assert_int_equal(e.code, ERR_REMOTE);
		json_decref(object);
		xmpp_stanza_release(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roster),
		cmocka_unit_test(test_roster_bounds),
		cmocka_unit_test(test_objects),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
