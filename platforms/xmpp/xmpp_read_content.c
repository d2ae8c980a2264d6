/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_read_parts.h"
#include "platforms/xmpp/xmpp_xml.h"

/* Who speaks to whom. The strings are borrowed from the stanza, or owned as said. */
struct talk {
	const xmpp_stanza_t *s;
	const struct xmpp_read_self *self;
	const struct xmpp_read_way *way;
	const char *from, *to; /* valid JIDs or NULL: the account */
	char *bare;            /* of `from`; owned */
	int groupchat;
	int own; /* by the account itself */
};

/* --- people ------------------------------------------------------------------------------------------------------ */

/* A message between occupants goes by the room's address; so one answers by it, and sees it is not the person's own. */
static int is_in_room(const struct talk *t, const char *jid)
{
	const xmpp_stanza_t *x = xmpp_xml_child(t->s, "x", XMPP_NS_MUC_USER);
	char *bare = xmpp_jid_to_bare(jid);
	int in_room = xmpp_jid_find_resource(jid) != NULL &&
		      ((x != NULL && xmpp_xml_child(x, "invite", NULL) == NULL) ||
			      (bare != NULL && xmpp_read_room(t->self, bare) != NULL));

	mem_free(bare);
	return in_room;
}

static json_t *person(const struct talk *t, const char *jid)
{
	char *bare;
	json_t *who;

	if (!is_in_room(t, jid))
		return xmpp_map_contact(jid, NULL);
	bare = xmpp_jid_to_bare(jid);
	who = xmpp_map_occupant(bare, xmpp_jid_find_resource(jid));
	mem_free(bare);
	return who;
}

static json_t *actor(const struct talk *t)
{
	json_t *who;

	if (t->groupchat)
		return xmpp_map_occupant(t->bare, xmpp_jid_find_resource(t->from));
	if (!t->own)
		return person(t, t->from);
	who = xmpp_map_person(t->self->actor, NULL);
	xmpp_map_set(who, "resource", xmpp_jid_find_resource(t->from));
	return who;
}

static json_t *target(const struct talk *t)
{
	if (t->groupchat)
		return xmpp_map_to_room(t->bare);
	if (!t->own || t->to == NULL || xmpp_jid_equals_bare(t->to, t->self->full_jid))
		return xmpp_map_to(t->self->actor);
	return json_pack("[o]", person(t, t->to));
}

/* --- what it says ------------------------------------------------------------------------------------------------ */

static const char *chat_state(const xmpp_stanza_t *s)
{
	static const char *const states[] = {"active", "composing", "paused", "inactive", "gone"};

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (xmpp_xml_child(s, states[i], XMPP_NS_CHATSTATES) != NULL)
			return states[i];
	return NULL;
}

/* XEP-0359, 5: an id counts only if who stamps ids for us did: the own account, or the room. */
static const char *stanza_id(const struct talk *t)
{
	const char *by = t->groupchat ? t->bare : t->self->full_jid;
	const xmpp_stanza_t *i = xmpp_xml_child(t->s, "stanza-id", XMPP_NS_STANZA_ID);

	for (; i != NULL; i = xmpp_xml_next(i, "stanza-id", XMPP_NS_STANZA_ID)) {
		const char *stamped_by = xmpp_xml_attr(i, "by");
		if (xmpp_jid_find_resource(stamped_by) == NULL &&
			xmpp_jid_equals_bare(stamped_by, by))
			return xmpp_xml_attr(i, "id");
	}
	return NULL;
}

static void set_date(const struct talk *t, json_t *object)
{
	const xmpp_stanza_t *dated = t->way->wrapper != NULL ? t->way->wrapper : t->s;
	json_t *date = xmpp_read_delay(dated, t->self, t->groupchat ? t->bare : NULL);

	if (date == NULL && dated != t->s)
		date = xmpp_read_delay(t->s, t->self, t->groupchat ? t->bare : NULL);
	if (date == NULL)
		return;
	json_object_set_new(object, "date", date);
	/* A carbon's date is that of the copying, a moment ago. */
	if (t->way->carbon == NULL)
		json_object_set_new(object, "delayed", json_true());
}

/* What any message may have beside its content. */
static void set_circumstances(const struct talk *t, json_t *object)
{
	set_date(t, object);
	xmpp_map_set(
		object, "stanzaId", t->way->archive_id != NULL ? t->way->archive_id : stanza_id(t));
	xmpp_map_set(object, "carbon", t->way->carbon);
	if (t->way->archive_id != NULL)
		json_object_set_new(object, "archived", json_true());
	if (t->own)
		json_object_set_new(object, "own", json_true());
}

static void set_text(json_t *object, const char *key, const xmpp_stanza_t *element)
{
	if (element != NULL)
		json_object_set_new(object, key, xmpp_xml_json(element, XMPP_XML_TEXT_MAX));
}

static void add(const struct talk *t, const char *verb, json_t *object, json_t *messages)
{
	set_circumstances(t, object);
	json_array_append_new(messages, activity_message(verb, actor(t), target(t), object));
}

static json_t *typed(const char *object_type)
{
	json_t *object = json_object();

	xmpp_map_set(object, "objectType", object_type);
	return object;
}

static void add_text(const struct talk *t, const xmpp_stanza_t *body, json_t *messages)
{
	const xmpp_stanza_t *replace = xmpp_xml_child(t->s, "replace", XMPP_NS_CORRECT);
	const char *type = xmpp_xml_attr(t->s, "type");
	json_t *object = json_object();
	int cut;
	char *text = xmpp_xml_text(body, XMPP_XML_BODY_MAX, &cut);

	xmpp_map_set(object, "text", text);
	xmpp_map_set(object, "id", xmpp_xml_attr(t->s, "id"));
	if (cut)
		json_object_set_new(object, "truncated", json_true());
	set_text(object, "subject", xmpp_xml_child(t->s, "subject", XMPP_NS_CLIENT));
	set_text(object, "thread", xmpp_xml_child(t->s, "thread", XMPP_NS_CLIENT));
	xmpp_map_set(object, "replaces", xmpp_xml_attr(replace, "id"));
	xmpp_map_set(object, "chatState", chat_state(t->s));
	if (type != NULL && strcmp(type, "headline") == 0)
		xmpp_map_set(object, "type", type);
	if (xmpp_xml_child(t->s, "request", XMPP_NS_RECEIPTS) != NULL)
		xmpp_map_set(object, "receipt", "requested");
	add(t, "send", object, messages);
	mem_free(text);
}

static void add_topic(const struct talk *t, const xmpp_stanza_t *subject, json_t *messages)
{
	json_t *object = typed("topic");

	set_text(object, "topic", subject);
	add(t, "update", object, messages);
}

/* A receipt (XEP-0184) or a marker (XEP-0333). */
static void add_receipt(const struct talk *t, const char *word, const char *ns, json_t *messages)
{
	const char *id = xmpp_xml_attr(xmpp_xml_child(t->s, word, ns), "id");
	json_t *object;

	if (id == NULL)
		return;
	object = typed("receipt");
	xmpp_map_set(object, "receipt", word);
	xmpp_map_set(object, "id", id);
	add(t, "update", object, messages);
}

/* --- invitations ------------------------------------------------------------------------------------------------- */

static void add_invitation_to(
	const struct talk *t, const char *room, const char *by, json_t *object, json_t *messages)
{
	json_t *host = by != NULL && !xmpp_jid_equals_bare(by, room)
			       ? xmpp_map_contact(by, NULL)
			       : xmpp_map_occupant(room, xmpp_jid_find_resource(by));

	xmpp_map_set(object, "room", room);
	set_circumstances(t, object);
	json_array_append_new(
		messages, activity_message("update", host, xmpp_map_to(t->self->actor), object));
}

/* By the room on behalf of somebody (XEP-0045, 7.8.2), or directly (XEP-0249). 1: it was one. */
static int add_invitation(const struct talk *t, json_t *messages)
{
	const xmpp_stanza_t *x = xmpp_xml_child(t->s, "x", XMPP_NS_MUC_USER);
	const xmpp_stanza_t *invite = xmpp_xml_child(x, "invite", XMPP_NS_MUC_USER);
	const xmpp_stanza_t *direct = xmpp_xml_child(t->s, "x", XMPP_NS_CONFERENCE);
	const char *room = xmpp_xml_attr(direct, "jid");
	const char *by = xmpp_xml_attr(invite, "from");
	struct xmpp_jid jid;
	json_t *object;

	if (t->own || t->groupchat)
		return 0;
	if (invite != NULL) {
		object = typed("invitation");
		set_text(object, "text", xmpp_xml_child(invite, "reason", XMPP_NS_MUC_USER));
		set_text(object, "password", xmpp_xml_child(x, "password", XMPP_NS_MUC_USER));
		add_invitation_to(t, t->bare, xmpp_jid_is_valid(by) ? by : NULL, object, messages);
	} else if (xmpp_jid_parse_bare(room, &jid, NULL) == 0) {
		object = typed("invitation");
		xmpp_map_set(object, "text", xmpp_xml_attr(direct, "reason"));
		xmpp_map_set(object, "password", xmpp_xml_attr(direct, "password"));
		add_invitation_to(t, room, t->from, object, messages);
	} else {
		return 0;
	}
	return 1;
}

/* --- all together ------------------------------------------------------------------------------------------------ */

static int is_word_of_own_client(const struct talk *t)
{
	return t->own && !t->groupchat;
}

static void add_content(const struct talk *t, json_t *messages)
{
	const xmpp_stanza_t *body = xmpp_xml_child(t->s, "body", XMPP_NS_CLIENT);
	const xmpp_stanza_t *subject = xmpp_xml_child(t->s, "subject", XMPP_NS_CLIENT);

	if (add_invitation(t, messages))
		return;
	if (t->groupchat && body == NULL && subject != NULL &&
		xmpp_xml_child(t->s, "thread", XMPP_NS_CLIENT) == NULL)
		add_topic(t, subject, messages);
	else if (body != NULL || subject != NULL)
		add_text(t, body, messages);
	/* That one's other client is typing is no news to oneself. */
	else if (chat_state(t->s) != NULL && !is_word_of_own_client(t)) {
		json_t *object = typed("chatState");
		xmpp_map_set(object, "chatState", chat_state(t->s));
		add(t, "update", object, messages);
	}
	add_receipt(t, "received", XMPP_NS_RECEIPTS, messages);
	add_receipt(t, "received", XMPP_NS_MARKERS, messages);
	add_receipt(t, "displayed", XMPP_NS_MARKERS, messages);
}

/* In a room the nick is what tells; it may not be known for one that is read from an archive only. */
static int is_own(const struct talk *t, const char *from)
{
	const struct xmpp_read_room *room;
	const char *nick = xmpp_jid_find_resource(from);

	if (!t->groupchat)
		return from == NULL || xmpp_jid_equals_bare(from, t->self->full_jid);
	room = xmpp_read_room(t->self, t->bare);
	return room != NULL && nick != NULL && strcmp(nick, room->nick) == 0;
}

int xmpp_read_content(const xmpp_stanza_t *s, const struct xmpp_read_self *self,
	const struct xmpp_read_way *way, json_t *messages)
{
	const char *from = xmpp_xml_attr(s, "from");
	const char *to = xmpp_xml_attr(s, "to");
	const char *type = xmpp_xml_attr(s, "type");
	struct talk t = {.s = s, .self = self, .way = way};

	t.from = from != NULL ? from : self->full_jid;
	t.to = xmpp_jid_is_valid(to) ? to : NULL;
	t.bare = xmpp_jid_to_bare(t.from);
	t.groupchat = type != NULL && strcmp(type, "groupchat") == 0;
	if (t.bare == NULL || xmpp_xml_has_bad_attr(s, "from")) {
		mem_free(t.bare);
		return 0;
	}
	t.own = is_own(&t, from);
	add_content(&t, messages);
	mem_free(t.bare);
	return xmpp_xml_child(s, "request", XMPP_NS_RECEIPTS) != NULL &&
	       json_array_size(messages) > 0;
}
