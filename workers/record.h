/* SPDX-License-Identifier: MIT */
/* record - what a worker leaves about an account for its successor: the actor, the sessions with their topics, what the
 * platform keeps. Sealed for this account, without credentials. Knows no Redis. */
#ifndef WORKERS_RECORD_H
#define WORKERS_RECORD_H

#include <jansson.h>
#include <stddef.h>

struct buf;
struct instance;
struct session_ref;
struct worker;

/* Appends the record of an instance that keeps something to `out`. */
void record_seal(const struct instance *in, struct buf *out);
/* The record of the account `key`: "actor", a string; "sessions", for record_session(); "state", what the platform kept. NULL,
 * with a line in the log, when it is none. GIVES. */
json_t *record_open(const struct worker *w, const char *key, const void *data, size_t len);
/* One of the sessions; its topics are in "t". < 0: not one that a worker could have written. */
int record_session(const struct worker *w, const json_t *one, struct session_ref *out);

#endif
