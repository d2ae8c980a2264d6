/* SPDX-License-Identifier: MIT */
#include "gateway/ws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/turn.h"

#define WS_MAGIC 0x05EB5001u
/* More than this to send: nothing more is read from the peer. */
#define CHOKE_BYTES 65536
/* What a queued message costs besides its bytes; bounds the answers to a flood of empty pings. */
#define MESSAGE_COST 64
#define READ_BYTES   65536
/* Reads of one wake-up: the other sockets want their turn. */
#define READS_MAX 4
/* How long the peer may take to answer our close frame, and to close after both were sent. */
#define CLOSE_MS  5000
#define LINGER_MS 2000

enum ws_state {
	OPEN,
	CLOSING,   /* a close frame is queued or sent */
	LINGERING, /* all is said; wait for the peer to close first, so that it gets all of it */
	ENDED      /* the handles are being closed */
};

struct ws {
	unsigned magic;
	uv_loop_t *loop;
	const struct ws_options *options;
	void *arg; /* NULL with `freed`: nobody hears of it any more */
	int freed;
	int fd;
	enum ws_state state;
	uv_poll_t poll;
	uv_timer_t timer; /* silence; from CLOSING on the deadline */
	int events;       /* what is polled for */
	int n_handles;
	struct turn_task flush;
	wslay_event_context_ptr codec; /* NULL at rest */
	/* What the codec is reading from, and bytes that had to wait because reading was paused. */
	const char *feed;
	size_t feed_len;
	struct buf in;
	/* Bytes the codec has taken, and how long the frames it has seen the head of are: equal between two frames. */
	uint64_t taken, framed;
	struct buf message; /* the one coming in; may be empty while `in_message` */
	int in_message;
	int in_control; /* the frame coming in is a control frame */
	struct buf out; /* frames, not yet taken by the socket */
	int paused;     /* the owner does not want to read */
	int pinged;
	uint64_t heard_at_ms;
	const char *why;
};

static void decode(struct ws *ws, const char *bytes, size_t len);
static void poll_for(struct ws *ws);

/* --- the end ---------------------------------------------------------------------------------------------------------- */

static void codec_drop(struct ws *ws)
{
	wslay_event_context_free(ws->codec);
	ws->codec = NULL;
	ws->taken = ws->framed = 0;
}

static void on_handle_closed(uv_handle_t *h)
{
	CAST(ws, ws, h->data, WS_MAGIC);

	if (--ws->n_handles > 0)
		return;
	codec_drop(ws);
	close(ws->fd);
	if (!ws->freed)
		ws->options->gone(ws->arg, ws->why);
	buf_release(&ws->in);
	buf_release(&ws->out);
	buf_release(&ws->message);
	mem_free(ws);
}

/* Safe while the codec is in use: it goes when the handles have closed. */
static void end(struct ws *ws, const char *why)
{
	if (ws->state == ENDED)
		return;
	ws->state = ENDED;
	ws->why = why;
	turn_cancel(&ws->flush);
	uv_close((uv_handle_t *)&ws->poll, on_handle_closed);
	uv_close((uv_handle_t *)&ws->timer, on_handle_closed);
}

static void on_timer(uv_timer_t *timer);

static void deadline(struct ws *ws, unsigned ms)
{
	uv_timer_start(&ws->timer, on_timer, ms, 0);
}

/* Both close frames were exchanged, or the peer broke the protocol and was told. Closing at once, with bytes of the peer's
 * unread, could make the kernel take back what it has not received yet. */
static void linger(struct ws *ws)
{
	ws->state = LINGERING;
	if (shutdown(ws->fd, SHUT_WR) < 0) {
		end(ws, ws->why);
		return;
	}
	deadline(ws, LINGER_MS);
	poll_for(ws);
}

/* --- sending ------------------------------------------------------------------------------------------------------------ */

size_t ws_queued(const struct ws *ws)
{
	size_t queued = ws->out.len;

	if (ws->codec != NULL)
		queued += wslay_event_get_queued_msg_length(ws->codec) +
			  wslay_event_get_queued_msg_count(ws->codec) * MESSAGE_COST;
	return queued;
}

static int is_held_back(const struct ws *ws)
{
	return ws->paused || ws_queued(ws) > CHOKE_BYTES;
}

/* Between two frames and with nothing to send a codec has no memory of its own: a new one does as well. */
static void codec_rest(struct ws *ws)
{
	if (ws->codec != NULL && ws->state == OPEN && ws->taken == ws->framed && !ws->in_message &&
		!wslay_event_want_write(ws->codec))
		codec_drop(ws);
}

static int send_out(struct ws *ws)
{
	while (ws->out.len > 0) {
		ssize_t n = send(ws->fd, ws->out.data, ws->out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
		buf_consume(&ws->out, (size_t)n);
		if (is_held_back(
			    ws)) { /* we would not hear it now; that it takes something is as good */
			ws->heard_at_ms = uv_now(ws->loop);
			ws->pinged = 0;
		}
	}
	buf_release(&ws->out);
	return 0;
}

/* Is the closing handshake over, as far as it goes? After a failure wslay reads no more: then our frame is all. */
static int is_said(const struct ws *ws)
{
	return ws->state == CLOSING && ws->out.len == 0 && ws->codec != NULL &&
	       wslay_event_get_close_sent(ws->codec) && !wslay_event_want_read(ws->codec);
}

/* Does the codec want what comes? Not after the peer's close frame or its mistake. */
static int is_reading(const struct ws *ws)
{
	return (ws->state == OPEN || ws->state == CLOSING) &&
	       (ws->codec == NULL || wslay_event_want_read(ws->codec));
}

static void take_up(struct ws *ws)
{
	struct buf in = ws->in;

	ws->in = (struct buf)BUF_INIT;
	decode(ws, in.data, in.len);
	buf_release(&in);
}

static void on_flush(void *arg)
{
	CAST(ws, ws, arg, WS_MAGIC);
	size_t before = ws_queued(ws);

	if (ws->state == ENDED)
		return;
	if (ws->codec != NULL)
		wslay_event_send(ws->codec);
	if (send_out(ws) < 0) {
		end(ws, "gone");
		return;
	}
	if (is_said(ws)) {
		linger(ws);
		codec_drop(ws);
		return;
	}
	codec_rest(ws);
	if (ws->state == OPEN && before > 0 && ws->out.len == 0)
		ws->options->drained(ws->arg);
	if (ws->in.len > 0 && !is_held_back(ws) && is_reading(ws))
		take_up(ws);
	poll_for(ws);
}

static void flush(struct ws *ws)
{
	if (ws->state != ENDED)
		turn_queue(ws->loop, TURN_FLUSH, &ws->flush);
}

/* wslay's frames gather in `out` and leave in one piece; it never sees a full socket. */
static ssize_t on_send(
	wslay_event_context_ptr codec, const uint8_t *bytes, size_t len, int flags, void *arg)
{
	CAST(ws, ws, arg, WS_MAGIC);

	UNUSED(codec);
	UNUSED(flags);
	buf_add(&ws->out, bytes, len);
	return (ssize_t)len;
}

/* --- the codec ---------------------------------------------------------------------------------------------------------- */

static ssize_t on_recv(wslay_event_context_ptr codec, uint8_t *to, size_t len, int flags, void *arg)
{
	CAST(ws, ws, arg, WS_MAGIC);
	size_t n = MIN(len, ws->feed_len);

	UNUSED(flags);
	if (n == 0 || is_held_back(ws)) {
		wslay_event_set_error(codec, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(to, ws->feed, n);
	ws->feed += n;
	ws->feed_len -= n;
	ws->taken += n;
	return (ssize_t)n;
}

/* Into `out` at once: wslay would let a close frame, and whatever else is control, overtake it. */
static void message_queue(struct ws *ws, uint8_t opcode, const char *bytes, size_t len)
{
	const struct wslay_event_msg message = {
		.opcode = opcode, .msg = (const uint8_t *)bytes, .msg_length = len};

	wslay_event_queue_msg(ws->codec, &message);
	wslay_event_send(ws->codec);
	flush(ws);
}

static void close_queue(struct ws *ws, enum ws_code code, const char *reason)
{
	wslay_event_queue_close(ws->codec, (uint16_t)code, (const uint8_t *)reason, strlen(reason));
	ws->state = CLOSING;
	deadline(ws, CLOSE_MS);
	flush(ws);
}

/* Section 5.2: two bytes, the extended length, the mask, the payload. */
static uint64_t frame_len(uint64_t payload)
{
	return 2 + (payload < 126 ? 0 : payload < 65536 ? 2 : 8) + 4 + payload;
}

static void on_frame(wslay_event_context_ptr codec,
	const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
	CAST(ws, ws, arg, WS_MAGIC);

	ws->framed += frame_len(frame->payload_length);
	ws->in_control = wslay_is_ctrl_frame(frame->opcode);
	if (ws->in_control)
		return;
	ws->in_message = 1;
	if (ws->message.len + frame->payload_length <= ws->options->message_bytes ||
		ws->state != OPEN)
		return;
	wslay_event_shutdown_read(codec);
	ws->why = "protocol";
	close_queue(ws, WS_TOO_BIG, "the message is too large");
}

/* wslay checks a message and hands it on in pieces; it would keep them in one allocation for each fragment, which a
 * message of empty fragments turns into a weapon. */
static void on_chunk(wslay_event_context_ptr codec,
	const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *arg)
{
	CAST(ws, ws, arg, WS_MAGIC);

	UNUSED(codec);
	if (!ws->in_control && ws->state == OPEN)
		buf_add(&ws->message, chunk->data, chunk->data_length);
}

static void message_take(struct ws *ws, uint8_t opcode)
{
	struct buf message = ws->message;

	ws->message = (struct buf)BUF_INIT;
	ws->in_message = 0;
	if (ws->state == OPEN && opcode == WSLAY_TEXT_FRAME)
		ws->options->text(ws->arg, buf_str(&message), message.len);
	else if (ws->state == OPEN)
		message_queue(ws, WSLAY_BINARY_FRAME, message.data, message.len);
	buf_release(&message);
}

static void on_whole(
	wslay_event_context_ptr codec, const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
	CAST(ws, ws, arg, WS_MAGIC);

	UNUSED(codec);
	if (message->opcode == WSLAY_CONNECTION_CLOSE) {
		ws->why = "closed";
		ws->state = MAX(ws->state, CLOSING); /* wslay has queued the answer */
		deadline(ws, CLOSE_MS);
	} else if (!wslay_is_ctrl_frame(message->opcode)) {
		message_take(ws, message->opcode);
	}
}

static void codec_need(struct ws *ws)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_recv,
		.send_callback = on_send,
		.on_frame_recv_start_callback = on_frame,
		.on_frame_recv_chunk_callback = on_chunk,
		.on_msg_recv_callback = on_whole,
	};

	if (ws->codec != NULL)
		return;
	if (wslay_event_context_server_init(&ws->codec, &callbacks, ws) != 0)
		abort(); /* out of memory */
	wslay_event_config_set_no_buffering(ws->codec, 1);
	/* Without buffering this is about frames; messages are counted in on_frame(). */
	wslay_event_config_set_max_recv_msg_length(ws->codec, ws->options->frame_bytes);
}

/* wslay has queued a close frame of its own: with a status when it knows one, empty after an ill-formed head. That
 * one we replace, and with it the codec; only pongs can still be waiting in it. */
static void failed(struct ws *ws, int rc)
{
	int known = wslay_event_get_close_received(ws->codec) || ws->state == CLOSING;

	ws->why = known ? ws->why : "protocol";
	if (rc == 0 || known) {
		ws->state = CLOSING;
		deadline(ws, CLOSE_MS);
		flush(ws);
		return;
	}
	codec_drop(ws);
	codec_need(ws);
	wslay_event_shutdown_read(ws->codec);
	close_queue(ws, WS_PROTOCOL_ERROR, "");
}

static void decode(struct ws *ws, const char *bytes, size_t len)
{
	int rc;

	codec_need(ws);
	ws->feed = bytes;
	ws->feed_len = len;
	rc = wslay_event_recv(ws->codec);
	if (!wslay_event_want_read(ws->codec))
		failed(ws, rc);
	else if (ws->feed_len > 0)
		buf_add(&ws->in, ws->feed, ws->feed_len);
	ws->feed = NULL;
	ws->feed_len = 0;
	if (wslay_event_want_write(ws->codec))
		flush(ws);
	codec_rest(ws);
}

/* --- the socket --------------------------------------------------------------------------------------------------------- */

static void on_readable(struct ws *ws)
{
	static char bytes[READ_BYTES]; /* one loop per process */

	for (int i = 0; i < READS_MAX && ws->state != ENDED; i++) {
		ssize_t n = recv(ws->fd, bytes, sizeof bytes, 0);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return;
		if (n <= 0) {
			end(ws, ws->why);
			return;
		}
		ws->heard_at_ms = uv_now(ws->loop);
		ws->pinged = 0;
		if (is_reading(ws))
			decode(ws, bytes, (size_t)n);
		if (n < (ssize_t)sizeof bytes || is_held_back(ws))
			return;
	}
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	CAST(ws, ws, poll->data, WS_MAGIC);

	if (ws->state == ENDED)
		return;
	if (status < 0 || (events & UV_READABLE) != 0)
		on_readable(ws); /* after an error reading tells which */
	if (ws->state != ENDED && (status < 0 || (events & UV_DISCONNECT) != 0))
		end(ws, status < 0 ? "error" : "gone");
	if ((events & UV_WRITABLE) != 0)
		flush(ws);
	poll_for(ws);
}

static void poll_for(struct ws *ws)
{
	int events = 0;

	if (ws->state == ENDED)
		return;
	if (ws->state == LINGERING || (!is_held_back(ws) && ws->in.len == 0))
		events |= UV_READABLE;
	if (ws->out.len > 0)
		events |= UV_WRITABLE;
	/* Held back and with nothing to send it would not be noticed that the peer left. */
	if (events == 0)
		events = UV_DISCONNECT;
	if (events != ws->events)
		uv_poll_start(&ws->poll, events, on_ready);
	ws->events = events;
}

/* Silence is looked at when the timer fires, so that hearing the peer costs nothing. */
static void on_timer(uv_timer_t *timer)
{
	CAST(ws, ws, timer->data, WS_MAGIC);
	uint64_t quiet = uv_now(ws->loop) - ws->heard_at_ms;
	unsigned patience = ws->options->ping_ms + (ws->pinged ? ws->options->silent_ms : 0);

	if (ws->state != OPEN) {
		end(ws, ws->why);
	} else if (ws->paused) {
		ws->heard_at_ms = uv_now(ws->loop);
		deadline(ws, ws->options->ping_ms);
	} else if (quiet < patience) {
		deadline(ws, (unsigned)(patience - quiet));
	} else if (ws->pinged) {
		end(ws, "silent");
	} else {
		codec_need(ws);
		message_queue(ws, WSLAY_PING, NULL, 0);
		ws->pinged = 1;
		deadline(ws, ws->options->silent_ms);
	}
}

/* --- the owner's calls ---------------------------------------------------------------------------------------------------- */

struct ws *ws_open(uv_loop_t *loop, int fd, const struct ws_options *options, void *arg)
{
	struct ws *ws = mem_alloc(sizeof *ws);

	ws->magic = WS_MAGIC;
	ws->loop = loop;
	ws->options = options;
	ws->arg = arg;
	ws->fd = fd;
	ws->why = "gone";
	ws->flush = (struct turn_task){.fn = on_flush, .arg = ws};
	ws->heard_at_ms = uv_now(loop);
	if (uv_poll_init(loop, &ws->poll, fd) < 0) {
		close(fd);
		mem_free(ws);
		return NULL;
	}
	ws->n_handles = 2;
	uv_timer_init(loop, &ws->timer);
	ws->poll.data = ws->timer.data = ws;
	deadline(ws, options->ping_ms);
	return ws;
}

void ws_start(struct ws *ws, const void *early, size_t len)
{
	if (len > 0)
		decode(ws, early, len);
	poll_for(ws);
}

void ws_send(struct ws *ws, const char *text, size_t len)
{
	if (ws->state != OPEN)
		return;
	codec_need(ws);
	message_queue(ws, WSLAY_TEXT_FRAME, text, len);
}

void ws_pause(struct ws *ws, int paused)
{
	if (ws->paused == paused)
		return;
	ws->paused = paused;
	if (!paused)
		ws->heard_at_ms = uv_now(ws->loop);
	flush(ws); /* which takes up reading; not from within a call of the owner's */
}

void ws_close(struct ws *ws, enum ws_code code, const char *reason)
{
	if (ws->state != OPEN)
		return;
	codec_need(ws);
	ws->why = "closed";
	close_queue(ws, code, reason);
}

void ws_free(struct ws **wsp, enum ws_code code)
{
	struct ws *ws = *wsp;

	*wsp = NULL;
	if (ws == NULL)
		return;
	ws->freed = 1;
	ws_close(ws, code, "");
	if (ws->codec != NULL && ws->state != ENDED)
		wslay_event_send(ws->codec);
	if (ws->state != ENDED)
		(void)send_out(ws);
	end(ws, "closed");
}
