/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_read_result.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_read_parts.h"
#include "platforms/xmpp/xmpp_xml.h"

#define FEATURES_MAX   1000
#define IDENTITIES_MAX 50
#define FORMS_MAX      8
#define FIELDS_MAX     200
#define VALUES_MAX     200

static json_t *typed(const char *object_type)
{
	json_t *object = json_object();

	xmpp_map_set(object, "objectType", object_type);
	return object;
}

/* The child that an answer has to have; NULL with `e` filled. */
static const xmpp_stanza_t *payload(
	const xmpp_stanza_t *iq, const char *name, const char *ns, struct err *e)
{
	const xmpp_stanza_t *child = xmpp_xml_child(iq, name, ns);

	if (child == NULL)
		err_set(e, ERR_REMOTE, "the answer has no %s in it", name);
	return child;
}

/* --- roster ------------------------------------------------------------------------------------------------------ */

static json_t *roster_row(const xmpp_stanza_t *item)
{
	json_t *row = xmpp_map_person(xmpp_xml_attr(item, "jid"), xmpp_xml_attr(item, "name"));

	xmpp_read_contact_fields(item, row);
	return row;
}

int xmpp_read_result_roster(const xmpp_stanza_t *iq, const struct xmpp_read_self *self,
	json_t **messages, json_t **object, struct err *e)
{
	const xmpp_stanza_t *query = payload(iq, "query", XMPP_NS_ROSTER, e);
	const xmpp_stanza_t *item = xmpp_xml_child(query, "item", XMPP_NS_ROSTER);
	json_t *rows;

	if (query == NULL)
		return -(int)ERR_REMOTE;
	rows = json_array();
	if (messages != NULL)
		*messages = json_array();
	for (; item != NULL && json_array_size(rows) < XMPP_READ_RESULT_ROSTER_MAX;
		item = xmpp_xml_next(item, "item", XMPP_NS_ROSTER)) {
		if (!xmpp_jid_is_valid(xmpp_xml_attr(item, "jid")))
			continue;
		if (messages != NULL && json_array_size(rows) < XMPP_READ_RESULT_MESSAGES_MAX)
			json_array_append_new(*messages, xmpp_read_contact(item, self, 0));
		json_array_append_new(rows, roster_row(item));
	}
	*object = typed("roster");
	json_object_set_new(*object, "count", json_integer((json_int_t)json_array_size(rows)));
	json_object_set_new(*object, "items", rows);
	if (item != NULL)
		json_object_set_new(*object, "truncated", json_true());
	return 0;
}

/* --- disco#items ------------------------------------------------------------------------------------------------- */

int xmpp_read_result_members(const xmpp_stanza_t *iq, json_t **members, struct err *e)
{
	const xmpp_stanza_t *query = payload(iq, "query", XMPP_NS_DISCO_ITEMS, e);
	const xmpp_stanza_t *item = xmpp_xml_child(query, "item", XMPP_NS_DISCO_ITEMS);

	if (query == NULL)
		return -(int)ERR_REMOTE;
	*members = json_array();
	for (; item != NULL && json_array_size(*members) < XMPP_READ_RESULT_ITEMS_MAX;
		item = xmpp_xml_next(item, "item", XMPP_NS_DISCO_ITEMS)) {
		const char *jid = xmpp_xml_attr(item, "jid");
		const char *nick = xmpp_jid_find_resource(jid);
		if (nick == NULL)
			nick = xmpp_xml_attr(item, "name");
		if (nick != NULL && xmpp_jid_is_valid(jid))
			json_array_append_new(*members, json_string(nick));
	}
	return 0;
}

int xmpp_read_result_items(const xmpp_stanza_t *iq, json_t **object, struct err *e)
{
	const xmpp_stanza_t *query = payload(iq, "query", XMPP_NS_DISCO_ITEMS, e);
	const xmpp_stanza_t *item = xmpp_xml_child(query, "item", XMPP_NS_DISCO_ITEMS);
	json_t *items;

	if (query == NULL)
		return -(int)ERR_REMOTE;
	items = json_array();
	for (; item != NULL && json_array_size(items) < XMPP_READ_RESULT_ITEMS_MAX;
		item = xmpp_xml_next(item, "item", XMPP_NS_DISCO_ITEMS)) {
		const char *jid = xmpp_xml_attr(item, "jid");
		json_t *row;
		if (!xmpp_jid_is_valid(jid))
			continue;
		row = xmpp_map_person(jid, xmpp_xml_attr(item, "name"));
		xmpp_map_set(row, "node", xmpp_xml_attr(item, "node"));
		json_array_append_new(items, row);
	}
	*object = typed("items");
	json_object_set_new(*object, "items", items);
	if (item != NULL)
		json_object_set_new(*object, "truncated", json_true());
	return 0;
}

/* --- disco#info -------------------------------------------------------------------------------------------------- */

static json_t *identities(const xmpp_stanza_t *query)
{
	const xmpp_stanza_t *i = xmpp_xml_child(query, "identity", XMPP_NS_DISCO_INFO);
	json_t *list = json_array();

	for (; i != NULL && json_array_size(list) < IDENTITIES_MAX;
		i = xmpp_xml_next(i, "identity", XMPP_NS_DISCO_INFO)) {
		json_t *row = json_object();
		xmpp_map_set(row, "category", xmpp_xml_attr(i, "category"));
		xmpp_map_set(row, "type", xmpp_xml_attr(i, "type"));
		xmpp_map_set(row, "name", xmpp_xml_attr(i, "name"));
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *features(const xmpp_stanza_t *query)
{
	const xmpp_stanza_t *f = xmpp_xml_child(query, "feature", XMPP_NS_DISCO_INFO);
	json_t *list = json_array();

	for (; f != NULL && json_array_size(list) < FEATURES_MAX;
		f = xmpp_xml_next(f, "feature", XMPP_NS_DISCO_INFO)) {
		const char *var = xmpp_xml_attr(f, "var");
		if (var != NULL)
			json_array_append_new(list, json_string(var));
	}
	return list;
}

static json_t *values(const xmpp_stanza_t *parent)
{
	const xmpp_stanza_t *v = xmpp_xml_child(parent, "value", XMPP_NS_DATA);
	json_t *list = json_array();

	for (; v != NULL && json_array_size(list) < VALUES_MAX;
		v = xmpp_xml_next(v, "value", XMPP_NS_DATA))
		json_array_append_new(list, xmpp_xml_json(v, XMPP_XML_TEXT_MAX));
	return list;
}

/* One value as a string, several as an array, as XEP-0004, 3.3 has it by the type of the field. */
static void set_value(const xmpp_stanza_t *field, const char *type, json_t *row)
{
	json_t *list = values(field);
	json_t *first = json_array_get(list, 0);

	if (type != NULL && strstr(type, "-multi") != NULL)
		json_object_set(row, "value", list);
	else
		json_object_set(row, "value", first);
	json_decref(list);
}

static json_t *form_field(const xmpp_stanza_t *field)
{
	const xmpp_stanza_t *o = xmpp_xml_child(field, "option", XMPP_NS_DATA);
	const char *type = xmpp_xml_attr(field, "type");
	json_t *options = json_array();
	json_t *row = json_object();

	xmpp_map_set(row, "type", type != NULL ? type : "text-single");
	xmpp_map_set(row, "label", xmpp_xml_attr(field, "label"));
	set_value(field, type, row);
	for (; o != NULL && json_array_size(options) < VALUES_MAX;
		o = xmpp_xml_next(o, "option", XMPP_NS_DATA))
		json_array_append_new(options,
			xmpp_xml_json(xmpp_xml_child(o, "value", XMPP_NS_DATA), XMPP_XML_TEXT_MAX));
	if (json_array_size(options) > 0)
		json_object_set(row, "options", options);
	json_decref(options);
	return row;
}

/* Where the fields of a form go, by its FORM_TYPE (XEP-0068). */
static const char *form_name(const json_t *fields)
{
	const char *type = json_string_value(
		json_object_get(json_object_get(fields, "FORM_TYPE"), "value"));

	if (type != NULL && strcmp(type, XMPP_NS_MUC "#roominfo") == 0)
		return "roominfo";
	if (type != NULL && strcmp(type, XMPP_NS_MUC "#roomconfig") == 0)
		return "roomconfig";
	return "custom";
}

static void add_form(const xmpp_stanza_t *form, json_t *object)
{
	const xmpp_stanza_t *f = xmpp_xml_child(form, "field", XMPP_NS_DATA);
	json_t *fields = json_object();
	const char *name;

	for (; f != NULL && json_object_size(fields) < FIELDS_MAX;
		f = xmpp_xml_next(f, "field", XMPP_NS_DATA)) {
		const char *var = xmpp_xml_attr(f, "var");
		if (var != NULL)
			json_object_set_new(fields, var, form_field(f));
	}
	name = form_name(fields);
	json_object_del(fields, "FORM_TYPE");
	if (json_object_get(object, name) == NULL)
		json_object_set(object, name, fields);
	json_decref(fields);
}

int xmpp_read_result_info(const xmpp_stanza_t *iq, json_t **object, struct err *e)
{
	const xmpp_stanza_t *query = payload(iq, "query", XMPP_NS_DISCO_INFO, e);
	const xmpp_stanza_t *form = xmpp_xml_child(query, "x", XMPP_NS_DATA);
	const xmpp_stanza_t *first = xmpp_xml_child(query, "identity", XMPP_NS_DISCO_INFO);
	const char *category = xmpp_xml_attr(first, "category");
	int is_room = category != NULL && strcmp(category, "conference") == 0;

	if (query == NULL)
		return -(int)ERR_REMOTE;
	*object = typed(is_room ? "room-info" : "info");
	xmpp_map_set(*object, "name", xmpp_xml_attr(first, "name"));
	json_object_set_new(*object, "identities", identities(query));
	json_object_set_new(*object, "features", features(query));
	for (int i = 0; form != NULL && i < FORMS_MAX; i++) {
		add_form(form, *object);
		form = xmpp_xml_next(form, "x", XMPP_NS_DATA);
	}
	return 0;
}

/* --- archive, version -------------------------------------------------------------------------------------------- */

/* The id of a page's end; an empty one is none. */
static void set_page_end(const xmpp_stanza_t *set, const char *name, json_t *object)
{
	const xmpp_stanza_t *element = xmpp_xml_child(set, name, XMPP_NS_RSM);
	json_t *id = element != NULL ? xmpp_xml_json(element, XMPP_XML_TEXT_MAX) : NULL;

	if (json_string_length(id) > 0)
		json_object_set(object, name, id);
	json_decref(id);
}

int xmpp_read_result_history(const xmpp_stanza_t *iq, json_t **object, struct err *e)
{
	const xmpp_stanza_t *fin = payload(iq, "fin", XMPP_NS_MAM, e);
	const xmpp_stanza_t *set = xmpp_xml_child(fin, "set", XMPP_NS_RSM);
	const char *complete = xmpp_xml_attr(fin, "complete");
	long long count;

	if (fin == NULL)
		return -(int)ERR_REMOTE;
	count = xmpp_xml_number(xmpp_xml_child(set, "count", XMPP_NS_RSM), INT64_MAX / 16);
	*object = typed("history");
	json_object_set_new(*object, "complete",
		json_boolean(complete != NULL &&
			     (strcmp(complete, "true") == 0 || strcmp(complete, "1") == 0)));
	set_page_end(set, "first", *object);
	set_page_end(set, "last", *object);
	if (count >= 0)
		json_object_set_new(*object, "count", json_integer(count));
	return 0;
}

int xmpp_read_result_version(const xmpp_stanza_t *iq, json_t **object, struct err *e)
{
	static const char *const parts[] = {"name", "version", "os"};
	const xmpp_stanza_t *query = payload(iq, "query", XMPP_NS_VERSION, e);

	if (query == NULL)
		return -(int)ERR_REMOTE;
	*object = typed("version");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const xmpp_stanza_t *part = xmpp_xml_child(query, parts[i], XMPP_NS_VERSION);
		if (part != NULL)
			json_object_set_new(
				*object, parts[i], xmpp_xml_json(part, XMPP_XML_TEXT_MAX));
	}
	return 0;
}
