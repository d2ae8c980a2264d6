/* SPDX-License-Identifier: MIT */
/* prepare - what lies between taking a job and running it: its credentials, its instance, the mark that it starts.
 *
 * Each step may wait for Redis; a job answered meanwhile ends with the step's answer. Does not know where jobs come from. */
#ifndef WORKERS_PREPARE_H
#define WORKERS_PREPARE_H

struct job;

/* Ends in job_run(), in JOB_HELD while the instance is not ready, in job_cancel() with the reason, or in listener_forget()
 * when the job was given to another worker. The job may be gone when this returns. */
void prepare_job(struct job *job);

#endif
