/* SPDX-License-Identifier: MIT */
/* order - the jobs of one actor in one session are started in the order in which they were queued.
 *
 * Several workers read the queue, and jobs are handed to the one that holds the account: a later job may get there first. Each
 * job names the one before it (core/intake.h, lanes); it waits until that one has been started, here or elsewhere, or is
 * gone. They still run side by side: only the start is in order. */
#ifndef WORKERS_ORDER_H
#define WORKERS_ORDER_H

struct job;

enum order_turn {
	ORDER_NOW,  /* nothing is before it */
	ORDER_WAIT, /* the job before it is here, and has not been started */
	ORDER_ASK   /* the job before it is not here: is it open still? */
};

/* Whether the job may be started. `marks`: it leaves a mark at Redis before it runs, as those before it may be doing now: their
 * marks come back in order. May put the job behind another one than before: see order_skip(). */
enum order_turn order_turn(struct job *job, int marks);
/* The job before this one is answered. It may have been refused while others before it still wait for their connection: then
 * this one is behind the last of those, else behind none. */
void order_skip(struct job *job);
/* The job is about to run: the one behind it may, too. */
void order_started(struct job *job);

#endif
