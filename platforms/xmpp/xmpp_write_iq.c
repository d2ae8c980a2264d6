/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_write_iq.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_caps.h"
#include "platforms/xmpp/xmpp_date.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_xml.h"

#define GROUPS_MAX   32
#define PAGE_DEFAULT 50
#define PAGE_MAX     200

static xmpp_stanza_t *begin(xmpp_ctx_t *ctx, const char *type, const char *id, const char *to)
{
	xmpp_stanza_t *s = xmpp_xml_new(ctx, "iq", NULL);

	xmpp_xml_set(s, "type", type);
	xmpp_xml_set(s, "id", id);
	xmpp_xml_set(s, "to", to);
	return s;
}

/* --- roster ------------------------------------------------------------------------------------------------------ */

xmpp_stanza_t *xmpp_write_iq_roster(xmpp_ctx_t *ctx, const char *id)
{
	xmpp_stanza_t *s = begin(ctx, "get", id, NULL);

	xmpp_xml_add(s, "query", XMPP_NS_ROSTER);
	return s;
}

/* A roster set with one item, `*item`; NULL with `e` filled. */
static xmpp_stanza_t *roster_change(
	xmpp_ctx_t *ctx, const char *id, const char *contact, xmpp_stanza_t **item, struct err *e)
{
	struct xmpp_jid jid;
	xmpp_stanza_t *s;

	if (xmpp_jid_parse_bare(contact, &jid, e) < 0)
		return NULL;
	s = begin(ctx, "set", id, NULL);
	*item = xmpp_xml_add(xmpp_xml_add(s, "query", XMPP_NS_ROSTER), "item", NULL);
	xmpp_xml_set(*item, "jid", contact);
	return s;
}

static int check_groups(const json_t *groups, struct err *e)
{
	const json_t *g;
	size_t i;

	if (groups == NULL || json_is_null(groups))
		return 0;
	if (!json_is_array(groups) || json_array_size(groups) > GROUPS_MAX)
		return err_set(e, ERR_INVALID, "groups has to be an array of at most %d strings",
			GROUPS_MAX);
	json_array_foreach (groups, i, g) {
		if (json_string_length(g) == 0 || json_string_length(g) > XMPP_JID_PART_MAX)
			return err_set(e, ERR_INVALID,
				"the name of a group has to have 1 to %d bytes", XMPP_JID_PART_MAX);
	}
	return 0;
}

xmpp_stanza_t *xmpp_write_iq_roster_set(
	xmpp_ctx_t *ctx, const char *id, const char *contact, const json_t *object, struct err *e)
{
	const json_t *groups = json_object_get(object, "groups");
	const json_t *name = json_object_get(object, "name");
	xmpp_stanza_t *s, *item;
	const json_t *g;
	size_t i;

	if (name != NULL && !json_is_null(name) &&
		(!json_is_string(name) || json_string_length(name) > XMPP_JID_PART_MAX)) {
		err_set(e, ERR_INVALID, "name has to be a string of at most %d bytes",
			XMPP_JID_PART_MAX);
		return NULL;
	}
	if (check_groups(groups, e) < 0)
		return NULL;
	s = roster_change(ctx, id, contact, &item, e);
	if (s == NULL)
		return NULL;
	xmpp_xml_set(item, "name", json_string_value(name));
	json_array_foreach (groups, i, g)
		xmpp_xml_add_text(item, "group", json_string_value(g));
	return s;
}

xmpp_stanza_t *xmpp_write_iq_roster_remove(
	xmpp_ctx_t *ctx, const char *id, const char *contact, struct err *e)
{
	xmpp_stanza_t *item;
	xmpp_stanza_t *s = roster_change(ctx, id, contact, &item, e);

	if (s != NULL)
		xmpp_xml_set(item, "subscription", "remove");
	return s;
}

/* --- archive ----------------------------------------------------------------------------------------------------- */

/* What is asked of an archive, checked. */
struct page {
	const char *with, *before, *after;
	char start[XMPP_DATE_SIZE], end[XMPP_DATE_SIZE]; /* "": none */
	json_int_t limit;
};

static int read_string(const json_t *object, const char *key, const char **out, struct err *e)
{
	const json_t *v = json_object_get(object, key);

	*out = NULL;
	if (v == NULL || json_is_null(v))
		return 0;
	if (!json_is_string(v) || json_string_length(v) > XMPP_XML_ATTR_MAX)
		return err_set(e, ERR_INVALID, "object.%s has to be a string", key);
	*out = json_string_value(v);
	return 0;
}

/* Dates go out in one form, however they came in. */
static int read_date(const json_t *object, const char *key, char out[XMPP_DATE_SIZE], struct err *e)
{
	const char *text;
	int64_t ms;

	out[0] = '\0';
	if (read_string(object, key, &text, e) < 0)
		return -(int)ERR_INVALID;
	if (text == NULL || text[0] == '\0')
		return 0;
	if (xmpp_date_parse(text, &ms) < 0)
		return err_set(
			e, ERR_INVALID, "%s has to be a date like 2024-01-31T12:00:00Z", key);
	xmpp_date_format(ms, out);
	return 0;
}

static int read_page(const json_t *object, struct page *p, struct err *e)
{
	const json_t *limit = json_object_get(object, "limit");
	struct xmpp_jid jid;

	if (read_string(object, "with", &p->with, e) < 0 ||
		read_string(object, "before", &p->before, e) < 0 ||
		read_string(object, "after", &p->after, e) < 0 ||
		read_date(object, "start", p->start, e) < 0 ||
		read_date(object, "end", p->end, e) < 0)
		return -(int)ERR_INVALID;
	if (p->with != NULL && xmpp_jid_parse(p->with, &jid, e) < 0)
		return err_prefix(e, "with");
	if (p->before != NULL && p->after != NULL)
		return err_set(e, ERR_INVALID, "before and after do not go together");
	p->limit = PAGE_DEFAULT;
	if (limit == NULL || json_is_null(limit))
		return 0;
	if (!json_is_integer(limit) || json_integer_value(limit) < 1 ||
		json_integer_value(limit) > PAGE_MAX)
		return err_set(e, ERR_INVALID, "limit has to be a number from 1 to %d", PAGE_MAX);
	p->limit = json_integer_value(limit);
	return 0;
}

static void add_field(xmpp_stanza_t *form, const char *var, const char *type, const char *value)
{
	xmpp_stanza_t *field;

	if (value == NULL || value[0] == '\0')
		return;
	field = xmpp_xml_add(form, "field", NULL);
	xmpp_xml_set(field, "var", var);
	xmpp_xml_set(field, "type", type);
	xmpp_xml_add_text(field, "value", value);
}

static void add_page(xmpp_stanza_t *query, const struct page *p)
{
	xmpp_stanza_t *form = xmpp_xml_add(query, "x", XMPP_NS_DATA);
	xmpp_stanza_t *set;
	char max[24];

	xmpp_xml_set(form, "type", "submit");
	add_field(form, "FORM_TYPE", "hidden", XMPP_NS_MAM);
	add_field(form, "with", NULL, p->with);
	add_field(form, "start", NULL, p->start);
	add_field(form, "end", NULL, p->end);
	set = xmpp_xml_add(query, "set", XMPP_NS_RSM);
	snprintf(max, sizeof max, "%d", (int)p->limit);
	xmpp_xml_add_text(set, "max", max);
	/* An empty <before/> asks for the newest page (XEP-0059, 2.5). */
	if (p->after != NULL)
		xmpp_xml_add_text(set, "after", p->after);
	else
		xmpp_xml_add_text(set, "before", p->before);
}

xmpp_stanza_t *xmpp_write_iq_history(
	xmpp_ctx_t *ctx, const char *id, const char *to, const json_t *object, struct err *e)
{
	struct page page;
	struct err why;
	xmpp_stanza_t *s, *query;

	if (e == NULL)
		e = &why;
	if (to != NULL && !xmpp_jid_is_valid(to)) {
		err_set(e, ERR_INVALID, "the archive has to have an XMPP address");
		return NULL;
	}
	if (read_page(object, &page, e) < 0)
		return NULL;
	s = begin(ctx, "set", id, to);
	query = xmpp_xml_add(s, "query", XMPP_NS_MAM);
	xmpp_xml_set(query, "queryid", id);
	add_page(query, &page);
	return s;
}

/* --- small ones -------------------------------------------------------------------------------------------------- */

static xmpp_stanza_t *with_child(xmpp_stanza_t *s, const char *name, const char *ns)
{
	xmpp_xml_add(s, name, ns);
	return s;
}

xmpp_stanza_t *xmpp_write_iq_info(xmpp_ctx_t *ctx, const char *id, const char *to)
{
	return with_child(begin(ctx, "get", id, to), "query", XMPP_NS_DISCO_INFO);
}

xmpp_stanza_t *xmpp_write_iq_items(xmpp_ctx_t *ctx, const char *id, const char *to)
{
	return with_child(begin(ctx, "get", id, to), "query", XMPP_NS_DISCO_ITEMS);
}

xmpp_stanza_t *xmpp_write_iq_carbons(xmpp_ctx_t *ctx, const char *id)
{
	return with_child(begin(ctx, "set", id, NULL), "enable", XMPP_NS_CARBONS);
}

xmpp_stanza_t *xmpp_write_iq_ping(xmpp_ctx_t *ctx, const char *id, const char *to)
{
	return with_child(begin(ctx, "get", id, to), "ping", XMPP_NS_PING);
}

xmpp_stanza_t *xmpp_write_iq_version(xmpp_ctx_t *ctx, const char *id, const char *to)
{
	return with_child(begin(ctx, "get", id, to), "query", XMPP_NS_VERSION);
}

xmpp_stanza_t *xmpp_write_iq_unlock(xmpp_ctx_t *ctx, const char *id, const char *room)
{
	xmpp_stanza_t *s = begin(ctx, "set", id, room);
	xmpp_stanza_t *query = xmpp_xml_add(s, "query", XMPP_NS_MUC "#owner");

	xmpp_xml_set(xmpp_xml_add(query, "x", XMPP_NS_DATA), "type", "submit");
	return s;
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static xmpp_stanza_t *answer(const xmpp_stanza_t *iq, const char *type)
{
	return begin(xmpp_stanza_get_context(iq), type, xmpp_xml_attr(iq, "id"),
		xmpp_xml_attr(iq, "from"));
}

xmpp_stanza_t *xmpp_write_iq_done(const xmpp_stanza_t *iq)
{
	return answer(iq, "result");
}

xmpp_stanza_t *xmpp_write_iq_refusal(
	const xmpp_stanza_t *iq, const char *type, const char *condition)
{
	xmpp_stanza_t *s = answer(iq, "error");
	xmpp_stanza_t *error = xmpp_xml_add(s, "error", NULL);

	xmpp_xml_set(error, "type", type);
	xmpp_xml_add(error, condition, XMPP_NS_STANZAS_IETF);
	return s;
}

static xmpp_stanza_t *answer_info(const xmpp_stanza_t *iq, int64_t now_ms)
{
	const char *node = xmpp_xml_attr(xmpp_xml_child(iq, "query", XMPP_NS_DISCO_INFO), "node");
	xmpp_stanza_t *s, *query;

	UNUSED(now_ms);
	if (node != NULL && !xmpp_caps_is_node(node))
		return xmpp_write_iq_refusal(iq, "cancel", "item-not-found");
	s = answer(iq, "result");
	query = xmpp_xml_add(s, "query", XMPP_NS_DISCO_INFO);
	xmpp_xml_set(query, "node", node);
	xmpp_caps_describe(query);
	return s;
}

static xmpp_stanza_t *answer_items(const xmpp_stanza_t *iq, int64_t now_ms)
{
	UNUSED(now_ms);
	return with_child(answer(iq, "result"), "query", XMPP_NS_DISCO_ITEMS);
}

/* Without the operating system: that is nobody's business (XEP-0092, 5). */
static xmpp_stanza_t *answer_version(const xmpp_stanza_t *iq, int64_t now_ms)
{
	xmpp_stanza_t *s = answer(iq, "result");
	xmpp_stanza_t *query = xmpp_xml_add(s, "query", XMPP_NS_VERSION);

	UNUSED(now_ms);
	xmpp_xml_add_text(query, "name", XMPP_CAPS_NAME);
	xmpp_xml_add_text(query, "version", SOCKETHUB_VERSION);
	return s;
}

static xmpp_stanza_t *answer_ping(const xmpp_stanza_t *iq, int64_t now_ms)
{
	UNUSED(now_ms);
	return answer(iq, "result");
}

/* The gateway's zone says nothing about where the user is: UTC. */
static xmpp_stanza_t *answer_time(const xmpp_stanza_t *iq, int64_t now_ms)
{
	xmpp_stanza_t *s = answer(iq, "result");
	xmpp_stanza_t *time = xmpp_xml_add(s, "time", XMPP_NS_TIME);
	char utc[XMPP_DATE_SIZE];

	xmpp_date_format(now_ms, utc);
	xmpp_xml_add_text(time, "tzo", "+00:00");
	xmpp_xml_add_text(time, "utc", utc);
	return s;
}

static const struct {
	const char *name, *ns;
	xmpp_stanza_t *(*answer)(const xmpp_stanza_t *iq, int64_t now_ms);
} answers[] = {
	{"query", XMPP_NS_DISCO_INFO, answer_info},
	{"query", XMPP_NS_DISCO_ITEMS, answer_items},
	{"query", XMPP_NS_VERSION, answer_version},
	{"ping", XMPP_NS_PING, answer_ping},
	{"time", XMPP_NS_TIME, answer_time},
};

xmpp_stanza_t *xmpp_write_iq_answer(const xmpp_stanza_t *iq, int64_t now_ms)
{
	const char *type = xmpp_xml_attr(iq, "type");

	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (type != NULL && strcmp(type, "get") == 0 &&
			xmpp_xml_child(iq, answers[i].name, answers[i].ns) != NULL)
			return answers[i].answer(iq, now_ms);
	return xmpp_write_iq_refusal(iq, "cancel", "service-unavailable");
}
