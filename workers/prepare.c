/* SPDX-License-Identifier: MIT */
#include "workers/prepare.h"

#include <string.h>

#include "core/account.h"
#include "core/err.h"
#include "core/hub.h"
#include "core/mem.h"
#include "core/queue.h"
#include "core/redis.h"
#include "workers/instance.h"
#include "workers/job.h"
#include "workers/jobs.h"
#include "workers/listener.h"
#include "workers/order.h"
#include "workers/succession.h"
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

/* Redis did not answer: all is asked once more, by jobs_prepare_again(). The job is not answered: those behind it would
 * take it for done and pass the ones before it. Its deadline still holds. */
static void put_off(struct job *job)
{
	jobs_set_state(job->worker->jobs, job, JOB_AGAIN);
}

static struct queue_ref queue_of(const struct job *job)
{
	const struct worker *w = job->worker;

	return (struct queue_ref){job->q.session.shard, w->platform->name, w->name};
}

/* --- the last steps: its turn, the connection, the mark ------------------------------------------------------------------ */

static void run(struct job *job)
{
	order_started(job);
	job_run(job);
}

/* A job that must not run twice, or that runs alone for being suspect, leaves a mark before it starts. */
static void on_marked(void *arg, int rc)
{
	struct job *job = arg;
	struct err e;

	if (settle_wait(job))
		return;
	if (rc == 0) {
		job->marked = 1;
		prepare_continue(job); /* the connection may have been lost meanwhile */
	} else if (rc == -(int)ERR_NOT_FOUND) {
		listener_forget(job->worker->listener, job);
	} else if (rc == -(int)ERR_UNKNOWN_OUTCOME) {
		err_set(&e, ERR_UNKNOWN_OUTCOME, NULL);
		job_cancel(job, &e);
	} else { /* not marked for sure; marking it once more does no harm */
		put_off(job);
	}
}

static void mark(struct job *job)
{
	const struct queue_ref q = queue_of(job);

	jobs_set_state(job->worker->jobs, job, JOB_MARKING);
	job->waiting++;
	job->q.started = 1;
	if (queue_mark_started(
		    hub_commands(job->worker->hub, q.shard), &q, job->q.id, on_marked, job) < 0) {
		job->waiting--;
		put_off(job);
		return;
	}
	jobs_wake_behind(job->worker->jobs, job);
}

static void on_previous(void *arg, int rc)
{
	struct job *job = arg;

	if (settle_wait(job))
		return;
	job->asking = 0;
	if (rc == -(int)ERR_NOT_FOUND && job->state == JOB_BEHIND) {
		order_skip(job);
		prepare_continue(job);
	} else if (rc == 0 && job->state == JOB_BEHIND && !job->marked &&
		   listener_is_draining(job->worker->listener)) {
		/* It may be handed to this worker, which takes nothing any more: left to who comes after. */
		listener_forget(job->worker->listener, job);
	}
	/* Else another worker has it, or Redis is away: order.c asks again. */
}

void prepare_ask(struct job *job)
{
	const struct queue_ref q = queue_of(job);

	if (job->asking)
		return;
	job->waiting++;
	job->asking = 1;
	if (queue_is_open(hub_commands(job->worker->hub, q.shard), &q, job->q.previous, on_previous,
		    job) < 0) {
		job->waiting--;
		job->asking = 0;
	}
}

static void set_why(struct job *job, const struct err *why)
{
	if (job->why == NULL)
		job->why = mem_alloc(sizeof *job->why);
	*job->why = *why;
}

void prepare_refused(struct job *job, const struct err *why)
{
	set_why(job, why);
	prepare_job(job);
}

void prepare_refuse(struct job *job, const struct err *why)
{
	set_why(job, why);
	job->ps.instance = NULL; /* which it does not need, and which may be about to go */
	if (job->state != JOB_MARKING)
		prepare_continue(job);
}

void prepare_continue(struct job *job)
{
	struct err why;
	enum order_turn turn = order_turn(job, job_marks(job));

	/* Behind another one than before, perhaps. */
	if (job->state == JOB_BEHIND &&
		(turn == ORDER_NOW || strcmp(job->before.id, job->q.previous) != 0))
		jobs_set_behind(job->worker->jobs, job, 0);
	if (job->state != JOB_BEHIND && turn != ORDER_NOW)
		jobs_set_behind(job->worker->jobs, job, 1);
	if (turn == ORDER_ASK) {
		prepare_ask(job);
	} else if (turn == ORDER_WAIT) {
		return;
	} else if (job->why != NULL) {
		why = *job->why;
		job_cancel(job, &why);
	} else if ((job->verb->flags & VERB_CONNECTED) &&
		   job->ps.instance->state != INSTANCE_READY) {
		jobs_hold(job->worker->jobs, job);
	} else if (job_marks(job)) {
		mark(job);
	} else {
		run(job);
	}
}

/* --- its account and its instance --------------------------------------------------------------------------------------------- */

/* What an answer about the account is needed for. */
struct owning {
	struct job *job;
	json_t *credentials;
	int room; /* this worker would take it */
	char key[CRYPT_TOKEN_SIZE];
};

static void owning_free(struct owning *o)
{
	json_decref(o->credentials);
	mem_free(o);
}

static void on_handed(void *arg, int rc)
{
	struct job *job = arg;

	if (settle_wait(job))
		return;
	if (rc == -(int)ERR_REDIS)
		put_off(job); /* if it is the other's already, handing it over again will tell */
	else
		listener_forget(job->worker->listener, job);
}

static void hand(struct job *job, const char *to)
{
	const struct queue_ref q = queue_of(job);

	job->waiting++;
	if (queue_hand(hub_commands(job->worker->hub, q.shard), &q, job->q.id, to, on_handed, job) <
		0) {
		job->waiting--;
		put_off(job);
	}
}

static void fail_full(struct job *job)
{
	struct err e;

	err_set(&e, ERR_BUSY,
		"no worker has room for another account (platforms.%s.accounts), try again later",
		job->worker->platform->name);
	prepare_refuse(job, &e);
}

static void fail_busy(struct job *job)
{
	struct err e;

	err_set(&e, ERR_BUSY,
		"this worker is nearly full (platforms.%s.concurrency), and most of it with jobs "
		"of this account: try again later",
		job->worker->platform->name);
	prepare_refuse(job, &e);
}

/* `left`: what was left about the account, NULL: nothing. */
static void attach(
	struct job *job, const char *key, json_t *credentials, const struct succession_left *left)
{
	const struct instance_want want = {&job->q.session, key,
		activity_actor_address(job->activity), credentials, NULL, NULL};
	struct succession *succession = job->worker->succession; /* the job may be gone below */
	struct err e;

	/* What is refused needs no connection, only its turn. */
	if (job->why != NULL) {
		prepare_continue(job);
		return;
	}
	job->ps.instance = left != NULL ? succession_get(succession, &want, left, &e)
					: instances_get(job->worker->instances, &want, &e);
	if (job->ps.instance == NULL) {
		prepare_refuse(job, &e);
		if (*key != '\0')
			succession_closed(succession, key);
	} else if (*key != '\0' && jobs_over_share(job->worker->jobs, job->ps.instance)) {
		fail_busy(job);
	} else {
		prepare_continue(job);
	}
}

/* What a dead holder left brings its sessions back as well. */
static void on_owned(void *arg, int rc, const char *owner, const void *record, size_t record_len)
{
	struct owning *o = arg;
	struct job *job = o->job;
	struct worker *w = job->worker;
	const struct succession_left left = {record, record_len};
	int is_mine = strcmp(owner, w->name) == 0;

	if (o->room && w->succession != NULL)
		succession_asking(w->succession, -1);
	if (settle_wait(job)) {
		if (rc == 0 && is_mine && w->succession != NULL)
			succession_unneeded(w->succession, o->key, &left);
		owning_free(o);
		return;
	}
	if (rc < 0) {
		put_off(job);
	} else if (job->why != NULL && (*owner == '\0' || is_mine)) {
		prepare_continue(job);
	} else if (*owner == '\0') {
		fail_full(job);
	} else if (!is_mine) {
		hand(job, owner);
	} else if (!succession_has_place(w->succession, o->key)) {
		fail_full(job);
		succession_unneeded(w->succession, o->key, &left);
	} else {
		attach(job, o->key, o->credentials, &left);
	}
	owning_free(o);
}

/* One worker holds the account: this one, another, or from now on this one. */
static void route(struct job *job, json_t *credentials)
{
	struct worker *w = job->worker;
	struct owning *o;
	struct account_ref a;

	if (w->platform->life == PLATFORM_STATELESS) {
		attach(job, "", credentials, NULL);
		return;
	}
	o = mem_alloc(sizeof *o);
	instance_key(w, activity_actor_address(job->activity), credentials, o->key);
	if (instances_find(w->instances, o->key) != NULL) {
		attach(job, o->key, credentials, NULL);
		mem_free(o);
		return;
	}
	o->job = job;
	o->credentials = json_incref(credentials);
	a = (struct account_ref){
		account_shard(o->key, hub_shards(w->hub)), w->platform->name, w->name, o->key};
	/* For what is refused the account is only looked up: nobody shall open it for that. */
	o->room = job->why == NULL && succession_has_room(w->succession);
	job->waiting++;
	if (account_own(hub_commands(w->hub, a.shard), &a, o->room,
		    job->why == NULL ? succession_max(w->succession) : 0, on_owned, o) == 0) {
		succession_asking(w->succession, o->room);
		return;
	}
	job->waiting--;
	owning_free(o);
	put_off(job);
}

/* --- its credentials ---------------------------------------------------------------------------------------------------------- */

static void on_credentials(void *arg, json_t *credentials, const struct err *e)
{
	struct job *job = arg;

	if (settle_wait(job))
		return;
	/* Without VERB_CREDENTIALS a verb may do with none. */
	if (e->code == ERR_NO_CREDENTIALS && !(job->verb->flags & VERB_CREDENTIALS))
		route(job, NULL);
	else if (e->code == ERR_REDIS)
		put_off(job);
	else if (e->code != ERR_NONE)
		prepare_refuse(job, job->why != NULL ? job->why : e);
	else
		route(job, credentials);
}

void prepare_job(struct job *job)
{
	jobs_set_state(job->worker->jobs, job, JOB_PREPARING);
	if (!(job->verb->flags & VERB_CREDENTIALS) &&
		job->worker->platform->life == PLATFORM_STATELESS) {
		route(job, NULL);
		return;
	}
	job->waiting++;
	if (vault_get(job->worker, &job->q.session, activity_actor_address(job->activity),
		    on_credentials, job) < 0) {
		job->waiting--;
		put_off(job);
	}
}
