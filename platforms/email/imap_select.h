/* SPDX-License-Identifier: MIT */
/* imap_select - which folder is selected on a connection, and what the server has said about it (RFC 3501, 6.3.1
 * and 7.3).
 *
 * Sends nothing: imap.c does. */
#ifndef PLATFORMS_EMAIL_IMAP_SELECT_H
#define PLATFORMS_EMAIL_IMAP_SELECT_H

#include "platforms/email/imap.h"
#include "platforms/email/imap_parse.h"

struct imap_select {
	char *name; /* NULL: nothing is selected */
	int for_writing;
	struct imap_folder folder;
};

/* SELECT or EXAMINE goes out: from now on it is about `name`. */
void imap_select_begin(struct imap_select *s, const char *name, int for_writing);
/* Nothing is selected. */
void imap_select_clear(struct imap_select *s);
/* Whatever a response says about the folder. */
void imap_select_note(struct imap_select *s, const struct imap_parse_response *r);
/* 1 when `name` is selected. */
int imap_select_is(const struct imap_select *s, const char *name);
/* ERR_CONFLICT when UIDVALIDITY is another than `expected` (0: any), ERR_FORBIDDEN when the folder can only be
 * read but is to be written. */
int imap_select_check(
	const struct imap_select *s, uint32_t expected, int for_writing, struct err *e);

#endif
