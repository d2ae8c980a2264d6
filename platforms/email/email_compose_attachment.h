/* SPDX-License-Identifier: MIT */
/* email_compose_attachment - one attachment of the activity as a part of the mail.
 *
 *   {"fileName":"map.png", "contents":"<base64>", "contentType":"image/png", "cid":"map@1"}
 *
 * `encoding` "utf8" says that `contents` is the text itself. `filePath` named a file of the server's in former
 * versions and is refused. Pure. */
#ifndef PLATFORMS_EMAIL_EMAIL_COMPOSE_ATTACHMENT_H
#define PLATFORMS_EMAIL_EMAIL_COMPOSE_ATTACHMENT_H

#include <gmime/gmime.h>
#include <jansson.h>

struct err;

/* `n` is its place, for the error text. `is_inline`: it belongs to the HTML, which shows it by its `cid`. GIVES in
 * `*out` (g_object_unref()), or ERR_INVALID. */
int email_compose_attachment_new(
	const json_t *attachment, size_t n, int is_inline, GMimePart **out, struct err *e);

#endif
