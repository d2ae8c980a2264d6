/* SPDX-License-Identifier: MIT */
#include "core/ending.h"

#include <signal.h>

#include "core/base.h"
#include "core/lifeline.h"

static void end(struct ending *e, int cut)
{
	if (e->state == ENDING_CLOSED)
		return;
	e->state = ENDING_CLOSED;
	lifeline_close(&e->lifeline);
	uv_close((uv_handle_t *)&e->terminate, NULL);
	uv_close((uv_handle_t *)&e->interrupt, NULL);
	uv_close((uv_handle_t *)&e->deadline, NULL);
	e->events.close(e->arg, cut);
}

static void on_deadline(uv_timer_t *timer)
{
	end(timer->data, 1);
}

static void asked(struct ending *e)
{
	if (e->state != ENDING_NOT) {
		end(e, 1);
		return;
	}
	e->state = ENDING_DRAINS;
	uv_timer_start(&e->deadline, on_deadline, e->limit_ms, 0);
	e->events.drain(e->arg);
}

static void on_signal(uv_signal_t *handle, int number)
{
	UNUSED(number);
	asked(handle->data);
}

static void on_lost(void *arg)
{
	asked(arg);
}

void ending_open(struct ending *e, uv_loop_t *loop, uint64_t limit_ms,
	const struct ending_events *events, void *arg)
{
	e->events = *events;
	e->arg = arg;
	e->limit_ms = limit_ms;
	uv_timer_init(loop, &e->deadline);
	uv_signal_init(loop, &e->terminate);
	uv_signal_init(loop, &e->interrupt);
	e->deadline.data = e->terminate.data = e->interrupt.data = e;
	uv_signal_start(&e->terminate, on_signal, SIGTERM);
	uv_signal_start(&e->interrupt, on_signal, SIGINT);
	e->lifeline = lifeline_watch(loop, on_lost, e);
}

void ending_ready(struct ending *e)
{
	lifeline_ready(e->lifeline);
}

void ending_now(struct ending *e)
{
	end(e, 0);
}

int ending_has_begun(const struct ending *e)
{
	return e->state != ENDING_NOT;
}
