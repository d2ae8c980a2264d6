/* SPDX-License-Identifier: MIT */
#include "workers/psession.h"

#include <string.h>
#include <utlist.h>

#include "core/mem.h"
#include "workers/instance.h"
#include "workers/job.h"
#include "workers/outgoing.h"
#include "workers/worker.h"

#define TIMER_MAGIC 0x95E50001u
#define WATCH_MAGIC 0x95E50002u

const json_t *psession_credentials(const struct psession *ps)
{
	return ps->instance->credentials;
}

/* --- messages --------------------------------------------------------------------------------------------------------- */

static void on_backlog(void *arg, int held);

static void on_taken(void *arg)
{
	struct psession_handles *h = arg;
	platform_taken_fn *fn = h->taken;

	h->taken = NULL;
	fn(h->taken_arg);
}

static struct backlog_source *source(struct psession *ps)
{
	struct psession_handles *h = &ps->instance->handles;

	if (h->sent == NULL)
		h->sent = backlog_source_new(
			outgoing_backlog(ps->instance->worker->outgoing), on_backlog, on_taken, h);
	return h->sent;
}

static void send_to(struct psession *ps, const struct attached *a, const json_t *message)
{
	outgoing_message(ps->instance->worker->outgoing, &a->session, source(ps), message);
}

void psession_send(struct psession *ps, json_t *message)
{
	struct attached *a;

	if (ps->job != NULL)
		outgoing_job_message(ps->instance->worker->outgoing, &ps->job->q, source(ps),
			&ps->job->item, message);
	else
		DL_FOREACH (ps->instance->attached, a)
			send_to(ps, a, message);
	json_decref(message);
}

void psession_send_others(struct psession *ps, json_t *message)
{
	struct attached *a;

	assert(ps->job != NULL);
	DL_FOREACH (ps->instance->attached, a)
		if (strcmp(a->session.h, ps->job->q.session.h) != 0)
			send_to(ps, a, message);
	json_decref(message);
}

/* When Redis takes the last of it, `fn` is called before anybody hears that nothing is left to be sent: a worker that drains
 * lets its platforms acknowledge all. */
void psession_when_taken(struct psession *ps, platform_taken_fn *fn, void *arg)
{
	struct psession_handles *h = &ps->instance->handles;

	turn_cancel(&h->taken_now);
	h->taken = fn;
	h->taken_arg = arg;
	h->taken_now = (struct turn_task){.fn = on_taken, .arg = h};
	if (fn == NULL)
		backlog_unmark(source(ps));
	else if (backlog_mark(source(ps)))
		turn_queue(ps->instance->worker->loop, TURN_WORK, &h->taken_now);
}

/* --- its instance ----------------------------------------------------------------------------------------------------- */

const char *psession_actor(const struct psession *ps)
{
	return ps->instance->actor;
}

void psession_unready(struct psession *ps)
{
	instance_unready(ps->instance);
}

void psession_ready(struct psession *ps)
{
	instance_ready(ps->instance);
}

void psession_broken(struct psession *ps, const struct err *why)
{
	instance_broken(ps->instance, why);
}

void psession_log(struct psession *ps, enum log_level level, const char *ev, const char *text)
{
	log_event(level, ev, LOG_STR("platform", ps->instance->worker->platform->name),
		LOG_STR("session", ps->job != NULL ? ps->job->q.session.h : ps->instance->key),
		LOG_STR("text", text));
}

struct http_client *psession_http(struct psession *ps)
{
	return ps->instance->worker->http;
}

const struct outbound *psession_outbound(struct psession *ps)
{
	return ps->instance->worker->outbound;
}

/* --- what outlives a call --------------------------------------------------------------------------------------------- */

void psession_subscribe(struct psession *ps, const char *topic)
{
	struct attached *a = instance_attached(ps->instance, &ps->job->q.session);

	/* Its session has ended meanwhile: there is nobody to tell. */
	if (a == NULL)
		return;
	if (a->topics == NULL)
		a->topics = json_object();
	json_object_set_new(a->topics, topic, json_true());
	instance_changed(ps->instance);
}

void psession_unsubscribe(struct psession *ps, const char *topic)
{
	struct attached *a = instance_attached(ps->instance, &ps->job->q.session);

	if (a != NULL && json_object_del(a->topics, topic) == 0)
		instance_changed(ps->instance);
}

size_t psession_subscribers(const struct psession *ps, const char *topic)
{
	const struct attached *a;
	size_t n = 0;

	DL_FOREACH (ps->instance->attached, a)
		n += json_object_get(a->topics, topic) != NULL;
	return n;
}

void psession_publish(struct psession *ps, const char *topic, json_t *message)
{
	struct attached *a;

	DL_FOREACH (ps->instance->attached, a)
		if (json_object_get(a->topics, topic) != NULL)
			send_to(ps, a, message);
	json_decref(message);
}

void psession_keep(struct psession *ps, json_t *state)
{
	json_decref(ps->instance->keep);
	ps->instance->keep = state;
	instance_changed(ps->instance);
}

const json_t *psession_kept(const struct psession *ps)
{
	return ps->instance->kept;
}

/* --- timers ----------------------------------------------------------------------------------------------------------- */

struct platform_timer {
	unsigned magic;
	uv_timer_t timer;
	struct psession_handles *owner;
	platform_timer_fn *fn;
	void *arg;
	struct platform_timer *prev, *next;
};

static void on_timer_closed(uv_handle_t *h)
{
	CAST(platform_timer, t, h->data, TIMER_MAGIC);
	mem_free(t);
}

void platform_timer_free(struct platform_timer **tp)
{
	struct platform_timer *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	DL_DELETE(t->owner->timers, t);
	uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

static void on_timer(uv_timer_t *h)
{
	CAST(platform_timer, t, h->data, TIMER_MAGIC);
	platform_timer_fn *fn = t->fn;
	void *arg = t->arg;

	platform_timer_free(&t);
	fn(arg);
}

struct platform_timer *psession_timer(
	struct psession *ps, uint64_t ms, platform_timer_fn *fn, void *arg)
{
	struct platform_timer *t = mem_alloc(sizeof *t);

	t->magic = TIMER_MAGIC;
	t->owner = &ps->instance->handles;
	t->fn = fn;
	t->arg = arg;
	uv_timer_init(ps->instance->worker->loop, &t->timer);
	t->timer.data = t;
	/* libuv runs a 0 ms timer made by a timer within the same round: a platform that slices its work so would starve
	 * the loop. */
	uv_timer_start(&t->timer, on_timer, MAX(ms, 1), 0);
	DL_APPEND(t->owner->timers, t);
	return t;
}

/* --- watches ---------------------------------------------------------------------------------------------------------- */

struct platform_watch {
	unsigned magic;
	uv_poll_t poll;
	int events;
	struct psession_handles *owner;
	platform_watch_fn *fn;
	void *arg;
	struct platform_watch *prev, *next;
};

static void on_watch_closed(uv_handle_t *h)
{
	CAST(platform_watch, w, h->data, WATCH_MAGIC);
	mem_free(w);
}

void platform_watch_free(struct platform_watch **wp)
{
	struct platform_watch *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	DL_DELETE(w->owner->watches, w);
	uv_poll_stop(&w->poll);
	uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

static void on_watch(uv_poll_t *h, int status, int events)
{
	CAST(platform_watch, w, h->data, WATCH_MAGIC);
	w->fn(w->arg, status, events);
}

static void watch_start(struct platform_watch *w)
{
	uv_poll_start(&w->poll, w->events, on_watch);
}

/* What the instance has sent is too much for Redis, or not any more: its servers are to wait. */
static void on_backlog(void *arg, int held)
{
	struct psession_handles *h = arg;
	struct platform_watch *w;

	h->resting = held;
	DL_FOREACH (h->watches, w)
		if (held)
			uv_poll_stop(&w->poll);
		else
			watch_start(w);
}

struct platform_watch *psession_watch(
	struct psession *ps, int fd, int events, platform_watch_fn *fn, void *arg)
{
	struct platform_watch *w = mem_alloc(sizeof *w);

	w->magic = WATCH_MAGIC;
	w->owner = &ps->instance->handles;
	w->fn = fn;
	w->arg = arg;
	if (uv_poll_init(ps->instance->worker->loop, &w->poll, fd) < 0) {
		mem_free(w);
		return NULL;
	}
	w->poll.data = w;
	w->events = events;
	if (!w->owner->resting)
		watch_start(w);
	DL_APPEND(w->owner->watches, w);
	return w;
}

void psession_handles_release(struct psession_handles *h)
{
	while (h->timers != NULL) {
		struct platform_timer *t = h->timers;
		platform_timer_free(&t);
	}
	while (h->watches != NULL) {
		struct platform_watch *w = h->watches;
		platform_watch_free(&w);
	}
	turn_cancel(&h->taken_now);
	backlog_source_free(&h->sent);
}
