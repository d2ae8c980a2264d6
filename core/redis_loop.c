/* SPDX-License-Identifier: MIT */
#include "core/redis_loop.h"

#include <hiredis/async.h>

#include "core/mem.h"
#include "core/turn.h"

#define LOOP_MAGIC 0x7ED15003u

struct redis_loop {
	unsigned magic;
	uv_poll_t poll;
	/* Writes what this turn has queued, in one write and without an epoll_ctl. */
	struct turn_task flush;
	redisAsyncContext *ac;
	int events;
	int flushing;
};

static void loop_ready(uv_poll_t *poll, int status, int events)
{
	CAST(redis_loop, a, poll->data, LOOP_MAGIC);

	if (status < 0)
		events = UV_READABLE | UV_WRITABLE; /* let hiredis find the error on the socket */
	/* Reading first: replies free room and their callbacks queue more to write. Either call may free the context. */
	if (a->ac != NULL && (events & UV_READABLE))
		redisAsyncHandleRead(a->ac);
	if (a->ac != NULL && (events & UV_WRITABLE))
		redisAsyncHandleWrite(a->ac);
}

static void loop_want(struct redis_loop *a, int set, int clear)
{
	int events = (a->events | set) & ~clear;

	if (events == a->events)
		return;
	a->events = events;
	if (events != 0)
		uv_poll_start(&a->poll, events, loop_ready);
	else
		uv_poll_stop(&a->poll);
}

static void loop_flush(void *arg)
{
	CAST(redis_loop, a, arg, LOOP_MAGIC);

	a->flushing = 1;
	redisAsyncHandleWrite(a->ac);
	a->flushing = 0;
}

static void loop_add_read(void *p)
{
	CAST(redis_loop, a, p, LOOP_MAGIC);
	loop_want(a, UV_READABLE, 0);
}

static void loop_del_read(void *p)
{
	CAST(redis_loop, a, p, LOOP_MAGIC);
	loop_want(a, 0, UV_READABLE);
}

static void loop_add_write(void *p)
{
	CAST(redis_loop, a, p, LOOP_MAGIC);

	/* While connecting, and when the socket did not take all, the poll tells when to go on. */
	if (a->flushing || !(a->ac->c.flags & REDIS_CONNECTED))
		loop_want(a, UV_WRITABLE, 0);
	else
		turn_queue(a->poll.loop, TURN_FLUSH, &a->flush);
}

static void loop_del_write(void *p)
{
	CAST(redis_loop, a, p, LOOP_MAGIC);
	loop_want(a, 0, UV_WRITABLE);
}

static void loop_closed(uv_handle_t *h)
{
	CAST(redis_loop, a, h->data, LOOP_MAGIC);

	mem_free(a);
}

static void loop_cleanup(void *p)
{
	CAST(redis_loop, a, p, LOOP_MAGIC);

	a->ac = NULL;
	turn_cancel(&a->flush);
	uv_close((uv_handle_t *)&a->poll, loop_closed);
}

void redis_loop_attach(uv_loop_t *loop, redisAsyncContext *ac)
{
	struct redis_loop *a = mem_alloc(sizeof *a);

	a->magic = LOOP_MAGIC;
	a->ac = ac;
	a->flush = (struct turn_task){.fn = loop_flush, .arg = a};
	uv_poll_init(loop, &a->poll, ac->c.fd);
	a->poll.data = a;
	ac->ev.data = a;
	ac->ev.addRead = loop_add_read;
	ac->ev.delRead = loop_del_read;
	ac->ev.addWrite = loop_add_write;
	ac->ev.delWrite = loop_del_write;
	ac->ev.cleanup = loop_cleanup;
}
