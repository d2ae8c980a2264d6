/* SPDX-License-Identifier: MIT */
#include "workers/order.h"

#include <string.h>

#include "workers/instance.h"
#include "workers/job.h"
#include "workers/jobs.h"
#include "workers/listener.h"
#include "workers/prepare.h"
#include "workers/worker.h"

enum order_turn order_turn(const struct job *job, int marks)
{
	const struct attached *a;
	const struct job *before;

	if (*job->q.previous == '\0' || job->worker->platform->life == PLATFORM_STATELESS)
		return ORDER_NOW;
	a = job->ps.instance != NULL ? instance_attached(job->ps.instance, &job->q.session) : NULL;
	if (a != NULL && strcmp(a->last, job->q.previous) == 0)
		return ORDER_NOW;
	before = jobs_find(job->worker->jobs, job->q.session.shard, job->q.previous);
	if (before == NULL)
		return listener_knows(job->worker->listener, job->q.session.shard, job->q.previous)
			       ? ORDER_NOW /* answered here a moment ago */
			       : ORDER_ASK;
	switch (before->state) {
	case JOB_HELD:
	case JOB_RUNNING:
		return ORDER_NOW;
	case JOB_MARKING:
		return marks ? ORDER_NOW : ORDER_WAIT;
	default:
		return ORDER_WAIT;
	}
}

void order_started(struct job *job)
{
	struct attached *a = instance_attached(job->ps.instance, &job->q.session);

	if (a != NULL)
		memcpy(a->last, job->q.id, sizeof a->last);
	jobs_wake_behind(job->worker->jobs, job);
}
