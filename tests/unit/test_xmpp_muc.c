/* SPDX-License-Identifier: MIT */
/* Rooms: entering, staying, leaving, and what is done in them. */
#include "tests/unit/xmpp_account_rig.h"

/* --- rooms ----------------------------------------------------------------------------------------------------------------------------- */

static void occupant(const char *nick, const char *codes)
{
	comes("<presence from='" ROOM "/%s' to='" ME "'><x xmlns='" MUC
	      "#user'><item affiliation='none' role='participant'/>%s</x></presence>",
		nick, codes);
}

#define SELF "<status code='110'/>"

static int joined(struct fake *f)
{
	int j = job(f, "join", ROOM "/Ann", NULL);

	occupant("bob", "");
	occupant("Ann", SELF);
	done(f, j);
	return j;
}

static void test_join(void **state)
{
	struct fake *f = *state;
	const json_t *object, *kept;
	int j, again;

	j = joined(f);
	object = done(f, j);
	assert_string_equal(text(object, "nick"), "Ann");
	assert_int_equal(json_integer_value(json_object_get(object, "occupants")), 2);
	kept = json_object_get(json_object_get(event(f, "keep", NULL), "state"), "rooms");
	assert_string_equal(text(json_array_get(kept, 0), "address"), ROOM);
	/* A second session learns who is there from the account's own record. */
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\""), 1);
	again = job(f, "join", ROOM, json_pack("{ss}", "nick", "Ann"));
	done(f, again);
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\""), 1);
	object = object_of(message(f, "observe", NULL));
	assert_int_equal(json_array_size(json_object_get(object, "members")), 2);
}

static void test_join_new_room(void **state)
{
	struct fake *f = *state;
	int j = job(f, "join", ROOM "/Ann", NULL);

	occupant("Ann", SELF "<status code='201'/>");
	/* Nobody could follow until it is open. */
	assert_false(fake_is_answered(f, j));
	comes("<iq type='result' id='%s' from='" ROOM "'/>", attribute("muc#owner", "id"));
	assert_true(json_is_true(json_object_get(done(f, j), "created")));
}

static void refuse(const char *condition)
{
	comes("<presence type='error' from='" ROOM "/Ann' to='" ME "'><error type='auth'><%s "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
		condition);
}

static void test_join_refused(void **state)
{
	static const struct {
		const char *condition, *code, *word;
	} rows[] = {
		{"not-authorized", "forbidden", "password"},
		{"forbidden", "forbidden", "banned"},
		{"conflict", "conflict", "nick"},
		{"registration-required", "forbidden", "members"},
		{"item-not-found", "not-found", "exist"},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int j = job(f, "join", ROOM "/Ann", json_pack("{ss}", "password", "wrong"));

		refuse(rows[i].condition);
		assert_non_null(strstr(text(failed(f, j, rows[i].code), "text"), rows[i].word));
	}
	/* It is in none of them. */
	failed(f, job(f, "leave", ROOM, NULL), "not-found");
	assert_int_equal(SENT("<password>wrong</password>"), (int)ARRAY_LEN(rows));
}

static void test_join_waits_for_the_same(void **state)
{
	struct fake *f = *state;
	int a = job(f, "join", ROOM "/Ann", NULL);
	int b = job(f, "join", ROOM "/Ann", NULL);

	assert_int_equal(SENT("<presence", ROOM), 1);
	failed(f, job(f, "join", ROOM "/Other", NULL), "busy");
	occupant("Ann", SELF);
	done(f, a);
	done(f, b);
}

static void leaves(const char *nick)
{
	comes("<presence type='unavailable' from='" ROOM "/%s' to='" ME "'><x xmlns='" MUC
	      "#user'><item affiliation='none' role='none'/>" SELF "</x></presence>",
		nick);
}

/* Its session has ended before the room answers. */
static void test_cancelled_join_is_undone(void **state)
{
	struct fake *f = *state;

	fake_cancel(f, job(f, "join", ROOM "/Ann", NULL));
	assert_int_equal(SENT("type=\"unavailable\""), 0);
	occupant("Ann", SELF);
	assert_int_equal(SENT("type=\"unavailable\"", "to=\"" ROOM "/Ann\""), 1);
	leaves("Ann");
	assert_non_null(message(f, "leave", NULL));
	failed(f, job(f, "leave", ROOM, NULL), "not-found");
	assert_int_equal(json_array_size(json_object_get(
				 json_object_get(event(f, "keep", NULL), "state"), "rooms")),
		0);
	/* And once more from the beginning. */
	joined(f);
	assert_int_equal(SENT("type=\"unavailable\""), 1);
}

static void test_cancelled_join_refused(void **state)
{
	struct fake *f = *state;

	fake_cancel(f, job(f, "join", ROOM "/Ann", NULL));
	refuse("forbidden");
	assert_int_equal(SENT("type=\"unavailable\""), 0);
	failed(f, job(f, "leave", ROOM, NULL), "not-found");
}

/* As when a page is loaded again. */
static void test_cancelled_join_is_taken_over(void **state)
{
	struct fake *f = *state;
	int a = job(f, "join", ROOM "/Ann", NULL), b, c;

	fake_cancel(f, a);
	b = job(f, "join", ROOM "/Ann", NULL);
	c = job(f, "join", ROOM "/Ann", NULL);
	fake_cancel(f, b);
	assert_int_equal(SENT("<presence", ROOM), 1);
	occupant("Ann", SELF);
	done(f, c);
	assert_int_equal(SENT("type=\"unavailable\""), 0);
	/* One that ends later takes nothing away. */
	fake_cancel(f, job(f, "fetch", "roster", NULL));
	done(f, job(f, "observe", ROOM, NULL));
}

static void test_cancelled_join_of_two(void **state)
{
	struct fake *f = *state;
	int a = job(f, "join", ROOM "/Ann", NULL);
	int b = job(f, "join", ROOM "/Ann", NULL);

	fake_cancel(f, a);
	occupant("Ann", SELF);
	done(f, b);
	assert_int_equal(SENT("type=\"unavailable\""), 0);
}

static int rooms_are_left(void *arg)
{
	UNUSED(arg);
	return SENT("type=\"unavailable\"") >= 3;
}

/* Rooms that never answer take no place for ever; one that is not left while there is no stream is left afterwards. */
static void test_cancelled_joins_unanswered(void **state)
{
	struct fake *f = *state;
	char room[64];

	for (int i = 0; i < 3; i++) {
		snprintf(room, sizeof room, "r%d@muc.example.org/Ann", i);
		fake_cancel(f, job(f, "join", room, NULL));
	}
	failed(f, job(f, "join", ROOM "/Ann", NULL), "busy");
	down(ERR_REMOTE, "lost");
	fake_run_for(f, 1600);
	assert_int_equal(SENT("type=\"unavailable\""), 0);
	up(1);
	assert_int_equal(fake_run_until(f, rooms_are_left, NULL, 10000), 0);
	joined(f);
}

static void test_cancelled_join_on_a_new_stream(void **state)
{
	struct fake *f = *state;

	fake_cancel(f, job(f, "join", ROOM "/Ann", NULL));
	down(ERR_REMOTE, "lost");
	up(0);
	assert_int_equal(SENT("<presence", ROOM), 1);
	failed(f, job(f, "leave", ROOM, NULL), "not-found");
}

/* It wanted out before it was in. */
static void test_leave_while_entering_fails(void **state)
{
	struct fake *f = *state;
	int a = job(f, "join", ROOM "/Ann", NULL);
	int b = job(f, "leave", ROOM, NULL);

	refuse("forbidden");
	failed(f, a, "forbidden");
	done(f, b);
}

static void test_too_many_rooms(void **state)
{
	struct fake *f = *state;

	for (int i = 0; i < 3; i++) {
		char room[64];

		snprintf(room, sizeof room, "r%d@muc.example.org/Ann", i);
		job(f, "join", room, NULL);
	}
	failed(f, job(f, "join", ROOM "/Ann", NULL), "busy");
}

static void test_leave(void **state)
{
	struct fake *f = *state;
	int j;

	joined(f);
	j = job(f, "leave", ROOM, json_pack("{ss}", "text", "bye"));
	assert_int_equal(SENT("type=\"unavailable\"", "bye"), 1);
	leaves("Ann");
	done(f, j);
	assert_non_null(message(f, "leave", NULL));
	assert_int_equal(json_array_size(json_object_get(
				 json_object_get(event(f, "keep", NULL), "state"), "rooms")),
		0);
}

static void test_nick(void **state)
{
	struct fake *f = *state;
	int j, k;

	joined(f);
	j = job(f, "update", ROOM, json_pack("{ssss}", "objectType", "nick", "nick", "Anna"));
	/* Something else about us changes meanwhile: not an answer. */
	occupant("Ann", SELF);
	assert_false(fake_is_answered(f, j));
	comes("<presence type='unavailable' from='" ROOM "/Ann' to='" ME "'><x xmlns='" MUC
	      "#user'><item nick='Anna' affiliation='none' role='participant'/><status "
	      "code='303'/>" SELF "</x></presence>");
	occupant("Anna", SELF);
	assert_string_equal(text(done(f, j), "nick"), "Anna");
	k = job(f, "update", ROOM, json_pack("{ssss}", "objectType", "nick", "nick", "bob"));
	refuse("conflict");
	failed(f, k, "conflict");
	/* Still inside, under the same name. */
	assert_string_equal(
		text(done(f, job(f, "join", ROOM, json_pack("{ss}", "nick", "Anna"))), "nick"),
		"Anna");
}

static void test_enters_again(void **state)
{
	struct fake *f = *state;
	const json_t *m;

	joined(f);
	comes("<message type='groupchat' from='" ROOM "/bob' to='" ME
	      "' id='g1'><body>hi</body></message>");
	down(ERR_REMOTE, "lost");
	up(0);
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\""), 2);
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\"", "since="), 1);
	occupant("Ann", SELF);
	done(f, job(f, "observe", ROOM, NULL));
	/* A room that will not have it any more. */
	down(ERR_REMOTE, "lost");
	up(0);
	refuse("forbidden");
	m = message(f, "leave", NULL);
	assert_non_null(strstr(text(object_of(m), "text"), "banned"));
	failed(f, job(f, "leave", ROOM, NULL), "not-found");
}

static void test_room_service_comes_back(void **state)
{
	struct fake *f = *state;

	joined(f);
	comes("<presence type='unavailable' from='" ROOM "/Ann' to='" ME "'><x xmlns='" MUC
	      "#user'><item affiliation='none' role='none'/>" SELF
	      "<status code='332'/></x></presence>");
	assert_non_null(message(f, "leave", NULL));
	down(ERR_REMOTE, "lost");
	up(0);
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\""), 2);
}

static void test_occupants_are_bounded(void **state)
{
	struct fake *f = *state;
	char nick[16];
	int j;

	joined(f);
	for (int i = 0; i < 20; i++) {
		snprintf(nick, sizeof nick, "n%d", i);
		occupant(nick, "");
	}
	j = job(f, "observe", ROOM, NULL);
	assert_int_equal(json_array_size(json_object_get(done(f, j), "members")), 4);
}

static void test_observe_from_outside(void **state)
{
	struct fake *f = *state;
	int j = job(f, "observe", ROOM, NULL);

	comes("<iq type='result' id='%s' from='" ROOM
	      "'><query xmlns='http://jabber.org/protocol/disco#items'><item jid='" ROOM
	      "/bob' name='bob'/></query></iq>",
		attribute("disco#items", "id"));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(done(f, j), "members"), 0)),
		"bob");
	j = job(f, "observe", ROOM, json_pack("{ss}", "objectType", "room-info"));
	comes("<iq type='result' id='%s' from='" ROOM
	      "'><query xmlns='http://jabber.org/protocol/disco#info'><identity "
	      "category='conference' type='text' name='Tea'/></query></iq>",
		attribute("disco#info", "id"));
	assert_string_equal(text(done(f, j), "objectType"), "room-info");
	j = job(f, "observe", "muc.example.org", json_pack("{ss}", "objectType", "version"));
	comes("<iq type='error' id='%s' from='muc.example.org'><error "
	      "type='cancel'><item-not-found "
	      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
		attribute("jabber:iq:version", "id"));
	failed(f, j, "not-found");
}

static void test_topic(void **state)
{
	struct fake *f = *state;
	int j;

	joined(f);
	j = job(f, "update", ROOM, json_pack("{ssss}", "objectType", "topic", "topic", "Tea"));
	assert_int_equal(SENT("<message", "<subject>Tea</subject>", "groupchat"), 1);
	bounces(ROOM, attribute("<subject>", "id"));
	failed(f, j, "remote");
	failed(f, job(f, "update", "x@y", json_pack("{ssss}", "objectType", "topic", "topic", "T")),
		"not-found");
}

static void test_invite(void **state)
{
	struct fake *f = *state;
	json_t *invitation = json_pack(
		"{ssssss}", "objectType", "invitation", "room", ROOM, "text", "tea?");
	int j = job(f, "update", "bob@example.org", json_incref(invitation));

	assert_int_equal(SENT("<invite", "to=\"bob@example.org\"", "to=\"" ROOM "\"", "tea?"), 1);
	answer_ping();
	done(f, j);
	j = job(f, "update", "bob@example.org", invitation);
	/* The room refuses, not the guest. */
	bounces(ROOM, attribute("<invite", "id"));
	failed(f, j, "remote");
}

static void test_groupchat(void **state)
{
	struct fake *f = *state;
	int j;

	joined(f);
	j = job(f, "send", ROOM, json_pack("{ss}", "text", "all"));
	assert_int_equal(SENT("<message", "groupchat", "all"), 1);
	answer_ping();
	done(f, j);
	/* It comes back from the room. */
	assert_null(event(f, "others", NULL));
	job(f, "send", ROOM "/bob", json_pack("{ss}", "text", "psst"));
	assert_int_equal(SENT("<message", "type=\"chat\"", "psst"), 1);
}

static void not_acceptable(const char *from)
{
	comes("<message type='error' id='x' from='%s' to='" ME "'><error type='modify'>"
	      "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
		from);
}

/* Its server was restarted, and nobody told. */
static void test_forgotten_by_the_room(void **state)
{
	struct fake *f = *state;
	int j;

	joined(f);
	/* An occupant can say what he likes, and so can strangers. */
	not_acceptable(ROOM "/bob");
	not_acceptable("eve@example.org");
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\""), 1);
	j = job(f, "send", ROOM, json_pack("{ssss}", "text", "hello?", "id", "x"));
	not_acceptable(ROOM);
	failed(f, j, "forbidden");
	assert_int_equal(SENT("<presence", "to=\"" ROOM "/Ann\""), 2);
	occupant("Ann", SELF);
	answer_ping();
	j = job(f, "send", ROOM, json_pack("{ss}", "text", "here again"));
	answer_ping();
	done(f, j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_forgotten_by_the_room),
		TEST(test_join),
		TEST(test_join_new_room),
		TEST(test_join_refused),
		TEST(test_join_waits_for_the_same),
		TEST(test_cancelled_join_is_undone),
		TEST(test_cancelled_join_refused),
		TEST(test_cancelled_join_is_taken_over),
		TEST(test_cancelled_join_of_two),
		IMPATIENT(test_cancelled_joins_unanswered),
		TEST(test_cancelled_join_on_a_new_stream),
		TEST(test_leave_while_entering_fails),
		TEST(test_too_many_rooms),
		TEST(test_leave),
		TEST(test_nick),
		TEST(test_enters_again),
		TEST(test_room_service_comes_back),
		TEST(test_occupants_are_bounded),
		TEST(test_observe_from_outside),
		TEST(test_topic),
		TEST(test_invite),
		TEST(test_groupchat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
