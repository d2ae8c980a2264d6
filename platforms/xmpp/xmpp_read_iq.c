/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_error.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_read_parts.h"
#include "platforms/xmpp/xmpp_write_iq.h"
#include "platforms/xmpp/xmpp_xml.h"

/* A contact's groups: RFC 6121 has no bound. */
#define GROUPS_MAX 32

/* --- contacts ---------------------------------------------------------------------------------------------------- */

const char *xmpp_read_contact_subscription(const xmpp_stanza_t *item)
{
	static const char *const words[] = {"to", "from", "both", "remove"};
	const char *word = xmpp_xml_attr(item, "subscription");

	for (size_t i = 0; word != NULL && i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return words[i];
	return "none";
}

static int is_asked(const xmpp_stanza_t *item)
{
	const char *ask = xmpp_xml_attr(item, "ask");

	return ask != NULL && strcmp(ask, "subscribe") == 0;
}

void xmpp_read_contact_fields(const xmpp_stanza_t *item, json_t *object)
{
	const xmpp_stanza_t *g = xmpp_xml_child(item, "group", XMPP_NS_ROSTER);
	json_t *groups = json_array();

	xmpp_map_set(object, "subscription", xmpp_read_contact_subscription(item));
	if (is_asked(item))
		xmpp_map_set(object, "ask", "subscribe");
	for (; g != NULL && json_array_size(groups) < GROUPS_MAX;
		g = xmpp_xml_next(g, "group", XMPP_NS_ROSTER))
		json_array_append_new(groups, xmpp_xml_json(g, XMPP_XML_TEXT_MAX));
	if (json_array_size(groups) > 0)
		json_object_set(object, "groups", groups);
	json_decref(groups);
}

/* What classic clients expect of a roster's row: friends are `update`s, all others want to become one. */
json_t *xmpp_read_contact(const xmpp_stanza_t *item, const struct xmpp_read_self *self, int push)
{
	const char *jid = xmpp_xml_attr(item, "jid");
	const char *name = xmpp_xml_attr(item, "name");
	const char *subscription = xmpp_read_contact_subscription(item);
	int is_friend = strcmp(subscription, "both") == 0;
	int waits = strcmp(subscription, "from") == 0 && is_asked(item);
	const char *verb = is_friend || waits || push ? "update" : "request-friend";
	json_t *object;

	if (!xmpp_jid_is_valid(jid))
		return NULL;
	if (strcmp(subscription, "remove") == 0)
		verb = "remove-friend";
	object = json_object();
	/* News of a change say nothing about who is online (the contact's presence does), and ask for no friendship. */
	if (!push && (is_friend || waits)) {
		xmpp_map_set(object, "statusText", "");
		xmpp_map_set(object, "state", is_friend ? "offline" : "notauthorized");
	}
	xmpp_map_set(object, "objectType", "contact");
	xmpp_read_contact_fields(item, object);
	return activity_message(verb, xmpp_map_person(jid, name), xmpp_map_to(self->actor), object);
}

/* RFC 6121, 2.1.6: only the own server may change the roster. */
static void pushed(const xmpp_stanza_t *s, const xmpp_stanza_t *item,
	const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	json_t *message = xmpp_read_contact(item, self, 1);

	news->reply = xmpp_write_iq_done(s);
	if (message == NULL)
		return;
	news->kind = XMPP_READ_CONTACT;
	news->jid = mem_strdup(xmpp_xml_attr(item, "jid"));
	news->subscription = mem_strdup(xmpp_read_contact_subscription(item));
	xmpp_read_add(news, message);
}

/* --- requests and answers ---------------------------------------------------------------------------------------- */

static void requested(const xmpp_stanza_t *s, int set, const struct xmpp_read_self *self,
	struct xmpp_read_news *news)
{
	const xmpp_stanza_t *item = xmpp_xml_child(
		xmpp_xml_child(s, "query", XMPP_NS_ROSTER), "item", XMPP_NS_ROSTER);

	if (set && item != NULL && xmpp_read_from_self(s, self))
		pushed(s, item, self, news);
	else
		news->reply = xmpp_write_iq_answer(s, self->now_ms);
}

void xmpp_read_iq(
	const xmpp_stanza_t *s, const struct xmpp_read_self *self, struct xmpp_read_news *news)
{
	const char *type = xmpp_xml_attr(s, "type");
	int from_nobody = xmpp_read_from_self(s, self);

	if (type == NULL || news->id == NULL || (!from_nobody && !xmpp_jid_is_valid(news->from)))
		return;
	if (strcmp(type, "result") == 0) {
		news->kind = XMPP_READ_RESULT;
	} else if (strcmp(type, "error") == 0) {
		news->kind = XMPP_READ_FAILED;
		news->condition = xmpp_error_condition(s);
		xmpp_error_read(s, XMPP_ERROR_ABOUT_ANY, &news->why);
	} else if (strcmp(type, "set") == 0 || strcmp(type, "get") == 0) {
		requested(s, strcmp(type, "set") == 0, self, news);
	}
}
