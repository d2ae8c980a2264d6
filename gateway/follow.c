/* SPDX-License-Identifier: MIT */
#include "gateway/follow.h"

#include <string.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/stream_id.h"
#include "gateway/api_priv.h"

/* One read; what it holds may be queued beyond the client's room. */
#define PAGE       100
#define PAGE_BYTES 262144
/* Messages that are acknowledged together when they are at all. */
#define EAGER_BATCH 64

static struct redis *commands(const struct follow *f)
{
	return hub_commands(f->parked->api->parts.hub, f->parked->session.shard);
}

static const struct conf *conf(const struct follow *f)
{
	return f->parked->api->parts.conf;
}

/* --- what the client has ------------------------------------------------------------------------------------------------ */

static void on_acked(void *arg, int rc, const struct outbox_entry *entries, size_t n)
{
	struct follow *f = arg;

	UNUSED(rc);
	UNUSED(entries);
	UNUSED(n);
	(void)parked_settle(f->parked);
}

static void ack_send(struct follow *f, const char *cursor)
{
	const struct outbox_read read = {.session = f->parked->session, .after = "", .ack = cursor};

	if (outbox_read(commands(f), conf(f), &read, on_acked, f) == 0)
		f->parked->pending++;
}

static void mark_move(struct follow *f)
{
	long long quarter = conf(f)->limits_outbox / 4;

	if (++f->since_mark < (f->eager ? MIN(quarter, EAGER_BATCH) : quarter))
		return;
	f->since_mark = 0;
	if (f->eager)
		ack_send(f, f->cursor);
	else if (*f->mark != '\0')
		ack_send(f, f->mark);
	memcpy(f->mark, f->cursor, sizeof f->mark);
}

static void write_message(
	struct follow *f, const struct outbox_entry *entry, const char *text, size_t len)
{
	memcpy(f->cursor, entry->cursor, sizeof f->cursor);
	f->write(f, entry, text, len);
	if (text == NULL)
		return;
	f->parked->api->parts.metrics->messages++;
	mark_move(f);
}

void follow_from(struct follow *f, const char *cursor)
{
	memcpy(f->cursor, cursor, strlen(cursor) + 1);
	memcpy(f->ack, f->cursor, sizeof f->ack);
}

/* --- live ------------------------------------------------------------------------------------------------------------------ */

void follow_message(
	struct follow *f, const struct outbox_entry *entry, const char *text, size_t len)
{
	if (f->reading || f->behind || !f->room(f)) {
		f->behind = 1;
		f->missed++;
	} else if (stream_id_compare(entry->cursor, f->cursor) > 0) {
		write_message(f, entry, text, len);
	}
}

void follow_resume(struct follow *f)
{
	if (f->behind && !f->reading)
		(void)follow_ready(f);
}

/* --- from the outbox ---------------------------------------------------------------------------------------------------- */

static int outbox_ask(struct follow *f);

static void on_read(void *arg, int rc, const struct outbox_entry *entries, size_t n)
{
	struct follow *f = arg;
	struct parked *p = f->parked;
	struct buf text = BUF_INIT;

	f->reading = 0;
	if (parked_settle(p))
		return;
	if (rc < 0) {
		f->behind = 1;
		f->failed(f, rc);
		return;
	}
	if (f->read != NULL)
		f->read(f);
	f->missed = n > 0 ? MAX(f->missed - (long long)n, 0) : 0;
	for (size_t i = 0; i < n && !p->finished; i++) {
		const char *opened;

		buf_clear(&text);
		opened = delivery_open_entry(
			p->api->parts.delivery, &p->session, &entries[i], &text);
		write_message(f, &entries[i], opened, text.len);
	}
	buf_release(&text);
	/* An empty page is the end; any other may have been cut short by its bounds. */
	if (n > 0)
		f->behind = 1;
	if (!p->finished && f->behind && f->room(f))
		(void)outbox_ask(f);
}

static int outbox_ask(struct follow *f)
{
	const struct outbox_read read = {
		.session = f->parked->session,
		.after = f->cursor,
		.ack = f->eager ? f->cursor : f->ack,
		.limit = PAGE,
		.max_bytes = PAGE_BYTES,
	};

	if (outbox_read(commands(f), conf(f), &read, on_read, f) < 0) {
		f->behind = 1;
		return -(int)ERR_REDIS;
	}
	f->parked->pending++;
	f->ack[0] = '\0';
	f->reading = 1;
	f->behind = 0;
	return 0;
}

int follow_ready(struct follow *f)
{
	if (!f->reading && f->room(f))
		return outbox_ask(f);
	f->behind = 1;
	return 0;
}
