/* SPDX-License-Identifier: MIT */
/* classic - the classic wire dialect: reads a client's jobs into neutral activities, writes replies, byte for byte as
 * version 0.3.2 did (docs/protocol.md). Pure: knows the registry, not the session, not Redis.
 *
 * The neutral form that workers put into an outbox is the classic message, member for member, so a message goes out
 * as it is. Another dialect has a file like this one, and the dispatcher calls it through the same functions. */
#ifndef GATEWAY_CLASSIC_H
#define GATEWAY_CLASSIC_H

#include <jansson.h>

#include "core/buf.h"

struct registry;
struct registry_platform;
struct registry_verb;

/* A job that passed the checks of its envelope. */
struct classic_job {
	json_t *activity; /* normalised: `target` an array unless it is of a wrong type, `object` there. Owned */
	const struct registry_platform *platform;
	const struct registry_verb *verb;
};

/* Reads one value of the client's. TAKES `item`. 0: `job` is filled, release it; < 0: the reply that says why was appended to
 * `refusal` (rows 2 to 8 of the check order). */
int classic_read(
	const struct registry *r, json_t *item, struct classic_job *job, struct buf *refusal);
void classic_job_release(struct classic_job *job);

/* Each appends one JSON object to `out`. */
void classic_invalid(struct buf *out, const char *message); /* row 1 */
void classic_refuse(
	struct buf *out, const struct classic_job *job, const char *message); /* rows 5 to 9 */
void classic_confirm(struct buf *out, const struct classic_job *job);
/* A result of a dispatcher verb; `object` may be NULL: then the member is left out. */
void classic_success(struct buf *out, const struct classic_job *job, const json_t *object);
/* The same with status false; also a job that does not match its schema (row 10). */
void classic_failure(struct buf *out, const struct classic_job *job, const char *message);

#endif
