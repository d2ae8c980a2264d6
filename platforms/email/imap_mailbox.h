/* SPDX-License-Identifier: MIT */
/* imap_mailbox - names of folders between UTF-8 and modified UTF-7 (RFC 3501, 5.1.3). Pure. */
#ifndef PLATFORMS_EMAIL_IMAP_MAILBOX_H
#define PLATFORMS_EMAIL_IMAP_MAILBOX_H

#include "core/buf.h"

struct err;

#define IMAP_MAILBOX_BYTES 1000 /* the longest name, in UTF-8 */

/* Appends `utf8` as the server wants it; "inbox" in any case as "INBOX". ERR_INVALID: empty, not UTF-8, too long,
 * or with a control character; nothing is appended then. */
int imap_mailbox_encode(const char *utf8, struct buf *out, struct err *e);
/* Appends the name as UTF-8 without control characters ('?' stands for them). What is not modified UTF-7 stays as
 * it is if it is UTF-8 (RFC 6855 servers), else byte by byte with '?' for what is not ASCII. */
void imap_mailbox_decode(const char *bytes, size_t len, struct buf *out);
/* 1 when both name the same folder: only "INBOX" has no case. */
int imap_mailbox_equals(const char *a, const char *b);

#endif
