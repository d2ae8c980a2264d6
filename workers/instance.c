/* SPDX-License-Identifier: MIT */
#include "workers/instance.h"

#include <string.h>
#include <utlist.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/turn.h"
#include "workers/worker.h"

struct instances {
	struct worker *worker;
	struct instance_events events;
	struct instance *list;
	size_t count;
};

/* What ends an instance: the wait after its last session, and the closing itself, which always comes from the loop. Lives
 * longer than the instance, because its handle closes later. */
struct instance_end {
	uv_timer_t linger;
	struct turn_task close;
	struct instances *list;
	struct instance *in;
};

static void on_end_closed(uv_handle_t *h)
{
	mem_free(h->data);
}

/* --- closing ------------------------------------------------------------------------------------------------------------- */

static void detach(struct instance *in, struct attached *a)
{
	DL_DELETE(in->attached, a);
	json_decref(a->topics);
	mem_free(a);
}

static void detach_all(struct instance *in)
{
	struct attached *a, *next;

	DL_FOREACH_SAFE (in->attached, a, next)
		detach(in, a);
}

/* All but the platform's state and the handle that closes later. */
static void instance_free(struct instances *list, struct instance *in)
{
	psession_handles_release(&in->handles);
	detach_all(in);
	DL_DELETE(list->list, in);
	list->count--;
	turn_cancel(&in->end->close);
	uv_close((uv_handle_t *)&in->end->linger, on_end_closed);
	json_decref(in->credentials);
	json_decref(in->kept);
	json_decref(in->keep);
	mem_free(in->actor);
	mem_free(in->why);
	mem_free(in);
}

static void instance_close(struct instances *list, struct instance *in)
{
	log_event(LOG_DEBUG, "instance.close", LOG_STR("platform", list->worker->platform->name),
		LOG_STR("key", in->key));
	in->state = INSTANCE_BROKEN; /* no more found */
	list->worker->platform->close(in->platform_state);
	list->events.closed(list->events.arg, in->key);
	instance_free(list, in);
}

/* From the loop, so that no platform is closed from within one of its own calls. */
static void on_close(void *arg)
{
	struct instance_end *end = arg;
	struct instance *in = end->in;

	if (in->state == INSTANCE_BROKEN)
		end->list->events.fail(end->list->events.arg, in, in->why);
	instance_close(end->list, in);
}

static void on_linger(uv_timer_t *timer)
{
	struct instance_end *end = timer->data;

	if (end->in->attached != NULL)
		return;
	if (end->list->events.busy(end->list->events.arg, end->in))
		uv_timer_start(timer, on_linger, 1000, 0);
	else
		turn_queue(timer->loop, TURN_WORK, &end->close);
}

/* --- opening ------------------------------------------------------------------------------------------------------------- */

void instance_key(const struct worker *w, const char *actor, const json_t *credentials,
	char out[CRYPT_TOKEN_SIZE])
{
	struct buf text = BUF_INIT;
	char *canonical = credentials != NULL
				  ? json_dumps(credentials, JSON_SORT_KEYS | JSON_COMPACT)
				  : NULL;

	buf_add_str(&text, actor);
	buf_add_char(&text, '\0');
	if (canonical != NULL) {
		buf_add_str(&text, canonical);
		mem_wipe(canonical, strlen(canonical));
	}
	crypt_digest(&w->key, text.data, text.len, out);
	mem_wipe(text.data, text.len);
	buf_release(&text);
	mem_free(canonical);
}

struct attached *instance_attached(const struct instance *in, const struct session_ref *s)
{
	struct attached *a;

	DL_FOREACH (in->attached, a)
		if (strcmp(a->session.h, s->h) == 0)
			return a;
	return NULL;
}

void instance_attach(struct instance *in, const struct session_ref *session, const json_t *topics)
{
	struct attached *a = instance_attached(in, session);

	/* A stateless instance serves everybody and sends to askers only. */
	if (in->worker->platform->life == PLATFORM_STATELESS)
		return;
	if (a == NULL) {
		a = mem_alloc(sizeof *a);
		a->session = *session;
		DL_APPEND(in->attached, a);
		instance_changed(in);
	}
	if (topics != NULL && a->topics == NULL) {
		a->topics = json_deep_copy(topics);
		instance_changed(in);
	}
	uv_timer_stop(&in->end->linger);
}

/* Opened with its first session attached: it may have something to say at once. */
static struct instance *instance_new(
	struct instances *list, const struct instance_want *want, struct err *e)
{
	struct instance *in = mem_alloc(sizeof *in);
	struct worker *w = list->worker;

	in->worker = w;
	memcpy(in->key, want->key, strlen(want->key) + 1);
	in->actor = mem_strdup(w->platform->life == PLATFORM_STATELESS ? "" : want->actor);
	in->credentials = json_incref(want->credentials);
	in->kept = json_incref(want->kept);
	in->keep = json_incref(
		want->kept); /* for the next one too, until the platform says otherwise */
	in->recorded = want->kept != NULL;
	in->ps = (struct psession){in, NULL};
	in->state = w->platform->life == PLATFORM_STATELESS ? INSTANCE_READY : INSTANCE_OPEN;
	in->end = mem_alloc(sizeof *in->end);
	*in->end = (struct instance_end){
		.close = {.fn = on_close, .arg = in->end}, .list = list, .in = in};
	uv_timer_init(w->loop, &in->end->linger);
	in->end->linger.data = in->end;
	DL_APPEND(list->list, in);
	list->count++;
	instance_attach(in, want->session, want->topics);
	log_event(LOG_DEBUG, "instance.open", LOG_STR("platform", w->platform->name),
		LOG_STR("key", in->key), LOG_INT("restored", in->kept != NULL));
	if (w->platform->open(&in->ps, w->settings, &in->platform_state, e) == 0)
		return in;
	instance_free(list, in);
	return NULL;
}

struct instance *instances_find(const struct instances *list, const char *key)
{
	struct instance *in;

	DL_FOREACH (list->list, in)
		if (in->state != INSTANCE_BROKEN && strcmp(in->key, key) == 0 &&
			!in->end->close.queued)
			return in;
	return NULL;
}

struct instance *instances_get(
	struct instances *list, const struct instance_want *want, struct err *e)
{
	struct instance *in = instances_find(list, want->key);

	if (in == NULL)
		return instance_new(list, want, e);
	instance_attach(in, want->session, want->topics);
	return in;
}

size_t instances_count(const struct instances *list)
{
	return list->count;
}

struct instance *instances_first(const struct instances *list)
{
	return list->list;
}

/* --- events ---------------------------------------------------------------------------------------------------------------- */

void instances_session_gone(struct instances *list, const struct session_ref *s)
{
	long long linger_ms = list->worker->conf->session_linger_s * 1000;
	struct instance *in;
	struct attached *a;

	DL_FOREACH (list->list, in) {
		a = instance_attached(in, s);
		if (a == NULL)
			continue;
		detach(in, a);
		instance_changed(in);
		if (list->worker->platform->left != NULL && in->state != INSTANCE_BROKEN)
			list->worker->platform->left(in->platform_state);
		if (in->attached == NULL)
			uv_timer_start(&in->end->linger, on_linger, (uint64_t)linger_ms, 0);
	}
}

void instance_changed(struct instance *in)
{
	in->end->list->events.changed(in->end->list->events.arg, in);
}

void instance_ready(struct instance *in)
{
	if (in->state != INSTANCE_OPEN)
		return;
	in->state = INSTANCE_READY;
	in->end->list->events.ready(in->end->list->events.arg, in);
}

void instance_unready(struct instance *in)
{
	if (in->state == INSTANCE_READY)
		in->state = INSTANCE_OPEN;
}

void instance_broken(struct instance *in, const struct err *why)
{
	if (in->state == INSTANCE_BROKEN)
		return;
	in->state = INSTANCE_BROKEN;
	in->why = mem_alloc(sizeof *in->why);
	*in->why = *why;
	turn_queue(in->worker->loop, TURN_WORK, &in->end->close);
}

/* --- life -------------------------------------------------------------------------------------------------------------------- */

struct instances *instances_open(struct worker *w, const struct instance_events *events)
{
	struct instances *list = mem_alloc(sizeof *list);

	list->worker = w;
	list->events = *events;
	return list;
}

void instances_close(struct instances **lp)
{
	struct instances *list = *lp;

	*lp = NULL;
	if (list == NULL)
		return;
	while (list->list != NULL)
		instance_close(list, list->list);
	mem_free(list);
}
