/* SPDX-License-Identifier: MIT */
#include "workers/jobs.h"

#include <string.h>
#include <utlist.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/turn.h"
#include "workers/instance.h"
#include "workers/job.h"
#include "workers/order.h"
#include "workers/prepare.h"
#include "workers/worker.h"

#define JOBS_MAGIC 0x70B50001u
#define ASK_MS     50 /* how often the queue is asked about a predecessor that is with another worker */

struct jobs {
	unsigned magic;
	struct worker *worker;
	struct job *list;
	size_t count;
	size_t n_behind;
	struct turn_task look; /* at those behind */
	uv_timer_t ask;
};

size_t jobs_count(const struct jobs *j)
{
	return j->count;
}

struct job *jobs_first(const struct jobs *j)
{
	return j->list;
}

struct job *jobs_find(const struct jobs *j, unsigned shard, const char *id)
{
	struct job *job;

	DL_FOREACH (j->list, job)
		if (job->q.session.shard == shard && strcmp(job->q.id, id) == 0)
			return job;
	return NULL;
}

/* --- suspects ------------------------------------------------------------------------------------------------------------- */

/* One that is behind another does not run: it may wait for the start of a suspect. */
static void next_suspect(struct jobs *j)
{
	struct job *job, *next = NULL;

	DL_FOREACH (j->list, job) {
		if (job->alone && job->state != JOB_BEHIND)
			return;
		if (next == NULL && job->state == JOB_SUSPECT)
			next = job;
	}
	if (next == NULL)
		return;
	next->alone = 1;
	prepare_job(next);
}

void jobs_suspect(struct jobs *j, struct job *job)
{
	job->state = JOB_SUSPECT;
	next_suspect(j);
}

/* --- those that wait for the start of another ------------------------------------------------------------------------------- */

static void on_look(void *arg)
{
	CAST(jobs, j, arg, JOBS_MAGIC);

	next_suspect(j);
	order_check(j, 0);
}

static void on_ask(uv_timer_t *timer)
{
	CAST(jobs, j, timer->data, JOBS_MAGIC);

	order_check(j, 1);
}

/* To the end, so that held jobs run in the order in which their turns came: a later job of a lane may have been here, and
 * not ready yet, before the one that it waits for. */
void jobs_hold(struct jobs *j, struct job *job)
{
	job->state = JOB_HELD;
	DL_DELETE(j->list, job);
	DL_APPEND(j->list, job);
	jobs_look_behind(j);
}

void jobs_set_behind(struct jobs *j, struct job *job, int behind)
{
	if (behind) {
		job->state = JOB_BEHIND;
		if (job->alone)
			turn_queue(j->worker->loop, TURN_WORK, &j->look);
		if (j->n_behind++ == 0)
			uv_timer_start(&j->ask, on_ask, ASK_MS, ASK_MS);
		return;
	}
	job->state = JOB_PREPARING;
	if (--j->n_behind == 0)
		uv_timer_stop(&j->ask);
}

void jobs_look_behind(struct jobs *j)
{
	if (j->n_behind > 0)
		turn_queue(j->worker->loop, TURN_WORK, &j->look);
}

/* --- in and out --------------------------------------------------------------------------------------------------------------- */

void jobs_add(struct jobs *j, struct job *job)
{
	DL_APPEND(j->list, job);
	j->count++;
}

void jobs_remove(struct jobs *j, struct job *job)
{
	if (job->state == JOB_BEHIND)
		jobs_set_behind(j, job, 0);
	DL_DELETE(j->list, job);
	j->count--;
	/* The next suspect not at once: the caller may be in the midst of the list. */
	if (job->alone)
		turn_queue(j->worker->loop, TURN_WORK, &j->look);
	else
		jobs_look_behind(j);
}

/* --- events -------------------------------------------------------------------------------------------------------------------- */

void jobs_prepare_again(struct jobs *j)
{
	struct job *job;

	/* Preparing a job may answer and free it and others, so the search begins anew after each. */
	for (size_t n = j->count; n > 0; n--) {
		DL_FOREACH (j->list, job)
			if (job->state == JOB_AGAIN && job->waiting == 0 &&
				redis_is_up(hub_commands(j->worker->hub, job->q.session.shard)))
				break;
		if (job == NULL)
			return;
		prepare_job(job);
	}
}

static void time_out(const struct jobs *j, struct job *job)
{
	/* The platform was at it, and it must not run twice: nobody shall think that it had no effect. */
	int unknown = job->state == JOB_RUNNING && !(job->verb->flags & VERB_RETRY_SAFE);
	struct err e;

	err_set(&e, unknown ? ERR_UNKNOWN_OUTCOME : ERR_TIMEOUT,
		"the job was not done in the time it had (platforms.%s.job_timeout_s)%s",
		j->worker->platform->name, unknown ? "; it may or may not have taken effect" : "");
	job_cancel(job, &e);
}

void jobs_check_deadlines(struct jobs *j)
{
	uint64_t now = uv_now(j->worker->loop);
	struct job *job, *next;

	DL_FOREACH_SAFE (j->list, job, next)
		if (job->deadline_ms <= now)
			time_out(j, job);
}

void jobs_session_gone(struct jobs *j, const struct session_ref *s)
{
	struct job *job, *next;
	struct err e;

	err_set(&e, ERR_CANCELLED, "the session ended");
	DL_FOREACH_SAFE (j->list, job, next)
		if (strcmp(job->q.session.h, s->h) == 0)
			job_cancel(job, &e);
}

/* Another worker serves the account: what has not begun is its to do. */
static void account_lost(struct jobs *j, struct job *job, const struct err *why)
{
	struct err e = *why;

	if (job->state == JOB_RUNNING && !(job->verb->flags & VERB_RETRY_SAFE))
		err_set(&e, ERR_UNKNOWN_OUTCOME,
			"another worker took this account over meanwhile; the job may or may not "
			"have taken effect");
	if (job->state == JOB_RUNNING || job->state == JOB_MARKING || job->marked) {
		if (job->state == JOB_RUNNING)
			job_cancel(job, &e);
		else
			prepare_refuse(job, &e);
		return;
	}
	if (job->state == JOB_BEHIND)
		jobs_set_behind(j, job, 0);
	job->ps.instance = NULL;
	job->state = JOB_AGAIN;
}

void jobs_fail_of(struct jobs *j, const struct instance *in, const struct err *why)
{
	struct job *job, *next;

	DL_FOREACH_SAFE (j->list, job, next) {
		if (job->ps.instance != in)
			continue;
		if (in->lost)
			account_lost(j, job, why);
		else if (job->state == JOB_BEHIND)
			prepare_refuse(job, why);
		else
			job_cancel(job, why);
	}
}

void jobs_ready_of(struct jobs *j, const struct instance *in)
{
	struct job *job, *next;

	DL_FOREACH_SAFE (j->list, job, next) {
		if (in->state != INSTANCE_READY)
			return; /* one that ran has ended it: the others are held on */
		if (job->ps.instance == in && job->state == JOB_HELD)
			prepare_continue(job);
	}
}

int jobs_busy(const struct jobs *j, const struct instance *in)
{
	struct job *job;

	DL_FOREACH (j->list, job)
		if (job->ps.instance == in)
			return 1;
	return 0;
}

/* --- life ------------------------------------------------------------------------------------------------------------------------ */

struct jobs *jobs_open(struct worker *w)
{
	struct jobs *j = mem_alloc(sizeof *j);

	j->magic = JOBS_MAGIC;
	j->worker = w;
	j->look = (struct turn_task){.fn = on_look, .arg = j};
	uv_timer_init(w->loop, &j->ask);
	j->ask.data = j;
	return j;
}

void jobs_abandon(struct jobs *j)
{
	const struct platform *p = j->worker->platform;
	struct job *job, *next;

	DL_FOREACH_SAFE (j->list, job, next) {
		if (job->state == JOB_RUNNING && p->cancel != NULL)
			p->cancel(job->ps.instance->platform_state, job);
		DL_DELETE(j->list, job);
		job->abandoned = 1;
		if (job->waiting == 0)
			job_free(job);
	}
}

static void on_closed(uv_handle_t *h)
{
	CAST(jobs, j, h->data, JOBS_MAGIC);

	mem_free(j);
}

void jobs_close(struct jobs **jp)
{
	struct jobs *j = *jp;

	*jp = NULL;
	if (j == NULL)
		return;
	turn_cancel(&j->look);
	uv_close((uv_handle_t *)&j->ask, on_closed);
}
