/* SPDX-License-Identifier: MIT */
/* api_stream - GET BASE/SID/stream: messages as Server-Sent Events (WHATWG HTML, section 9.2) or one JSON object per line.
 *
 * A stream is live or it reads. It reads at its start and whenever it may have missed something: a subscription made anew, or a
 * client that did not take what was written (then nothing more is queued than STREAM_QUEUE; the messages wait in the outbox).
 * Nothing tells us what such a client has; so that its outbox does not fill, what was written long ago is
 * acknowledged for it: at least a quarter of the outbox's bound stays for a resume. */
#include <string.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/mem.h"
#include "core/redis.h"
#include "gateway/api_priv.h"

#define STREAM_QUEUE     65536
#define STREAM_PAGE      100
#define STREAM_PAGE_SIZE 262144
#define HEARTBEAT_MS     15000

struct stream {
	struct parked parked;
	int ndjson;
	int begun;                       /* status and headers are out */
	int reading;                     /* an answer from the outbox is under way */
	int behind;                      /* something may have been missed: read again */
	char cursor[OUTBOX_CURSOR_SIZE]; /* of the last message written, or what the client named */
	char ack[OUTBOX_CURSOR_SIZE];    /* to acknowledge with the next read */
	char mark
		[OUTBOX_CURSOR_SIZE]; /* where the client was a quarter of the outbox's bound ago */
	long long since_mark;
};

static struct stream *stream_of(struct waiter *w)
{
	return CONTAINER_OF(CONTAINER_OF(w, struct parked, waiter), struct stream, parked);
}

static void stream_release(struct parked *p)
{
	mem_free(CONTAINER_OF(p, struct stream, parked));
}

static void stream_end(struct stream *s, int code)
{
	struct exchange *x = s->parked.x;

	s->parked.x = NULL;
	if (x != NULL && s->begun)
		exchange_end(x);
	else if (x != NULL)
		api_problem(s->parked.api, x, code, NULL);
	parked_finish(&s->parked);
}

static void read_outbox(struct stream *s);

static void on_acked(void *arg, int rc, const struct outbox_entry *entries, size_t n)
{
	struct stream *s = arg;

	UNUSED(rc);
	UNUSED(entries);
	UNUSED(n);
	(void)parked_settle(&s->parked);
}

static void ack_send(struct stream *s, const char *cursor)
{
	struct parked *p = &s->parked;
	const struct outbox_read read = {.session = p->session, .after = "", .ack = cursor};

	if (outbox_read(hub_commands(p->api->parts.hub, p->session.shard), p->api->parts.conf,
		    &read, on_acked, s) == 0)
		p->pending++;
}

static void mark_move(struct stream *s)
{
	if (++s->since_mark < s->parked.api->parts.conf->limits_outbox / 4)
		return;
	s->since_mark = 0;
	if (*s->mark != '\0')
		ack_send(s, s->mark);
	memcpy(s->mark, s->cursor, sizeof s->mark);
}

static void write_message(
	struct stream *s, const struct outbox_entry *entry, const char *text, size_t len)
{
	struct buf out = BUF_INIT;

	memcpy(s->cursor, entry->cursor, sizeof s->cursor);
	if (text == NULL)
		return;
	buf_reserve(&out, len + OUTBOX_CURSOR_SIZE + 16);
	if (!s->ndjson)
		buf_printf(&out, "id: %s\ndata: ", entry->cursor);
	buf_add(&out, text, len);
	buf_add_str(&out, s->ndjson ? "\n" : "\n\n");
	exchange_write(s->parked.x, out.data, out.len);
	buf_release(&out);
	s->parked.api->parts.metrics->messages++;
	mark_move(s);
}

static void on_message(
	struct waiter *w, const struct outbox_entry *entry, const char *text, size_t len)
{
	struct stream *s = stream_of(w);

	if (s->reading || !s->begun || exchange_queued(s->parked.x) > STREAM_QUEUE)
		s->behind = 1;
	else if (!s->behind && outbox_cursor_compare(entry->cursor, s->cursor) > 0)
		write_message(s, entry, text, len);
}

/* The client has taken all that was written. */
static void on_drained(struct exchange *x)
{
	struct parked *p = x->owner;
	struct stream *s = CONTAINER_OF(p, struct stream, parked);

	if (s->behind && !s->reading)
		read_outbox(s);
}

static void on_heartbeat(uv_timer_t *timer)
{
	struct parked *p = timer->data;
	struct stream *s = CONTAINER_OF(p, struct stream, parked);

	if (!s->begun)
		stream_end(s, -(int)ERR_REDIS);
	else if (exchange_queued(p->x) == 0)
		exchange_write(p->x, s->ndjson ? "\n" : ":\n\n", s->ndjson ? 1 : 3);
}

static void begin(struct stream *s)
{
	struct parked *p = &s->parked;

	if (s->begun)
		return;
	s->begun = 1;
	p->x->drained = on_drained;
	api_stream_begin(p->api, p->x, s->ndjson ? "application/x-ndjson" : "text/event-stream");
	if (!s->ndjson)
		exchange_write(p->x, ":\n\n",
			3); /* lets proxies pass the head on, and clients see that it works */
}

static void on_read(void *arg, int rc, const struct outbox_entry *entries, size_t n)
{
	struct stream *s = arg;
	struct parked *p = &s->parked;
	struct buf text = BUF_INIT;

	s->reading = 0;
	if (parked_settle(p))
		return;
	if (rc == -(int)ERR_REDIS && s->begun) {
		s->behind = 1; /* the next subscription reads again */
		return;
	}
	if (rc < 0) {
		stream_end(s, rc);
		return;
	}
	begin(s);
	for (size_t i = 0; i < n && p->x != NULL; i++) {
		const char *opened;

		buf_clear(&text);
		opened = delivery_open_entry(
			p->api->parts.delivery, &p->session, &entries[i], &text);
		write_message(s, &entries[i], opened, text.len);
	}
	buf_release(&text);
	/* An empty page is the end; any other may have been cut short by its bounds. */
	if (n > 0)
		s->behind = 1;
	if (p->x != NULL && s->behind && exchange_queued(p->x) <= STREAM_QUEUE)
		read_outbox(s);
	else if (p->api->draining)
		stream_end(s, -(int)ERR_DRAINING);
}

static void read_outbox(struct stream *s)
{
	struct parked *p = &s->parked;
	const struct outbox_read read = {
		.session = p->session,
		.after = s->cursor,
		.ack = s->ack,
		.limit = STREAM_PAGE,
		.max_bytes = STREAM_PAGE_SIZE,
	};

	if (outbox_read(hub_commands(p->api->parts.hub, p->session.shard), p->api->parts.conf,
		    &read, on_read, s) < 0) {
		s->behind = 1;
		if (!s->begun)
			stream_end(s, -(int)ERR_REDIS);
		return;
	}
	s->ack[0] = '\0';
	s->behind = 0;
	s->reading = 1;
	p->pending++;
}

static void on_ready(struct waiter *w)
{
	struct stream *s = stream_of(w);

	if (!s->reading)
		read_outbox(s);
	else
		s->behind = 1;
}

static void on_ended(struct waiter *w)
{
	stream_end(stream_of(w), -(int)ERR_NO_SESSION);
}

static void on_drain(struct parked *p)
{
	stream_end(CONTAINER_OF(p, struct stream, parked), -(int)ERR_DRAINING);
}

/* An EventSource that reconnects names its cursor in the header and repeats the query it began with. */
static int cursor_read(struct stream *s, struct exchange *x)
{
	const char *last = exchange_header(x, "Last-Event-ID");

	if (last == NULL || *last == '\0')
		return api_query_cursor(x->query, "after", s->cursor);
	if (strlen(last) >= sizeof s->cursor || !outbox_cursor_valid(last))
		return -(int)ERR_INVALID;
	memcpy(s->cursor, last, strlen(last) + 1);
	return 0;
}

void api_stream(struct api *api, struct api_call *call)
{
	const char *accept = exchange_header(call->x, "Accept");
	int events = api_accepts(accept, "text/event-stream");
	int lines = api_accepts(accept, "application/x-ndjson");
	struct stream *s = mem_alloc(sizeof *s);
	struct parked *p = &s->parked;
	int code = 0;

	if (cursor_read(s, call->x) < 0)
		code = ERR_INVALID;
	else if (!events && !lines)
		code = ERR_NOT_ACCEPTABLE;
	else if (!redis_is_up(hub_subscriber(api->parts.hub, call->session.shard)))
		code = ERR_REDIS;
	else if (api->draining)
		code = ERR_DRAINING;
	if (code != 0) {
		mem_free(s);
		api_problem(api, call->x, code,
			code == ERR_INVALID ? "after and Last-Event-ID have to be cursors" : NULL);
		return;
	}
	s->ndjson = lines && (!events || (accept != NULL && strstr(accept, "x-ndjson") != NULL));
	memcpy(s->ack, s->cursor, sizeof s->ack);
	parked_open(p, api, call);
	p->waiter = (struct waiter){.ready = on_ready, .message = on_message, .ended = on_ended};
	p->drain = on_drain;
	p->release = stream_release;
	uv_timer_start(&p->timer, on_heartbeat, HEARTBEAT_MS, HEARTBEAT_MS);
	if (delivery_attach(api->parts.delivery, &p->session, &p->waiter))
		read_outbox(s);
}
