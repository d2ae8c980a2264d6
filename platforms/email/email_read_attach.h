/* SPDX-License-Identifier: MIT */
/* email_read_attach - the parts of a mail that are not its text: a list of them, and one's content.
 *
 * A winmail.dat is listed, and what is in it behind it, numbered below it. */
#ifndef PLATFORMS_EMAIL_READ_ATTACH_H
#define PLATFORMS_EMAIL_READ_ATTACH_H

#include <jansson.h>

#include "platforms/email/email_read_body.h"
#include "platforms/email/email_read_tree.h"

struct err;

/* Of a name, with what says its kind (".pdf"). */
#define EMAIL_READ_ATTACH_NAME_BYTES ((size_t)200)

/* Appends {part, fileName, contentType, size, cid, disposition} for each to `list`; absent members are left out. Of an
 * `open` part there is no size, but "truncated":true. When `b` has no text and no html, it gets those of a winmail.dat,
 * `max_text` bytes each. */
void email_read_attach_list(
	const struct email_read_tree *t, struct email_read_body *b, size_t max_text, json_t *list);
/* As email_read_part(). GIVES. */
json_t *email_read_attach_get(
	const struct email_read_tree *t, const char *part, size_t max_bytes, struct err *e);

#endif
