/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_write_message.h"

#include <string.h>

#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_ns.h"
#include "platforms/xmpp/xmpp_xml.h"

#define OWN_ID_MAX 256
/* RFC 5646, 4.4.1 recommends room for 35 characters. */
#define LANG_MAX 35

static const char *string_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* The stanza without content, or NULL with `e` filled. */
static xmpp_stanza_t *begin(xmpp_ctx_t *ctx, const struct xmpp_write_message_head *head,
	const char *type, struct err *e)
{
	struct xmpp_jid jid;
	xmpp_stanza_t *s;

	if (xmpp_jid_parse(head->to, &jid, e) < 0)
		return NULL;
	if (head->room && jid.resource != NULL) {
		err_set(e, ERR_INVALID, "the address of a room has no resource");
		return NULL;
	}
	s = xmpp_xml_new(ctx, "message", NULL);
	xmpp_xml_set(s, "type", type);
	xmpp_xml_set(s, "to", head->to);
	xmpp_xml_set(s, "id", head->id);
	/* Tells servers and the account's other clients that this goes to a room and not to a person (XEP-0045, 7.5). */
	if (head->occupant)
		xmpp_xml_add(s, "x", XMPP_NS_MUC_USER);
	return s;
}

const char *xmpp_write_message_own_id(const json_t *object)
{
	const json_t *id = json_object_get(object, "id");
	size_t len = json_string_length(id);

	if (len == 0 || len > OWN_ID_MAX)
		return NULL;
	/* What an attribute would change is no id to wait for. */
	for (const char *c = json_string_value(id); *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7F)
			return NULL;
	return json_string_value(id);
}

/* --- send -------------------------------------------------------------------------------------------------------- */

static int check_chat_state(const char *word, struct err *e)
{
	static const char *const words[] = {"active", "composing", "paused", "inactive", "gone"};

	for (size_t i = 0; word != NULL && i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return 0;
	if (word == NULL)
		return 0;
	return err_set(
		e, ERR_INVALID, "chatState has to be active, composing, paused, inactive or gone");
}

/* Letters, digits and hyphens: what a language tag is made of (RFC 5646, 2.1). */
static int check_lang(const char *lang, struct err *e)
{
	if (lang == NULL)
		return 0;
	if (lang[0] == '\0' || strlen(lang) > LANG_MAX ||
		lang[strspn(lang,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")] != '\0')
		return err_set(e, ERR_INVALID, "lang has to be a language tag");
	return 0;
}

static int check_object(const json_t *object, struct err *e)
{
	static const char *const strings[] = {
		"text", "subject", "thread", "lang", "replaces", "chatState"};
	const char *replaces = string_of(object, "replaces");

	for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
		const json_t *v = json_object_get(object, strings[i]);
		if (v != NULL && !json_is_string(v) && !json_is_null(v))
			return err_set(e, ERR_INVALID, "object.%s has to be a string", strings[i]);
	}
	if (json_string_length(json_object_get(object, "text")) > XMPP_XML_BODY_MAX)
		return err_set(
			e, ERR_TOO_LARGE, "the text is longer than %d bytes", XMPP_XML_BODY_MAX);
	if (string_of(object, "text") == NULL && string_of(object, "chatState") == NULL)
		return err_set(e, ERR_INVALID, "object.text is missing");
	if (replaces != NULL && (replaces[0] == '\0' || strlen(replaces) > XMPP_XML_ATTR_MAX))
		return err_set(e, ERR_INVALID, "object.replaces has to be the id of a message");
	if (check_chat_state(string_of(object, "chatState"), e) < 0)
		return -(int)ERR_INVALID;
	return check_lang(string_of(object, "lang"), e);
}

static void add_text(
	xmpp_stanza_t *s, const struct xmpp_write_message_head *head, const json_t *object)
{
	const json_t *receipt = json_object_get(object, "receipt");

	if (string_of(object, "subject") != NULL)
		xmpp_xml_add_text(s, "subject", string_of(object, "subject"));
	xmpp_xml_add_text(s, "body", string_of(object, "text"));
	if (string_of(object, "replaces") != NULL)
		xmpp_xml_set(xmpp_xml_add(s, "replace", XMPP_NS_CORRECT), "id",
			string_of(object, "replaces"));
	/* In a room everybody would answer. */
	if (!head->room && !json_is_false(receipt) && head->id != NULL)
		xmpp_xml_add(s, "request", XMPP_NS_RECEIPTS);
}

xmpp_stanza_t *xmpp_write_message(xmpp_ctx_t *ctx, const struct xmpp_write_message_head *head,
	const json_t *object, struct err *e)
{
	const char *state = string_of(object, "chatState");
	const char *text = string_of(object, "text");
	xmpp_stanza_t *s;

	if (check_object(object, e) < 0)
		return NULL;
	s = begin(ctx, head, head->room ? "groupchat" : "chat", e);
	if (s == NULL)
		return NULL;
	xmpp_xml_set(s, "xml:lang", string_of(object, "lang"));
	if (text != NULL)
		add_text(s, head, object);
	if (string_of(object, "thread") != NULL)
		xmpp_xml_add_text(s, "thread", string_of(object, "thread"));
	if (state == NULL && !head->room)
		state = "active";
	if (state != NULL)
		xmpp_xml_add(s, state, XMPP_NS_CHATSTATES);
	/* Who is not there now does not want to know later that one was typing. */
	if (text == NULL)
		xmpp_xml_add(s, "no-store", XMPP_NS_HINTS);
	return s;
}

/* --- all else ---------------------------------------------------------------------------------------------------- */

xmpp_stanza_t *xmpp_write_message_topic(xmpp_ctx_t *ctx, const struct xmpp_write_message_head *head,
	const char *topic, struct err *e)
{
	struct xmpp_write_message_head room = *head;
	xmpp_stanza_t *s;

	room.room = 1;
	if (topic == NULL) {
		err_set(e, ERR_INVALID, "object.topic is missing");
		return NULL;
	}
	if (strlen(topic) > XMPP_XML_TEXT_MAX) {
		err_set(e, ERR_TOO_LARGE, "the topic is longer than %d bytes", XMPP_XML_TEXT_MAX);
		return NULL;
	}
	s = begin(ctx, &room, "groupchat", e);
	if (s != NULL)
		xmpp_xml_add_text(s, "subject", topic);
	return s;
}

xmpp_stanza_t *xmpp_write_message_receipt(xmpp_ctx_t *ctx,
	const struct xmpp_write_message_head *head, const char *of, const char *word, struct err *e)
{
	int displayed = word != NULL && strcmp(word, "displayed") == 0;
	xmpp_stanza_t *s;

	if (word == NULL || (!displayed && strcmp(word, "received") != 0)) {
		err_set(e, ERR_INVALID, "receipt has to be received or displayed");
		return NULL;
	}
	if (head->room && !displayed) {
		err_set(e, ERR_INVALID, "in a room there is only the receipt displayed");
		return NULL;
	}
	if (of == NULL || of[0] == '\0' || strlen(of) > XMPP_XML_ATTR_MAX) {
		err_set(e, ERR_INVALID, "a receipt needs the id of the message");
		return NULL;
	}
	s = begin(ctx, head, head->room ? "groupchat" : "chat", e);
	if (s == NULL)
		return NULL;
	xmpp_xml_set(
		xmpp_xml_add(s, word, displayed ? XMPP_NS_MARKERS : XMPP_NS_RECEIPTS), "id", of);
	/* So that it reaches an archive and the account's other clients, though it has no text (XEP-0334, 4.4). */
	xmpp_xml_add(s, "store", XMPP_NS_HINTS);
	return s;
}

xmpp_stanza_t *xmpp_write_message_invite(xmpp_ctx_t *ctx,
	const struct xmpp_write_message_head *head, const char *who, const char *reason,
	struct err *e)
{
	struct xmpp_write_message_head room = *head;
	xmpp_stanza_t *s, *invite;

	room.room = 1;
	if (!xmpp_jid_is_valid(who)) {
		err_set(e, ERR_INVALID, "who is invited needs an XMPP address");
		return NULL;
	}
	s = begin(ctx, &room, NULL, e);
	if (s == NULL)
		return NULL;
	invite = xmpp_xml_add(xmpp_xml_add(s, "x", XMPP_NS_MUC_USER), "invite", NULL);
	xmpp_xml_set(invite, "to", who);
	if (reason != NULL)
		xmpp_xml_add_text(invite, "reason", reason);
	return s;
}
