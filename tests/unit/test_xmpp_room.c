/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "platforms/xmpp/xmpp_room.h"

#define ROOMS     50
#define OCCUPANTS 2000

static struct xmpp_room *add(struct xmpp_rooms *rooms, int i)
{
	char jid[64];
	struct err e;

	snprintf(jid, sizeof jid, "r%d@muc.example.org", i);
	return xmpp_rooms_add(rooms, jid, "me", &e);
}

static void comes(
	struct xmpp_rooms *rooms, struct xmpp_room *room, const char *nick, const char *address)
{
	const struct xmpp_read_news news = {.nick = (char *)nick,
		.jid = (char *)address,
		.role = (char *)"participant",
		.affiliation = (char *)"none",
		.here = 1};

	xmpp_rooms_note(rooms, room, &news);
}

static void goes(struct xmpp_rooms *rooms, struct xmpp_room *room, const char *nick)
{
	const struct xmpp_read_news news = {.nick = (char *)nick};

	xmpp_rooms_note(rooms, room, &news);
}

static void changes(
	struct xmpp_rooms *rooms, struct xmpp_room *room, const char *nick, const char *new_nick)
{
	const struct xmpp_read_news news = {
		.nick = (char *)nick, .new_nick = (char *)new_nick, .here = 1};

	xmpp_rooms_note(rooms, room, &news);
}

/* `len` characters that begin with the number. */
static const char *long_nick(int k, size_t len)
{
	static char nick[1024];

	memset(nick, 'n', len);
	nick[len] = '\0';
	nick[snprintf(nick, sizeof nick, "%d", k)] = 'n';
	return nick;
}

/* The texts of all that are noted. */
static size_t texts(const struct xmpp_rooms *rooms)
{
	size_t n = 0;

	for (const struct xmpp_room *room = xmpp_rooms_first(rooms); room != NULL;
		room = room->next) {
		const char *nick;
		json_t *who;

		json_object_foreach (room->occupants, nick, who)
			n += strlen(nick) + json_string_length(who);
	}
	return n;
}

static size_t noted(const struct xmpp_rooms *rooms)
{
	size_t n = 0;

	for (const struct xmpp_room *room = xmpp_rooms_first(rooms); room != NULL;
		room = room->next)
		n += json_object_size(room->occupants);
	return n;
}

/* A service names as many as it is allowed to, each with the longest nick and address there are. */
static void test_long_names_are_bounded(void **state)
{
	struct xmpp_rooms *rooms = xmpp_rooms_new(ROOMS, OCCUPANTS);
	char address[3072];

	UNUSED(state);
	memset(address, 'a', sizeof address - 1);
	address[sizeof address - 1] = '\0';
	for (int i = 0; i < ROOMS; i++) {
		struct xmpp_room *room = add(rooms, i);

		for (int k = 0; k < OCCUPANTS; k++)
			comes(rooms, room, long_nick(k, 1023), address);
	}
	assert_true(texts(rooms) > XMPP_ROOM_OCCUPANTS_SIZE_MAX / 2);
	assert_true(texts(rooms) <= XMPP_ROOM_OCCUPANTS_SIZE_MAX);
	/* What one room took is there for the others when it is left. */
	assert_int_equal(json_object_size(xmpp_rooms_first(rooms)->next->next->occupants), 0);
	xmpp_room_outside(xmpp_rooms_first(rooms));
	comes(rooms, xmpp_rooms_first(rooms)->next->next, "bob", NULL);
	assert_int_equal(json_object_size(xmpp_rooms_first(rooms)->next->next->occupants), 1);
	xmpp_rooms_free(&rooms);
}

static void test_ordinary_names_are_not(void **state)
{
	struct xmpp_rooms *rooms = xmpp_rooms_new(ROOMS, OCCUPANTS);

	UNUSED(state);
	for (int i = 0; i < ROOMS; i++) {
		struct xmpp_room *room = add(rooms, i);

		for (int k = 0; k < 700; k++)
			comes(rooms, room, long_nick(k, 10), NULL);
	}
	assert_int_equal(noted(rooms), ROOMS * 700);
	xmpp_rooms_free(&rooms);
}

/* Neither by new nicks nor by news of those that are noted. */
static void test_growing_names_are_bounded(void **state)
{
	struct xmpp_rooms *rooms = xmpp_rooms_new(ROOMS, OCCUPANTS);
	char old[16], address[3072];

	UNUSED(state);
	memset(address, 'a', sizeof address - 1);
	address[sizeof address - 1] = '\0';
	for (int i = 0; i < ROOMS; i++) {
		struct xmpp_room *room = add(rooms, i);

		for (int k = 0; k < 500; k++) {
			snprintf(old, sizeof old, "%d", k);
			comes(rooms, room, old, NULL);
		}
	}
	assert_int_equal(noted(rooms), ROOMS * 500);
	for (struct xmpp_room *room = xmpp_rooms_first(rooms); room != NULL; room = room->next)
		for (int k = 0; k < 500; k++) {
			snprintf(old, sizeof old, "%d", k);
			if (k % 2)
				comes(rooms, room, old, address);
			else
				changes(rooms, room, old, long_nick(k, 1023));
		}
	assert_true(texts(rooms) <= XMPP_ROOM_OCCUPANTS_SIZE_MAX);
	xmpp_rooms_free(&rooms);
}

/* Whatever happens to them, nothing is left over of those that have gone. */
static void test_is_counted_right(void **state)
{
	struct xmpp_rooms *rooms = xmpp_rooms_new(ROOMS, OCCUPANTS);
	struct xmpp_room *room = add(rooms, 0);

	UNUSED(state);
	comes(rooms, room, "bob", "bob@example.org/x");
	comes(rooms, room, "bob", NULL);
	comes(rooms, room, "eve", NULL);
	assert_true(room->occupants_size > strlen("bobeve"));
	changes(rooms, room, "bob", "robert");
	/* Another's, and nobody's. */
	changes(rooms, room, "robert", "eve");
	changes(rooms, room, "bob", "robert");
	assert_int_equal(json_object_size(room->occupants), 1);
	goes(rooms, room, "bob");
	goes(rooms, room, "eve");
	assert_int_equal(room->occupants_size, 0);
	comes(rooms, room, "bob", NULL);
	xmpp_room_outside(room);
	assert_int_equal(room->occupants_size, 0);
	xmpp_rooms_free(&rooms);
}

static void test_attendance(void **state)
{
	struct xmpp_rooms *rooms = xmpp_rooms_new(ROOMS, OCCUPANTS);
	struct xmpp_room *room = add(rooms, 0);
	struct xmpp_read_news silent = {.nick = (char *)"a/b", .here = 1};
	json_t *m, *expected;

	UNUSED(state);
	comes(rooms, room, "bob", "bob@example.org/a/b");
	comes(rooms, room, "eve", NULL);
	xmpp_rooms_note(rooms, room, &silent);
	m = xmpp_room_attendance(room);
	expected = json_pack("[{ssssssss}{ssssss}{ss}]", "name", "bob", "role", "participant",
		"affiliation", "none", "address", "bob@example.org/a/b", "name", "eve", "role",
		"participant", "affiliation", "none", "name", "a/b");
	assert_true(
		json_equal(json_object_get(json_object_get(m, "object"), "occupants"), expected));
	json_decref(expected);
	json_decref(m);
	xmpp_rooms_free(&rooms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_names_are_bounded),
		cmocka_unit_test(test_ordinary_names_are_not),
		cmocka_unit_test(test_growing_names_are_bounded),
		cmocka_unit_test(test_is_counted_right),
		cmocka_unit_test(test_attendance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
