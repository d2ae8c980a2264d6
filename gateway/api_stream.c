/* SPDX-License-Identifier: MIT */
/* api_stream - GET BASE/SID/stream: messages as Server-Sent Events (WHATWG HTML, section 9.2) or one JSON object per line.
 *
 * What is written when is follow.c's business; a client that does not take it has no more than STREAM_QUEUE waiting here. */
#include <string.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/mem.h"
#include "core/redis.h"
#include "gateway/api_priv.h"
#include "gateway/follow.h"

#define STREAM_QUEUE 65536
#define HEARTBEAT_MS 15000

struct stream {
	struct parked parked;
	struct follow follow;
	int ndjson;
	int begun; /* status and headers are out */
};

static struct stream *of_parked(struct parked *p)
{
	return CONTAINER_OF(p, struct stream, parked);
}

static struct stream *of_waiter(struct waiter *w)
{
	return of_parked(CONTAINER_OF(w, struct parked, waiter));
}

static struct stream *of_follow(struct follow *f)
{
	return CONTAINER_OF(f, struct stream, follow);
}

static void stream_release(struct parked *p)
{
	mem_free(of_parked(p));
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

static void on_write(
	struct follow *f, const struct outbox_entry *entry, const char *text, size_t len)
{
	struct stream *s = of_follow(f);
	struct buf out = BUF_INIT;

	if (text == NULL)
		return;
	buf_reserve(&out, len + OUTBOX_CURSOR_SIZE + 16);
	if (!s->ndjson)
		buf_printf(&out, "id: %s\ndata: ", entry->cursor);
	buf_add(&out, text, len);
	buf_add_str(&out, s->ndjson ? "\n" : "\n\n");
	exchange_write(s->parked.x, out.data, out.len);
	buf_release(&out);
}

static int has_room(struct follow *f)
{
	return exchange_queued(of_follow(f)->parked.x) <= STREAM_QUEUE;
}

static void on_message(
	struct waiter *w, const struct outbox_entry *entry, const char *text, size_t len)
{
	follow_message(&of_waiter(w)->follow, entry, text, len);
}

/* The client has taken all that was written. */
static void on_drained(struct exchange *x)
{
	follow_resume(&of_parked(x->owner)->follow);
}

static void on_heartbeat(uv_timer_t *timer)
{
	struct parked *p = timer->data;
	struct stream *s = of_parked(p);

	if (!s->begun)
		stream_end(s, -(int)ERR_REDIS);
	else if (exchange_queued(p->x) == 0)
		exchange_write(p->x, s->ndjson ? "\n" : ":\n\n", s->ndjson ? 1 : 3);
}

/* The first read has told that there is such a session. */
static void on_read(struct follow *f)
{
	struct stream *s = of_follow(f);
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

static void on_read_failed(struct follow *f, int rc)
{
	struct stream *s = of_follow(f);

	if (rc != -(int)ERR_REDIS || !s->begun)
		stream_end(s, rc);
}

static void begin(struct stream *s)
{
	if (follow_ready(&s->follow) < 0 && !s->begun)
		stream_end(s, -(int)ERR_REDIS);
}

static void on_ready(struct waiter *w)
{
	begin(of_waiter(w));
}

static void on_ended(struct waiter *w)
{
	stream_end(of_waiter(w), -(int)ERR_NO_SESSION);
}

static void on_drain(struct parked *p)
{
	stream_end(of_parked(p), -(int)ERR_DRAINING);
}

/* An EventSource that reconnects names its cursor in the header and repeats the query it began with. */
static int cursor_read(struct exchange *x, char cursor[OUTBOX_CURSOR_SIZE])
{
	const char *last = exchange_header(x, "Last-Event-ID");

	if (last == NULL || *last == '\0')
		return api_query_cursor(x->query, "after", cursor);
	if (strlen(last) >= OUTBOX_CURSOR_SIZE || !outbox_cursor_valid(last))
		return -(int)ERR_INVALID;
	memcpy(cursor, last, strlen(last) + 1);
	return 0;
}

void api_stream(struct api *api, struct api_call *call)
{
	const char *accept = exchange_header(call->x, "Accept");
	int events = api_accepts(accept, "text/event-stream");
	int lines = api_accepts(accept, "application/x-ndjson");
	char cursor[OUTBOX_CURSOR_SIZE];
	struct stream *s;
	int code = 0;

	if (cursor_read(call->x, cursor) < 0)
		code = ERR_INVALID;
	else if (!events && !lines)
		code = ERR_NOT_ACCEPTABLE;
	else if (!redis_is_up(hub_subscriber(api->parts.hub, call->session.shard)))
		code = ERR_REDIS;
	else if (api->draining)
		code = ERR_DRAINING;
	if (code != 0) {
		api_problem(api, call->x, code,
			code == ERR_INVALID ? "after and Last-Event-ID have to be cursors" : NULL);
		return;
	}
	s = mem_alloc(sizeof *s);
	s->ndjson = lines && (!events || (accept != NULL && strstr(accept, "x-ndjson") != NULL));
	s->follow = (struct follow){.parked = &s->parked,
		.room = has_room,
		.write = on_write,
		.read = on_read,
		.failed = on_read_failed};
	follow_from(&s->follow, cursor);
	parked_open(&s->parked, api, call);
	s->parked.waiter = (struct waiter){
		.ready = on_ready, .message = on_message, .ended = on_ended};
	s->parked.drain = on_drain;
	s->parked.release = stream_release;
	uv_timer_start(&s->parked.timer, on_heartbeat, HEARTBEAT_MS, HEARTBEAT_MS);
	if (delivery_attach(api->parts.delivery, &s->parked.session, &s->parked.waiter))
		begin(s);
}
