/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap_reason.h"

#include <string.h>

#include "platforms/email/email_server.h"

static enum err_code by_code(const char *code)
{
	static const struct {
		const char *name;
		enum err_code code;
	} codes[] = {
		{"NONEXISTENT", ERR_NOT_FOUND},
		{"TRYCREATE", ERR_NOT_FOUND},
		{"INUSE", ERR_BUSY},
		{"UNAVAILABLE", ERR_BUSY},
		{"LIMIT", ERR_BUSY},
		{"OVERQUOTA", ERR_TOO_LARGE},
		{"TOOBIG", ERR_TOO_LARGE},
		{"NOPERM", ERR_FORBIDDEN},
		{"READ-ONLY", ERR_FORBIDDEN},
		{"ALREADYEXISTS", ERR_CONFLICT},
		{"CANNOT", ERR_INVALID},
		{"BADCHARSET", ERR_UNSUPPORTED},
		{"AUTHENTICATIONFAILED", ERR_AUTH},
		{"AUTHORIZATIONFAILED", ERR_AUTH},
		{"EXPIRED", ERR_AUTH},
	};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strcmp(codes[i].name, code) == 0)
			return codes[i].code;
	return ERR_NONE;
}

/* Servers older than RFC 5530 have nothing but words. */
static enum err_code by_words(const char *text)
{
	static const struct {
		const char *words;
		enum err_code code;
	} words[] = {
		{"not exist", ERR_NOT_FOUND},
		{"n't exist", ERR_NOT_FOUND},
		{"nonexist", ERR_NOT_FOUND},
		{"not found", ERR_NOT_FOUND},
		{"no such mailbox", ERR_NOT_FOUND},
		{"unknown mailbox", ERR_NOT_FOUND},
		{"already exists", ERR_CONFLICT},
		{"quota", ERR_TOO_LARGE},
		{"locked", ERR_BUSY},
		{"in use", ERR_BUSY},
		{"permission", ERR_FORBIDDEN},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasestr(text, words[i].words) != NULL)
			return words[i].code;
	return ERR_REMOTE;
}

int imap_reason_explain(const char *server, const struct imap_parse_response *r, struct err *e)
{
	char text[200];
	enum err_code code = by_code(r->code);

	email_server_text(text, sizeof text, r->text, r->text_len);
	if (r->status == IMAP_PARSE_BYE)
		return err_set(e, code != ERR_NONE ? code : ERR_REMOTE,
			"%s: the server closed the connection: %s", server, text);
	if (r->status == IMAP_PARSE_BAD)
		return err_set(
			e, ERR_REMOTE, "%s: the server did not understand: %s", server, text);
	if (code == ERR_NONE)
		code = by_words(text);
	return err_set(e, code, "%s: %s", server, text[0] != '\0' ? text : "the server refused");
}
