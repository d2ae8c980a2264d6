/* SPDX-License-Identifier: MIT */
/* job - one job in this worker, from its reading until it is answered; answered exactly once. */
#ifndef WORKERS_JOB_H
#define WORKERS_JOB_H

#include <uthash.h>

#include "core/queue.h"
#include "workers/psession.h"

struct instance;
struct outgoing_item;
struct worker;

enum job_state {
	JOB_PREPARING, /* waits for Redis: credentials, who holds its account */
	JOB_AGAIN,     /* Redis did not answer: to be prepared once more */
	JOB_SUSPECT,   /* its workers died several times: runs alone, when its turn comes */
	JOB_BEHIND,    /* waits for the start of the job before it (workers/order.h) */
	JOB_HELD,      /* waits for psession_ready() */
	JOB_MARKING,   /* waits for Redis: the mark that it starts */
	JOB_RUNNING    /* the platform has it */
};

/* Ids are of a shard's queue. All bytes count: it is the key of a table. */
struct job_key {
	unsigned shard;
	char id[QUEUE_ID_SIZE];
};

struct job {
	struct worker *worker;
	struct queue_job q; /* its blob is gone */
	json_t *activity;
	const struct verb *verb;
	enum job_state state; /* set by jobs_set_state() */
	size_t size;          /* of its text, about: bytes */
	struct psession ps;   /* ps.instance: NULL until it has one */
	struct outgoing_item *item;
	void *data;
	uint64_t deadline_ms; /* loop time */
	int waiting;          /* a call to Redis whose answer comes with this job as its argument */
	int abandoned;        /* answered while `waiting`: freed when the answer comes */
	int asking;           /* one of those: whether the job before it is open */
	int marked;           /* its mark is at Redis */
	int alone;            /* a suspect whose turn it is */
	struct err *why;      /* what it fails with when its turn comes; NULL: it runs then */
	struct job *prev, *next; /* these and what follows: struct jobs' */
	struct job_key key;
	struct job_key before; /* while behind: that one */
	UT_hash_handle hh, hh_behind;
	uint64_t ask_ms;    /* while behind: when to ask Redis about the one before it, loop time */
	unsigned ask_pause; /* ms */
	int woken;
	struct job *woken_prev, *woken_next;
};

/* Opens the sealed body. Never NULL; when e->code is not ERR_NONE afterwards the job cannot be run (not opened, verb unknown) and
 * has to be cancelled with it. GIVES; ends with job_done(), job_fail() or job_cancel(). The caller lists it. */
struct job *job_new(struct worker *w, const struct queue_job *q, struct err *e);
/* 1 when it has to leave a mark at Redis before it runs: it must not run twice, or it is a suspect. */
int job_marks(const struct job *job);
/* Answers from outside the platform: it is told, if it has the job. */
void job_cancel(struct job *job, const struct err *why);
/* The verb's turn has come: the platform has the job from here on. */
void job_run(struct job *job);
/* Frees an abandoned job whose answer from Redis has come. */
void job_free(struct job *job);

#endif
