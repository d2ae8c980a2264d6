/* SPDX-License-Identifier: MIT */
#include "workers/prepare.h"

#include "core/err.h"
#include "core/hub.h"
#include "core/queue.h"
#include "core/redis.h"
#include "workers/instance.h"
#include "workers/job.h"
#include "workers/listener.h"
#include "workers/vault.h"
#include "workers/worker.h"

/* 1 when the job was answered while Redis was asked, and is gone now. */
static int settle_wait(struct job *job)
{
	job->waiting--;
	if (!job->abandoned)
		return 0;
	if (job->waiting == 0)
		job_free(job);
	return 1;
}

static void fail_redis(struct job *job)
{
	struct err e;

	err_set(&e, ERR_REDIS, "the queue went away before the job could start");
	job_cancel(job, &e);
}

static void run_or_hold(struct job *job)
{
	if ((job->verb->flags & VERB_CONNECTED) && job->ps.instance->state != INSTANCE_READY)
		job->state = JOB_HELD;
	else
		job_run(job);
}

static void on_marked(void *arg, int rc)
{
	struct job *job = arg;
	struct err e;

	if (settle_wait(job))
		return;
	if (rc == 0) {
		run_or_hold(job);
	} else if (rc == -(int)ERR_NOT_FOUND) {
		listener_forget(job->worker->listener, job);
	} else if (rc == -(int)ERR_UNKNOWN_OUTCOME) {
		err_set(&e, ERR_UNKNOWN_OUTCOME, NULL);
		job_cancel(job, &e);
	} else { /* not marked for sure: running it could mean running it twice */
		fail_redis(job);
	}
}

/* A job that must not run twice, or that runs alone for being suspect, leaves a mark before it starts. */
static void mark(struct job *job)
{
	struct worker *w = job->worker;
	const struct queue_ref q = {job->q.session.shard, w->platform->name, w->name};

	if ((job->verb->flags & VERB_RETRY_SAFE) && !job->alone) {
		run_or_hold(job);
		return;
	}
	job->waiting++;
	job->q.started = 1;
	if (queue_mark_started(hub_commands(w->hub, q.shard), &q, job->q.id, on_marked, job) < 0) {
		job->waiting--;
		fail_redis(job);
	}
}

static void attach(struct job *job, json_t *credentials)
{
	struct err e;
	const char *actor = activity_actor_address(job->activity);

	job->ps.instance = instances_get(job->worker->instances, &job->q.session,
		actor != NULL ? actor : "", credentials, &e);
	if (job->ps.instance == NULL)
		job_cancel(job, &e);
	else
		mark(job);
}

static void on_credentials(void *arg, json_t *credentials, const struct err *e)
{
	struct job *job = arg;

	if (settle_wait(job))
		return;
	/* Without VERB_CREDENTIALS a verb may do with none. */
	if (e->code == ERR_NO_CREDENTIALS && !(job->verb->flags & VERB_CREDENTIALS))
		attach(job, NULL);
	else if (e->code != ERR_NONE)
		job_cancel(job, e);
	else
		attach(job, credentials);
}

void prepare_job(struct job *job)
{
	const char *actor = activity_actor_address(job->activity);

	job->state = JOB_PREPARING;
	if (!(job->verb->flags & VERB_CREDENTIALS) &&
		job->worker->platform->life == PLATFORM_STATELESS) {
		attach(job, NULL);
		return;
	}
	job->waiting++;
	if (vault_get(job->worker, &job->q.session, actor != NULL ? actor : "", on_credentials,
		    job) < 0) {
		job->waiting--;
		fail_redis(job);
	}
}
