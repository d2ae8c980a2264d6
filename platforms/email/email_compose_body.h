/* SPDX-License-Identifier: MIT */
/* email_compose_body - the MIME tree of a mail from the activity's object: texts, inline pictures, attachments.
 *
 *   mixed{ alternative{ text, related{ html, pictures with a cid } }, attachments }     what is not needed is left out
 *
 * Every part is in 7bit, quoted-printable or base64, so that any server takes it. Pure. */
#ifndef PLATFORMS_EMAIL_EMAIL_COMPOSE_BODY_H
#define PLATFORMS_EMAIL_EMAIL_COMPOSE_BODY_H

#include <gmime/gmime.h>
#include <jansson.h>

struct err;

/* `object` is the activity's: text, html, attachments (at most `max_attachments`). HTML without a text gets one made
 * from it. GIVES in `*out` (g_object_unref()), or ERR_INVALID, ERR_TOO_LARGE. */
int email_compose_body_new(
	const json_t *object, size_t max_attachments, GMimeObject **out, struct err *e);

#endif
