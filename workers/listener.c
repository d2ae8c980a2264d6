/* SPDX-License-Identifier: MIT */
#include "workers/listener.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/hub.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/turn.h"
#include "workers/census.h"
#include "workers/instance.h"
#include "workers/job.h"
#include "workers/jobs.h"
#include "workers/outgoing.h"
#include "workers/prepare.h"
#include "workers/succession.h"
#include "workers/worker.h"

#define LISTENER_MAGIC  0x115E0001u
#define READER_MAGIC    0x115E0002u
#define BATCH           128
#define WAIT_MS         5000
#define BEAT_MS         1000
#define UP_TTL_MS       15000
#define TAKE_OVER       256
#define MANY_DELIVERIES 3 /* a job that so many workers held when they died is run alone */
#define OUTGOING_MAX    (64u << 20)

/* An entry this worker has and has not settled: its id must not be taken a second time. */
struct held_id {
	char id[QUEUE_ID_SIZE];
	UT_hash_handle hh;
};

/* One shard's stream. */
struct reader {
	unsigned magic;
	struct listener *listener;
	unsigned shard;
	struct redis *connection; /* of its own, because its reads wait */
	int reading;
	int beating;   /* a heartbeat has not been answered yet */
	int has_group; /* a heartbeat has made sure */
	int own_done;  /* what an earlier connection may have brought has been looked for */
	char own_after[QUEUE_ID_SIZE];
	uint64_t up_since_ms;
	struct held_id *ids;
};

struct listener {
	unsigned magic;
	struct worker *worker;
	struct reader *readers;
	unsigned n;
	size_t concurrency;
	char *predecessor;
	uv_timer_t beat;
	struct turn_task more; /* room has been made: read again */
	struct turn_task over; /* drained */
	void (*ready)(void *arg);
	void *ready_arg;
	void (*drained)(void *arg);
	void *drained_arg;
	int draining;
};

static struct queue_ref ref_of(const struct reader *r)
{
	const struct worker *w = r->listener->worker;

	return (struct queue_ref){r->shard, w->platform->name, w->name};
}

/* --- taking jobs ----------------------------------------------------------------------------------------------------------- */

/* What a job that another worker had is answered with instead of being run; ERR_NONE: it runs. */
static void repeat_check(
	const struct listener *l, const struct job *job, const struct queue_job *q, struct err *e)
{
	if (!q->started)
		return;
	if (!(job->verb->flags & VERB_RETRY_SAFE)) {
		err_set(e, ERR_UNKNOWN_OUTCOME, NULL);
		return;
	}
	/* Marked although it is safe to repeat: it was a suspect, it ran alone, and its worker died. */
	err_set(e, ERR_INTERNAL, "this job was given up: its worker died %lld times while it ran",
		q->deliveries);
	queue_bury(hub_commands(l->worker->hub, q->session.shard),
		&(struct queue_ref){q->session.shard, l->worker->platform->name, l->worker->name},
		q, e->text);
	log_event(LOG_ERROR, "job.buried", LOG_STR("id", q->id),
		LOG_INT("deliveries", q->deliveries));
}

static void take(struct reader *r, const struct queue_job *q)
{
	struct listener *l = r->listener;
	struct held_id *held;
	struct job *job;
	struct err e;

	HASH_FIND_STR(r->ids, q->id, held);
	if (held != NULL)
		return;
	held = mem_alloc(sizeof *held);
	memcpy(held->id, q->id, sizeof held->id);
	HASH_ADD_STR(r->ids, id, held);

	job = job_new(l->worker, q, &e);
	jobs_add(l->worker->jobs, job);
	if (e.code != ERR_NONE) {
		job_cancel(job, &e);
		return;
	}
	repeat_check(l, job, q, &e);
	if (e.code == ERR_UNKNOWN_OUTCOME)
		prepare_refused(job, &e);
	else if (e.code != ERR_NONE)
		prepare_refuse(job, &e);
	else if (q->deliveries >= MANY_DELIVERIES)
		jobs_suspect(l->worker->jobs, job);
	else
		prepare_job(job);
}

static void look_for_own(struct reader *r)
{
	r->own_done = 0;
	strcpy(r->own_after, "0");
}

/* What another worker handed over: it is ours in the queue already. */
static void on_handed(void *arg, int rc, const struct queue_job *jobs, size_t n)
{
	CAST(reader, r, arg, READER_MAGIC);

	if (rc < 0)
		look_for_own(r);
	for (size_t i = 0; i < n; i++)
		take(r, &jobs[i]);
}

/* --- reading ----------------------------------------------------------------------------------------------------------------- */

static void read_more(struct reader *r);

static void on_jobs(void *arg, int rc, const struct queue_job *jobs, size_t n)
{
	CAST(reader, r, arg, READER_MAGIC);

	r->reading = 0;
	if (rc == -(int)ERR_NOT_FOUND)
		r->has_group = 0;
	for (size_t i = 0; i < n; i++)
		take(r, &jobs[i]);
	/* At the end of the turn: results that are ready already shall reach Redis before the next read does. */
	if (rc == 0)
		turn_queue(r->listener->worker->loop, TURN_FLUSH, &r->listener->more);
}

/* What this worker was given over a connection that broke before the jobs arrived. */
static void on_own(void *arg, int rc, const struct queue_job *jobs, size_t n)
{
	CAST(reader, r, arg, READER_MAGIC);

	r->reading = 0;
	if (rc == 0 && n == 0)
		r->own_done = 1;
	for (size_t i = 0; i < n; i++) {
		memcpy(r->own_after, jobs[i].id, sizeof r->own_after);
		take(r, &jobs[i]);
	}
	if (rc == 0)
		read_more(r);
}

static void read_more(struct reader *r)
{
	struct listener *l = r->listener;
	struct queue_ref q = ref_of(r);
	size_t n = jobs_active(l->worker->jobs);
	size_t room = l->concurrency > n ? l->concurrency - n : 0;
	int rc;

	/* What is this worker's already needs no room: those that have it all may be waiting for it. */
	if (r->reading || l->draining || (room == 0 && r->own_done) || !r->has_group ||
		!redis_is_up(r->connection) || outgoing_bytes(l->worker->outgoing) > OUTGOING_MAX)
		return;
	if (r->own_done)
		rc = queue_read(r->connection, &q, (unsigned)MIN(room, BATCH), WAIT_MS, on_jobs, r);
	else
		rc = queue_read_own(r->connection, &q, BATCH, r->own_after, on_own, r);
	r->reading = rc == 0;
}

static void on_more(void *arg)
{
	CAST(listener, l, arg, LISTENER_MAGIC);

	for (unsigned i = 0; i < l->n; i++)
		read_more(&l->readers[i]);
}

static void on_connection(void *arg, int up)
{
	CAST(reader, r, arg, READER_MAGIC);

	r->reading = 0;
	look_for_own(r);
	if (up)
		read_more(r);
}

/* --- heartbeat ----------------------------------------------------------------------------------------------------------------- */

static void beat(struct reader *r);

static void on_beaten(void *arg, int rc, const struct queue_job *jobs, size_t n)
{
	CAST(reader, r, arg, READER_MAGIC);
	struct listener *l = r->listener;

	r->beating = 0;
	if (rc < 0) {
		look_for_own(r); /* it may have taken over what the lost answer named */
		return;
	}
	r->has_group = 1;
	if (n > 0)
		log_event(LOG_INFO, "jobs.taken-over", LOG_INT("jobs", n),
			LOG_INT("shard", r->shard));
	for (size_t i = 0; i < n; i++)
		take(r, &jobs[i]);
	if (l->ready != NULL) {
		l->ready(l->ready_arg);
		l->ready = NULL;
	}
	read_more(r);
	if (n >= TAKE_OVER)
		beat(r); /* there may be more */
}

static void beat(struct reader *r)
{
	struct listener *l = r->listener;
	struct queue_ref q = ref_of(r);
	/* After Redis was away all heartbeats have lapsed: let the others show themselves before their jobs are taken. */
	int settled = uv_now(l->worker->loop) - r->up_since_ms > QUEUE_WORKER_TTL_MS;
	const struct queue_beat b = {
		.worker_ttl_ms = QUEUE_WORKER_TTL_MS,
		.up_ttl_ms = UP_TTL_MS,
		.predecessor = l->predecessor,
		.load = (unsigned)instances_count(l->worker->instances),
		.take_over = settled && !l->draining ? TAKE_OVER : 0,
	};

	/* Never two under way: they would pile up while Redis hangs, and the second would find the first in time. */
	if (r->beating)
		return;
	if (!l->draining)
		succession_beat(l->worker->succession, r->shard, l->predecessor, settled);
	r->beating = queue_beat(hub_commands(l->worker->hub, r->shard), &q, &b, on_beaten, r) == 0;
}

static void on_beat(uv_timer_t *timer)
{
	CAST(listener, l, timer->data, LISTENER_MAGIC);

	for (unsigned i = 0; i < l->n; i++) {
		beat(&l->readers[i]);
		read_more(&l->readers[i]);
	}
	outgoing_beat(l->worker->outgoing);
	jobs_prepare_again(l->worker->jobs);
	jobs_check_deadlines(l->worker->jobs);
}

/* --- events ---------------------------------------------------------------------------------------------------------------------- */

void listener_on_commands(struct listener *l, unsigned shard, int up)
{
	outgoing_on_commands(l->worker->outgoing, shard, up);
	if (!up)
		return;
	l->readers[shard].up_since_ms = uv_now(l->worker->loop);
	succession_connected(l->worker->succession, shard);
	jobs_prepare_again(l->worker->jobs);
	beat(&l->readers[shard]);
}

void listener_on_subscriber(struct listener *l, unsigned shard, int up)
{
	struct redis_args a = {0};
	struct keys_name channel;

	if (!up)
		return;
	redis_args_begin(&a);
	redis_arg_str(&a, "SUBSCRIBE");
	keys_events(&channel, shard, l->worker->platform->name);
	redis_arg(&a, channel.text, channel.len);
	keys_handed(&channel, shard, l->worker->platform->name, l->worker->name);
	redis_arg(&a, channel.text, channel.len);
	(void)redis_send(hub_subscriber(l->worker->hub, shard), &a, NULL, NULL);
	redis_args_release(&a);
}

void listener_session_gone(struct listener *l, const struct session_ref *s)
{
	jobs_session_gone(l->worker->jobs, s);
	instances_session_gone(l->worker->instances, s);
}

void listener_on_push(struct listener *l, unsigned shard, const struct redisReply *reply)
{
	const char *kind = redis_text(redis_at(reply, 0));
	const struct redisReply *channel = redis_at(reply, 1), *payload = redis_at(reply, 2);
	const struct queue_ref q = ref_of(&l->readers[shard]);
	struct keys_name events;
	struct session_ref s;

	/* Only now can nothing be missed any more. */
	keys_events(&events, shard, l->worker->platform->name);
	if (strcmp(kind, "subscribe") == 0 && strcmp(redis_text(channel), events.text) == 0)
		census_take(l->worker, shard);
	else if (strcmp(kind, "subscribe") == 0)
		look_for_own(&l->readers[shard]);
	if (strcmp(kind, "message") != 0 || payload->type != REDIS_REPLY_STRING)
		return;
	if (strcmp(redis_text(channel), events.text) != 0) {
		/* While this worker drains, what is handed to it stays pending for the one that comes after. */
		if (!l->draining && queue_read_handed(hub_commands(l->worker->hub, shard), &q,
					    payload->str, on_handed, &l->readers[shard]) < 0)
			look_for_own(&l->readers[shard]);
	} else if (session_ref_from_tag(&s, shard, payload->str, (size_t)payload->len) == 0) {
		listener_session_gone(l, &s);
	}
}

static void on_instance_fail(void *arg, struct instance *in, const struct err *why)
{
	CAST(listener, l, arg, LISTENER_MAGIC);

	jobs_fail_of(l->worker->jobs, in, why);
}

static void on_instance_ready(void *arg, struct instance *in)
{
	CAST(listener, l, arg, LISTENER_MAGIC);

	jobs_ready_of(l->worker->jobs, in);
}

static int is_instance_busy(void *arg, const struct instance *in)
{
	CAST(listener, l, arg, LISTENER_MAGIC);

	return jobs_busy(l->worker->jobs, in);
}

static void on_instance_changed(void *arg, struct instance *in)
{
	CAST(listener, l, arg, LISTENER_MAGIC);

	succession_changed(l->worker->succession, in);
}

static void on_instance_closed(void *arg, const char *key)
{
	CAST(listener, l, arg, LISTENER_MAGIC);

	succession_closed(l->worker->succession, key);
}

/* --- draining ---------------------------------------------------------------------------------------------------------------- */

static int is_drained(const struct listener *l)
{
	if (jobs_count(l->worker->jobs) > 0 || outgoing_bytes(l->worker->outgoing) > 0)
		return 0;
	for (unsigned i = 0; i < l->n; i++)
		if (l->readers[i].ids != NULL)
			return 0;
	return 1;
}

static void drained_check(struct listener *l)
{
	if (l->draining && is_drained(l))
		turn_queue(l->worker->loop, TURN_WORK, &l->over);
}

void listener_settled(void *arg, unsigned shard, const char *id)
{
	CAST(listener, l, arg, LISTENER_MAGIC);
	struct reader *r = &l->readers[shard];
	struct held_id *held;

	HASH_FIND_STR(r->ids, id, held);
	if (held != NULL) {
		HASH_DEL(r->ids, held);
		mem_free(held);
	}
	drained_check(l);
}

void listener_answered(struct listener *l, struct job *job)
{
	jobs_remove(l->worker->jobs, job);
	turn_queue(l->worker->loop, TURN_FLUSH, &l->more);
}

void listener_forget(struct listener *l, struct job *job)
{
	listener_answered(l, job);
	listener_settled(l, job->q.session.shard, job->q.id);
	job_free(job);
}

int listener_knows(const struct listener *l, unsigned shard, const char *id)
{
	struct held_id *held;

	HASH_FIND_STR(l->readers[shard].ids, id, held);
	return held != NULL;
}

/* --- life -------------------------------------------------------------------------------------------------------------------------- */

static void on_over(void *arg)
{
	CAST(listener, l, arg, LISTENER_MAGIC);

	if (is_drained(l))
		l->drained(l->drained_arg);
}

static void reader_open(struct reader *r)
{
	struct worker *w = r->listener->worker;
	char name[64];
	const struct redis_options o = {
		.loop = w->loop,
		.url = hub_url(w->hub),
		.name = name,
		.timeout_ms = 2 * WAIT_MS,
		.state = on_connection,
		.arg = r,
	};

	snprintf(name, sizeof name, "worker-%.32s-jobs", w->platform->name);
	strcpy(r->own_after, "0");
	r->connection = redis_new(&o);
}

struct listener *listener_open(
	struct worker *w, const char *predecessor, void (*ready)(void *arg), void *arg)
{
	struct listener *l = mem_alloc(sizeof *l);
	const struct instance_events events = {on_instance_fail, on_instance_ready,
		is_instance_busy, on_instance_changed, on_instance_closed, l};

	l->magic = LISTENER_MAGIC;
	l->worker = w;
	l->predecessor = mem_strdup(predecessor);
	l->ready = ready;
	l->ready_arg = arg;
	l->concurrency = (size_t)json_integer_value(json_object_get(w->settings, "concurrency"));
	l->more = (struct turn_task){.fn = on_more, .arg = l};
	l->over = (struct turn_task){.fn = on_over, .arg = l};
	w->listener = l;
	w->outgoing = outgoing_open(w, listener_settled, l);
	w->jobs = jobs_open(w);
	w->instances = instances_open(w, &events);
	w->succession = succession_open(w);
	l->n = hub_shards(w->hub);
	l->readers = mem_array(l->n, sizeof *l->readers);
	for (unsigned i = 0; i < l->n; i++) {
		l->readers[i] = (struct reader){.magic = READER_MAGIC, .listener = l, .shard = i};
		reader_open(&l->readers[i]);
	}
	uv_timer_init(w->loop, &l->beat);
	l->beat.data = l;
	uv_timer_start(&l->beat, on_beat, BEAT_MS, BEAT_MS);
	return l;
}

void listener_drain(struct listener *l, void (*drained)(void *arg), void *arg)
{
	struct reader *r;

	l->draining = 1;
	l->drained = drained;
	l->drained_arg = arg;
	for (r = l->readers; r < l->readers + l->n; r++)
		redis_free(
			&r->connection); /* ends a read that waits; what it was about to bring stays pending */
	drained_check(l);
}

int listener_is_draining(const struct listener *l)
{
	return l->draining;
}

static void on_closed(uv_handle_t *h)
{
	CAST(listener, l, h->data, LISTENER_MAGIC);

	mem_free(l->predecessor);
	mem_free(l->readers);
	mem_free(l);
}

void listener_close(struct listener **lp)
{
	struct listener *l = *lp;
	struct held_id *held, *next_held;

	*lp = NULL;
	if (l == NULL)
		return;
	succession_leave(l->worker->succession);
	for (unsigned i = 0; i < l->n; i++) {
		struct queue_ref q = ref_of(&l->readers[i]);

		redis_free(&l->readers[i].connection);
		queue_leave(hub_commands(l->worker->hub, i), &q);
		HASH_ITER (hh, l->readers[i].ids, held, next_held) {
			HASH_DEL(l->readers[i].ids, held);
			mem_free(held);
		}
	}
	jobs_abandon(l->worker->jobs);
	instances_close(&l->worker->instances);
	succession_close(&l->worker->succession);
	jobs_close(&l->worker->jobs);
	outgoing_close(&l->worker->outgoing);
	turn_cancel(&l->more);
	turn_cancel(&l->over);
	uv_close((uv_handle_t *)&l->beat, on_closed);
}
