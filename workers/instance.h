/* SPDX-License-Identifier: MIT */
/* instance - the running state of a platform: one for all (STATELESS), or one per account (PER_ACCOUNT).
 *
 * An account is an actor with its credentials: whoever has the same of both shares the connection, another password never reaches it.
 * The sessions that use an instance are counted; it is closed session.linger_s after the last one left. A broken
 * instance fails its jobs and is closed from the loop; the next job opens another. */
#ifndef WORKERS_INSTANCE_H
#define WORKERS_INSTANCE_H

#include <jansson.h>

#include "core/session.h"
#include "workers/psession.h"

struct err;
struct job;
struct instances;
struct worker;

/* A session that uses an instance. */
struct attached {
	struct session_ref session;
	json_t *topics; /* what it is subscribed to: an object whose keys they are; NULL: nothing */
	struct attached *prev, *next;
};

enum instance_state { INSTANCE_OPEN, INSTANCE_READY, INSTANCE_BROKEN };

struct instance {
	struct worker *worker;
	char key[CRYPT_TOKEN_SIZE]; /* "" for the one of a STATELESS platform */
	enum instance_state state;
	void *platform_state;
	char *actor;
	json_t *credentials; /* NULL: none */
	json_t *kept;        /* psession_keep() of a predecessor, NULL: none */
	json_t *keep;        /* for a successor, NULL: nothing */
	struct psession ps;
	struct attached *attached;
	struct psession_handles handles; /* its timers and watches */
	struct instance_end *end;        /* linger timer and deferred closing */
	struct err *why;                 /* broken: what to tell its jobs */
	struct instance *prev, *next;
};

/* Fails the jobs of an instance, for instance_broken(); given by the listener. */
typedef void instance_fail_fn(void *arg, struct instance *in, const struct err *why);
/* Runs the jobs that were held for psession_ready(). */
typedef void instance_ready_fn(void *arg, struct instance *in);
/* 1 when jobs of the instance are not answered. */
typedef int instance_busy_fn(void *arg, const struct instance *in);

struct instance_events {
	instance_fail_fn *fail;
	instance_ready_fn *ready;
	instance_busy_fn *busy;
	void *arg;
};

/* `w` is KEPT. GIVES. */
struct instances *instances_open(struct worker *w, const struct instance_events *events);
/* Closes every instance; no job may be left. Sets NULL; the loop has to run once more. */
void instances_close(struct instances **list);
/* The instance for `actor` and `credentials` (NULL: none), opened when there is none yet, with `s` attached. NULL with
 * `e` filled when the platform could not open it. Borrowed. */
struct instance *instances_get(struct instances *list, const struct session_ref *s,
	const char *actor, json_t *credentials, struct err *e);
/* The session ended: it is detached from all its instances. */
void instances_session_gone(struct instances *list, const struct session_ref *s);
/* For psession.c. */
void instance_ready(struct instance *in);
void instance_unready(struct instance *in);
void instance_broken(struct instance *in, const struct err *why);
/* The attachment of a session, NULL when it has none (any more). */
struct attached *instance_attached(const struct instance *in, const struct session_ref *s);

#endif
