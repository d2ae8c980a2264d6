/* SPDX-License-Identifier: MIT */
/* dispatcher - takes a client's jobs: parse, bound, check in the classic order, validate, answer `register`, `set` and `ping`
 * itself, queue the rest, confirm.
 *
 * One request is one parse, one validation per job and one command to Redis (core/intake.h). Knows sessions and schemas, no
 * transport: fronts give it a body and get reply objects. A job is confirmed only after Redis has it. */
#ifndef GATEWAY_DISPATCHER_H
#define GATEWAY_DISPATCHER_H

#include <uv.h>

#include "core/buf.h"
#include "core/queue.h"

struct conf;
struct dispatch;
struct dispatcher;
struct hub;
struct keyring;
struct registry;

/* Reply objects, one after the other, in order. */
struct replies {
	struct buf text; /* the objects without separators */
	size_t *ends;    /* where each ends in `text` */
	size_t n;
};

struct dispatch_request {
	struct session_ref session;
	const char *sid; /* the client's key, for the register result; borrowed for the call */
	int create;      /* make the session when it does not exist */
	/* The session's salt, CRYPT_SALT_SIZE bytes; NULL: not known, Redis is asked when it is needed. Who starts several
	 * requests of a session without waiting has to name it: a request that asks is overtaken. With `create` the
	 * session gets this one. */
	const void *salt;
	const char *body;
	size_t len;
	/* Optional, for who has no other way to say no: a refusal for each job when the request fails as a whole. When
	 * dispatcher_start() itself fails it fills this (GIVES, replies_release()); else `done` gets them as replies. */
	struct replies *refused;
};

/* rc 0: the replies (borrowed for the call). < 0: the whole request was refused, `replies` is empty unless refusals were
 * asked for: ERR_NO_SESSION, ERR_SESSIONS_FULL,
 * ERR_OUTBOX_FULL, ERR_QUEUE_FULL, ERR_RATE (after `retry_ms`), ERR_REDIS (jobs may have been queued, none is confirmed). */
typedef void dispatch_done_fn(void *arg, int rc, unsigned retry_ms, const struct replies *replies);

/* All KEPT until dispatcher_free(). GIVES. */
struct dispatcher *dispatcher_new(uv_loop_t *loop, const struct conf *c, const struct registry *r,
	struct hub *hub, const struct keyring *keyring);
void dispatcher_free(struct dispatcher *d);

/* Begins a request. `done` follows from the loop, never from within this call; < 0: it does not follow: ERR_TOO_LARGE
 * (too many jobs), ERR_REDIS (away; nothing was done). GIVES in `*out` a handle that is valid until `done`. */
int dispatcher_start(struct dispatcher *d, const struct dispatch_request *req,
	dispatch_done_fn *done, void *arg, struct dispatch **out);
/* The tokens of the jobs that are on their way to a queue: their results will carry them. Right after
 * dispatcher_start(). Borrowed until `done`. */
size_t dispatch_tokens(const struct dispatch *dp, const char (**tokens)[QUEUE_TOKEN_SIZE]);
/* In `done`: was the job with this token confirmed? */
int dispatch_confirmed(const struct dispatch *dp, size_t token);
/* The asker is gone: `done` is not called any more. What was begun goes on. */
void dispatch_forget(struct dispatch *dp);
void replies_release(struct replies *r);

#endif
