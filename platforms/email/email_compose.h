/* SPDX-License-Identifier: MIT */
/* email_compose - from an activity with the verb `send` to the mail on the wire, envelope and bytes (RFC 5322).
 *
 * Nothing of the activity reaches a header field but through a check that refuses control characters, so no field of
 * a client can end in another. Recipients with the field `bcc` are in the envelope alone. Pure: no network, no files;
 * may run in any thread after g_mime_init() and xmlInitParser(). */
#ifndef PLATFORMS_EMAIL_EMAIL_COMPOSE_H
#define PLATFORMS_EMAIL_EMAIL_COMPOSE_H

#include <jansson.h>

#include "core/buf.h"

struct err;

struct email_compose_limits {
	size_t max_bytes; /* of the finished mail */
	size_t max_recipients;
	size_t max_attachments;
};

/* A mail that is ready to be sent. Zero-initialise, release with email_compose_release(). */
struct email_compose_mail {
	char *from; /* addresses of the envelope, without brackets, ASCII */
	char **to;  /* without repetitions */
	size_t n_to;
	char *message_id; /* with its brackets */
	char date[32];    /* ISO 8601, UTC */
	struct buf
		bytes; /* ASCII, lines end with CR LF and have at most 998 bytes; no dot-stuffing */
};

/* Of the activity: `actor` is the sender, `target` the recipients ({address, name, field: "to" (default), "cc",
 * "bcc"}), and of `object`: subject, text, html, attachments (email_compose_attachment.h), and headers.{replyTo,
 * inReplyTo, references, messageId}; the first is an address or an array of them, the next two a string or an array
 * of strings with message ids, with or without brackets. Others are ignored. `domain` is that of the Message-ID; ""
 * or NULL: the sender's. 0, or < 0 with `out` empty: ERR_INVALID, ERR_TOO_LARGE. */
int email_compose(const json_t *activity, const struct email_compose_limits *limits,
	const char *domain, struct email_compose_mail *out, struct err *e);
void email_compose_release(struct email_compose_mail *mail);

#endif
