/* SPDX-License-Identifier: MIT */
#include "core/adapter.h"

#include "core/mem.h"
#include "core/turn.h"

#define ADAPTER_MAGIC 0x7ED15003u

struct adapter {
	unsigned magic;
	uv_poll_t poll;
	/* Writes what this turn has queued, in one write and without an epoll_ctl. */
	struct turn_task flush;
	redisAsyncContext *ac;
	int events;
	int flushing;
};

static void adapter_ready(uv_poll_t *poll, int status, int events)
{
	CAST(adapter, a, poll->data, ADAPTER_MAGIC);

	if (status < 0)
		events = UV_READABLE | UV_WRITABLE; /* let hiredis find the error on the socket */
	/* Reading first: replies free room and their callbacks queue more to write. Either call may free the context. */
	if (a->ac != NULL && (events & UV_READABLE))
		redisAsyncHandleRead(a->ac);
	if (a->ac != NULL && (events & UV_WRITABLE))
		redisAsyncHandleWrite(a->ac);
}

static void adapter_want(struct adapter *a, int set, int clear)
{
	int events = (a->events | set) & ~clear;

	if (events == a->events)
		return;
	a->events = events;
	if (events != 0)
		uv_poll_start(&a->poll, events, adapter_ready);
	else
		uv_poll_stop(&a->poll);
}

static void adapter_flush(void *arg)
{
	CAST(adapter, a, arg, ADAPTER_MAGIC);

	a->flushing = 1;
	redisAsyncHandleWrite(a->ac);
	a->flushing = 0;
}

static void adapter_add_read(void *p)
{
	CAST(adapter, a, p, ADAPTER_MAGIC);
	adapter_want(a, UV_READABLE, 0);
}

static void adapter_del_read(void *p)
{
	CAST(adapter, a, p, ADAPTER_MAGIC);
	adapter_want(a, 0, UV_READABLE);
}

static void adapter_add_write(void *p)
{
	CAST(adapter, a, p, ADAPTER_MAGIC);

	/* While connecting, and when the socket did not take all, the poll tells when to go on. */
	if (a->flushing || !(a->ac->c.flags & REDIS_CONNECTED))
		adapter_want(a, UV_WRITABLE, 0);
	else
		turn_queue(a->poll.loop, TURN_FLUSH, &a->flush);
}

static void adapter_del_write(void *p)
{
	CAST(adapter, a, p, ADAPTER_MAGIC);
	adapter_want(a, 0, UV_WRITABLE);
}

static void adapter_closed(uv_handle_t *h)
{
	CAST(adapter, a, h->data, ADAPTER_MAGIC);

	mem_free(a);
}

static void adapter_cleanup(void *p)
{
	CAST(adapter, a, p, ADAPTER_MAGIC);

	a->ac = NULL;
	turn_cancel(&a->flush);
	uv_close((uv_handle_t *)&a->poll, adapter_closed);
}

void adapter_attach(uv_loop_t *loop, redisAsyncContext *ac)
{
	struct adapter *a = mem_alloc(sizeof *a);

	a->magic = ADAPTER_MAGIC;
	a->ac = ac;
	a->flush = (struct turn_task){.fn = adapter_flush, .arg = a};
	uv_poll_init(loop, &a->poll, ac->c.fd);
	a->poll.data = a;
	ac->ev.data = a;
	ac->ev.addRead = adapter_add_read;
	ac->ev.delRead = adapter_del_read;
	ac->ev.addWrite = adapter_add_write;
	ac->ev.delWrite = adapter_del_write;
	ac->ev.cleanup = adapter_cleanup;
}
