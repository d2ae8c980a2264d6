/* SPDX-License-Identifier: MIT */
#include "gateway/front_http.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "core/err.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/turn.h"
#include "gateway/hangup.h"

#define FRONT_MAGIC    0xF4011001u
#define EXCHANGE_MAGIC 0xF4011002u
#define IDLE_TIMEOUT_S 60
#define STREAM_BLOCK   1024
#define READ_ON_BYTES  (16ull << 20)
#define WATCH_AFTER_MS 1000 /* parked for so long: watched for the client's leaving */
#define FRESH_MS       500  /* at a drain, for connections that have not sent a request yet */

struct front_http {
	unsigned magic;
	uv_loop_t *loop;
	struct front_options options;
	struct MHD_Daemon *daemon;
	uv_poll_t poll; /* MHD's own epoll descriptor */
	uv_timer_t
		timer; /* MHD's time-outs, and the sweep that begins to watch parked connections */
	struct turn_task run;
	struct http_exchange *exchanges;
	size_t n_exchanges;
	size_t n_fresh;       /* connections without a request so far */
	uint64_t drain_at_ms; /* 0: no drain */
	int n_handles;
	int closing;
};

enum exchange_state {
	READING,   /* the request is coming in */
	WITH_API,  /* the api has it and has not answered */
	STREAMING, /* the api writes; ends by exchange_end() */
	ENDED      /* nobody keeps it but MHD */
};

struct http_exchange {
	struct exchange base;
	unsigned magic;
	struct front_http *front;
	struct MHD_Connection *connection; /* NULL until the head is read */
	struct MHD_Response *response;     /* answered, not yet handed to MHD */
	int status;
	enum exchange_state state;
	int suspended;
	int http_1_0;
	int in_handler; /* MHD is in our callback: a response can be handed over at once */
	int queued;     /* MHD has the response */
	int ended;      /* stream: nothing more will be written */
	int dead;       /* the client left, or we close: drop the connection when MHD asks */
	struct buf out; /* stream: not yet taken by MHD */
	size_t taken;   /* of `out` */
	uint64_t parked_at_ms;
	struct hangup *watch; /* of a connection that has been parked for a while */
	char *uri;
	struct http_exchange *prev, *next;
};

static struct http_exchange *of(struct exchange *x)
{
	struct http_exchange *hx = CONTAINER_OF(x, struct http_exchange, base);

	assert(hx->magic == EXCHANGE_MAGIC);
	return hx;
}

/* --- MHD in the loop ------------------------------------------------------------------------------------------------ */

static void run_again(struct front_http *f)
{
	if (!f->closing)
		turn_queue(f->loop, TURN_WORK, &f->run);
}

static void on_sweep(uv_timer_t *timer);

static void on_run(void *arg)
{
	CAST(front_http, f, arg, FRONT_MAGIC);
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(f->daemon);
	/* 0: connections are ready still. Any other time-out is coarse enough for the sweep's timer. */
	if (MHD_get_timeout(f->daemon, &ms) == MHD_YES && ms == 0)
		uv_timer_start(&f->timer, on_sweep, 0, WATCH_AFTER_MS);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	CAST(front_http, f, poll->data, FRONT_MAGIC);

	UNUSED(status);
	UNUSED(events);
	run_again(f);
}

static void park(struct http_exchange *hx)
{
	hx->suspended = 1;
	hx->parked_at_ms = uv_now(hx->front->loop);
	MHD_suspend_connection(hx->connection);
}

static void unpark(struct http_exchange *hx)
{
	if (!hx->suspended)
		return;
	hx->suspended = 0;
	hangup_stop(&hx->watch); /* MHD has to be the only user of the descriptor now */
	MHD_resume_connection(hx->connection);
	run_again(hx->front);
}

/* The client left, or the front closes: the api forgets the exchange, MHD drops the connection. */
static void abandon(struct http_exchange *hx)
{
	int kept = hx->state == WITH_API || hx->state == STREAMING;

	hx->state = ENDED;
	hx->dead = 1;
	if (kept)
		hx->base.gone(&hx->base);
	unpark(hx);
}

static void on_gone(void *arg)
{
	CAST(http_exchange, hx, arg, EXCHANGE_MAGIC);
	abandon(hx);
}

static void watch_start(struct http_exchange *hx)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		hx->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (info != NULL)
		hx->watch = hangup_watch(hx->front->loop, info->connect_fd, on_gone, hx);
}

/* Once a second. Requests that are answered in milliseconds never cost a watch. */
static void on_sweep(uv_timer_t *timer)
{
	CAST(front_http, f, timer->data, FRONT_MAGIC);
	uint64_t now = uv_now(f->loop);
	struct http_exchange *hx;

	uv_timer_start(&f->timer, on_sweep, WATCH_AFTER_MS, WATCH_AFTER_MS);
	DL_FOREACH (f->exchanges, hx)
		if (hx->suspended && hx->watch == NULL && now - hx->parked_at_ms >= WATCH_AFTER_MS)
			watch_start(hx);
	run_again(f);
}

/* --- what the api calls ------------------------------------------------------------------------------------------------ */

static const char *x_header(struct exchange *x, const char *name)
{
	return MHD_lookup_connection_value(of(x)->connection, MHD_HEADER_KIND, name);
}

static void headers_add(struct MHD_Response *response, const struct http_header *headers)
{
	for (; headers->name != NULL; headers++)
		MHD_add_response_header(response, headers->name, headers->value);
}

/* Hands the response to MHD if it is listening; else when it calls the handler again. */
static enum MHD_Result response_queue(struct http_exchange *hx)
{
	enum MHD_Result rc = MHD_queue_response(hx->connection, (unsigned)hx->status, hx->response);

	MHD_destroy_response(hx->response);
	hx->response = NULL;
	hx->queued = 1;
	return rc;
}

static void answer(struct http_exchange *hx, int status, struct MHD_Response *response)
{
	hx->status = status;
	hx->response = response;
	if (!hx->in_handler)
		unpark(hx);
}

static void x_respond(
	struct exchange *x, int status, const struct http_header *headers, struct buf *body)
{
	struct http_exchange *hx = of(x);
	size_t len = body->len;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		len, buf_take(body), MHD_RESPMEM_MUST_FREE);

	headers_add(response, headers);
	hx->state = ENDED;
	answer(hx, status, response);
}

static ssize_t on_more(void *cls, uint64_t pos, char *to, size_t max)
{
	CAST(http_exchange, hx, cls, EXCHANGE_MAGIC);
	size_t n = MIN(hx->out.len - hx->taken, max);

	UNUSED(pos);
	if (hx->dead)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n == 0 && hx->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		park(hx);
		return 0;
	}
	memcpy(to, hx->out.data + hx->taken, n);
	hx->taken += n;
	if (hx->taken == hx->out.len) {
		buf_release(&hx->out);
		hx->taken = 0;
		if (hx->state == STREAMING && hx->base.drained != NULL)
			hx->base.drained(&hx->base);
	}
	return (ssize_t)n;
}

static void x_stream(struct exchange *x, int status, const struct http_header *headers)
{
	struct http_exchange *hx = of(x);
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_more, hx, NULL);

	headers_add(response, headers);
	hx->state = STREAMING;
	answer(hx, status, response);
}

static void x_write(struct exchange *x, const void *bytes, size_t len)
{
	struct http_exchange *hx = of(x);

	buf_add(&hx->out, bytes, len);
	unpark(hx);
}

static void x_end(struct exchange *x)
{
	struct http_exchange *hx = of(x);

	hx->ended = 1;
	hx->state = ENDED;
	unpark(hx);
}

static size_t x_queued(const struct exchange *x)
{
	const struct http_exchange *hx = CONTAINER_OF(x, struct http_exchange, base);

	return hx->out.len - hx->taken;
}

/* MHD lets go of the connection in its next run; with it go the request's memory and MHD's own, most of what a parked
 * connection costs. What it closes is its descriptor: ours is another one for the same socket. MHD took the
 * socket out of its epoll set when it suspended the connection for this call. */
static void on_upgraded(void *cls, struct MHD_Connection *connection, void *con_cls,
	const char *early, size_t len, MHD_socket socket, struct MHD_UpgradeResponseHandle *urh)
{
	CAST(http_exchange, hx, cls, EXCHANGE_MAGIC);
	int fd = fcntl(socket, F_DUPFD_CLOEXEC, 0);

	UNUSED(connection);
	UNUSED(con_cls);
	hx->state = ENDED;
	/* Whoever writes to it gathers what belongs together; not for unix sockets, hence unchecked. */
	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (fd >= 0)
		hx->base.upgraded(&hx->base, fd, early, len);
	else
		hx->base.gone(&hx->base); /* no descriptor left: the client sees it closed */
	MHD_upgrade_action(urh, MHD_UPGRADE_ACTION_CLOSE);
	run_again(hx->front);
}

static int x_upgrade(struct exchange *x, const struct http_header *headers)
{
	struct http_exchange *hx = of(x);
	struct MHD_Response *response;

	if (hx->http_1_0)
		return -(int)ERR_UNSUPPORTED;
	response = MHD_create_response_for_upgrade(on_upgraded, hx);
	headers_add(response, headers);
	answer(hx, MHD_HTTP_SWITCHING_PROTOCOLS, response); /* the api keeps it until then */
	return 0;
}

static const struct exchange_ops ops = {
	.header = x_header,
	.respond = x_respond,
	.stream = x_stream,
	.write = x_write,
	.end = x_end,
	.queued = x_queued,
	.upgrade = x_upgrade,
};

/* --- what MHD calls ------------------------------------------------------------------------------------------------------ */

static void no_gone(struct exchange *x)
{
	UNUSED(x);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	CAST(front_http, f, cls, FRONT_MAGIC);
	int *fresh = *context;

	UNUSED(connection);
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		fresh = mem_alloc(sizeof *fresh);
		*fresh = 1;
		f->n_fresh++;
		*context = fresh;
	} else {
		f->n_fresh -= (size_t)*fresh;
		mem_free(fresh);
	}
}

static void not_fresh(struct front_http *f, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	int *fresh = info != NULL ? info->socket_context : NULL;

	if (fresh != NULL) {
		f->n_fresh -= (size_t)*fresh;
		*fresh = 0;
	}
}

/* The request line has been read: the only place that sees the query as it was sent. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	CAST(front_http, f, cls, FRONT_MAGIC);
	struct http_exchange *hx = mem_alloc(sizeof *hx);
	char *query;

	hx->magic = EXCHANGE_MAGIC;
	hx->front = f;
	hx->connection = connection;
	hx->base.ops = &ops;
	hx->base.gone = no_gone;
	hx->uri = mem_strdup(uri);
	query = strchr(hx->uri, '?');
	if (query != NULL)
		*query++ = '\0';
	hx->base.path = hx->uri;
	hx->base.query = query != NULL ? query : "";
	DL_PREPEND(f->exchanges, hx);
	f->n_exchanges++;
	not_fresh(f, connection);
	return hx;
}

/* What can be told from the head alone. */
static int head_check(struct http_exchange *hx)
{
	const char *length = x_header(&hx->base, "Content-Length");
	char *end;

	if (hx->base.method != HTTP_POST)
		return 0;
	if (length == NULL)
		return x_header(&hx->base, "Transfer-Encoding") != NULL ? 0 : 411;
	errno = 0;
	if (strtoull(length, &end, 10) > hx->front->options.body_bytes || errno != 0)
		return 413;
	return *end == '\0' ? 0 : 400;
}

/* An answer before the body is read ends the connection, and the reset may overtake it: a client that is sending already sees a broken
 * pipe and not our 413. So a body that is not much too large is read and dropped first, unless its client asks before it sends. */
static int reads_on(struct http_exchange *hx)
{
	const char *length = x_header(&hx->base, "Content-Length");

	return hx->base.refused == 413 && x_header(&hx->base, "Expect") == NULL &&
	       strtoull(length, NULL, 10) <= READ_ON_BYTES;
}

/* Hands the whole request to the api; 0 when it was not answered at once. */
static enum MHD_Result to_api(struct http_exchange *hx)
{
	hx->state = WITH_API;
	hx->in_handler = 1;
	hx->front->options.handler(hx->front->options.api, &hx->base);
	hx->in_handler = 0;
	if (hx->response != NULL)
		return response_queue(hx);
	park(hx);
	return MHD_YES;
}

static enum MHD_Result body_add(struct http_exchange *hx, const char *data, size_t *len)
{
	if (hx->base.refused == 0 && hx->base.body.len + *len > hx->front->options.body_bytes) {
		hx->base.refused = 413; /* the rest is read and dropped, then answered */
		mem_wipe(hx->base.body.data, hx->base.body.len);
		buf_release(&hx->base.body);
	}
	if (hx->base.refused == 0)
		buf_add(&hx->base.body, data, *len);
	*len = 0;
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *len, void **con_cls)
{
	CAST(http_exchange, hx, *con_cls, EXCHANGE_MAGIC);

	UNUSED(cls);
	UNUSED(connection);
	UNUSED(url);
	/* A request that comes while we close is dropped whole: its client may send it again. */
	if (hx->dead || (hx->front->closing && hx->state == READING))
		return MHD_NO;
	if (hx->response != NULL)
		return response_queue(hx);
	if (hx->state != READING)
		return MHD_YES;
	if (!hx->status) { /* the first call: the head only */
		hx->status = -1;
		hx->base.method = exchange_method(method);
		hx->http_1_0 = strcmp(version, MHD_HTTP_VERSION_1_1) != 0;
		hx->base.refused = head_check(hx);
		return hx->base.refused != 0 && !reads_on(hx) ? to_api(hx) : MHD_YES;
	}
	return *len > 0 ? body_add(hx, data, len) : to_api(hx);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
	enum MHD_RequestTerminationCode why)
{
	CAST(front_http, f, cls, FRONT_MAGIC);
	struct http_exchange *hx = *con_cls;

	UNUSED(connection);
	if (hx == NULL)
		return;
	*con_cls = NULL;
	hangup_stop(&hx->watch);
	if (hx->state == WITH_API || hx->state == STREAMING) {
		hx->state = ENDED;
		hx->base.gone(&hx->base);
	} else if (hx->base.sent != NULL) {
		hx->base.sent(hx->base.sent_arg,
			hx->queued && why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	}
	if (hx->response != NULL)
		MHD_destroy_response(hx->response);
	DL_DELETE(f->exchanges, hx);
	f->n_exchanges--;
	if (hx->base.body.data != NULL)
		mem_wipe(hx->base.body.data, hx->base.body.len);
	buf_release(&hx->base.body);
	buf_release(&hx->out);
	mem_free(hx->uri);
	mem_free(hx);
}

/* Paths and queries stay as they were sent, so that both fronts hand over the same. */
static size_t no_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
	UNUSED(cls);
	UNUSED(connection);
	return strlen(text);
}

static void on_mhd_log(void *cls, const char *fmt, va_list ap)
{
	char text[200];

	UNUSED(cls);
	vsnprintf(text, sizeof text, fmt, ap);
	text[strcspn(text, "\r\n")] = '\0';
	log_event(LOG_DEBUG, "http.note", LOG_STR("text", text));
}

/* --- life ------------------------------------------------------------------------------------------------------------------ */

static void on_handle_closed(uv_handle_t *h)
{
	CAST(front_http, f, h->data, FRONT_MAGIC);

	if (--f->n_handles == 0)
		mem_free(f);
}

static void handles_open(struct front_http *f)
{
	f->run = (struct turn_task){.fn = on_run, .arg = f};
	f->n_handles = 2;
	uv_poll_init(f->loop, &f->poll,
		MHD_get_daemon_info(f->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
	uv_timer_init(f->loop, &f->timer);
	f->poll.data = f;
	f->timer.data = f;
	uv_poll_start(&f->poll, UV_READABLE, on_ready);
	uv_timer_start(&f->timer, on_sweep, WATCH_AFTER_MS, WATCH_AFTER_MS);
}

int front_http_open(uv_loop_t *loop, int listen_fd, unsigned connections,
	const struct front_options *options, struct front_http **out, struct err *e)
{
	struct front_http *f = mem_alloc(sizeof *f);

	f->magic = FRONT_MAGIC;
	f->loop = loop;
	f->options = *options;
	/* MHD reads a request head into half of a connection's memory. */
	f->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG, 0,
		NULL, NULL, on_request, f, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, f,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, f, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, f, MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL,
		MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		2 * options->header_bytes, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
		MHD_OPTION_END);
	if (f->daemon == NULL) {
		close(listen_fd);
		mem_free(f);
		return err_set(
			e, ERR_CONFIG, "the HTTP server could not be started on this socket");
	}
	handles_open(f);
	*out = f;
	return 0;
}

void front_http_drain(struct front_http *f)
{
	int fd = MHD_quiesce_daemon(f->daemon);

	if (fd >= 0)
		close(fd);
	f->drain_at_ms = uv_now(f->loop);
}

size_t front_http_count(const struct front_http *f)
{
	int fresh_matter = f->drain_at_ms != 0 && uv_now(f->loop) - f->drain_at_ms < FRESH_MS;

	return f->n_exchanges + (fresh_matter ? f->n_fresh : 0);
}

void front_http_close(struct front_http **fp)
{
	struct front_http *f = *fp;
	struct http_exchange *hx, *next;

	*fp = NULL;
	if (f == NULL)
		return;
	f->closing = 1;
	DL_FOREACH_SAFE (f->exchanges, hx, next)
		if (hx->suspended)
			abandon(hx);
	turn_cancel(&f->run);
	/* Resumed connections are dropped here; a daemon may not be stopped with suspended ones. */
	MHD_run(f->daemon);
	MHD_run(f->daemon);
	uv_close((uv_handle_t *)&f->poll,
		on_handle_closed); /* before MHD closes the descriptor: its number may be reused */
	MHD_stop_daemon(f->daemon);
	uv_close((uv_handle_t *)&f->timer, on_handle_closed);
}
