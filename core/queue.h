/* SPDX-License-Identifier: MIT */
/* queue - the worker's side of the job streams: read, finish, heartbeat and take-over.
 *
 * A job is an entry of its platform's stream (one per shard) until somebody finishes it; the picture is in docs/redis.md.
 * READY -> read by one worker (pending) -> finished: deleted, acknowledged, result appended and waiting gateways woken in
 * one atomic step. A worker whose heartbeat lapses loses its pending jobs to another. This file knows keys and
 * blobs; it never looks inside a job. Used by workers/listener.c; queue_finish() also by the gateway's janitor. */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "core/session.h"

struct redisReply;

#define QUEUE_ID_SIZE    42
#define QUEUE_TOKEN_SIZE 32

struct queue_ref {
	unsigned shard;
	const char *platform; /* borrowed */
	const char *worker;   /* this worker's name, NULL: no worker; borrowed */
};

struct queue_job {
	char id[QUEUE_ID_SIZE];
	struct session_ref session;
	char token[QUEUE_TOKEN_SIZE];
	const void *blob; /* borrowed from the reply */
	size_t blob_len;
	char previous
		[QUEUE_ID_SIZE]; /* the job to start before this one, "": none (intake_job()) */
	long long deliveries;    /* how often it was given to a worker before, 0: never */
	int started;             /* a worker that is gone had marked it as started */
	int not_run;             /* set by the worker that fails it without having run it */
};

/* --- reading ---------------------------------------------------------------------------------------------------- */

/* rc >= 0: n jobs, valid for the call (0 when the wait ended without any); < 0: ERR_REDIS, or ERR_NOT_FOUND when the group does not
 * exist yet (a heartbeat makes it). */
typedef void queue_read_fn(void *arg, int rc, const struct queue_job *jobs, size_t n);
/* New jobs: waits up to `wait_ms` at Redis, so it needs a connection of its own. < 0 (ERR_REDIS): not sent. */
int queue_read(struct redis *r, const struct queue_ref *q, unsigned max, unsigned wait_ms,
	queue_read_fn *fn, void *arg);
/* Jobs this worker was given already and has not finished, behind `after` ("0": from the first): what a reply that was
 * lost with its connection held. Does not wait. */
int queue_read_own(struct redis *r, const struct queue_ref *q, unsigned max, const char *after,
	queue_read_fn *fn, void *arg);

/* Entries older than `age_ms` that no worker has finished, at most `max`; does not touch them. For the janitor; `fn` gets
 * nothing while any worker of the platform is alive. */
int queue_overdue(struct redis *r, const struct queue_ref *q, long long age_ms, unsigned max,
	queue_read_fn *fn, void *arg);

/* --- heartbeat -------------------------------------------------------------------------------------------------- */

/* What results renew a heartbeat to (queue_finish_send()); heartbeats of listeners last as long. */
#define QUEUE_WORKER_TTL_MS 6000

struct queue_beat {
	unsigned worker_ttl_ms; /* after this silence others take this worker's jobs */
	unsigned
		up_ttl_ms; /* after this silence of all workers, the gateways refuse jobs for the platform */
	const char *predecessor; /* a worker known to be dead, or "" */
	unsigned load;           /* accounts this worker holds, for those that have no room */
	unsigned take_over;      /* jobs to take from the dead at most; 0: only the predecessor's */
};

/* Says that this worker lives, makes the group when it is missing, and takes over jobs: they come as in queue_read(). Only
 * the predecessor's while this worker's own heartbeats come late. */
int queue_beat(struct redis *r, const struct queue_ref *q, const struct queue_beat *b,
	queue_read_fn *fn, void *arg);
/* This worker says that it ends, so that its jobs can be taken over at once. */
void queue_leave(struct redis *r, const struct queue_ref *q);
/* Marks a job as started: if this worker dies, it is not run again. `fn` gets 0: run it; ERR_REDIS: not marked for sure,
 * ask again; ERR_NOT_FOUND: the job is not this worker's any more; ERR_UNKNOWN_OUTCOME: another one had marked it. */
typedef void queue_mark_fn(void *arg, int rc);
int queue_mark_started(
	struct redis *r, const struct queue_ref *q, const char *id, queue_mark_fn *fn, void *arg);
/* Gives a job that this worker has read to another worker, `to`, and tells it by its channel (core/keys.h keys_handed()).
 * `fn` gets 0: done; ERR_NOT_FOUND: the job is not this worker's any more; ERR_REDIS: unknown. */
int queue_hand(struct redis *r, const struct queue_ref *q, const char *id, const char *to,
	queue_mark_fn *fn, void *arg);
/* Reads one job that was handed to this worker; n is 0 when it is not this worker's (any more). Does not wait. */
int queue_read_handed(
	struct redis *r, const struct queue_ref *q, const char *id, queue_read_fn *fn, void *arg);
/* Is the job not settled yet, whoever has it? `fn` gets 0: yes; ERR_NOT_FOUND: it is gone; ERR_REDIS: unknown. */
int queue_is_open(
	struct redis *r, const struct queue_ref *q, const char *id, queue_mark_fn *fn, void *arg);
/* Keeps a copy of a job that was given up, for the operator (the newest 1,000). Best effort. */
void queue_bury(
	struct redis *r, const struct queue_ref *q, const struct queue_job *job, const char *why);

/* --- finishing -------------------------------------------------------------------------------------------------- */

enum queue_outcome {
	QUEUE_STALE =
		0, /* the job was finished before, or is another worker's now: nothing was appended */
	QUEUE_DONE = 1, /* appended */
	QUEUE_SESSION_GONE = 2,
	QUEUE_OUTBOX_FULL = 3 /* the messages do not fit: nothing was done, the job is open still */
};

struct queue_finish;

/* One batch of messages and results of one platform and shard, from the worker that holds the jobs; without a worker (the
 * janitor) whoever holds them. GIVES; ends with queue_finish_free(). */
struct queue_finish *queue_finish_new(const struct queue_ref *q);
void queue_finish_free(struct queue_finish *f);
enum queue_flag {
	QUEUE_FORCE =
		1 << 0, /* the messages are appended over the outbox's bound too, unless many are */
	QUEUE_MARKED = 1 << 1, /* queue_mark_started() was called for the job, here or elsewhere */
	QUEUE_HOLDER =
		1
		<< 2 /* the result counts only from the worker that holds the job: it was not run here */
};

/* Begins an item: messages of one session, of job `id` or of none (NULL), and the job's result if `token` is not NULL. */
void queue_finish_item(struct queue_finish *f, const struct session_ref *s, const char *id,
	const char *token, unsigned flags);
/* Adds a sealed message to the item begun last. */
void queue_finish_message(struct queue_finish *f, const struct buf *blob);
/* Sets the sealed result of the item begun last; needed when it has a token. */
void queue_finish_result(struct queue_finish *f, const struct buf *blob);
size_t queue_finish_count(const struct queue_finish *f);
/* Bytes of blobs collected so far. */
size_t queue_finish_bytes(const struct queue_finish *f);

/* rc 0: one outcome per item; < 0 (ERR_REDIS): unknown, the batch may be sent again, which is safe for results. */
typedef void queue_finish_fn(void *arg, int rc, const enum queue_outcome *outcomes, size_t n);
/* Sends; the batch stays the caller's, so that it can be sent again. < 0: not sent. */
int queue_finish_send(struct queue_finish *f, struct redis *r, const struct conf *c,
	queue_finish_fn *fn, void *arg);

#endif
