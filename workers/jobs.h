/* SPDX-License-Identifier: MIT */
/* jobs - the jobs of this worker that are not answered.
 *
 * Who of them is a suspect and runs alone, whose deadline passed, whose session ended, whose connection is ready or broken, and who
 * waits for the start of another. Does not know where jobs come from. Used by the listener, and by order.c. */
#ifndef WORKERS_JOBS_H
#define WORKERS_JOBS_H

#include <stddef.h>

#include "workers/job.h"

struct err;
struct instance;
struct jobs;
struct session_ref;
struct worker;

/* `w` is KEPT. GIVES. */
struct jobs *jobs_open(struct worker *w);
/* Those still open stay pending at Redis, for others: the platform is told, and they are freed. */
void jobs_abandon(struct jobs *j);
/* Sets NULL; the loop has to run once more. */
void jobs_close(struct jobs **j);

size_t jobs_count(const struct jobs *j);
/* The same without those that only wait, for a connection or for the start of another. */
size_t jobs_active(const struct jobs *j);
/* TAKES `job`, until jobs_remove(). */
void jobs_add(struct jobs *j, struct job *job);
/* It is answered or given away; it is the caller's again. */
void jobs_remove(struct jobs *j, struct job *job);
/* The first, the others by their `next`. */
struct job *jobs_first(const struct jobs *j);
/* By its id in the shard's queue; NULL: not here, or answered. */
struct job *jobs_find(const struct jobs *j, unsigned shard, const char *id);

/* Several workers died with this job: it runs when no other suspect does, so that the one that kills is known. */
void jobs_suspect(struct jobs *j, struct job *job);
/* Prepares those once more for which Redis did not answer. */
void jobs_prepare_again(struct jobs *j);
/* Fails those whose time is over. */
void jobs_check_deadlines(struct jobs *j);
void jobs_session_gone(struct jobs *j, const struct session_ref *s);
void jobs_fail_of(struct jobs *j, const struct instance *in, const struct err *why);
/* Goes on with those that were held for the instance's connection. */
void jobs_ready_of(struct jobs *j, const struct instance *in);
/* 1 when the worker is nearly full, of jobs or of their bytes, and this account has more than an equal part: so that accounts
 * whose servers do not answer leave room for others. */
int jobs_over_share(const struct jobs *j, const struct instance *in);
/* 1 when some job of the instance is not answered. */
int jobs_busy(const struct jobs *j, const struct instance *in);

/* The only way to another state. */
void jobs_set_state(struct jobs *j, struct job *job, enum job_state state);
/* The job waits for psession_ready(). Those that are held run in the order in which they came to be, which is not the order
 * of their arrival: some had to ask Redis for longer. */
void jobs_hold(struct jobs *j, struct job *job);
/* The job waits for the start of another (1), the one that it names as the one before it; or does not any more (0). */
void jobs_set_behind(struct jobs *j, struct job *job, int behind);
/* The job was started or answered: the one that waits for that goes on before this turn ends. */
void jobs_wake_behind(struct jobs *j, const struct job *job);

#endif
