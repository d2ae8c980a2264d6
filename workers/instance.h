/* SPDX-License-Identifier: MIT */
/* instance - the running state of a platform: one for all (STATELESS), or one per account (PER_ACCOUNT).
 *
 * An account is an actor with its credentials: whoever has the same of both shares the connection, another password never reaches it.
 * The sessions that use an instance are counted; it is closed session.linger_s after the last one left. A broken
 * instance fails its jobs and is closed from the loop; the next job opens another. */
#ifndef WORKERS_INSTANCE_H
#define WORKERS_INSTANCE_H

#include <jansson.h>

#include "core/queue.h"
#include "workers/psession.h"

struct err;
struct job;
struct instances;
struct worker;

/* A session that uses an instance. */
struct attached {
	struct session_ref session;
	char last[QUEUE_ID_SIZE]; /* its job that was started last, "": none */
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
	int changed, recorded,
		confirmed; /* succession's: to be written, written before, asked for */
	int lost;          /* broken because another worker serves the account */
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

/* Its sessions, their topics or what it keeps have changed; also when it is new. */
typedef void instance_changed_fn(void *arg, struct instance *in);
/* The one of this key is being closed, and found no more. */
typedef void instance_closed_fn(void *arg, const char *key);

struct instance_events {
	instance_fail_fn *fail;
	instance_ready_fn *ready;
	instance_busy_fn *busy;
	instance_changed_fn *changed;
	instance_closed_fn *closed;
	void *arg;
};

/* Whose instance, and for which session. */
struct instance_want {
	const struct session_ref *session;
	const char *key;     /* instance_key(); "" when STATELESS */
	const char *actor;   /* its address */
	json_t *credentials; /* NULL: none */
	json_t *kept; /* what a predecessor kept, for an instance that has to be opened; NULL: nothing */
	const json_t *topics; /* to subscribe the session to; NULL: none */
};

/* `w` is KEPT. GIVES. */
struct instances *instances_open(struct worker *w, const struct instance_events *events);
/* Closes every instance; no job may be left. Sets NULL; the loop has to run once more. */
void instances_close(struct instances **list);
/* What accounts are told apart by: a keyed hash of the actor's address and the credentials (NULL: none). */
void instance_key(const struct worker *w, const char *actor, const json_t *credentials,
	char out[CRYPT_TOKEN_SIZE]);
/* The instance of this key that can still be used, or NULL. Borrowed. */
struct instance *instances_find(const struct instances *list, const char *key);
/* The instance that is wanted, opened when there is none yet, with the session attached. NULL with `e` filled when the
 * platform could not open it. Borrowed. */
struct instance *instances_get(
	struct instances *list, const struct instance_want *want, struct err *e);
/* The session uses it as well, and is subscribed to `topics` (NULL: none) unless it has some here already. */
void instance_attach(struct instance *in, const struct session_ref *session, const json_t *topics);
/* How many there are, and the first; the others by their `next`. */
size_t instances_count(const struct instances *list);
struct instance *instances_first(const struct instances *list);
/* The session ended: it is detached from all its instances. */
void instances_session_gone(struct instances *list, const struct session_ref *s);
/* For psession.c: what is kept or subscribed to is another. */
void instance_changed(struct instance *in);
/* For psession.c. */
void instance_ready(struct instance *in);
void instance_unready(struct instance *in);
void instance_broken(struct instance *in, const struct err *why);
/* The attachment of a session, NULL when it has none (any more). */
struct attached *instance_attached(const struct instance *in, const struct session_ref *s);

#endif
