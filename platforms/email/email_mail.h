/* SPDX-License-Identifier: MIT */
/* email_mail - a mail as IMAP gives it, on its way to a message: what the server knows of it, beside its bytes.
 *
 * Shared by fetching and observing. Pure but for the batch it fills. */
#ifndef PLATFORMS_EMAIL_MAIL_H
#define PLATFORMS_EMAIL_MAIL_H

#include <jansson.h>

#include "platforms/email/imap.h"

struct email_batch;
struct email_limits;

/* Of a mail of which only the header is asked for. */
#define EMAIL_MAIL_HEADER_BYTES ((size_t)256 * 1024)

/* Adds `mail` to the batch; takes its bytes. The message's object gets imapBox, imapSeqNo, uid, uidValidity, flags and
 * size, and `truncated` when the bytes were cut. */
void email_mail_add(struct email_batch *b, const struct email_limits *limits,
	const struct imap_where *where, struct imap_mail *mail, int whole);
/* How much of each of `n` mails may be read when they come whole, so that a job stays within max_fetch_bytes. */
size_t email_mail_share(const struct email_limits *limits, size_t n);

/* Names of flags ("seen", ...) as enum imap_flag; unknown ones are left out. */
unsigned email_mail_flags(const json_t *names);

#endif
