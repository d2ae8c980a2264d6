/* SPDX-License-Identifier: MIT */
/* turn - work that is done once at the end of a turn of the event loop, before it sleeps.
 *
 * Callbacks of one turn collect (commands for Redis, messages for a client, connections to resume) and queue a task; the task
 * runs once for all of them. Tasks may queue tasks: they run in the same turn, TURN_WORK before TURN_FLUSH, so that
 * what work produces leaves in one write. One turn per loop, kept in uv_loop_t.data. */
#ifndef CORE_TURN_H
#define CORE_TURN_H

#include <uv.h>

#include "core/base.h"

struct turn;

enum turn_phase { TURN_WORK, TURN_FLUSH, TURN_PHASES };

/* Embed it; zero-initialise and set `fn` and `arg`. Take it out with turn_cancel() before its memory goes. */
struct turn_task {
	void (*fn)(void *arg);
	void *arg;
	int queued;
	struct turn_task *prev, *next;
	struct turn *turn;
	enum turn_phase phase;
};

/* Attaches a turn to the loop. Once per loop, before anything queues. */
void turn_open(uv_loop_t *loop);
/* The handle closes when the loop runs once more. */
void turn_close(uv_loop_t *loop);
/* Runs `task` at the end of this turn. Does nothing when it is queued already. */
void turn_queue(uv_loop_t *loop, enum turn_phase phase, struct turn_task *task);
/* Legal at any time, also for a task never queued. */
void turn_cancel(struct turn_task *task);

#endif
