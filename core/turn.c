/* SPDX-License-Identifier: MIT */
#include "core/turn.h"

#include <utlist.h>

#include "core/mem.h"

#define TURN_MAGIC 0x70524E01u

struct turn {
	unsigned magic;
	uv_prepare_t prepare;
	struct turn_task *queue[TURN_PHASES];
};

/* One prepare handle for all, because libuv does not run in this turn a prepare handle that another one starts. */
static void on_prepare(uv_prepare_t *h)
{
	CAST(turn, t, h->data, TURN_MAGIC);

	for (;;) {
		struct turn_task *task = t->queue[TURN_WORK] != NULL ? t->queue[TURN_WORK]
								     : t->queue[TURN_FLUSH];

		if (task == NULL)
			return;
		turn_cancel(task);
		task->fn(task->arg);
	}
}

void turn_open(uv_loop_t *loop)
{
	struct turn *t = mem_alloc(sizeof *t);

	t->magic = TURN_MAGIC;
	uv_prepare_init(loop, &t->prepare);
	t->prepare.data = t;
	uv_prepare_start(&t->prepare, on_prepare);
	uv_unref((uv_handle_t *)&t->prepare);
	loop->data = t;
}

static void on_closed(uv_handle_t *h)
{
	CAST(turn, t, h->data, TURN_MAGIC);
	mem_free(t);
}

void turn_close(uv_loop_t *loop)
{
	CAST(turn, t, loop->data, TURN_MAGIC);

	loop->data = NULL;
	uv_close((uv_handle_t *)&t->prepare, on_closed);
}

void turn_queue(uv_loop_t *loop, enum turn_phase phase, struct turn_task *task)
{
	CAST(turn, t, loop->data, TURN_MAGIC);

	if (task->queued)
		return;
	task->queued = 1;
	task->turn = t;
	task->phase = phase;
	DL_APPEND(t->queue[phase], task);
}

void turn_cancel(struct turn_task *task)
{
	if (!task->queued)
		return;
	task->queued = 0;
	DL_DELETE(task->turn->queue[task->phase], task);
}
