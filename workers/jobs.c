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
/* How often the queue is asked about a predecessor that is with another worker: less and less. What a tick asks at most is a
 * bound on what many waiting jobs cost Redis. */
#define ASK_MS      50
#define ASK_MAX_MS  1000
#define ASK_AT_ONCE 64
/* Those that only wait cost memory and nothing else. So many of them for each that may be active, and so many bytes. */
#define WAITING_FACTOR 10
#define BYTES_MAX      (64u << 20)

struct jobs {
	unsigned magic;
	struct worker *worker;
	struct job *list;
	struct job *by_key;
	size_t count, n_waiting, bytes, concurrency;
	size_t n_suspects;     /* in JOB_SUSPECT */
	struct job *behind;    /* in JOB_BEHIND, by the one before them */
	struct job *woken;     /* of those: the one before them has changed */
	struct turn_task look; /* at the woken, and for a suspect */
	uv_timer_t ask;
};

size_t jobs_count(const struct jobs *j)
{
	return j->count;
}

size_t jobs_active(const struct jobs *j)
{
	return j->count - j->n_waiting;
}

static int is_waiting(enum job_state state)
{
	return state == JOB_HELD || state == JOB_BEHIND;
}

void jobs_set_state(struct jobs *j, struct job *job, enum job_state state)
{
	j->n_waiting -= (size_t)is_waiting(job->state);
	j->n_waiting += (size_t)is_waiting(state);
	job->state = state;
}

struct job *jobs_first(const struct jobs *j)
{
	return j->list;
}

static void key_make(struct job_key *key, unsigned shard, const char *id)
{
	memset(key, 0, sizeof *key);
	key->shard = shard;
	memcpy(key->id, id, strlen(id));
}

struct job *jobs_find(const struct jobs *j, unsigned shard, const char *id)
{
	struct job_key key;
	struct job *job;

	key_make(&key, shard, id);
	HASH_FIND(hh, j->by_key, &key, sizeof key, job);
	return job;
}

/* --- suspects ------------------------------------------------------------------------------------------------------------- */

/* One that is behind another does not run: it may wait for the start of a suspect. */
static void next_suspect(struct jobs *j)
{
	struct job *job, *next = NULL;

	if (j->n_suspects == 0)
		return;
	DL_FOREACH (j->list, job) {
		if (job->alone && job->state != JOB_BEHIND)
			return;
		if (next == NULL && job->state == JOB_SUSPECT)
			next = job;
	}
	if (next == NULL)
		return;
	j->n_suspects--;
	next->alone = 1;
	prepare_job(next);
}

void jobs_suspect(struct jobs *j, struct job *job)
{
	jobs_set_state(j, job, JOB_SUSPECT);
	j->n_suspects++;
	next_suspect(j);
}

/* --- those that wait for the start of another ------------------------------------------------------------------------------- */

static void wake(struct jobs *j, struct job *job)
{
	if (job->woken)
		return;
	job->woken = 1;
	DL_APPEND2(j->woken, job, woken_prev, woken_next);
	turn_queue(j->worker->loop, TURN_WORK, &j->look);
}

static void unwake(struct jobs *j, struct job *job)
{
	if (!job->woken)
		return;
	job->woken = 0;
	DL_DELETE2(j->woken, job, woken_prev, woken_next);
}

/* Going on with a job may answer and free it, and wake others. */
static void on_look(void *arg)
{
	CAST(jobs, j, arg, JOBS_MAGIC);

	next_suspect(j);
	while (j->woken != NULL) {
		struct job *job = j->woken;

		unwake(j, job);
		if (job->state == JOB_BEHIND && order_turn(job, job_marks(job)) != ORDER_ASK)
			prepare_continue(job); /* or behind another one, by now */
	}
}

static void ask(struct job *job, uint64_t now)
{
	job->ask_pause = job->ask_pause == 0 ? ASK_MS : MIN(job->ask_pause * 2, ASK_MAX_MS);
	job->ask_ms = now + job->ask_pause;
	prepare_ask(job);
}

static void on_ask(uv_timer_t *timer)
{
	CAST(jobs, j, timer->data, JOBS_MAGIC);
	uint64_t now = uv_now(j->worker->loop);
	struct job *job, *next;
	unsigned asked = 0;

	HASH_ITER (hh_behind, j->behind, job, next) {
		enum order_turn turn = order_turn(job, job_marks(job));

		if (turn == ORDER_NOW || strcmp(job->before.id, job->q.previous) != 0)
			wake(j, job);
		if (turn == ORDER_ASK && now >= job->ask_ms && asked++ < ASK_AT_ONCE)
			ask(job, now);
	}
}

/* To the end, so that held jobs run in the order in which their turns came: a later job of a lane may have been here, and
 * not ready yet, before the one that it waits for. */
void jobs_hold(struct jobs *j, struct job *job)
{
	jobs_set_state(j, job, JOB_HELD);
	DL_DELETE(j->list, job);
	DL_APPEND(j->list, job);
	jobs_wake_behind(j, job);
}

void jobs_set_behind(struct jobs *j, struct job *job, int behind)
{
	if (!behind) {
		jobs_set_state(j, job, JOB_PREPARING);
		unwake(j, job);
		HASH_DELETE(hh_behind, j->behind, job);
		if (j->behind == NULL)
			uv_timer_stop(&j->ask);
		return;
	}
	jobs_set_state(j, job, JOB_BEHIND);
	if (job->alone)
		turn_queue(j->worker->loop, TURN_WORK, &j->look);
	if (j->behind == NULL)
		uv_timer_start(&j->ask, on_ask, ASK_MS, ASK_MS);
	key_make(&job->before, job->q.session.shard, job->q.previous);
	HASH_ADD(hh_behind, j->behind, before, sizeof job->before, job);
}

void jobs_wake_behind(struct jobs *j, const struct job *job)
{
	struct job *follower;

	HASH_FIND(hh_behind, j->behind, &job->key, sizeof job->key, follower);
	if (follower != NULL)
		wake(j, follower);
}

/* --- in and out --------------------------------------------------------------------------------------------------------------- */

void jobs_add(struct jobs *j, struct job *job)
{
	DL_APPEND(j->list, job);
	key_make(&job->key, job->q.session.shard, job->q.id);
	HASH_ADD(hh, j->by_key, key, sizeof job->key, job);
	j->count++;
	j->bytes += job->size;
	j->n_waiting += (size_t)is_waiting(job->state);
}

void jobs_remove(struct jobs *j, struct job *job)
{
	if (job->state == JOB_BEHIND)
		jobs_set_behind(j, job, 0);
	if (job->state == JOB_SUSPECT)
		j->n_suspects--;
	DL_DELETE(j->list, job);
	HASH_DELETE(hh, j->by_key, job);
	j->count--;
	j->bytes -= job->size;
	j->n_waiting -= (size_t)is_waiting(job->state);
	/* The next suspect not at once: the caller may be in the midst of the list. */
	if (job->alone)
		turn_queue(j->worker->loop, TURN_WORK, &j->look);
	jobs_wake_behind(j, job);
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
	jobs_set_state(j, job, JOB_AGAIN);
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

static int is_nearly(size_t n, size_t max)
{
	return n >= max - max / 8;
}

int jobs_over_share(const struct jobs *j, const struct instance *in)
{
	const size_t max_count = j->concurrency * WAITING_FACTOR;
	size_t n = instances_count(j->worker->instances), count = 0, bytes = 0, active = 0;
	const struct job *job;

	if (!is_nearly(jobs_active(j), j->concurrency) && !is_nearly(j->count, max_count) &&
		!is_nearly(j->bytes, BYTES_MAX))
		return 0;
	DL_FOREACH (j->list, job)
		if (job->ps.instance == in) {
			count++;
			bytes += job->size;
			active += (size_t)!is_waiting(job->state);
		}
	return (is_nearly(jobs_active(j), j->concurrency) && active > j->concurrency / n) ||
	       (is_nearly(j->count, max_count) && count > max_count / n) ||
	       (is_nearly(j->bytes, BYTES_MAX) && bytes > BYTES_MAX / n);
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
	j->concurrency = (size_t)json_integer_value(json_object_get(w->settings, "concurrency"));
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
		HASH_DELETE(hh, j->by_key, job);
		if (job->state == JOB_BEHIND)
			jobs_set_behind(j, job, 0);
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
