/* SPDX-License-Identifier: MIT */
/* follow - one client follows its outbox: what is kept there, then what comes live, each message once and in order.
 *
 * It is live or it reads. It reads at its start and whenever something may have been missed: a subscription made anew,
 * or a client that did not take what was written; meanwhile the messages wait in the outbox and nowhere else.
 * Nobody tells us what a client has, so what was written is acknowledged for it: at once, in batches, when nobody else
 * can ask for it again; else at least a quarter of the outbox's bound stays for a resume. Knows no transport. */
#ifndef GATEWAY_FOLLOW_H
#define GATEWAY_FOLLOW_H

#include "core/outbox.h"

struct parked;

/* Embed it; set the first part, zero the rest. */
struct follow {
	struct parked *parked; /* whose session; its `pending` counts our calls */
	int eager;             /* acknowledge what was written: no resume will ask for it */
	/* May more be written now? Else follow_resume() has to be called when it may. */
	int (*room)(struct follow *f);
	/* Writes one message. `text` is NULL when it could not be opened: nothing to write. */
	void (*write)(
		struct follow *f, const struct outbox_entry *entry, const char *text, size_t len);
	/* The outbox could not be read: ERR_NO_SESSION; ERR_REDIS: the next subscription reads again. */
	void (*failed)(struct follow *f, int rc);
	/* Optional: a read has been carried out; before the first message of it is written. */
	void (*read)(struct follow *f);
	char cursor[OUTBOX_CURSOR_SIZE]; /* of the last message written, or what the client named */
	/* --- follow's own --- */
	char ack[OUTBOX_CURSOR_SIZE];  /* to acknowledge with the next read */
	char mark[OUTBOX_CURSOR_SIZE]; /* where the client was a quarter of the bound ago */
	long long since_mark;
	int reading; /* an answer from the outbox is under way */
	int behind;  /* something may have been missed: read again */
	/* How many messages were seen to come that lie in the outbox unread. Readable by all. */
	long long missed;
};

/* Names the cursor the client has ("" none); it is acknowledged with the first read. */
void follow_from(struct follow *f, const char *cursor);
/* A waiter's ready(), or attached to a live mailbox: reads. < 0 (ERR_REDIS): could not. */
int follow_ready(struct follow *f);
/* A waiter's message(). */
void follow_message(
	struct follow *f, const struct outbox_entry *entry, const char *text, size_t len);
/* There is room again: reads what was missed, if anything was. */
void follow_resume(struct follow *f);

#endif
