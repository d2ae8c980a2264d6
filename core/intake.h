/* SPDX-License-Identifier: MIT */
/* intake - what client requests do to Redis, collected over one turn of the loop and done in one atomic step (lua/intake.lua):
 * create or find the session, check every bound, register, store credentials, queue jobs.
 *
 * Of one request nothing is written unless all of it is within the bounds, so a refusal can be repeated safely. This file
 * knows keys and blobs; it never looks inside a job. Used by the dispatcher. */
#ifndef CORE_INTAKE_H
#define CORE_INTAKE_H

#include <uv.h>

#include "core/session.h"

struct hub;
struct intake;
struct intakes;

enum intake_op {
	INTAKE_NOT_REGISTERED =
		0, /* the session had not registered when this operation's turn came */
	INTAKE_DONE = 1,
	INTAKE_NO_WORKER =
		2 /* no worker of that platform has shown itself lately; the job was not queued */
};

/* rc 0: `ops[i]` tells of the i-th operation, n of them. Else a negative ERR_NO_SESSION, ERR_SESSIONS_FULL, ERR_OUTBOX_FULL,
 * ERR_QUEUE_FULL, ERR_RATE (`retry_ms` tells when), or ERR_REDIS (then, and only then, the request may have been
 * carried out all the same). */
typedef void intake_done_fn(
	void *arg, int rc, unsigned retry_ms, const enum intake_op *ops, size_t n);

/* Where requests are collected; one per process. `platforms` are the names of all that jobs may be queued for; it, `c` and
 * `hub` are KEPT. GIVES. */
struct intakes *intakes_open(uv_loop_t *loop, const struct conf *c, struct hub *hub,
	const char *const *platforms, size_t n);
/* After the hub is closed. What was collected and not sent is answered with ERR_REDIS. */
void intakes_close(struct intakes *list);

/* One request. `create`: make the session when it does not exist, with `salt` (CRYPT_SALT_SIZE bytes; may be NULL
 * otherwise). GIVES; ends with intake_send() or intake_free(). */
struct intake *intake_new(
	struct intakes *list, const struct session_ref *s, int create, const void *salt);
void intake_free(struct intake *in);
/* Operations, in order; each adds one. */
void intake_register(struct intake *in);
void intake_check(struct intake *in);
void intake_credentials(
	struct intake *in, const char *platform, const char *field, const struct buf *blob);
/* `platform`: one of those of intakes_open(). `lane`: jobs of one session, platform and lane are started in order, also by
 * different workers; "" for those whose order does not matter. Lanes are few (they are kept with the session). */
void intake_job(struct intake *in, const char *platform, const char *lane, const char *token,
	const struct buf *blob);
/* TAKES `in`. 0, and `fn` follows from the loop, or < 0 (ERR_REDIS): Redis is away, nothing was done, no callback. */
int intake_send(struct intake *in, intake_done_fn *fn, void *arg);

#endif
