/* SPDX-License-Identifier: MIT */
#include "workers/outgoing.h"

#include <string.h>
#include <utlist.h>

#include "core/activity.h"
#include "core/conf.h"
#include "core/err.h"
#include "core/hub.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/result.h"
#include "core/turn.h"
#include "platforms/platform.h"
#include "workers/overflow.h"
#include "workers/worker.h"

#define BATCH_MAGIC 0x0B470001u
#define BATCH_ITEMS 128
#define BATCH_BYTES (1 << 20)

/* Messages of one session within one turn, and the result of one job. */
struct outgoing_item {
	struct session_ref session;
	struct backlog_source *source; /* whose bytes these are; NULL: a result's alone */
	unsigned generation;           /* of all its bytes: they leave together */
	struct outgoing_item **owner;  /* where a job points to it; NULL: none */
	char id[QUEUE_ID_SIZE];        /* the job's; "" outside of jobs */
	char token[QUEUE_TOKEN_SIZE];  /* of the result; "" without one */
	unsigned flags;                /* enum queue_flag */
	struct buf *messages;          /* sealed */
	size_t n_messages;
	struct buf result; /* sealed */
	struct buf
		fallback; /* sealed: the result to give when the messages do not fit into the outbox */
	size_t bytes;
	struct outgoing_item *prev, *next;
};

/* One script call. */
struct batch {
	unsigned magic;
	struct outgoing_shard *shard; /* NULL: closed while the reply was under way */
	struct outgoing_item *items;
	size_t n;
	size_t bytes;
	int sent; /* an answer will come */
	struct batch *prev, *next;
};

struct outgoing_shard {
	struct outgoing *outgoing;
	unsigned n;
	struct outgoing_item *open; /* of this turn, in order */
	struct batch *batches;      /* not settled, in order */
	struct turn_task flush;
};

struct outgoing {
	struct worker *worker;
	outgoing_settled_fn *settled;
	void *arg;
	struct outgoing_shard *shards;
	unsigned n;
	struct backlog backlog;
	struct overflow *overflow;
};

/* --- items ------------------------------------------------------------------------------------------------------------- */

static struct outgoing_item *item_new(struct outgoing_shard *sh, const struct session_ref *s,
	struct backlog_source *source, struct outgoing_item **owner)
{
	struct outgoing_item *item = mem_alloc(sizeof *item);

	item->session = *s;
	item->source = source;
	item->generation = backlog_generation(source);
	item->owner = owner;
	if (owner != NULL)
		*owner = item;
	DL_APPEND(sh->open, item);
	turn_queue(sh->outgoing->worker->loop, TURN_WORK, &sh->flush);
	return item;
}

/* Without `o` nothing is counted any more but what the source has. */
static void item_free(struct outgoing *o, struct outgoing_item *item)
{
	if (o != NULL)
		backlog_remove(&o->backlog, item->source, item->generation, item->bytes);
	else
		backlog_source_forget(item->source, item->generation, item->bytes);
	for (size_t i = 0; i < item->n_messages; i++)
		buf_release(&item->messages[i]);
	mem_free(item->messages);
	buf_release(&item->result);
	buf_release(&item->fallback);
	mem_free(item);
}

static void seal(
	struct outgoing *o, struct outgoing_item *item, const struct buf *text, struct buf *blob)
{
	char ad[SESSION_AD_SIZE];

	session_ad(&item->session, SESSION_AD_MESSAGE, ad);
	crypt_seal(&o->worker->key, ad, buf_str(text), text->len, blob);
	item->bytes += blob->len;
	backlog_add(&o->backlog, item->source, item->generation, blob->len);
}

static void message_add(struct outgoing *o, struct outgoing_item *item, const struct buf *text)
{
	item->messages = mem_realloc(
		item->messages, (item->n_messages + 1) * sizeof *item->messages);
	item->messages[item->n_messages] = (struct buf)BUF_INIT;
	seal(o, item, text, &item->messages[item->n_messages++]);
}

/* A message of our own making, in place of one that cannot be delivered. */
static void error_text(struct outgoing *o, const char *why, struct buf *text)
{
	json_t *message = activity_message("error", json_pack("{s:s}", "address", "unknown"), NULL,
		json_pack("{s:s, s:s}", "objectType", "error", "text", why));

	json_object_set_new(message, "status", json_false());
	result_message(text, message, o->worker->platform->name);
	json_decref(message);
}

static void message_put(struct outgoing *o, struct outgoing_item *item, const json_t *message)
{
	struct buf text = BUF_INIT;

	result_message(&text, message, o->worker->platform->name);
	if (text.len > (size_t)o->worker->conf->limits_message_bytes) {
		log_event(LOG_WARN, "message.too-large", LOG_STR("session", item->session.h),
			LOG_INT("bytes", text.len));
		buf_clear(&text);
		error_text(o, "a message was larger than limits.message_bytes and was left out",
			&text);
	}
	message_add(o, item, &text);
	buf_release(&text);
}

void outgoing_message(struct outgoing *o, const struct session_ref *s,
	struct backlog_source *source, const json_t *message)
{
	if (!overflow_drops(o->overflow, s))
		message_put(o, item_new(&o->shards[s->shard], s, source, NULL), message);
}

/* The item the job has open, or a new one. */
static struct outgoing_item *item_of(struct outgoing *o, const struct queue_job *job,
	struct backlog_source *source, struct outgoing_item **owner)
{
	struct outgoing_item *item = *owner;

	if (item == NULL)
		item = item_new(&o->shards[job->session.shard], &job->session, source, owner);
	memcpy(item->id, job->id, sizeof item->id);
	return item;
}

void outgoing_job_message(struct outgoing *o, const struct queue_job *job,
	struct backlog_source *source, struct outgoing_item **owner, const json_t *message)
{
	message_put(o, item_of(o, job, source, owner), message);
}

static void fallback_seal(struct outgoing *o, struct outgoing_item *item, const json_t *activity)
{
	struct buf text = BUF_INIT;

	if (item->n_messages == 0)
		return;
	result_failure(&text, activity, o->worker->platform->name,
		"the outbox is full: the messages of this job were not kept; read your messages "
		"first");
	seal(o, item, &text, &item->fallback);
	buf_release(&text);
}

void outgoing_result(struct outgoing *o, const struct queue_job *job, struct outgoing_item **owner,
	const json_t *activity, const struct buf *text)
{
	struct outgoing_item *item = item_of(o, job, NULL, owner);
	struct buf too_large = BUF_INIT;

	if (text->len > (size_t)o->worker->conf->limits_message_bytes) {
		result_failure(&too_large, activity, o->worker->platform->name,
			"the result was larger than limits.message_bytes");
		text = &too_large;
	}
	memcpy(item->token, job->token, sizeof item->token);
	item->flags = (job->started ? QUEUE_MARKED : 0) | (job->not_run ? QUEUE_HOLDER : 0);
	seal(o, item, text, &item->result);
	fallback_seal(o, item, activity);
	buf_release(&too_large);
	item->owner = NULL;
	*owner = NULL;
}

/* --- batches ----------------------------------------------------------------------------------------------------------- */

static void batch_free(struct batch *b)
{
	struct outgoing *o = b->shard != NULL ? b->shard->outgoing : NULL;
	struct outgoing_item *item, *next;

	if (o != NULL)
		DL_DELETE(b->shard->batches, b);
	DL_FOREACH_SAFE (b->items, item, next)
		item_free(o, item);
	mem_free(b);
}

/* One message that always fits. */
static void tell_overflow(void *arg, const struct session_ref *s, size_t messages)
{
	struct outgoing *o = arg;
	struct outgoing_item *item = item_new(&o->shards[s->shard], s, NULL, NULL);
	struct buf text = BUF_INIT;

	log_event(LOG_WARN, "outbox.full", LOG_STR("session", s->h), LOG_INT("messages", messages));
	error_text(
		o, "the outbox is full: messages were not kept; read your messages first", &text);
	message_add(o, item, &text);
	buf_release(&text);
	item->flags = QUEUE_FORCE;
}

/* The messages did not fit. A job fails with that; of the others the session is told. */
static void item_overflowed(struct outgoing *o, struct outgoing_item *item)
{
	struct outgoing_item *again;

	if (*item->token == '\0') {
		if (overflow_refused(&o->overflow, &item->session, uv_now(o->worker->loop)))
			tell_overflow(o, &item->session, item->n_messages);
		return;
	}
	log_event(LOG_WARN, "outbox.full", LOG_STR("session", item->session.h),
		LOG_INT("messages", item->n_messages));
	again = item_new(&o->shards[item->session.shard], &item->session, NULL, NULL);
	memcpy(again->id, item->id, sizeof again->id);
	memcpy(again->token, item->token, sizeof again->token);
	again->flags = item->flags;
	again->result = item->fallback;
	again->bytes = again->result.len;
	backlog_add(&o->backlog, NULL, 0, again->bytes);
	item->fallback = (struct buf)BUF_INIT;
}

static void on_settled(void *arg, int rc, const enum queue_outcome *outcomes, size_t n)
{
	CAST(batch, b, arg, BATCH_MAGIC);
	struct outgoing *o = b->shard != NULL ? b->shard->outgoing : NULL;
	struct outgoing_item *item;
	size_t i = 0;

	UNUSED(n);
	if (o == NULL) {
		batch_free(b);
		return;
	}
	b->sent = 0;
	if (rc < 0)
		return; /* kept; sent again when the connection is back */
	DL_FOREACH (b->items, item) {
		if (outcomes[i] == QUEUE_OUTBOX_FULL)
			item_overflowed(o, item);
		else if (*item->token != '\0')
			o->settled(o->arg, b->shard->n, item->id);
		i++;
	}
	batch_free(b);
	if (o->backlog.bytes == 0)
		o->settled(o->arg, 0, "");
}

static void batch_send(struct batch *b)
{
	struct outgoing *o = b->shard->outgoing;
	const struct queue_ref q = {b->shard->n, o->worker->platform->name, o->worker->name};
	struct queue_finish *f = queue_finish_new(&q);
	struct outgoing_item *item;

	DL_FOREACH (b->items, item) {
		queue_finish_item(f, &item->session, *item->id != '\0' ? item->id : NULL,
			*item->token != '\0' ? item->token : NULL, item->flags);
		for (size_t i = 0; i < item->n_messages; i++)
			queue_finish_message(f, &item->messages[i]);
		if (*item->token != '\0')
			queue_finish_result(f, &item->result);
	}
	b->sent = queue_finish_send(f, hub_commands(o->worker->hub, b->shard->n), o->worker->conf,
			  on_settled, b) == 0;
	queue_finish_free(f);
}

/* A refused script (out of memory, a full disk) is tried again, but not at once. */
static void resend(struct outgoing_shard *sh)
{
	struct batch *b;

	DL_FOREACH (sh->batches, b) {
		if (b->sent)
			continue;
		batch_send(b);
		if (!b->sent)
			return;
	}
}

static void on_flush(void *arg)
{
	struct outgoing_shard *sh = arg;
	struct batch *b = NULL;
	struct outgoing_item *item, *next;

	DL_FOREACH_SAFE (sh->open, item, next) {
		DL_DELETE(sh->open, item);
		if (item->owner != NULL)
			*item->owner =
				NULL; /* the job goes on: what it sends next is another item */
		if (b == NULL || b->n == BATCH_ITEMS || b->bytes > BATCH_BYTES) {
			b = mem_alloc(sizeof *b);
			b->magic = BATCH_MAGIC;
			b->shard = sh;
			DL_APPEND(sh->batches, b);
		}
		DL_APPEND(b->items, item);
		b->n++;
		b->bytes += item->bytes;
	}
	resend(sh);
}

void outgoing_on_commands(struct outgoing *o, unsigned shard, int up)
{
	if (up)
		resend(&o->shards[shard]);
}

void outgoing_beat(struct outgoing *o)
{
	for (unsigned i = 0; i < o->n; i++)
		outgoing_on_commands(o, i, redis_is_up(hub_commands(o->worker->hub, i)));
	overflow_sweep(&o->overflow, uv_now(o->worker->loop), tell_overflow, o);
}

/* --- life ---------------------------------------------------------------------------------------------------------------- */

struct outgoing *outgoing_open(struct worker *w, outgoing_settled_fn *settled, void *arg)
{
	struct outgoing *o = mem_alloc(sizeof *o);

	o->worker = w;
	o->settled = settled;
	o->arg = arg;
	o->n = hub_shards(w->hub);
	o->shards = mem_array(o->n, sizeof *o->shards);
	for (unsigned i = 0; i < o->n; i++) {
		o->shards[i] = (struct outgoing_shard){.outgoing = o, .n = i};
		o->shards[i].flush = (struct turn_task){.fn = on_flush, .arg = &o->shards[i]};
	}
	return o;
}

void outgoing_close(struct outgoing **op)
{
	struct outgoing *o = *op;

	*op = NULL;
	if (o == NULL)
		return;
	for (unsigned i = 0; i < o->n; i++) {
		struct outgoing_shard *sh = &o->shards[i];
		struct batch *b, *next;
		struct outgoing_item *item, *next_item;

		turn_cancel(&sh->flush);
		DL_FOREACH_SAFE (sh->open, item, next_item)
			item_free(o, item);
		DL_FOREACH_SAFE (sh->batches, b, next)
			if (b->sent)
				b->shard = NULL; /* its reply is still to come */
			else
				batch_free(b);
	}
	overflow_clear(&o->overflow);
	mem_free(o->shards);
	mem_free(o);
}

size_t outgoing_bytes(const struct outgoing *o)
{
	return o->backlog.bytes;
}

struct backlog *outgoing_backlog(struct outgoing *o)
{
	return &o->backlog;
}
