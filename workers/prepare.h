/* SPDX-License-Identifier: MIT */
/* prepare - what lies between taking a job and running it: its credentials, the worker that holds its account, its instance,
 * its turn behind the job before it, the connection, the mark that it starts.
 *
 * Each step may wait for Redis; a job answered meanwhile ends with the step's answer. Does not know where jobs come from. */
#ifndef WORKERS_PREPARE_H
#define WORKERS_PREPARE_H

struct err;
struct job;

/* Ends in job_run(), in JOB_HELD while the instance is not ready, in JOB_BEHIND, in job_cancel() with the reason, or in listener_forget()
 * when the job was given to another worker. The job may be gone when this returns. */
void prepare_job(struct job *job);
/* What a job in JOB_BEHIND or JOB_HELD waited for may be there: goes on with it. The job may be gone when this returns. */
void prepare_continue(struct job *job);
/* The job will not run: it fails with `why` when its turn comes. Not before: those behind it would take it for done and pass the
 * ones before it. The job may be gone when this returns. */
void prepare_refuse(struct job *job, const struct err *why);
/* The same for a job that was just taken: first it goes to the worker that holds its account, so that the jobs of an actor are in
 * one place and need not ask Redis for each other. */
void prepare_refused(struct job *job, const struct err *why);
/* Asks Redis whether the job before it, which is not with this worker, is open still; goes on when it is not. */
void prepare_ask(struct job *job);

#endif
