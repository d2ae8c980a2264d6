/* SPDX-License-Identifier: MIT */
/* ws - one WebSocket after its handshake: frames over a socket in the loop (RFC 6455), by wslay.
 *
 * Text messages come in whole, checked to be UTF-8; binary ones are sent back as they came. Fragments, pings, the closing
 * handshake and a silent peer are dealt with here. What is sent in one turn of the loop leaves in one write. At rest a socket
 * is this small struct: wslay's buffers exist only while a frame is under way. Knows no session and no JSON. */
#ifndef GATEWAY_WS_H
#define GATEWAY_WS_H

#include <uv.h>

#include "core/base.h"

struct ws;

/* Status codes of a closing handshake, section 7.4.1; 1013 from IANA's registry. */
enum ws_code {
	WS_NORMAL = 1000,
	WS_GOING_AWAY = 1001,
	WS_PROTOCOL_ERROR = 1002,
	WS_POLICY = 1008,
	WS_TOO_BIG = 1009,
	WS_TRY_LATER = 1013
};

struct ws_options {
	size_t frame_bytes; /* a larger frame or message closes with 1009 */
	size_t message_bytes;
	unsigned ping_ms;   /* a ping is sent when nothing came for so long, */
	unsigned silent_ms; /* and the socket dropped when nothing came for so long after that */
	/* A whole text message; borrowed, followed by a NUL. Never called once ws_close() was. May be called a little longer
	 * than ws_pause() says: what the decoder has read already, 4 KiB at most. */
	void (*text)(void *arg, const char *text, size_t len);
	/* All that was queued has been taken by the socket. */
	void (*drained)(void *arg);
	/* The socket is over and has been closed; the ws is freed when this returns. `why` is a constant word for the
	 * log: closed, gone, silent, protocol, error. Comes from the loop, never from within a call. */
	void (*gone)(void *arg, const char *why);
};

/* TAKES `fd`, a connected non-blocking stream socket. KEEPS `options` while it lives. The loop needs a turn
 * (core/turn.h). GIVES; ends by gone() or ws_free(). NULL when the kernel has no room to watch it. */
struct ws *ws_open(uv_loop_t *loop, int fd, const struct ws_options *options, void *arg);
/* Begins to read, with the bytes that came behind the handshake's request. text() may be called from within. */
void ws_start(struct ws *ws, const void *early, size_t len);

/* Sends a text message as one frame. Does nothing once the socket is closing. */
void ws_send(struct ws *ws, const char *text, size_t len);
/* Bytes queued and not yet taken by the socket. */
size_t ws_queued(const struct ws *ws);
/* Stops reading (1) or goes on (0): the peer is held back by TCP. */
void ws_pause(struct ws *ws, int paused);
/* Begins the closing handshake, after what is queued; `reason` is at most 123 bytes of UTF-8. The peer gets some seconds to
 * answer; gone() follows. Does nothing once it is closing. */
void ws_close(struct ws *ws, enum ws_code code, const char *reason);
/* Ends it now: what is queued and a close frame are written as far as the socket takes them; no callback follows. Sets
 * NULL; the loop has to run once more. */
void ws_free(struct ws **ws, enum ws_code code);

#endif
