/* SPDX-License-Identifier: MIT */
/* listener - the skeleton every platform runs in: reserve jobs, find the instance, call the verb, answer once.
 *
 * Reads in batches while there is room, says every second that this worker lives, takes over the jobs of workers that do not, and
 * decides what may run again: a verb that is not safe to repeat is marked at Redis before it starts, and if its worker
 * dies the client is told that the outcome is unknown. Knows no platform by name and no wire dialect. */
#ifndef WORKERS_LISTENER_H
#define WORKERS_LISTENER_H

#include <stddef.h>

struct err;
struct job;
struct listener;
struct redisReply;
struct session_ref;
struct worker;

/* `predecessor`: the name of a worker that is known to be dead and whose jobs are taken at once, or "". `w` is KEPT, its
 * hub's events are to be passed on. `ready(arg)` is called once, when jobs can come. GIVES. */
struct listener *listener_open(
	struct worker *w, const char *predecessor, void (*ready)(void *arg), void *arg);
/* No more jobs are read; drained(arg) follows from the loop when the last one is answered and Redis has it. */
void listener_drain(struct listener *l, void (*drained)(void *arg), void *arg);
/* 1 after that. */
int listener_is_draining(const struct listener *l);
/* What is still open stays pending at Redis, for others. Sets NULL; the loop has to run once more. */
void listener_close(struct listener **l);

/* The hub's events. */
void listener_on_commands(struct listener *l, unsigned shard, int up);
void listener_on_subscriber(struct listener *l, unsigned shard, int up);
void listener_on_push(struct listener *l, unsigned shard, const struct redisReply *reply);
/* The session ended: its jobs are cancelled, and it leaves its instances. */
void listener_session_gone(struct listener *l, const struct session_ref *s);
/* outgoing's: the entry is gone from the queue. */
void listener_settled(void *listener, unsigned shard, const char *id);
/* job.c's: the job has its answer. */
void listener_answered(struct listener *l, struct job *job);
/* The job is another worker's now, who answers it: it is let go of here, without an answer, and freed. */
void listener_forget(struct listener *l, struct job *job);
/* 1 when the entry is with this worker: its job is not answered, or Redis does not have the answer yet. */
int listener_knows(const struct listener *l, unsigned shard, const char *id);

#endif
