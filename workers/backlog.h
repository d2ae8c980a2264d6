/* SPDX-License-Identifier: MIT */
/* backlog - how many bytes wait for Redis, in all and of each instance, and who is to send less for that.
 *
 * A server can send an account faster than Redis takes it. An instance with too much waiting is held back: the worker rests
 * its watches, so that it reads no more from its server, whom TCP then stops; the memory stays bounded, and what others send
 * does not queue behind megabytes of one. Counts only; knows neither messages nor watches. Used by outgoing.c, which has
 * the bytes, and psession.c, which has the watches. */
#ifndef WORKERS_BACKLOG_H
#define WORKERS_BACKLOG_H

#include <stddef.h>

/* An instance is held back with more waiting than this, and goes on with half of it. */
#define BACKLOG_SOURCE_MAX (1u << 20)
/* With so much waiting in all, every instance is that has more than its small share. */
#define BACKLOG_ALL_MAX     (32u << 20)
#define BACKLOG_SMALL_SHARE (64u << 10)

struct backlog_source;

struct backlog {
	size_t bytes;
	struct backlog_source *held; /* those that are held back */
};

/* Held back (1), or not any more (0). Must not free the source. */
typedef void backlog_fn(void *arg, int held);

/* What one instance sends. `b` is KEPT until backlog_source_free(), `arg` as well. GIVES. */
struct backlog_source *backlog_source_new(struct backlog *b, backlog_fn *fn, void *arg);
/* Nobody is called any more; the memory stays until the last of its bytes is gone. Sets NULL; NULL is legal. */
void backlog_source_free(struct backlog_source **s);

/* `n` bytes wait, or do not wait any more. `s`: whose they are; NULL: nobody's who could send less. */
void backlog_add(struct backlog *b, struct backlog_source *s, size_t n);
void backlog_remove(struct backlog *b, struct backlog_source *s, size_t n);
/* As backlog_remove() when the backlog itself is no more. NULL is legal. */
void backlog_source_forget(struct backlog_source *s, size_t n);

#endif
