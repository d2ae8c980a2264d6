/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap_select.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_server.h"
#include "platforms/email/imap_mailbox.h"
#include "platforms/email/imap_parse_data.h"

void imap_select_clear(struct imap_select *s)
{
	mem_free(s->name);
	*s = (struct imap_select){0};
}

void imap_select_begin(struct imap_select *s, const char *name, int for_writing)
{
	imap_select_clear(s);
	s->name = mem_strdup(name);
	s->for_writing = for_writing;
	s->folder.name = s->name;
}

int imap_select_is(const struct imap_select *s, const char *name)
{
	return s->name != NULL && imap_mailbox_equals(s->name, name);
}

static uint32_t code_number(const struct imap_parse_response *r)
{
	struct imap_parse_cursor c = r->code_data;
	struct imap_parse_token t;
	uint64_t n = 0;

	imap_parse_token_next(&c, &t);
	imap_parse_token_number(&t, UINT32_MAX, &n);
	return (uint32_t)n;
}

void imap_select_note(struct imap_select *s, const struct imap_parse_response *r)
{
	struct imap_folder *f = &s->folder;
	struct imap_parse_cursor c = r->code_data;
	struct imap_parse_data_flags flags;

	if (r->status == IMAP_PARSE_DATA && strcmp(r->name, "EXISTS") == 0)
		f->exists = r->number;
	else if (r->status == IMAP_PARSE_DATA && strcmp(r->name, "EXPUNGE") == 0)
		f->exists -= f->exists > 0;
	else if (strcmp(r->code, "UIDVALIDITY") == 0)
		f->uid_validity = code_number(r);
	else if (strcmp(r->code, "UIDNEXT") == 0)
		f->uid_next = code_number(r);
	else if (strcmp(r->code, "READ-ONLY") == 0)
		f->read_only = 1;
	else if (strcmp(r->code, "PERMANENTFLAGS") == 0 && imap_parse_data_flags(&c, &flags) == 0)
		f->permanent_flags = flags.flags;
}

int imap_select_check(
	const struct imap_select *s, uint32_t expected, int for_writing, struct err *e)
{
	char name[120];

	email_server_text(name, sizeof name, s->name, strlen(s->name));
	if (expected != 0 && expected != s->folder.uid_validity)
		return err_set(e, ERR_CONFLICT,
			"folder %s: its UIDs are void, UIDVALIDITY is %u and was %u", name,
			s->folder.uid_validity, expected);
	if (for_writing && s->folder.read_only)
		return err_set(e, ERR_FORBIDDEN, "folder %s: it can only be read", name);
	return 0;
}
