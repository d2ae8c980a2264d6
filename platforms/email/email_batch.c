/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_batch.h"

#include <utlist.h>

#include "core/err.h"
#include "core/mem.h"
#include "platforms/email/email_reader.h"

#define ENTRY_MAGIC 0x656d6169u

struct entry {
	unsigned magic;
	struct email_batch *batch;
	struct email_reader *reader; /* NULL: the message is there */
	json_t *message, *members;
	size_t bytes; /* of the mail */
	struct entry *prev, *next;
};

struct email_batch {
	uv_loop_t *loop;
	struct email_batch_events events;
	struct entry *entries; /* in order */
	size_t n, bytes;
};

struct email_batch *email_batch_new(uv_loop_t *loop, const struct email_batch_events *events)
{
	struct email_batch *b = mem_alloc(sizeof *b);

	b->loop = loop;
	b->events = *events;
	return b;
}

static void entry_free(struct entry *en)
{
	DL_DELETE(en->batch->entries, en);
	en->batch->n--;
	en->batch->bytes -= en->bytes;
	email_reader_cancel(&en->reader);
	json_decref(en->message);
	json_decref(en->members);
	mem_free(en);
}

void email_batch_free(struct email_batch **bp)
{
	struct email_batch *b = *bp;

	*bp = NULL;
	if (b == NULL)
		return;
	while (b->entries != NULL)
		entry_free(b->entries);
	mem_free(b);
}

/* Gives what is there, up to the first mail that is still being read. */
static void flush(struct email_batch *b)
{
	while (b->entries != NULL && b->entries->message != NULL) {
		struct entry *en = b->entries;
		json_t *message = en->message;

		json_object_update(json_object_get(message, "object"), en->members);
		en->message = NULL;
		entry_free(en);
		b->events.message(b->events.arg, message);
	}
}

static void on_read(void *arg, json_t *message, const struct err *e)
{
	CAST(entry, en, arg, ENTRY_MAGIC);
	struct email_batch *b = en->batch;

	UNUSED(e);
	en->reader = NULL;
	en->message = message;
	flush(b);
	if (b->n == 0)
		b->events.drained(b->events.arg);
}

void email_batch_add(struct email_batch *b, struct buf *bytes, const struct email_read_options *o,
	json_t *members)
{
	struct entry *en = mem_alloc(sizeof *en);

	en->magic = ENTRY_MAGIC;
	en->batch = b;
	en->members = members;
	en->bytes = bytes->len;
	DL_APPEND(b->entries, en);
	b->n++;
	b->bytes += en->bytes;
	if (bytes->len > EMAIL_READ_INLINE_BYTES) {
		const struct email_reader_job job = {.mail = *bytes, .options = *o};

		*bytes = (struct buf)BUF_INIT;
		en->reader = email_reader_start(b->loop, &job, on_read, en);
		return;
	}
	en->message = email_read(buf_str(bytes), bytes->len, o);
	buf_release(bytes);
	flush(b);
}

size_t email_batch_waiting(const struct email_batch *b)
{
	return b->n;
}

int email_batch_is_full(const struct email_batch *b)
{
	return b->bytes > EMAIL_BATCH_BYTES;
}
