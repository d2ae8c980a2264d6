/* SPDX-License-Identifier: MIT */
#include "gateway/front_fcgi.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "core/log.h"
#include "core/mem.h"
#include "gateway/cgi.h"
#include "gateway/fcgi_acceptors.h"
#include "gateway/fcgi_records.h"

#define FRONT_MAGIC 0xfc91f207u
#define CALL_MAGIC  0xfc91ca11u
#define OPEN_MAX    20000 /* exchanges; further requests are answered with 503 */
#define CHECK_MS    1000
#define WRITE_MS \
	60000 /* a finished answer of which the peer takes nothing for so long is given up */
#define COMPACT_BYTES (64 * 1024)
#define READ_BYTES    1024

enum call_state {
	CALL_ASKED,     /* the api keeps it and has not answered */
	CALL_STREAMING, /* the api keeps it and writes */
	CALL_ENDING,    /* answered: the rest of the answer has to go out */
	CALL_DONE       /* no descriptor any more; waits in `done` for sent() and its end */
};

/* One request under way: the front's side of a struct exchange. */
struct call {
	unsigned magic;
	struct exchange x;
	struct front_fcgi *front;
	struct fcgi_request *request;
	enum call_state state;
	bool has_poll;
	bool is_broken; /* a write failed: said to the api from the loop, not from within its call */
	bool is_sent;
	int events; /* what `poll` waits for */
	uv_poll_t poll;
	struct fcgi_reader reader;
	struct buf out; /* records; those before `out_at` are written */
	size_t out_at;
	uint64_t progress_ms; /* when the peer last took something of an answer that is ending */
	LIST_ENTRY(call) link;
	STAILQ_ENTRY(call) done_link;
};

LIST_HEAD(call_list, call);

struct front_fcgi {
	unsigned magic;
	uv_loop_t *loop;
	struct front_options options;
	struct fcgi_acceptors *acceptors;
	uv_async_t async;
	uv_timer_t timer;
	unsigned n_handles;
	bool is_waking; /* on_wake() runs: it looks at `done` before it returns */
	size_t n_open;
	struct call_list open;   /* CALL_ASKED, CALL_STREAMING */
	struct call_list ending; /* CALL_ENDING */
	STAILQ_HEAD(, call) done;
};

static const struct exchange_ops call_ops;

static struct call *call_of(const struct exchange *x)
{
	CAST(call, c, (void *)CONTAINER_OF(x, struct call, x), CALL_MAGIC);
	return c;
}

/* --- the end of a call ------------------------------------------------------------------------------------------- */

static void free_call(struct call *c)
{
	fcgi_request_free(c->request);
	buf_release(&c->x.body);
	buf_release(&c->out);
	c->magic = 0;
	mem_free(c);
}

static void on_poll_closed(uv_handle_t *handle)
{
	CAST(call, c, handle->data, CALL_MAGIC);
	free_call(c);
}

/* Gives the descriptor up at once, and the rest from the loop: whoever called us may still look at the exchange.
 * The connection is closed although the web server may have asked for FCGI_KEEP_CONN, which the specification leaves to
 * the application only "if it's able to" (section 5.1): libfcgi may have read bytes of a next request that are out of
 * our reach. A new connection to a unix socket costs some 20 us. */
static void finish_call(struct call *c, bool is_sent)
{
	struct front_fcgi *f = c->front;

	assert(c->state != CALL_DONE);
	if (c->has_poll)
		uv_poll_stop(&c->poll);
	close(c->request->fd);
	c->request->fd = -1;
	c->state = CALL_DONE;
	c->is_sent = is_sent;
	LIST_REMOVE(c, link);
	STAILQ_INSERT_TAIL(&f->done, c, done_link);
	f->n_open--;
	if (!f->is_waking)
		uv_async_send(&f->async);
}

static void end_done_calls(struct front_fcgi *f)
{
	struct call *c;

	while ((c = STAILQ_FIRST(&f->done)) != NULL) {
		STAILQ_REMOVE_HEAD(&f->done, done_link);
		if (c->x.sent != NULL)
			c->x.sent(c->x.sent_arg, c->is_sent);
		if (c->has_poll)
			uv_close((uv_handle_t *)&c->poll, on_poll_closed);
		else
			free_call(c);
	}
}

static void say_gone(struct call *c)
{
	c->x.sent = NULL;
	c->x.gone(&c->x);
	finish_call(c, false);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static size_t queued(const struct call *c)
{
	return c->out.len - c->out_at;
}

/* Writes what the socket takes. */
static void flush(struct call *c)
{
	while (queued(c) > 0 && !c->is_broken) {
		ssize_t n = send(c->request->fd, c->out.data + c->out_at, queued(c), MSG_NOSIGNAL);
		if (n >= 0) {
			c->out_at += (size_t)n;
			c->progress_ms = uv_now(c->front->loop);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			break;
		} else if (errno != EINTR) {
			/* Makes sure that the poll sees it, whatever the reason was. */
			shutdown(c->request->fd, SHUT_RDWR);
			c->is_broken = true;
		}
	}
	if (queued(c) == 0 || c->is_broken) {
		c->out_at = 0;
		buf_release(&c->out);
	} else if (c->out_at >= COMPACT_BYTES && c->out_at >= c->out.len / 2) {
		buf_consume(&c->out, c->out_at);
		c->out_at = 0;
	}
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void watch(struct call *c)
{
	int events = queued(c) > 0 ? UV_WRITABLE : 0;

	if (c->state != CALL_ENDING)
		events |= UV_READABLE | UV_DISCONNECT;
	if (!c->has_poll) {
		uv_poll_init(c->front->loop, &c->poll, c->request->fd);
		c->poll.data = c;
		c->has_poll = true;
	}
	if (events != c->events)
		uv_poll_start(&c->poll, events, on_poll);
	c->events = events;
}

/* After an op of the api: the first attempt to write, and the watch for the rest. */
static void push(struct call *c)
{
	flush(c);
	if (c->state == CALL_ENDING && (queued(c) == 0 || c->is_broken))
		finish_call(c, !c->is_broken);
	else
		watch(c);
}

/* --- reading what comes behind a request -------------------------------------------------------------------------- */

/* 0 when the peer has left or aborted. */
static int take_records(struct call *c, const unsigned char *bytes, size_t len)
{
	unsigned id = 0;

	for (;;) {
		switch (fcgi_reader_next(&c->reader, &bytes, &len, &id)) {
		case FCGI_EVENT_NONE:
			return 1;
		case FCGI_EVENT_BAD:
			return 0;
		case FCGI_EVENT_ABORT:
			if (id != c->request->id)
				break;
			fcgi_put_finish(&c->out, id);
			flush(c); /* best effort: the connection ends anyhow */
			return 0;
		case FCGI_EVENT_BEGIN:
			fcgi_put_end(&c->out, id, FCGI_STATUS_CANT_MPX);
			break;
		}
	}
}

static int read_more(struct call *c)
{
	unsigned char bytes[READ_BYTES];
	ssize_t n = recv(c->request->fd, bytes, sizeof(bytes), 0);

	if (n > 0)
		return take_records(c, bytes, (size_t)n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	CAST(call, c, handle->data, CALL_MAGIC);
	bool was_queued = queued(c) > 0;

	if (status < 0 || c->is_broken)
		events = UV_DISCONNECT;
	if (c->state == CALL_ENDING) {
		c->is_broken |= status < 0;
		push(c);
		return;
	}
	/* Records first: an abort that arrived together with the hang-up changes nothing, but data may not be left
	 * unread for ever. */
	if ((events & UV_DISCONNECT) || ((events & UV_READABLE) && !read_more(c))) {
		say_gone(c);
		return;
	}
	push(c);
	if (was_queued && queued(c) == 0 && !c->is_broken && c->x.drained != NULL)
		c->x.drained(&c->x);
}

/* --- what the api calls -------------------------------------------------------------------------------------------- */

static void put_head(
	struct call *c, int status, const struct http_header *headers, long long content_length)
{
	struct buf head = BUF_INIT;

	cgi_put_head(&head, status, headers, content_length);
	fcgi_put_stdout(&c->out, c->request->id, head.data, head.len);
	buf_release(&head);
}

static void start_ending(struct call *c)
{
	fcgi_put_finish(&c->out, c->request->id);
	c->state = CALL_ENDING;
	c->progress_ms = uv_now(c->front->loop);
	LIST_REMOVE(c, link);
	LIST_INSERT_HEAD(&c->front->ending, c, link);
	push(c);
}

static const char *op_header(struct exchange *x, const char *name)
{
	return cgi_request_header(&call_of(x)->request->cgi, name);
}

static void op_respond(
	struct exchange *x, int status, const struct http_header *headers, struct buf *body)
{
	struct call *c = call_of(x);
	bool has_body = status != 204 && status != 304;

	assert(c->state == CALL_ASKED);
	put_head(c, status, headers, has_body ? (long long)body->len : -1);
	if (has_body && x->method != HTTP_HEAD)
		fcgi_put_stdout(&c->out, c->request->id, body->data, body->len);
	buf_release(body);
	start_ending(c);
}

static void op_stream(struct exchange *x, int status, const struct http_header *headers)
{
	struct call *c = call_of(x);

	assert(c->state == CALL_ASKED);
	c->state = CALL_STREAMING;
	put_head(c, status, headers, -1);
	push(c);
}

static void op_write(struct exchange *x, const void *bytes, size_t len)
{
	struct call *c = call_of(x);

	assert(c->state == CALL_STREAMING);
	if (c->is_broken || x->method == HTTP_HEAD)
		return;
	fcgi_put_stdout(&c->out, c->request->id, bytes, len);
	push(c);
}

static void op_end(struct exchange *x)
{
	struct call *c = call_of(x);

	assert(c->state == CALL_STREAMING);
	start_ending(c);
}

static size_t op_queued(const struct exchange *x)
{
	return queued(call_of(x));
}

static const struct exchange_ops call_ops = {
	.header = op_header,
	.respond = op_respond,
	.stream = op_stream,
	.write = op_write,
	.end = op_end,
	.queued = op_queued,
};

/* --- new requests -------------------------------------------------------------------------------------------------- */

static struct call *new_call(struct front_fcgi *f, struct fcgi_request *r)
{
	struct call *c = mem_alloc(sizeof(*c));

	c->magic = CALL_MAGIC;
	c->front = f;
	c->request = r;
	c->x.ops = &call_ops;
	c->x.method = r->cgi.method;
	c->x.path = r->cgi.path;
	c->x.query = r->cgi.query;
	c->x.body = r->body;
	r->body = (struct buf)BUF_INIT;
	c->x.refused = f->n_open >= OPEN_MAX ? 503 : r->refused;
	LIST_INSERT_HEAD(&f->open, c, link);
	f->n_open++;
	return c;
}

static void start_call(struct front_fcgi *f, struct fcgi_request *r)
{
	struct call *c = new_call(f, r);

	if (!r->is_responder) {
		fcgi_put_end(&c->out, r->id, FCGI_STATUS_UNKNOWN_ROLE);
		flush(c);
		finish_call(c, true);
		return;
	}
	f->options.handler(f->options.api, &c->x);
	if (c->state == CALL_ASKED || c->state == CALL_STREAMING)
		watch(c);
}

static void on_wake(uv_async_t *async)
{
	CAST(front_fcgi, f, async->data, FRONT_MAGIC);
	struct fcgi_request *next;

	f->is_waking = true;
	for (struct fcgi_request *r = fcgi_acceptors_take(f->acceptors); r != NULL; r = next) {
		next = r->next;
		start_call(f, r);
	}
	f->is_waking = false;
	end_done_calls(f);
}

/* From an acceptor's thread. */
static void wake(void *arg)
{
	uv_async_send(arg);
}

static void on_check(uv_timer_t *timer)
{
	CAST(front_fcgi, f, timer->data, FRONT_MAGIC);
	struct call *c, *next;

	fcgi_acceptors_check(f->acceptors, uv_hrtime() / 1000000);
	for (c = LIST_FIRST(&f->ending); c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		if (uv_now(f->loop) - c->progress_ms < WRITE_MS)
			continue;
		log_event(LOG_INFO, "fcgi.stuck", LOG_INT("queued", queued(c)));
		finish_call(c, false);
	}
}

/* --- life cycle ---------------------------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
	CAST(front_fcgi, f, handle->data, FRONT_MAGIC);

	if (--f->n_handles > 0)
		return;
	f->magic = 0;
	mem_free(f);
}

static void close_handles(struct front_fcgi *f)
{
	uv_close((uv_handle_t *)&f->async, on_handle_closed);
	uv_close((uv_handle_t *)&f->timer, on_handle_closed);
}

int front_fcgi_open(uv_loop_t *loop, int listen_fd, unsigned threads,
	const struct front_options *options, struct front_fcgi **out, struct err *e)
{
	struct front_fcgi *f = mem_alloc(sizeof(*f));

	assert(threads >= 1 && threads <= 64);
	f->magic = FRONT_MAGIC;
	f->loop = loop;
	f->options = *options;
	STAILQ_INIT(&f->done);
	int rc = uv_async_init(loop, &f->async, on_wake);
	if (rc != 0) {
		close(listen_fd);
		mem_free(f);
		return err_set(e, ERR_INTERNAL, "cannot make a wake-up: %s", uv_strerror(rc));
	}
	uv_timer_init(loop, &f->timer);
	f->async.data = f->timer.data = f;
	f->n_handles = 2;
	f->acceptors = fcgi_acceptors_open(&(struct fcgi_acceptors_options){.listen_fd = listen_fd,
						   .threads = threads,
						   .body_bytes = options->body_bytes,
						   .wake = wake,
						   .arg = &f->async},
		e);
	if (f->acceptors == NULL) {
		close_handles(f);
		return -ERR_INTERNAL;
	}
	uv_timer_start(&f->timer, on_check, CHECK_MS, CHECK_MS);
	*out = f;
	return 0;
}

void front_fcgi_drain(struct front_fcgi *f)
{
	fcgi_acceptors_drain(f->acceptors);
}

size_t front_fcgi_count(const struct front_fcgi *f)
{
	return f->n_open;
}

void front_fcgi_close(struct front_fcgi **fp)
{
	struct front_fcgi *f = *fp;
	struct call *c;

	*fp = NULL;
	fcgi_acceptors_close(&f->acceptors);
	while ((c = LIST_FIRST(&f->open)) != NULL)
		say_gone(c);
	while ((c = LIST_FIRST(&f->ending)) != NULL)
		finish_call(c, false);
	end_done_calls(f);
	close_handles(f);
}
