/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_error.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_xml.h"

/* The sender's own words, in bytes: err.text has 320 for all. */
#define WORDS_MAX 160

/* A row for each condition of RFC 6120, 8.3.3. A sentence that is NULL is the first one. */
struct row {
	const char *condition;
	enum err_code code;
	const char *text[XMPP_ERROR_ABOUT_JOIN + 1];
};

static const struct row rows[] = {
	{"bad-request", ERR_INVALID, {"the request was not understood", NULL, NULL, NULL}},
	{"conflict", ERR_CONFLICT,
		{"this exists already", NULL, "the nick is taken", "the nick is taken"}},
	{"feature-not-implemented", ERR_UNSUPPORTED,
		{"this is not supported there", NULL, NULL, NULL}},
	{"forbidden", ERR_FORBIDDEN,
		{"you are not allowed to do this", "the recipient does not take messages from you",
			"you may not do this in the room", "you are banned from this room"}},
	{"gone", ERR_NOT_FOUND,
		{"this address is no longer in use", NULL, "the room is gone", "the room is gone"}},
	{"internal-server-error", ERR_REMOTE,
		{"the server has an internal error", NULL, NULL, NULL}},
	{"item-not-found", ERR_NOT_FOUND,
		{"there is no such thing", "there is no such recipient",
			"there is no such room or occupant",
			"the room does not exist, or is not open yet"}},
	{"jid-malformed", ERR_INVALID,
		{"the address is malformed", NULL, NULL, "the nick is not valid"}},
	{"not-acceptable", ERR_FORBIDDEN,
		{"this is not acceptable there", "the recipient does not accept this message",
			"you are not in the room",
			"the room accepts only the nick that is reserved for you"}},
	{"not-allowed", ERR_FORBIDDEN,
		{"this is not allowed there", NULL, "this is not allowed in the room",
			"you may not open a room there"}},
	{"not-authorized", ERR_FORBIDDEN,
		{"you are not authorized to do this", NULL, NULL, "the room wants a password"}},
	{"payment-required", ERR_FORBIDDEN, {"this has to be paid for", NULL, NULL, NULL}},
	{"policy-violation", ERR_FORBIDDEN,
		{"this is against the policy of the server", NULL, NULL, NULL}},
	{"recipient-unavailable", ERR_NOT_FOUND,
		{"the recipient is not available", NULL, "the occupant is not in the room", NULL}},
	{"redirect", ERR_REMOTE, {"this has moved to another address", NULL, NULL, NULL}},
	{"registration-required", ERR_FORBIDDEN,
		{"you have to be registered for this", NULL, "the room is for members only",
			"the room is for members only"}},
	{"remote-server-not-found", ERR_RESOLVE,
		{"the server of this address was not found", NULL,
			"the server of the room was not found",
			"the server of the room was not found"}},
	{"remote-server-timeout", ERR_TIMEOUT,
		{"the server of this address did not answer", NULL,
			"the server of the room did not answer",
			"the server of the room did not answer"}},
	{"resource-constraint", ERR_REMOTE,
		{"the server is too busy, or a limit was reached", NULL, NULL, NULL}},
	{"service-unavailable", ERR_REMOTE,
		{"the service is not available there", "the recipient cannot be reached",
			"the room cannot do this", "the room is full"}},
	{"subscription-required", ERR_FORBIDDEN,
		{"you have to be a contact of the recipient", NULL, NULL, NULL}},
	{"undefined-condition", ERR_REMOTE, {"the server reported an error", NULL, NULL, NULL}},
	{"unexpected-request", ERR_INVALID,
		{"the request was not expected at this time", NULL, NULL, NULL}},
};

static const struct row *row_of(const xmpp_stanza_t *s)
{
	const xmpp_stanza_t *error = xmpp_xml_child(s, "error", XMPP_NS_CLIENT);
	const struct row *undefined = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (xmpp_xml_child(error, rows[i].condition, XMPP_NS_STANZAS_IETF) != NULL)
			return &rows[i];
		if (strcmp(rows[i].condition, "undefined-condition") == 0)
			undefined = &rows[i];
	}
	return undefined;
}

const char *xmpp_error_condition(const xmpp_stanza_t *s)
{
	return row_of(s)->condition;
}

int xmpp_error_read(const xmpp_stanza_t *s, enum xmpp_error_about about, struct err *e)
{
	const struct row *row = row_of(s);
	const char *text = row->text[about] != NULL ? row->text[about] : row->text[0];
	const xmpp_stanza_t *error = xmpp_xml_child(s, "error", XMPP_NS_CLIENT);
	char *words = xmpp_xml_text(
		xmpp_xml_child(error, "text", XMPP_NS_STANZAS_IETF), WORDS_MAX, NULL);

	if (words[0] != '\0')
		err_set(e, row->code, "%s (%s)", text, words);
	else
		err_set(e, row->code, "%s", text);
	mem_free(words);
	return -(int)row->code;
}
