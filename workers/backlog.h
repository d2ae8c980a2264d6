/* SPDX-License-Identifier: MIT */
/* backlog - how many bytes wait for Redis, in all and of each instance, and who is to send less for that.
 *
 * A server can send an account faster than Redis takes it. An instance with too much waiting is held back: the worker rests
 * its watches, so that it reads no more from its server, whom TCP then stops; the memory stays bounded, and what others send
 * does not queue behind megabytes of one. It also tells when all that an instance had waiting at some moment is gone,
 * whatever it has added since. Counts only; knows neither messages nor watches. Used by outgoing.c, which has the bytes, and
 * psession.c, which has the watches. */
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
typedef void backlog_held_fn(void *arg, int held);
/* See backlog_mark(). Must not free the source. */
typedef void backlog_gone_fn(void *arg);

/* What one instance sends. `b` is KEPT until backlog_source_free(), `arg` as well. GIVES. */
struct backlog_source *backlog_source_new(
	struct backlog *b, backlog_held_fn *held, backlog_gone_fn *gone, void *arg);
/* Nobody is called any more; the memory stays until the last of its bytes is gone. Sets NULL; NULL is legal. */
void backlog_source_free(struct backlog_source **s);

/* The generation that is counted now, 0 or 1; a mark begins the other one. Bytes belong to that in which the first of those
 * with which they will go was added: the caller keeps it with them. NULL is legal. */
unsigned backlog_generation(const struct backlog_source *s);
/* `n` bytes of this generation wait, or do not wait any more. `s`: whose they are; NULL: nobody's who could send less. */
void backlog_add(struct backlog *b, struct backlog_source *s, unsigned generation, size_t n);
void backlog_remove(struct backlog *b, struct backlog_source *s, unsigned generation, size_t n);
/* As backlog_remove() when the backlog itself is no more. NULL is legal. */
void backlog_source_forget(struct backlog_source *s, unsigned generation, size_t n);
/* The source's `gone` is called once, when the last of the bytes that wait now does not wait any more. 1: none waits, and it
 * is not called. A later mark replaces one that is open. */
int backlog_mark(struct backlog_source *s);
/* An open mark is none any more. */
void backlog_unmark(struct backlog_source *s);

#endif
