/* SPDX-License-Identifier: MIT */
/* email_reader - reads a mail in libuv's thread pool, so that a big one does not hold up the worker's loop.
 *
 * Knows no mail itself: email_read.h does the work, this file carries bytes there and the result back. */
#ifndef PLATFORMS_EMAIL_READER_H
#define PLATFORMS_EMAIL_READER_H

#include <uv.h>

#include "platforms/email/email_read.h"

struct email_reader;

struct email_reader_job {
	struct buf mail; /* TAKES its memory; may be empty */
	struct email_read_options options;
	const char *
		part; /* copied; NULL: the message of email_read(), else the object of email_read_part() */
	size_t max_bytes; /* of the part */
};

/* Called once, from the loop, never from within the start; not after email_reader_cancel(). TAKES `result`; NULL when
 * a part could not be had, `e` says why, else `e->code` is ERR_NONE. The reader is gone afterwards: forget it. */
typedef void email_reader_fn(void *arg, json_t *result, const struct err *e);

/* GIVES a handle that is valid until `done` or email_reader_cancel(). */
struct email_reader *email_reader_start(uv_loop_t *loop, const struct email_reader_job *job,
	email_reader_fn *done, void *arg) MUST_USE;
/* No callback will come; sets NULL; NULL inside is legal. What already runs ends by itself and frees itself: the loop
 * must still turn until then. */
void email_reader_cancel(struct email_reader **r);

#endif
