/* SPDX-License-Identifier: MIT */
/* lined - a server of some line protocol on a free port of 127.0.0.1 that follows a script, in a thread of its
 * own: for peers that do what no real server would. Serves one connection at a time. */
#ifndef TESTS_FAKE_LINED_H
#define TESTS_FAKE_LINED_H

#include "core/base.h"

struct lined;

/* A step: wait for a line that contains `expect` (NULL: do not wait; a line that does not ends the script and
 * counts as a mistake), then send `send`, in which "%T" stands for the first word of the line that came last. */
struct lined_step {
	const char *expect, *send;
	size_t bytes;     /* then so many 'x' */
	int hang;         /* then nothing more until the peer closes */
	int drop;         /* then the connection is closed */
	int again;        /* then the peer closes, and another connection goes on */
	unsigned times;   /* send it so often; 0: once */
	unsigned wait_ms; /* before it is sent */
};

/* `steps` end with one that is all zero: then the peer is waited for; KEPT. `chunk` is the size of the pieces in
 * which is sent, each in a packet of its own; 0: whole. GIVES. */
struct lined *lined_new(const struct lined_step *steps, size_t chunk);
/* Ends the thread. Returns how many lines were not the expected ones; the last of them is on standard error. */
int lined_free(struct lined *l);
int lined_port(const struct lined *l);
/* 1 when every step was done. */
int lined_is_done(struct lined *l);

#endif
