/* SPDX-License-Identifier: MIT */
#include "gateway/front_fcgi.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "core/log.h"
#include "core/mem.h"
#include "gateway/fcgi_intake.h"

#define FRONT_MAGIC 0xfc91f207u
#define CALL_MAGIC  0xfc91ca11u
#define READING_MAX 512  /* requests half read, with up to a body each; more wait in the backlog */
#define IDLE_MAX    1024 /* connections kept for their web server */
#define ACCEPT_MAX  64   /* connections taken in one turn of the loop */
#define LATE_MAX    4096 /* connections still taken from the backlog when draining */
#define CHECK_MS    1000
#define READ_MS     30000 /* a request has to be complete this long after its connection */
#define WRITE_MS \
	60000 /* a finished answer of which the peer takes nothing for so long is given up */
#define COMPACT_BYTES (64 * 1024)
#define READS_MAX     16
#define READ_BYTES    (64 * 1024)

enum call_state {
	CALL_IDLE,      /* a connection that the web server keeps for its next request */
	CALL_READING,   /* not yet known to the api */
	CALL_ASKED,     /* the api keeps it and has not answered */
	CALL_STREAMING, /* the api keeps it and writes */
	CALL_ENDING,    /* answered: the rest of the answer has to go out */
	CALL_DONE, /* no descriptor any more; waits in `calls[CALL_DONE]` for sent() and its end */
	CALL_STATES
};

/* One request, from its connection's first byte to its answer's last: the front's side of a struct exchange. */
struct call {
	unsigned magic;
	struct exchange x;
	struct front_fcgi *front;
	int fd;
	enum call_state state;
	bool has_poll;
	unsigned n_holds;
	bool is_broken; /* a write failed: said to the api from the loop, not from within its call */
	bool is_sent;
	int events; /* what `poll` waits for */
	uv_poll_t poll;
	struct fcgi_intake in;
	struct buf out; /* records; those before `out_at` are written */
	size_t out_at;
	uint64_t since_ms; /* reading: when it began; ending: when the peer last took something */
	LIST_ENTRY(call) link;
};

LIST_HEAD(call_list, call);

struct front_fcgi {
	unsigned magic;
	uv_loop_t *loop;
	struct front_options options;
	size_t open_max; /* exchanges; further requests are answered with 503 */
	int listen_fd;   /* -1: drained */
	bool is_accepting;
	bool is_short; /* out of descriptors or memory; the shortage is logged once */
	uv_poll_t listen_poll;
	uv_async_t async; /* there are calls in CALL_DONE */
	uv_timer_t timer;
	unsigned n_handles;
	size_t n_calls[CALL_STATES];
	struct call_list calls[CALL_STATES];
	unsigned char bytes[READ_BYTES];
};

static const struct exchange_ops call_ops;
static void on_poll(uv_poll_t *handle, int status, int events);
static void watch(struct call *c);
static void set_accepting(struct front_fcgi *f);

static struct call *call_of(const struct exchange *x)
{
	CAST(call, c, (void *)CONTAINER_OF(x, struct call, x), CALL_MAGIC);
	return c;
}

static void set_state(struct call *c, enum call_state state)
{
	struct front_fcgi *f = c->front;

	LIST_REMOVE(c, link);
	f->n_calls[c->state]--;
	c->state = state;
	c->since_ms = uv_now(f->loop);
	LIST_INSERT_HEAD(&f->calls[state], c, link);
	f->n_calls[state]++;
}

static struct call *new_call(
	struct front_fcgi *f, int fd, enum call_state state, const struct fcgi_intake *before)
{
	struct call *c = mem_alloc(sizeof(*c));

	c->magic = CALL_MAGIC;
	c->front = f;
	c->fd = fd;
	c->n_holds = 1;
	c->x.ops = &call_ops;
	c->state = state;
	c->since_ms = uv_now(f->loop);
	fcgi_intake_init(&c->in, f->options.body_bytes, before);
	LIST_INSERT_HEAD(&f->calls[state], c, link);
	f->n_calls[state]++;
	return c;
}

/* --- the end of a call ------------------------------------------------------------------------------------------- */

/* The memory is held by the list of done calls and by the poll handle. */
static void release_call(struct call *c)
{
	if (--c->n_holds > 0)
		return;
	fcgi_intake_release(&c->in);
	buf_release(&c->x.body);
	buf_release(&c->out);
	c->magic = 0;
	mem_free(c);
}

static void on_poll_closed(uv_handle_t *handle)
{
	CAST(call, c, handle->data, CALL_MAGIC);
	release_call(c);
}

/* Gives the descriptor up at once, and the rest from the loop: whoever called us may still look at the exchange, and
 * sent() shall not come from within exchange_respond(). The handle goes before its descriptor: libuv takes the number
 * out of its epoll when a handle closes, and by then the number may be the next connection's.
 * A connection that the web server wants to keep (FCGI_KEEP_CONN) goes to a new call: were it closed behind the answer,
 * some next requests would be on their way already, and fail. */
static void finish_call(struct call *c, bool is_sent)
{
	struct front_fcgi *f = c->front;

	assert(c->state != CALL_DONE);
	if (c->has_poll)
		uv_close((uv_handle_t *)&c->poll, on_poll_closed);
	if (is_sent && c->in.keeps_conn && f->listen_fd >= 0 && f->n_calls[CALL_IDLE] < IDLE_MAX)
		watch(new_call(f, c->fd, CALL_IDLE, &c->in));
	else
		close(c->fd);
	c->fd = -1;
	c->is_sent = is_sent;
	set_state(c, CALL_DONE);
	uv_async_send(&f->async);
}

static void end_done_calls(struct front_fcgi *f)
{
	struct call *c;

	while ((c = LIST_FIRST(&f->calls[CALL_DONE])) != NULL) {
		LIST_REMOVE(c, link);
		f->n_calls[CALL_DONE]--;
		if (c->x.sent != NULL)
			c->x.sent(c->x.sent_arg, c->is_sent);
		release_call(c);
	}
}

static void say_gone(struct call *c)
{
	if (c->state == CALL_ASKED || c->state == CALL_STREAMING) {
		c->x.sent = NULL;
		c->x.gone(&c->x);
	}
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
		ssize_t n = send(c->fd, c->out.data + c->out_at, queued(c), MSG_NOSIGNAL);
		if (n >= 0) {
			c->out_at += (size_t)n;
			if (c->state == CALL_ENDING)
				c->since_ms = uv_now(c->front->loop);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			break;
		} else if (errno != EINTR) {
			/* Makes sure that the poll sees it, whatever the reason was. */
			shutdown(c->fd, SHUT_RDWR);
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

static void watch(struct call *c)
{
	int events = queued(c) > 0 ? UV_WRITABLE : 0;

	if (c->state != CALL_ENDING)
		events |= UV_READABLE | UV_DISCONNECT;
	if (!c->has_poll) {
		uv_poll_init(c->front->loop, &c->poll, c->fd);
		c->poll.data = c;
		c->has_poll = true;
		c->n_holds++;
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

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void ask_api(struct call *c)
{
	struct front_fcgi *f = c->front;

	c->x.method = c->in.cgi.method;
	c->x.path = c->in.cgi.path;
	c->x.query = c->in.cgi.query;
	c->x.body = c->in.body;
	c->in.body = (struct buf)BUF_INIT;
	c->x.refused = front_fcgi_count(f) >= f->open_max ? 503 : c->in.refused;
	set_state(c, CALL_ASKED);
	set_accepting(f);
	f->options.handler(f->options.api, &c->x);
}

/* Reads what there is, up to a whole request or a fair share of the loop's turn. 0 when the peer has left, aborted, or makes no sense. */
static int read_more(struct call *c)
{
	struct front_fcgi *f = c->front;

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = recv(c->fd, f->bytes, sizeof(f->bytes), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 1;
		if (n <= 0)
			return 0;
		switch (fcgi_intake_feed(&c->in, f->bytes, (size_t)n, &c->out)) {
		case FCGI_INTAKE_ABORTED:
			fcgi_put_finish(&c->out, c->in.id);
			flush(c); /* best effort: the connection ends anyhow */
			return 0;
		case FCGI_INTAKE_BAD:
			flush(c);
			return 0;
		case FCGI_INTAKE_COMPLETE:
			return 1;
		default:
			break;
		}
	}
	return 1;
}

static void on_readable(struct call *c)
{
	if (c->state == CALL_IDLE)
		set_state(c, CALL_READING);
	if (!read_more(c)) {
		say_gone(c);
		return;
	}
	if (c->state == CALL_READING && c->in.state == FCGI_INTAKE_COMPLETE)
		ask_api(c);
	if (c->state != CALL_DONE)
		push(c);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	CAST(call, c, handle->data, CALL_MAGIC);
	bool was_queued = c->state == CALL_STREAMING && queued(c) > 0;

	if (c->state == CALL_ENDING) {
		c->is_broken |= status < 0;
		push(c);
		return;
	}
	if (status < 0 || c->is_broken || (events & UV_DISCONNECT)) {
		say_gone(c);
		return;
	}
	if (events & UV_READABLE)
		on_readable(c);
	else
		push(c);
	if (was_queued && c->state == CALL_STREAMING && queued(c) == 0 && !c->is_broken &&
		c->x.drained != NULL)
		c->x.drained(&c->x);
}

/* --- what the api calls -------------------------------------------------------------------------------------------- */

static void put_head(
	struct call *c, int status, const struct http_header *headers, long long content_length)
{
	struct buf head = BUF_INIT;

	cgi_put_head(&head, status, headers, content_length);
	fcgi_put_stdout(&c->out, c->in.id, head.data, head.len);
	buf_release(&head);
}

static void start_ending(struct call *c)
{
	fcgi_put_finish(&c->out, c->in.id);
	set_state(c, CALL_ENDING);
	push(c);
}

static const char *op_header(struct exchange *x, const char *name)
{
	return cgi_request_header(&call_of(x)->in.cgi, name);
}

static void op_respond(
	struct exchange *x, int status, const struct http_header *headers, struct buf *body)
{
	struct call *c = call_of(x);
	bool has_body = status != 204 && status != 304;

	assert(c->state == CALL_ASKED);
	put_head(c, status, headers, has_body ? (long long)body->len : -1);
	if (has_body && x->method != HTTP_HEAD)
		fcgi_put_stdout(&c->out, c->in.id, body->data, body->len);
	buf_release(body);
	start_ending(c);
}

static void op_stream(struct exchange *x, int status, const struct http_header *headers)
{
	struct call *c = call_of(x);

	assert(c->state == CALL_ASKED);
	set_state(c, CALL_STREAMING);
	put_head(c, status, headers, -1);
	push(c);
}

static void op_write(struct exchange *x, const void *bytes, size_t len)
{
	struct call *c = call_of(x);

	assert(c->state == CALL_STREAMING);
	if (c->is_broken || x->method == HTTP_HEAD)
		return;
	fcgi_put_stdout(&c->out, c->in.id, bytes, len);
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

/* --- connections --------------------------------------------------------------------------------------------------- */

/* 0 when none waits, or none can be taken now. */
static int accept_one(struct front_fcgi *f)
{
	const int one = 1;
	int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		f->is_short = false;
		setsockopt(
			fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* not for unix sockets */
		/* The request came with the connection, as a rule. */
		on_readable(new_call(f, fd, CALL_READING, NULL));
		return 1;
	}
	if (errno == EINTR || errno == ECONNABORTED)
		return 1;
	if (errno != EAGAIN && errno != EWOULDBLOCK) {
		if (!f->is_short)
			log_event(LOG_WARN, "fcgi.accept", LOG_STR("why", strerror(errno)));
		f->is_short = true;
	}
	return 0;
}

static void on_listen(uv_poll_t *poll, int status, int events);

/* Connections that cannot be taken, for want of descriptors or because too many requests are half read, stay in the
 * backlog until there is room, which on_check() looks for. */
static void set_accepting(struct front_fcgi *f)
{
	bool can = f->listen_fd >= 0 && !f->is_short && f->n_calls[CALL_READING] < READING_MAX;

	if (can && !f->is_accepting)
		uv_poll_start(&f->listen_poll, UV_READABLE, on_listen);
	else if (!can && f->is_accepting)
		uv_poll_stop(&f->listen_poll);
	f->is_accepting = can;
}

static void on_listen(uv_poll_t *poll, int status, int events)
{
	CAST(front_fcgi, f, poll->data, FRONT_MAGIC);

	UNUSED(status);
	UNUSED(events);
	for (int i = 0; i < ACCEPT_MAX && f->listen_fd >= 0; i++)
		if (f->n_calls[CALL_READING] >= READING_MAX || !accept_one(f))
			break;
	set_accepting(f);
}

static void on_done(uv_async_t *async)
{
	CAST(front_fcgi, f, async->data, FRONT_MAGIC);

	end_done_calls(f);
	set_accepting(f);
}

static void give_up(
	struct front_fcgi *f, enum call_state state, uint64_t limit_ms, const char *event)
{
	struct call *c, *next;

	for (c = LIST_FIRST(&f->calls[state]); c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		if (uv_now(f->loop) - c->since_ms < limit_ms)
			continue;
		log_event(LOG_INFO, event, LOG_INT("queued", queued(c)));
		finish_call(c, false);
	}
}

static void on_check(uv_timer_t *timer)
{
	CAST(front_fcgi, f, timer->data, FRONT_MAGIC);

	give_up(f, CALL_READING, READ_MS, "fcgi.slow");
	give_up(f, CALL_ENDING, WRITE_MS, "fcgi.stuck");
	f->is_short = false;
	set_accepting(f);
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

static void stop_listening(struct front_fcgi *f)
{
	if (f->listen_fd < 0)
		return;
	uv_poll_stop(&f->listen_poll);
	close(f->listen_fd);
	f->listen_fd = -1;
	f->is_accepting = false;
	while (!LIST_EMPTY(&f->calls[CALL_IDLE]))
		finish_call(LIST_FIRST(&f->calls[CALL_IDLE]), false);
}

int front_fcgi_open(uv_loop_t *loop, int listen_fd, size_t open_max,
	const struct front_options *options, struct front_fcgi **out, struct err *e)
{
	struct front_fcgi *f = mem_alloc(sizeof(*f));

	f->magic = FRONT_MAGIC;
	f->loop = loop;
	f->options = *options;
	f->open_max = open_max;
	f->listen_fd = listen_fd;
	int rc = uv_async_init(loop, &f->async, on_done);
	if (rc != 0) {
		close(listen_fd);
		mem_free(f);
		return err_set(e, ERR_INTERNAL, "cannot make a wake-up: %s", uv_strerror(rc));
	}
	uv_timer_init(loop, &f->timer);
	f->async.data = f->timer.data = f->listen_poll.data = f;
	f->n_handles = 2;
	rc = uv_poll_init(loop, &f->listen_poll, listen_fd); /* makes it non-blocking */
	if (rc != 0) {
		close(listen_fd);
		f->listen_fd = -1;
		front_fcgi_close(&f);
		return err_set(
			e, ERR_INTERNAL, "cannot watch the FastCGI socket: %s", uv_strerror(rc));
	}
	f->n_handles++;
	uv_timer_start(&f->timer, on_check, CHECK_MS, CHECK_MS);
	set_accepting(f);
	*out = f;
	return 0;
}

/* What waits in the backlog was accepted by the kernel: closing the socket would be an error for its client. */
void front_fcgi_drain(struct front_fcgi *f)
{
	for (int i = 0; i < LATE_MAX && f->listen_fd >= 0; i++)
		if (!accept_one(f))
			break;
	stop_listening(f);
}

size_t front_fcgi_count(const struct front_fcgi *f)
{
	return f->n_calls[CALL_ASKED] + f->n_calls[CALL_STREAMING] + f->n_calls[CALL_ENDING];
}

void front_fcgi_close(struct front_fcgi **fp)
{
	struct front_fcgi *f = *fp;
	struct call *c;

	*fp = NULL;
	if (f == NULL)
		return;
	stop_listening(f);
	for (int state = CALL_IDLE; state < CALL_DONE; state++)
		while ((c = LIST_FIRST(&f->calls[state])) != NULL)
			say_gone(c);
	end_done_calls(f);
	uv_close((uv_handle_t *)&f->async, on_handle_closed);
	uv_close((uv_handle_t *)&f->timer, on_handle_closed);
	if (f->n_handles == 3)
		uv_close((uv_handle_t *)&f->listen_poll, on_handle_closed);
}
