/* SPDX-License-Identifier: MIT */
/* outgoing - what a worker sends to sessions: messages and results, sealed, in order, and kept until Redis has taken them.
 *
 * What is sent within one turn of the loop leaves in one script call per shard; a job's messages of that turn and its
 * result are one atomic item. When Redis is away the batches wait and are sent again in order: the results of jobs stay
 * unique (core/queue.h), a message may come twice then. Counts what each instance has waiting (workers/backlog.h). Knows
 * sessions and blobs; no platform. */
#ifndef WORKERS_OUTGOING_H
#define WORKERS_OUTGOING_H

#include <jansson.h>

#include "core/queue.h"
#include "workers/backlog.h"

struct outgoing;
struct outgoing_item;
struct worker;

/* A job's entry is gone from the queue (or was before): `id` need not be remembered any more. With "" nothing is left
 * to be sent. */
typedef void outgoing_settled_fn(void *arg, unsigned shard, const char *id);

/* `w` is KEPT. GIVES. */
struct outgoing *outgoing_open(struct worker *w, outgoing_settled_fn *settled, void *arg);
/* What has not left is lost to this process: its jobs will be taken over. Sets NULL. */
void outgoing_close(struct outgoing **o);
/* The hub's event: sends again what was not answered. */
void outgoing_on_commands(struct outgoing *o, unsigned shard, int up);
/* Once a second: sends again what was refused, and tells the sessions whose messages were dropped. */
void outgoing_beat(struct outgoing *o);

/* Sends a message to a session, outside of jobs. The message is borrowed; an oversized one is replaced by an error
 * message. Dropped when the session's outbox was full a moment ago. `source`: who sends; it lives on until all has left. */
void outgoing_message(struct outgoing *o, const struct session_ref *s,
	struct backlog_source *source, const json_t *message);
/* The same for a message of a job. `item`: where the job keeps its open item, so that messages and result stay together.
 * Dropped at Redis when the job has been given to another worker. */
void outgoing_job_message(struct outgoing *o, const struct queue_job *job,
	struct backlog_source *source, struct outgoing_item **item, const json_t *message);
/* Sends the result of a job and ends its item. `text` is the result (core/result.h). */
void outgoing_result(struct outgoing *o, const struct queue_job *job, struct outgoing_item **item,
	const json_t *activity, const struct buf *text);
/* Bytes on their way or waiting. */
size_t outgoing_bytes(const struct outgoing *o);
/* What counts them, for new sources. */
struct backlog *outgoing_backlog(struct outgoing *o);

#endif
