/* SPDX-License-Identifier: MIT */
/* smtp_reply - the replies of an SMTP server (RFC 5321, 4.2) from its bytes, in pieces of any size.
 *
 * Hostile input: lines, lines of a reply and its text are bounded. Pure. */
#ifndef PLATFORMS_EMAIL_SMTP_REPLY_H
#define PLATFORMS_EMAIL_SMTP_REPLY_H

#include "core/buf.h"

#define SMTP_REPLY_LINE_MAX 2048 /* 512 by the RFC, 4.5.3.1.5, and some are longer */
#define SMTP_REPLY_LINES    200
#define SMTP_REPLY_TEXT_MAX 2048 /* what is kept of all lines */

struct smtp_reply {
	int code;        /* 200 to 599; of a finished reply */
	struct buf text; /* behind the codes, lines separated by LF; any bytes but NUL */
	struct buf line; /* under way */
	unsigned lines;
};

/* Zero-initialise before the first. Reads up to the end of one reply: 1, and its code and text stand until the next
 * call; 0 when more bytes are needed; -1 when this is not SMTP, or too much. `*used` is how many of the bytes were
 * taken. */
int smtp_reply_read(struct smtp_reply *r, const char *bytes, size_t len, size_t *used);
void smtp_reply_release(struct smtp_reply *r);

#endif
