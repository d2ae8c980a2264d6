/* SPDX-License-Identifier: MIT */
#include "gateway/hangup.h"

#include "core/mem.h"

#define HANGUP_MAGIC 0x4A460001u

struct hangup {
	unsigned magic;
	uv_poll_t poll;
	void (*fn)(void *arg); /* NULL: stopped, or told */
	void *arg;
};

static void on_closed(uv_handle_t *handle)
{
	CAST(hangup, h, handle->data, HANGUP_MAGIC);
	mem_free(h);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	CAST(hangup, h, poll->data, HANGUP_MAGIC);
	void (*fn)(void *arg) = h->fn;

	UNUSED(status);
	UNUSED(events);
	h->fn = NULL;
	uv_poll_stop(poll);
	if (fn != NULL)
		fn(h->arg);
}

struct hangup *hangup_watch(uv_loop_t *loop, int fd, void (*fn)(void *arg), void *arg)
{
	struct hangup *h = mem_alloc(sizeof *h);

	h->magic = HANGUP_MAGIC;
	h->fn = fn;
	h->arg = arg;
	h->poll.data = h;
	if (uv_poll_init(loop, &h->poll, fd) < 0) {
		mem_free(h);
		return NULL;
	}
	uv_poll_start(&h->poll, UV_DISCONNECT, on_event);
	return h;
}

void hangup_stop(struct hangup **hp)
{
	struct hangup *h = *hp;

	*hp = NULL;
	if (h == NULL)
		return;
	h->fn = NULL;
	uv_poll_stop(&h->poll);
	uv_close((uv_handle_t *)&h->poll, on_closed);
}
