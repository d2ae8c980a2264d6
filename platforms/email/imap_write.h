/* SPDX-License-Identifier: MIT */
/* imap_write - a command on its way to an IMAP server (RFC 3501, 6 and 9).
 *
 * Whatever comes from outside is written as a quoted string or a literal, never as text of the command: no CR, LF
 * or NUL can get into a command line. A synchronising literal is a pause: the bytes behind it wait for the
 * server's "+". The first error is remembered and reported by imap_write_end(). Pure; the tag is imap_link's. */
#ifndef PLATFORMS_EMAIL_IMAP_WRITE_H
#define PLATFORMS_EMAIL_IMAP_WRITE_H

#include "core/buf.h"
#include "core/err.h"
#include "platforms/email/imap.h"

#define IMAP_WRITE_PAUSES 16
#define IMAP_WRITE_STRING 2000 /* bytes of the longest string that is accepted */

/* Zero-initialise with `literal_plus`; imap_write_release(). */
struct imap_write {
	int literal_plus; /* LITERAL+ or LITERAL- (RFC 7888): no pauses */
	struct buf out;
	size_t pauses[IMAP_WRITE_PAUSES]; /* offsets in `out` */
	size_t n_pauses;
	struct err err;
};

void imap_write_release(struct imap_write *w);
/* The command's own words; nothing from outside but numbers. */
void imap_write_add(struct imap_write *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* An astring. ERR_INVALID: not UTF-8, too long, or with control characters. */
void imap_write_string(struct imap_write *w, const char *utf8);
/* The name of a folder; errors of imap_mailbox_encode(). */
void imap_write_mailbox(struct imap_write *w, const char *utf8);
/* "(\Seen \Flagged)" */
void imap_write_flags(struct imap_write *w, unsigned flags);
/* A set "1:5,9:*". ERR_INVALID: more than IMAP_RANGES, none, or one that begins with 0. */
void imap_write_ranges(struct imap_write *w, const struct imap_range *ranges, size_t n);
/* The same of single UIDs in any order, with runs drawn together. */
void imap_write_uids(struct imap_write *w, const uint32_t *uids, size_t n);
/* The number of a MIME part: "2.1". ERR_INVALID if it is something else. */
void imap_write_part(struct imap_write *w, const char *part);
/* What follows "UID SEARCH": the charset when it is needed, and the keys. */
void imap_write_search(struct imap_write *w, const struct imap_search *search);
/* The line's end. 0, or < 0 with the first error that happened. */
int imap_write_end(struct imap_write *w, struct err *e);

#endif
