/* SPDX-License-Identifier: MIT */
/* email_read_body - which parts of a mail are its text and its html, and what they say.
 *
 * Of alternatives the last usable one of each kind (RFC 2046, 5.1.4), of parts side by side all. What is neither, or is
 * named or sent as an attachment, is left to email_read_attach.h. */
#ifndef PLATFORMS_EMAIL_READ_BODY_H
#define PLATFORMS_EMAIL_READ_BODY_H

#include "core/buf.h"
#include "platforms/email/email_read_tree.h"

enum email_read_body_kind { EMAIL_READ_BODY_NONE, EMAIL_READ_BODY_TEXT, EMAIL_READ_BODY_HTML };

struct email_read_body {
	/* For each node: shown as what. A text that was not taken, since an alternative was, is neither shown nor an
	 * attachment: then `passed` is set. */
	unsigned char kind[EMAIL_READ_TREE_PARTS];
	unsigned char passed[EMAIL_READ_TREE_PARTS];
	struct buf text, html; /* valid UTF-8 without U+0000, lines end with LF */
	int cut;               /* a bound was reached */
};

/* `max` bounds text and html each. */
void email_read_body_init(struct email_read_body *b, const struct email_read_tree *t, size_t max);
/* Text or html that came otherwise: valid UTF-8 without U+0000, replaces what `to`, one of the two, has. */
void email_read_body_set(struct buf *to, const struct buf *text);
void email_read_body_release(struct email_read_body *b);

#endif
