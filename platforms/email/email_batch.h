/* SPDX-License-Identifier: MIT */
/* email_batch - mails on their way from bytes to messages, in order, the big ones through the thread pool.
 *
 * A mail that is read in a thread holds up those behind it, so that messages leave in the order in which the mails
 * came. Knows neither jobs nor where the mails come from. */
#ifndef PLATFORMS_EMAIL_BATCH_H
#define PLATFORMS_EMAIL_BATCH_H

#include <uv.h>

#include "platforms/email/email_read.h"

#define EMAIL_BATCH_BYTES ((size_t)4 << 20) /* of mails that wait for a thread; one may have more */

struct email_batch;

struct email_batch_events {
	/* A message; TAKES. May be called from within email_batch_add(). Must not free the batch. */
	void (*message)(void *arg, json_t *message);
	/* After a wait for the thread pool nothing is left; never from within email_batch_add(). May free the batch. */
	void (*drained)(void *arg);
	void *arg;
};

/* `loop` is KEPT, `events` is copied. GIVES. */
struct email_batch *email_batch_new(uv_loop_t *loop, const struct email_batch_events *events);
/* Nothing comes any more. NULL inside is legal; sets NULL. */
void email_batch_free(struct email_batch **b);

/* One mail. Takes the memory out of `bytes`. `members` (TAKES) are added to the message's object. */
void email_batch_add(struct email_batch *b, struct buf *bytes, const struct email_read_options *o,
	json_t *members);
/* Mails whose message was not given yet. */
size_t email_batch_waiting(const struct email_batch *b);
/* 1 when these had more than EMAIL_BATCH_BYTES: get no more mails before `drained`, which follows for certain. */
int email_batch_is_full(const struct email_batch *b);

#endif
