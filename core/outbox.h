/* SPDX-License-Identifier: MIT */
/* outbox - the messages kept for one session: a stream whose entry id is the client's cursor.
 *
 * An entry's value is "TOKEN PLATFORM BLOB": the token of the job whose result it is ("-" for a message), the platform
 * whose key sealed it, and the sealed text, which is the message as JSON. The wake-up that is published with each
 * entry is "ID VALUE" on the channel of the stream's name, or "end" when the session ended. Append is
 * core/queue.h queue_finish(); this file reads, acknowledges and takes out. */
#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include "core/session.h"

/* "MS-SEQ" with two 64-bit numbers, and a NUL. */
#define OUTBOX_CURSOR_SIZE 42

struct outbox_entry {
	char cursor[OUTBOX_CURSOR_SIZE];
	const char *token; /* not NUL-terminated; as the rest, borrowed */
	size_t token_len;
	char platform[49];
	const void *blob;
	size_t blob_len;
};

/* 1 when `text` has the form of a cursor. */
int outbox_cursor_valid(const char *text);

/* The published form. 1: filled, 0: the session ended, < 0: neither. */
int outbox_wakeup_parse(const char *text, size_t len, struct outbox_entry *entry);
/* Is this message no job's result? */
int outbox_entry_is_message(const struct outbox_entry *entry);

/* rc 0: n entries, valid for the call; or < 0: ERR_NO_SESSION, ERR_REDIS. */
typedef void outbox_read_fn(void *arg, int rc, const struct outbox_entry *entries, size_t n);

struct outbox_read {
	struct session_ref session;
	const char *after; /* cursor; "" from the oldest kept */
	const char *ack;   /* what is at or before this cursor is deleted; "" nothing */
	unsigned
		limit; /* entries at most; 0: none are read, the session's time to live is renewed all the same */
	long long max_bytes; /* stop before more than this; one entry is always given */
};

/* Renews the session's time to live, acknowledges, reads. < 0 (ERR_REDIS): not sent, no callback. */
int outbox_read(struct redis *r, const struct conf *c, const struct outbox_read *read,
	outbox_read_fn *fn, void *arg);
/* Takes single entries out (results that were handed over in the answer to their job). Best effort. */
void outbox_forget(struct redis *r, const struct session_ref *s,
	const char (*cursors)[OUTBOX_CURSOR_SIZE], size_t n);

#endif
