/* SPDX-License-Identifier: MIT */
/* What the peer of a WebSocket may send. The first input byte cuts the rest into pieces. Frames are given unmasked: the
 * fuzzer's time is not spent on undoing masks, which says nothing about what comes behind. A byte 0xff in front leaves
 * them as they are. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/turn.h"
#include "gateway/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uv_loop_t loop;
static size_t n_gone;

static void on_text(void *arg, const char *text, size_t len)
{
	UNUSED(arg);
	assert(len <= 1000 && strlen(text) <= len);
}

static void on_drained(void *arg)
{
	UNUSED(arg);
}

static void on_gone(void *arg, const char *why)
{
	UNUSED(arg);
	assert(*why != '\0');
	n_gone++;
}

static const struct ws_options options = {
	.frame_bytes = 500,
	.message_bytes = 1000,
	.ping_ms = 60000,
	.silent_ms = 60000,
	.text = on_text,
	.drained = on_drained,
	.gone = on_gone,
};

/* Puts the mask bit and a mask of zeros into each frame's head. */
static void mask_add(struct buf *out, const uint8_t *data, size_t size)
{
	while (size >= 2) {
		size_t len = data[1] & 0x7f;
		size_t head = 2 + (len < 126 ? 0 : len == 126 ? 2 : 8);

		buf_add_char(out, (char)data[0]);
		buf_add_char(out, (char)(data[1] | 0x80));
		buf_add(out, data + 2, MIN(head, size) - 2);
		buf_add(out, "\0\0\0\0", 4);
		if (size < head)
			return;
		if (len == 126)
			len = (size_t)data[2] << 8 | data[3];
		len = MIN(len, size - head);
		buf_add(out, data + head, len);
		data += head + len;
		size -= head + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf in = BUF_INIT;
	struct ws *ws;
	size_t step, before = n_gone;
	int fds[2];

	if (size < 1)
		return 0;
	if (loop.data == NULL) {
		uv_loop_init(&loop);
		turn_open(&loop);
	}
	if (data[0] == 0xff)
		buf_add(&in, data + 1, size - 1);
	else
		mask_add(&in, data + 1, size - 1);
	step = data[0] == 0 ? in.len + 1 : data[0];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		abort();
	ws = ws_open(&loop, fds[0], &options, &loop);
	for (size_t at = 0; at < in.len && n_gone == before; at += step) {
		size_t n = MIN(step, in.len - at);
		char *copy = mem_dup(in.data + at, n); /* so that a read past its end is seen */

		if (at == 0)
			ws_start(ws, copy, n);
		else if (send(fds[1], copy, n, MSG_NOSIGNAL) > 0)
			uv_run(&loop, UV_RUN_NOWAIT);
		mem_free(copy);
	}
	if (in.len == 0)
		ws_start(ws, NULL, 0);
	close(fds[1]);
	while (n_gone == before)
		uv_run(&loop, UV_RUN_ONCE);
	buf_release(&in);
	return 0;
}
