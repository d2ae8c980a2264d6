/* SPDX-License-Identifier: MIT */
#include "core/err.h"
#include "platforms/xmpp/xmpp_map.h"
#include "tests/unit/xmpp_rig.h"

/* TAKES `json`. */
static void expect(json_t *json, const char *expected)
{
	rig_expect(json, expected, "shape");
	json_decref(json);
}

static void test_people(void **state)
{
	UNUSED(state);
	expect(xmpp_map_person("bob@localhost", NULL), "{'address':'bob@localhost'}");
	expect(xmpp_map_contact("bob@localhost/desk", "Bob"),
		"{'address':'bob@localhost','name':'Bob','resource':'desk'}");
	expect(xmpp_map_contact("no address/x", NULL), "{'address':'no address/x'}");
	expect(xmpp_map_occupant(RIG_ROOM, "bob"), "{'address':'" RIG_ROOM "/bob','name':'bob'}");
	expect(xmpp_map_occupant(RIG_ROOM, NULL), "{'address':'" RIG_ROOM "'}");
	expect(xmpp_map_to("alice@localhost"), "[{'address':'alice@localhost'}]");
	expect(xmpp_map_to_room(RIG_ROOM), "[{'address':'" RIG_ROOM "','objectType':'room'}]");
}

static void test_messages(void **state)
{
	struct err why;

	UNUSED(state);
	expect(xmpp_map_attendance(RIG_ROOM, rig_json("['al','bob']"), NULL),
		"{'actor':{'address':'" RIG_ROOM "'}," RIG_TO_ROOM
		"'verb':'observe','object':{'objectType':'attendance','members':['al','bob']}}");
	expect(xmpp_map_attendance(RIG_ROOM, rig_json("['al']"), rig_json("[{'name':'al'}]")),
		"{'actor':{'address':'" RIG_ROOM "'}," RIG_TO_ROOM
		"'verb':'observe','object':{'objectType':'attendance','members':['al'],"
		"'occupants':[{'name':'al'}]}}");
	/* byte for byte what classic clients know */
	expect(xmpp_map_close("alice@localhost"),
		"{'actor':{'address':'alice@localhost'}," RIG_TO_ALICE
		"'verb':'close','object':{}}");
	err_set(&why, ERR_CONFLICT, "twice");
	expect(xmpp_map_error("alice@localhost", NULL, &why, NULL),
		"{'actor':{'address':'unknown'}," RIG_TO_ALICE
		"'verb':'error','object':{'objectType':'error','text':'twice'}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_people),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, rig_open, rig_close);
}
