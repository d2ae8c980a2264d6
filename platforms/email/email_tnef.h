/* SPDX-License-Identifier: MIT */
/* email_tnef - what is in a winmail.dat: attachments and, where it is plain, the text (MS-OXTNEF).
 *
 * Exchange wraps mail so when it takes its receiver for its own kind. Every length in it is a stranger's: each is
 * checked against what is left, and what is broken ends the reading; what was found before stays. Rich text (compressed
 * RTF) is not read. Pure, any thread; names and texts are raw from the file: a caller cleans the names. */
#ifndef PLATFORMS_EMAIL_TNEF_H
#define PLATFORMS_EMAIL_TNEF_H

#include "core/buf.h"

/* More attachments are passed over. */
#define EMAIL_TNEF_ATTACHMENTS ((size_t)100)

struct email_tnef;

struct email_tnef_attachment {
	struct buf name; /* valid UTF-8; may be empty */
	struct buf type; /* the media type that the sender wrote, valid UTF-8; may be empty */
	struct buf cid;  /* Content-ID without brackets, valid UTF-8; may be empty */
	const char *bytes;
	size_t len;
};

/* NULL when `bytes` do not begin as TNEF does. The result points into them: they have to outlive it. `max_text` bounds
 * text and html each. GIVES, free with email_tnef_free(). */
struct email_tnef *email_tnef_new(const char *bytes, size_t len, size_t max_text) MUST_USE;
void email_tnef_free(struct email_tnef *t);

size_t email_tnef_count(const struct email_tnef *t);
/* `i` below the count. Borrowed from `t`. */
const struct email_tnef_attachment *email_tnef_at(const struct email_tnef *t, size_t i);
/* Valid UTF-8 without U+0000; empty when there is none. Borrowed from `t`. */
const struct buf *email_tnef_text(const struct email_tnef *t);
const struct buf *email_tnef_html(const struct email_tnef *t);

#endif
