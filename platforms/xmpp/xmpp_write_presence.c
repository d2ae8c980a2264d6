/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_write_presence.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_caps.h"
#include "platforms/xmpp/xmpp_date.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_xml.h"

/* A room's history, however long a client wants it. */
#define HISTORY_MAX 1000

/* --- show and status --------------------------------------------------------------------------------------------- */

/* What a client may call its state, and what that is in XMPP. */
static const struct {
	const char *word;
	const char *show; /* NULL: no <show/> */
	const char *type;
} shows[] = {
	{"online", NULL, NULL},
	{"available", "chat", NULL},
	{"chat", "chat", NULL},
	{"away", "away", NULL},
	{"dnd", "dnd", NULL},
	{"xa", "xa", NULL},
	{"offline", NULL, "unavailable"},
};

/* The string under the first key that is there; "" when neither is. NULL with `e` filled: not a string, or too long. */
static const char *either(const json_t *object, const char *key, const char *other, struct err *e)
{
	const json_t *v = json_object_get(object, key);

	if (v == NULL)
		v = json_object_get(object, other);
	if (v == NULL || json_is_null(v))
		return "";
	if (!json_is_string(v)) {
		err_set(e, ERR_INVALID, "object.%s has to be a string", key);
		return NULL;
	}
	if (json_string_length(v) > XMPP_XML_TEXT_MAX) {
		err_set(e, ERR_TOO_LARGE, "object.%s is longer than %d bytes", key,
			XMPP_XML_TEXT_MAX);
		return NULL;
	}
	return json_string_value(v);
}

static int add_show(xmpp_stanza_t *s, const char *word, struct err *e)
{
	if (word == NULL)
		return -(int)e->code;
	for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
		if (strcmp(word[0] != '\0' ? word : "online", shows[i].word) != 0)
			continue;
		xmpp_xml_set(s, "type", shows[i].type);
		if (shows[i].show != NULL)
			xmpp_xml_add_text(s, "show", shows[i].show);
		return 0;
	}
	return err_set(
		e, ERR_INVALID, "show has to be available, online, chat, away, dnd, xa or offline");
}

static int add_priority(xmpp_stanza_t *s, const json_t *v, struct err *e)
{
	char text[24];

	if (v == NULL || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < -128 || json_integer_value(v) > 127)
		return err_set(e, ERR_INVALID, "priority has to be a number from -128 to 127");
	snprintf(text, sizeof text, "%d", (int)json_integer_value(v));
	xmpp_xml_add_text(s, "priority", text);
	return 0;
}

static int add_state(xmpp_stanza_t *s, const json_t *object, struct err *e)
{
	const char *status;

	if (add_show(s, either(object, "show", "state", e), e) < 0)
		return -(int)e->code;
	status = either(object, "status", "statusText", e);
	if (status == NULL)
		return -(int)e->code;
	if (status[0] != '\0')
		xmpp_xml_add_text(s, "status", status);
	if (add_priority(s, json_object_get(object, "priority"), e) < 0)
		return -(int)e->code;
	if (xmpp_stanza_get_type(s) == NULL)
		xmpp_caps_add(s);
	return 0;
}

/* The stanza, released when `object` is no good. */
static xmpp_stanza_t *with_state(xmpp_stanza_t *s, const json_t *object, struct err *e)
{
	struct err why;

	if (s == NULL || add_state(s, object, e != NULL ? e : &why) == 0)
		return s;
	xmpp_stanza_release(s);
	return NULL;
}

/* One may enter a room while contacts see one offline: an unavailable presence would leave it instead. */
static xmpp_stanza_t *with_state_in_room(xmpp_stanza_t *s, const json_t *object, struct err *e)
{
	const char *show = either(object, "show", "state", e);

	return with_state(s, show != NULL && strcmp(show, "offline") == 0 ? NULL : object, e);
}

xmpp_stanza_t *xmpp_write_presence(
	xmpp_ctx_t *ctx, const char *to, const json_t *object, struct err *e)
{
	struct xmpp_jid jid;
	xmpp_stanza_t *s;

	if (to != NULL && xmpp_jid_parse(to, &jid, e) < 0)
		return NULL;
	s = xmpp_xml_new(ctx, "presence", NULL);
	xmpp_xml_set(s, "to", to);
	return with_state(s, object, e);
}

/* --- subscriptions ----------------------------------------------------------------------------------------------- */

xmpp_stanza_t *xmpp_write_presence_subscription(
	xmpp_ctx_t *ctx, const char *to, const char *type, const char *text, struct err *e)
{
	struct xmpp_jid jid;
	xmpp_stanza_t *s;
	char *bare;

	if (xmpp_jid_parse(to, &jid, e) < 0)
		return NULL;
	bare = mem_dup(to, jid.bare_len);
	s = xmpp_xml_new(ctx, "presence", NULL);
	xmpp_xml_set(s, "type", type);
	xmpp_xml_set(s, "to", bare);
	if (text != NULL && text[0] != '\0')
		xmpp_xml_add_text(s, "status", text);
	mem_free(bare);
	return s;
}

/* --- rooms ------------------------------------------------------------------------------------------------------- */

static xmpp_stanza_t *to_occupant(
	xmpp_ctx_t *ctx, const char *room, const char *nick, struct err *e)
{
	struct xmpp_jid jid;
	xmpp_stanza_t *s;
	char *to;

	if (xmpp_jid_parse_bare(room, &jid, e) < 0)
		return NULL;
	if (!xmpp_jid_is_resource(nick)) {
		err_set(e, ERR_INVALID,
			"the nick has to have 1 to 1023 bytes, no control characters");
		return NULL;
	}
	to = xmpp_jid_join(room, nick);
	s = xmpp_xml_new(ctx, "presence", NULL);
	xmpp_xml_set(s, "to", to);
	mem_free(to);
	return s;
}

static void add_history(xmpp_stanza_t *x, long long max, const char *since)
{
	char text[24];
	xmpp_stanza_t *history;

	if (max < 0 && since == NULL)
		return;
	history = xmpp_xml_add(x, "history", NULL);
	if (max >= 0) {
		snprintf(text, sizeof text, "%lld", MIN(max, HISTORY_MAX));
		xmpp_xml_set(history, "maxstanzas", text);
	}
	xmpp_xml_set(history, "since", since);
}

xmpp_stanza_t *xmpp_write_presence_join(
	xmpp_ctx_t *ctx, const struct xmpp_write_presence_join *j, struct err *e)
{
	char since[XMPP_DATE_SIZE];
	xmpp_stanza_t *s, *x;
	int64_t ms;

	if (j->since != NULL && xmpp_date_parse(j->since, &ms) < 0) {
		err_set(e, ERR_INVALID, "since has to be a date like 2024-01-31T12:00:00Z");
		return NULL;
	}
	if (j->password != NULL && strlen(j->password) > XMPP_JID_PART_MAX) {
		err_set(e, ERR_INVALID, "the password is longer than %d bytes", XMPP_JID_PART_MAX);
		return NULL;
	}
	s = with_state_in_room(to_occupant(ctx, j->room, j->nick, e), j->object, e);
	if (s == NULL)
		return NULL;
	x = xmpp_xml_add(s, "x", XMPP_NS_MUC);
	if (j->since != NULL)
		xmpp_date_format(ms, since);
	add_history(x, j->history, j->since != NULL ? since : NULL);
	if (j->password != NULL)
		xmpp_xml_add_text(x, "password", j->password);
	return s;
}

xmpp_stanza_t *xmpp_write_presence_nick(
	xmpp_ctx_t *ctx, const char *room, const char *nick, const json_t *object, struct err *e)
{
	return with_state_in_room(to_occupant(ctx, room, nick, e), object, e);
}

xmpp_stanza_t *xmpp_write_presence_leave(
	xmpp_ctx_t *ctx, const char *room, const char *nick, const char *text, struct err *e)
{
	xmpp_stanza_t *s = to_occupant(ctx, room, nick, e);

	if (s == NULL)
		return NULL;
	xmpp_xml_set(s, "type", "unavailable");
	if (text != NULL && text[0] != '\0')
		xmpp_xml_add_text(s, "status", text);
	return s;
}
