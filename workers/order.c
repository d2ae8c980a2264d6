/* SPDX-License-Identifier: MIT */
#include "workers/order.h"

#include <string.h>

#include "core/stream_id.h"
#include "workers/instance.h"
#include "workers/job.h"
#include "workers/jobs.h"
#include "workers/listener.h"
#include "workers/prepare.h"
#include "workers/worker.h"

/* Both are one session's and one actor's, and this one is older and has not been started. */
static int goes_before(const struct job *other, const struct job *job)
{
	return other->state != JOB_RUNNING && other->q.session.shard == job->q.session.shard &&
	       strcmp(other->q.session.h, job->q.session.h) == 0 &&
	       stream_id_compare(other->q.id, job->q.id) < 0 &&
	       strcmp(activity_actor_address(other->activity),
		       activity_actor_address(job->activity)) == 0;
}

void order_skip(struct job *job)
{
	const struct job *other, *last = NULL;

	for (other = jobs_first(job->worker->jobs); other != NULL; other = other->next)
		if (goes_before(other, job) &&
			(last == NULL || stream_id_compare(last->q.id, other->q.id) < 0))
			last = other;
	if (last != NULL)
		memcpy(job->q.previous, last->q.id, sizeof job->q.previous);
	else
		job->q.previous[0] = '\0';
}

enum order_turn order_turn(struct job *job, int marks)
{
	const struct attached *a;
	const struct job *before;

	if (*job->q.previous == '\0' || job->worker->platform->life == PLATFORM_STATELESS)
		return ORDER_NOW;
	a = job->ps.instance != NULL ? instance_attached(job->ps.instance, &job->q.session) : NULL;
	if (a != NULL && strcmp(a->last, job->q.previous) == 0)
		return ORDER_NOW;
	before = jobs_find(job->worker->jobs, job->q.session.shard, job->q.previous);
	if (before == NULL) {
		if (!listener_knows(job->worker->listener, job->q.session.shard, job->q.previous))
			return ORDER_ASK;
		order_skip(job); /* it was answered here a moment ago */
		before = jobs_find(job->worker->jobs, job->q.session.shard, job->q.previous);
	}
	if (before == NULL)
		return ORDER_NOW;
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
