/* SPDX-License-Identifier: MIT */
#include "workers/job.h"

#include <string.h>

#include "core/json.h"
#include "core/mem.h"
#include "core/result.h"
#include "workers/instance.h"
#include "workers/jobs.h"
#include "workers/listener.h"
#include "workers/outgoing.h"
#include "workers/worker.h"

static const struct verb *verb_find(const struct platform *p, const char *name)
{
	for (const struct verb *v = p->verbs; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static json_t *activity_open(struct worker *w, const struct queue_job *q, struct err *e)
{
	char ad[SESSION_AD_SIZE];
	struct buf text = BUF_INIT;
	json_t *activity = NULL;

	session_ad(&q->session, SESSION_AD_JOB, ad);
	if (crypt_open(&w->key, ad, q->blob, q->blob_len, &text) < 0)
		err_set(e, ERR_SEALED, NULL);
	else if ((activity = json_loadb(text.data, text.len, 0, NULL)) == NULL)
		err_set(e, ERR_JSON, NULL);
	if (text.data != NULL)
		mem_wipe(text.data, text.len);
	buf_release(&text);
	return activity;
}

struct job *job_new(struct worker *w, const struct queue_job *q, struct err *e)
{
	struct job *job = mem_alloc(sizeof *job);

	e->code = ERR_NONE;
	job->worker = w;
	job->q = *q;
	job->q.blob = NULL;
	job->size = sizeof *job + q->blob_len;
	job->ps.job = job;
	job->deadline_ms =
		uv_now(w->loop) +
		(uint64_t)json_integer_value(json_object_get(w->settings, "job_timeout_s")) * 1000;
	job->activity = activity_open(w, q, e);
	if (job->activity == NULL)
		job->activity = json_object();
	else if ((job->verb = verb_find(w->platform, activity_verb(job->activity))) == NULL)
		err_set(e, ERR_UNSUPPORTED, "this worker does not know the verb %s",
			activity_verb(job->activity));
	return job;
}

int job_marks(const struct job *job)
{
	return job->why == NULL && !job->marked &&
	       (!(job->verb->flags & VERB_RETRY_SAFE) || job->alone);
}

void job_free(struct job *job)
{
	json_decref(job->activity);
	mem_free(job->why);
	mem_free(job);
}

/* The text leaves, the listener forgets the job. */
static void answer(struct job *job, const struct buf *text)
{
	outgoing_result(job->worker->outgoing, &job->q, &job->item, job->activity, text);
	listener_answered(job->worker->listener, job);
}

static void release(struct job *job)
{
	if (job->waiting > 0)
		job->abandoned = 1;
	else
		job_free(job);
}

static void fail(struct job *job, const struct err *why)
{
	struct buf text = BUF_INIT;

	result_failure(&text, job->activity, job->worker->platform->name, why->text);
	answer(job, &text);
	buf_release(&text);
}

void job_cancel(struct job *job, const struct err *why)
{
	int with_platform = job->state == JOB_RUNNING;

	/* Another worker may have it by now, and run it: nobody shall be told that nothing happened then. */
	job->q.not_run = !with_platform;
	fail(job, why);
	if (with_platform && job->worker->platform->cancel != NULL)
		job->worker->platform->cancel(job->ps.instance->platform_state, job);
	release(job);
}

void job_run(struct job *job)
{
	jobs_set_state(job->worker->jobs, job, JOB_RUNNING);
	job->verb->run(job->ps.instance->platform_state, job);
}

/* --- what a platform calls ------------------------------------------------------------------------------------------------ */

const json_t *job_activity(const struct job *job)
{
	return job->activity;
}

struct psession *job_psession(const struct job *job)
{
	return (struct psession *)&job->ps;
}

void job_set_data(struct job *job, void *data)
{
	job->data = data;
}

void *job_data(const struct job *job)
{
	return job->data;
}

void job_done(struct job *job, json_t *object)
{
	struct buf text = BUF_INIT;

	result_success(&text, job->activity, job->worker->platform->name, object);
	answer(job, &text);
	buf_release(&text);
	json_decref(object);
	release(job);
}

void job_fail(struct job *job, const struct err *e)
{
	fail(job, e);
	release(job);
}
