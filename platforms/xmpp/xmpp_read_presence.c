/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_error.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_read_parts.h"
#include "platforms/xmpp/xmpp_xml.h"

/* --- contacts ---------------------------------------------------------------------------------------------------- */

/* The classic word for what a presence shows. RFC 6121, 4.7.2.1. */
static const char *state(const xmpp_stanza_t *s)
{
	static const char *const shows[] = {"away", "dnd", "xa"};
	const char *type = xmpp_xml_attr(s, "type");
	const char *found = "online";
	char *show;

	if (type != NULL)
		return "offline";
	show = xmpp_xml_text(xmpp_xml_child(s, "show", XMPP_NS_CLIENT), 16, NULL);
	for (size_t i = 0; i < ARRAY_LEN(shows); i++)
		if (strcmp(show, shows[i]) == 0)
			found = shows[i];
	mem_free(show);
	return found;
}

static json_t *presence_object(const xmpp_stanza_t *s)
{
	const xmpp_stanza_t *status = xmpp_xml_child(s, "status", XMPP_NS_CLIENT);
	json_t *object = json_object();

	json_object_set_new(object, "statusText",
		status != NULL ? xmpp_xml_json(status, XMPP_XML_TEXT_MAX) : json_null());
	xmpp_map_set(object, "state", state(s));
	xmpp_map_set(object, "objectType", "presence");
	return object;
}

/* RFC 6121, 4.7.2.3: -128 to 127. */
static void set_priority(const xmpp_stanza_t *s, json_t *object)
{
	const xmpp_stanza_t *element = xmpp_xml_child(s, "priority", XMPP_NS_CLIENT);
	char *text = xmpp_xml_text(element, 8, NULL);
	char *end;
	long v = strtol(text, &end, 10);

	if (end != text && *end == '\0' && v >= -128 && v <= 127)
		json_object_set_new(object, "priority", json_integer(v));
	mem_free(text);
}

static void contact_presence(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	json_t *object, *date, *who;

	/* The server tells us of ourselves, too. */
	if (xmpp_jid_equals(news->from, self->full_jid))
		return;
	object = presence_object(s);
	set_priority(s, object);
	date = xmpp_read_delay(s, self, NULL);
	if (date != NULL)
		json_object_set_new(object, "date", date);
	who = xmpp_map_contact(news->from, NULL);
	if (xmpp_jid_equals_bare(news->from, self->full_jid)) {
		xmpp_map_set(who, "address", self->actor);
		json_object_set_new(object, "own", json_true());
	}
	news->kind = XMPP_READ_PRESENCE;
	news->here = xmpp_xml_attr(s, "type") == NULL;
	xmpp_read_add(news, activity_message("update", who, xmpp_map_to(self->actor), object));
}

/* RFC 6121, 3. The first row is classic. */
static const struct {
	const char *type, *verb;
} subscriptions[] = {
	{"subscribe", "request-friend"},
	{"unsubscribed", "remove-friend"},
	{"subscribed", "make-friend"},
	{"unsubscribe", "remove-friend"},
};

/* 1: it was about a subscription. */
static int subscription(const xmpp_stanza_t *s, const char *type, const struct xmpp_read_self *self,
	struct xmpp_read_news *news)
{
	for (size_t i = 0; i < ARRAY_LEN(subscriptions); i++) {
		const xmpp_stanza_t *status = xmpp_xml_child(s, "status", XMPP_NS_CLIENT);
		json_t *object;
		char *bare;
		if (strcmp(type, subscriptions[i].type) != 0)
			continue;
		object = json_object();
		bare = xmpp_jid_to_bare(news->from);
		if (status != NULL)
			json_object_set_new(
				object, "text", xmpp_xml_json(status, XMPP_XML_TEXT_MAX));
		if (strcmp(type, "unsubscribe") == 0)
			xmpp_map_set(object, "type", type);
		xmpp_read_add(
			news, activity_message(subscriptions[i].verb, xmpp_map_person(bare, NULL),
				      xmpp_map_to(self->actor), object));
		mem_free(bare);
		return 1;
	}
	return 0;
}

/* --- rooms ------------------------------------------------------------------------------------------------------- */

static const struct {
	int number;
	unsigned bit;
} codes[] = {
	{100, XMPP_READ_CODE_PUBLIC},
	{110, XMPP_READ_CODE_SELF},
	{201, XMPP_READ_CODE_CREATED},
	{210, XMPP_READ_CODE_NICK_GIVEN},
	{301, XMPP_READ_CODE_BANNED},
	{303, XMPP_READ_CODE_RENAMED},
	{307, XMPP_READ_CODE_KICKED},
	{321, XMPP_READ_CODE_AFFILIATION},
	{322, XMPP_READ_CODE_MEMBERS_ONLY},
	{332, XMPP_READ_CODE_SHUTDOWN},
};

static unsigned read_codes(const xmpp_stanza_t *x)
{
	const xmpp_stanza_t *status = xmpp_xml_child(x, "status", XMPP_NS_MUC_USER);
	unsigned found = 0;

	for (; status != NULL; status = xmpp_xml_next(status, "status", XMPP_NS_MUC_USER)) {
		const char *code = xmpp_xml_attr(status, "code");
		for (size_t i = 0; code != NULL && i < ARRAY_LEN(codes); i++)
			if (atoi(code) == codes[i].number)
				found |= codes[i].bit;
	}
	if (xmpp_xml_child(x, "destroy", XMPP_NS_MUC_USER) != NULL)
		found |= XMPP_READ_CODE_DESTROYED;
	return found;
}

/* Why somebody is no longer in a room, in the order in which they say most. */
static const struct {
	unsigned bit;
	enum err_code code;
	const char *condition, *text;
} endings[] = {
	{XMPP_READ_CODE_DESTROYED, ERR_NOT_FOUND, "destroyed", "the room was destroyed"},
	{XMPP_READ_CODE_SHUTDOWN, ERR_REMOTE, "shutdown", "the room's server is shutting down"},
	{XMPP_READ_CODE_BANNED, ERR_FORBIDDEN, "banned", "you were banned from the room"},
	{XMPP_READ_CODE_AFFILIATION, ERR_FORBIDDEN, "affiliation",
		"you are no longer a member of the room"},
	{XMPP_READ_CODE_MEMBERS_ONLY, ERR_FORBIDDEN, "members-only",
		"the room is for members only now"},
	{XMPP_READ_CODE_KICKED, ERR_FORBIDDEN, "kicked", "you were kicked from the room"},
};

/* The room's or a moderator's words, else the leaver's. GIVES. */
static char *parting_words(const xmpp_stanza_t *s, const xmpp_stanza_t *x)
{
	const xmpp_stanza_t *item = xmpp_xml_child(x, "item", XMPP_NS_MUC_USER);
	const xmpp_stanza_t *words = xmpp_xml_child(item, "reason", XMPP_NS_MUC_USER);

	if (words == NULL)
		words = xmpp_xml_child(
			xmpp_xml_child(x, "destroy", XMPP_NS_MUC_USER), "reason", XMPP_NS_MUC_USER);
	if (words == NULL)
		words = xmpp_xml_child(s, "status", XMPP_NS_CLIENT);
	return xmpp_xml_text(words, XMPP_XML_TEXT_MAX, NULL);
}

/* The object of `leave`; fills news->why when it was not by will. */
static json_t *leave_object(
	const xmpp_stanza_t *s, const xmpp_stanza_t *x, struct xmpp_read_news *news)
{
	const xmpp_stanza_t *item = xmpp_xml_child(x, "item", XMPP_NS_MUC_USER);
	const xmpp_stanza_t *by = xmpp_xml_child(item, "actor", XMPP_NS_MUC_USER);
	char *words = parting_words(s, x);
	json_t *object = json_object();

	xmpp_map_set(object, "text", words);
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		if (!(news->codes & endings[i].bit))
			continue;
		xmpp_map_set(object, "condition", endings[i].condition);
		err_set(&news->why, endings[i].code, "%s%s%.160s", endings[i].text,
			words[0] != '\0' ? ": " : "", words);
		break;
	}
	xmpp_map_set(object, "by", xmpp_xml_attr(by, "nick"));
	mem_free(words);
	return object;
}

static json_t *occupant_object(const xmpp_stanza_t *s, const struct xmpp_read_news *news)
{
	json_t *object = presence_object(s);

	xmpp_map_set(object, "role", news->role);
	xmpp_map_set(object, "affiliation", news->affiliation);
	xmpp_map_set(object, "address", news->jid);
	return object;
}

static void add_in_room(struct xmpp_read_news *news, const char *verb, json_t *object, int own)
{
	if (own)
		json_object_set_new(object, "own", json_true());
	xmpp_read_add(news, activity_message(verb, xmpp_map_occupant(news->room, news->nick),
				    xmpp_map_to_room(news->room), object));
}

/* As in classic IRC: actor is the old name, target the new one. */
static void renamed(struct xmpp_read_news *news, const char *new_nick, int own)
{
	json_t *object = json_object();

	news->kind = XMPP_READ_OCCUPANT;
	news->here = 1;
	news->new_nick = mem_strdup(new_nick);
	xmpp_map_set(object, "objectType", "address");
	xmpp_map_set(object, "room", news->room);
	if (own)
		json_object_set_new(object, "own", json_true());
	xmpp_read_add(
		news, activity_message("update", xmpp_map_occupant(news->room, news->nick),
			      json_pack("[o]", xmpp_map_occupant(news->room, new_nick)), object));
}

static void left(
	const xmpp_stanza_t *s, const xmpp_stanza_t *x, struct xmpp_read_news *news, int own)
{
	const char *new_nick = xmpp_xml_attr(xmpp_xml_child(x, "item", XMPP_NS_MUC_USER), "nick");

	if ((news->codes & XMPP_READ_CODE_RENAMED) && xmpp_jid_is_resource(new_nick)) {
		renamed(news, new_nick, own);
		return;
	}
	news->kind = own ? XMPP_READ_LEFT : XMPP_READ_OCCUPANT;
	add_in_room(news, "leave", leave_object(s, x, news), own);
	if (!own)
		memset(&news->why, 0, sizeof news->why);
}

/* One of the words that XEP-0045, 5, has for it; NULL: none, or one that it has not. Occupants are remembered by the
 * thousand, so this has to be short. */
static const char *word_of(const xmpp_stanza_t *item, const char *attribute)
{
	static const char *const words[] = {"moderator", "participant", "visitor", "none", "owner",
		"admin", "member", "outcast"};
	const char *word = xmpp_xml_attr(item, attribute);

	for (size_t i = 0; word != NULL && i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return words[i];
	return NULL;
}

/* News of a room that the account is in or enters. The own presence has status 110; before there was one, the nick had to
 * do. */
static void occupant(const xmpp_stanza_t *s, const struct xmpp_read_room *room,
	const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	const xmpp_stanza_t *x = xmpp_xml_child(s, "x", XMPP_NS_MUC_USER);
	const xmpp_stanza_t *item = xmpp_xml_child(x, "item", XMPP_NS_MUC_USER);
	const char *jid = xmpp_xml_attr(item, "jid");
	int own, known;

	news->codes = read_codes(x);
	news->role = mem_strdup(word_of(item, "role"));
	news->affiliation = mem_strdup(word_of(item, "affiliation"));
	news->jid = mem_strdup(xmpp_jid_is_valid(jid) ? jid : NULL);
	own = (news->codes & XMPP_READ_CODE_SELF) || strcmp(news->nick, room->nick) == 0;
	if (xmpp_xml_attr(s, "type") != NULL) {
		left(s, x, news, own);
		return;
	}
	news->here = 1;
	news->kind = own ? XMPP_READ_ENTERED : XMPP_READ_OCCUPANT;
	/* Those who were there before us did not join. */
	known = own ? room->inside
		    : !room->inside || self->occupant == NULL ||
				self->occupant(self->arg, news->room, news->nick);
	add_in_room(news, known ? "update" : "join", occupant_object(s, news), own);
}

/* --- all together ------------------------------------------------------------------------------------------------ */

static void failed(const xmpp_stanza_t *s, int in_room, const struct xmpp_read_self *self,
	struct xmpp_read_news *news)
{
	news->condition = xmpp_error_condition(s);
	xmpp_error_read(s, in_room ? XMPP_ERROR_ABOUT_JOIN : XMPP_ERROR_ABOUT_ANY, &news->why);
	if (in_room)
		news->kind = XMPP_READ_REFUSED;
	else
		xmpp_read_add(
			news, xmpp_map_error(self->actor, news->from, &news->why, news->condition));
}

void xmpp_read_presence(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	const char *type = xmpp_xml_attr(s, "type");
	const char *nick = xmpp_jid_find_resource(news->from);
	char *bare = xmpp_jid_to_bare(news->from);
	const struct xmpp_read_room *room = bare != NULL ? xmpp_read_room(self, bare) : NULL;
	int is_state = type == NULL || strcmp(type, "unavailable") == 0;

	if (bare == NULL)
		return;
	if (room != NULL) {
		news->room = mem_strdup(bare);
		news->nick = mem_strdup(nick);
	}
	if (type != NULL && strcmp(type, "error") == 0)
		failed(s, room != NULL, self, news);
	else if (room != NULL && is_state && nick != NULL)
		occupant(s, room, self, news);
	/* A presence out of a room that we have left, or that belongs to another client. */
	else if (room == NULL && is_state && xmpp_xml_child(s, "x", XMPP_NS_MUC_USER) == NULL)
		contact_presence(s, self, news);
	else if (room == NULL && type != NULL)
		subscription(s, type, self, news);
	mem_free(bare);
}
