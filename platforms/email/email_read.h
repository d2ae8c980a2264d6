/* SPDX-License-Identifier: MIT */
/* email_read - the bytes of one mail (RFC 5322, MIME) as a message in the neutral form.
 *
 * Mail is written by strangers and broken programs: whatever the bytes are, a message comes out, every string in it
 * is valid UTF-8 without U+0000, and time and memory are bounded (limits below, `truncated` tells). No string is made
 * safe to show: html is handed on as it came, the client has to sanitise it. Pure and safe in any thread; knows no
 * IMAP, no POP and no loop (email_reader.h runs it in the thread pool). docs/platforms/email-fields.md has the fields. */
#ifndef PLATFORMS_EMAIL_READ_H
#define PLATFORMS_EMAIL_READ_H

#include <jansson.h>

#include "core/buf.h"

struct err;

/* Of the text and of the html of a mail each, as UTF-8, when the caller does not say. */
#define EMAIL_READ_TEXT_BYTES ((size_t)1024 * 1024)
/* A mail above this size is better read in the thread pool: below, it takes a few milliseconds, also the worst. */
#define EMAIL_READ_INLINE_BYTES ((size_t)64 * 1024)

struct email_read_options {
	size_t max_text_bytes; /* of text and of html each; 0: EMAIL_READ_TEXT_BYTES */
	int headers_only;      /* whatever follows the header block is not looked at */
	int cut;               /* these are the first bytes of a longer mail */
	int64_t received_ms;   /* when the server got it (INTERNALDATE), since 1970; 0: unknown */
};

/* The mail as {actor, target, status, verb:"send", object, timestamp}: `bytes` may end anywhere (see `cut`), may be
 * a header block alone, or nothing at all. Never NULL; GIVES. The members of `object` that the server knows (imapBox,
 * imapSeqNo, uid, flags, size...) are the caller's to add; `platform` is the worker's. Example:
 *
 *   {"actor":{"address":"bob@example.org","name":"Bob"},
 *    "target":[{"address":"ann@example.org","name":"","field":"to"}], "status":true, "verb":"send",
 *    "object":{"objectType":"email","headers":{"date":"Thu, 21 Nov 2013 02:13:20 +0000"},"subject":"Hi","text":"..",
 *      "messageId":"1@example.org","priority":"normal","from":[..],"to":[..],"date":"2013-11-21T02:13:20.000Z",
 *      "attachments":[{"part":"2","fileName":"a.pdf","contentType":"application/pdf","size":1234,
 *        "disposition":"attachment"}]},
 *    "timestamp":1385000000000} */
json_t *email_read(const char *bytes, size_t len, const struct email_read_options *o) MUST_USE;

/* One part on request, as {part, fileName, contentType, size, cid, disposition, encoding:"base64", contents}.
 * `part` is what email_read() gave in `attachments`: numbers as IMAP counts them (RFC 9051, 6.4.5.1), so "2.1" is the
 * first part of the second; an attachment within a TNEF part (winmail.dat) is counted below it. `max_bytes` bounds
 * the decoded content. GIVES; NULL with `e` filled: ERR_NOT_FOUND, ERR_TOO_LARGE. */
json_t *email_read_part(
	const char *bytes, size_t len, const char *part, size_t max_bytes, struct err *e) MUST_USE;

#endif
