/* SPDX-License-Identifier: MIT */
/* overflow - the sessions whose outbox was full a moment ago.
 *
 * What a server sends to a page that does not read would be sealed, sent to Redis and refused there, message by message.
 * So after a refusal the worker drops what comes for that session for OVERFLOW_MS, without asking again, and the session is
 * told afterwards. Used by outgoing.c. */
#ifndef WORKERS_OVERFLOW_H
#define WORKERS_OVERFLOW_H

#include "core/session.h"

#define OVERFLOW_MS 1000

struct overflow; /* NULL: none, as at first */

/* Redis refused a message of the session at `now_ms` (any clock that does not go back). 1: the first for OVERFLOW_MS, the
 * session is to be told now; 0: counted, overflow_sweep() names it. */
int overflow_refused(struct overflow **list, const struct session_ref *s, uint64_t now_ms);
/* 1: a message for the session is to be dropped; it is counted. */
int overflow_drops(struct overflow *list, const struct session_ref *s);

/* Messages were dropped since the session was told. */
typedef void overflow_fn(void *arg, const struct session_ref *s, size_t dropped);
/* Forgets those whose time is over; `fn` is called for each that has lost something. */
void overflow_sweep(struct overflow **list, uint64_t now_ms, overflow_fn *fn, void *arg);
/* Forgets all. */
void overflow_clear(struct overflow **list);

#endif
