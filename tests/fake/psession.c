/* SPDX-License-Identifier: MIT */
#include "tests/fake/psession.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/http.h"
#include "core/mem.h"
#include "core/outbound.h"

#define TIMER_MAGIC 0x66746d72u
#define WATCH_MAGIC 0x66777463u
#define MAX_JOBS    1024
#define WAIT_MS     30000u

struct psession {
	struct fake *fake;
	int job; /* -1: the instance's own */
};

struct job {
	struct psession ps;
	json_t *activity;
	void *data;
	int open; /* neither answered nor cancelled */
	json_t *answer;
};

struct platform_timer {
	unsigned magic;
	uv_timer_t timer;
	struct fake *fake;
	struct platform_timer *next;
	platform_timer_fn *fn;
	void *arg;
};

struct platform_watch {
	unsigned magic;
	uv_poll_t poll;
	struct fake *fake;
	struct platform_watch *next;
	platform_watch_fn *fn;
	void *arg;
};

struct fake {
	uv_loop_t loop;
	uv_timer_t tick, take;
	int held;
	platform_taken_fn *taken;
	void *taken_arg;
	const struct platform *platform;
	void *state;
	struct psession ps;
	struct outbound *outbound;
	struct http_client *http;
	json_t *settings, *credentials, *kept, *topics, *events;
	struct job *jobs[MAX_JOBS];
	int n_jobs;
	struct platform_timer *timers;
	struct platform_watch *watches;
};

/* --- recording -------------------------------------------------------------------------------------------------- */

static void die(const char *what)
{
	fprintf(stderr, "fake psession: %s\n", what);
	abort();
}

static json_t *record(struct fake *f, const char *ev)
{
	json_t *event = json_object();

	json_object_set_new(event, "ev", json_string(ev));
	json_array_append_new(f->events, event);
	return event;
}

static void set_error(json_t *event, const struct err *e)
{
	if (e->code == ERR_NONE)
		die("a failure without an error");
	if (json_object_set_new(event, "text", json_string(e->text)) < 0)
		die("an error text that is not UTF-8");
	json_object_set_new(event, "code", json_string(err_token((int)e->code)));
}

/* --- jobs ------------------------------------------------------------------------------------------------------- */

const json_t *job_activity(const struct job *job)
{
	if (!job->open)
		die("job_activity() of a job that is gone");
	return job->activity;
}

struct psession *job_psession(const struct job *job)
{
	if (!job->open)
		die("job_psession() of a job that is gone");
	return (struct psession *)&job->ps;
}

void job_set_data(struct job *job, void *data)
{
	job->data = data;
}

void *job_data(const struct job *job)
{
	return job->data;
}

static json_t *answer(struct job *job, const char *ev)
{
	if (!job->open)
		die("a job was answered that is gone");
	job->open = 0;
	job->answer = record(job->ps.fake, ev);
	json_object_set_new(job->answer, "job", json_integer(job->ps.job));
	return job->answer;
}

/* The listener writes the result as text, so it has to be possible. */
static void check_text(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	if (text == NULL)
		die("a value that can not be written as JSON");
	free(text);
}

void job_done(struct job *job, json_t *object)
{
	json_t *event = answer(job, "done");

	if (object == NULL)
		object = json_object();
	check_text(object);
	json_object_set_new(event, "object", object);
}

void job_fail(struct job *job, const struct err *e)
{
	set_error(answer(job, "fail"), e);
}

static const struct verb *find_verb(const struct platform *p, const char *name)
{
	for (const struct verb *v = p->verbs; v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	die("no such verb");
	return NULL;
}

int fake_job(struct fake *f, json_t *activity)
{
	const struct verb *verb = find_verb(f->platform, activity_verb(activity));
	struct job *job = mem_alloc(sizeof *job);
	int n = f->n_jobs++;

	if (n >= MAX_JOBS)
		die("too many jobs");
	job->ps = (struct psession){f, n};
	job->activity = activity;
	job->open = 1;
	f->jobs[n] = job;
	verb->run(f->state, job);
	return n;
}

void fake_cancel(struct fake *f, int n)
{
	struct job *job = f->jobs[n];

	if (!job->open)
		return;
	if (f->platform->cancel != NULL)
		f->platform->cancel(f->state, job);
	if (!job->open)
		die("cancel() answered the job");
	job->open = 0;
}

int fake_is_answered(const struct fake *f, int job)
{
	return f->jobs[job]->answer != NULL;
}

/* --- the platform's session --------------------------------------------------------------------------------------- */

const json_t *psession_credentials(const struct psession *ps)
{
	return ps->fake->credentials;
}

void psession_send(struct psession *ps, json_t *message)
{
	json_t *event = record(ps->fake, "message");

	check_text(message);
	json_object_set_new(event, "job", json_integer(ps->job));
	json_object_set_new(event, "message", message);
}

void psession_send_others(struct psession *ps, json_t *message)
{
	json_t *event = record(ps->fake, "others");

	if (ps->job < 0)
		die("psession_send_others() on the instance's session");
	check_text(message);
	json_object_set_new(event, "job", json_integer(ps->job));
	json_object_set_new(event, "message", message);
}

void fake_take(struct fake *f)
{
	platform_taken_fn *fn = f->taken;

	if (fn == NULL)
		die("nobody asked whether it is taken");
	uv_timer_stop(&f->take);
	f->taken = NULL;
	fn(f->taken_arg);
}

static void on_take(uv_timer_t *timer)
{
	fake_take(timer->data);
}

static void plan_take(struct fake *f)
{
	if (f->taken != NULL && !f->held)
		uv_timer_start(&f->take, on_take, 0, 0);
	else
		uv_timer_stop(&f->take);
}

void psession_when_taken(struct psession *ps, platform_taken_fn *fn, void *arg)
{
	ps->fake->taken = fn;
	ps->fake->taken_arg = arg;
	plan_take(ps->fake);
}

void fake_hold(struct fake *f, int held)
{
	f->held = held;
	plan_take(f);
}

int fake_is_asked(const struct fake *f)
{
	return f->taken != NULL;
}

const char *psession_actor(const struct psession *ps)
{
	return ps->fake->platform->life == PLATFORM_PER_ACCOUNT ? "ann@example.org" : "";
}

void psession_unready(struct psession *ps)
{
	record(ps->fake, "unready");
}

/* --- what outlives a call ------------------------------------------------------------------------------------------- */

void fake_subscribe(struct fake *f, const char *topic)
{
	json_object_set_new(f->topics, topic, json_true());
}

void psession_subscribe(struct psession *ps, const char *topic)
{
	if (ps->job < 0)
		die("psession_subscribe() on the instance's session");
	fake_subscribe(ps->fake, topic);
}

void psession_unsubscribe(struct psession *ps, const char *topic)
{
	json_object_del(ps->fake->topics, topic);
}

size_t psession_subscribers(const struct psession *ps, const char *topic)
{
	return json_object_get(ps->fake->topics, topic) != NULL;
}

void psession_publish(struct psession *ps, const char *topic, json_t *message)
{
	json_t *event = record(ps->fake, "publish");

	check_text(message);
	json_object_set_new(event, "topic", json_string(topic));
	json_object_set_new(event, "message", message);
}

void psession_keep(struct psession *ps, json_t *state)
{
	if (state != NULL)
		check_text(state);
	json_object_set_new(record(ps->fake, "keep"), "state", state != NULL ? state : json_null());
}

const json_t *psession_kept(const struct psession *ps)
{
	return ps->fake->kept;
}

void fake_leave(struct fake *f)
{
	json_object_clear(f->topics);
	if (f->platform->left != NULL)
		f->platform->left(f->state);
}

void psession_ready(struct psession *ps)
{
	record(ps->fake, "ready");
}

void psession_broken(struct psession *ps, const struct err *why)
{
	set_error(record(ps->fake, "broken"), why);
}

void psession_log(struct psession *ps, enum log_level level, const char *ev, const char *text)
{
	json_t *event = record(ps->fake, "log");

	json_object_set_new(event, "level", json_integer(level));
	json_object_set_new(event, "name", json_string(ev));
	json_object_set_new(event, "text", json_string(log_text(text)));
}

struct http_client *psession_http(struct psession *ps)
{
	return ps->fake->http;
}

const struct outbound *psession_outbound(struct psession *ps)
{
	return ps->fake->outbound;
}

/* --- timers and watches ------------------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *h)
{
	mem_free(CONTAINER_OF(h, struct platform_timer, timer));
}

void platform_timer_free(struct platform_timer **tp)
{
	struct platform_timer *t = *tp, **at;

	*tp = NULL;
	if (t == NULL)
		return;
	if (t->magic != TIMER_MAGIC)
		die("a timer that is gone");
	for (at = &t->fake->timers; *at != t; at = &(*at)->next)
		continue;
	*at = t->next;
	t->magic = 0;
	uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

static void on_timer(uv_timer_t *timer)
{
	CAST(platform_timer, t, CONTAINER_OF(timer, struct platform_timer, timer), TIMER_MAGIC);
	platform_timer_fn *fn = t->fn;
	void *arg = t->arg;

	platform_timer_free(&(struct platform_timer *){t});
	fn(arg);
}

struct platform_timer *psession_timer(
	struct psession *ps, uint64_t ms, platform_timer_fn *fn, void *arg)
{
	struct fake *f = ps->fake;
	struct platform_timer *t = mem_alloc(sizeof *t);

	t->magic = TIMER_MAGIC;
	t->fake = f;
	t->fn = fn;
	t->arg = arg;
	t->next = f->timers;
	f->timers = t;
	uv_timer_init(&f->loop, &t->timer);
	uv_update_time(&f->loop);
	uv_timer_start(&t->timer, on_timer, ms, 0);
	return t;
}

static void on_watch_closed(uv_handle_t *h)
{
	mem_free(CONTAINER_OF(h, struct platform_watch, poll));
}

void platform_watch_free(struct platform_watch **wp)
{
	struct platform_watch *w = *wp, **at;

	*wp = NULL;
	if (w == NULL)
		return;
	for (at = &w->fake->watches; *at != w; at = &(*at)->next)
		continue;
	*at = w->next;
	uv_poll_stop(&w->poll);
	uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	CAST(platform_watch, w, CONTAINER_OF(poll, struct platform_watch, poll), WATCH_MAGIC);

	w->fn(w->arg, status, events);
}

struct platform_watch *psession_watch(
	struct psession *ps, int fd, int events, platform_watch_fn *fn, void *arg)
{
	struct fake *f = ps->fake;
	struct platform_watch *w = mem_alloc(sizeof *w);

	w->magic = WATCH_MAGIC;
	w->fake = f;
	w->fn = fn;
	w->arg = arg;
	w->next = f->watches;
	f->watches = w;
	if (uv_poll_init(&f->loop, &w->poll, fd) < 0 ||
		uv_poll_start(&w->poll, events, on_poll) < 0)
		die("this descriptor can not be watched");
	return w;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static void on_tick(uv_timer_t *timer)
{
	UNUSED(timer);
}

int fake_run_until(struct fake *f, int (*cond)(void *arg), void *arg, unsigned ms)
{
	uint64_t end = uv_hrtime() / 1000000 + ms;
	int rc = 0;

	/* The tick lets the time be looked at while nothing happens. */
	uv_timer_start(&f->tick, on_tick, 5, 5);
	while (rc == 0 && !cond(arg)) {
		if (uv_hrtime() / 1000000 >= end)
			rc = -1;
		else
			uv_run(&f->loop, UV_RUN_ONCE);
	}
	uv_timer_stop(&f->tick);
	return rc;
}

static int never(void *arg)
{
	UNUSED(arg);
	return 0;
}

void fake_run_for(struct fake *f, unsigned ms)
{
	fake_run_until(f, never, NULL, ms);
}

static int is_answered(void *arg)
{
	return ((const struct job *)arg)->answer != NULL;
}

const json_t *fake_wait(struct fake *f, int job)
{
	if (fake_run_until(f, is_answered, f->jobs[job], WAIT_MS) < 0)
		die("the job was not answered in time");
	return f->jobs[job]->answer;
}

/* --- life cycle --------------------------------------------------------------------------------------------------- */

struct fake *fake_restore(const struct platform *p, json_t *settings, const char *const *allow,
	json_t *credentials, json_t *kept)
{
	struct fake *f = mem_alloc(sizeof *f);
	size_t n = 0;
	struct err e;

	while (allow != NULL && allow[n] != NULL)
		n++;
	f->platform = p;
	f->ps = (struct psession){f, -1};
	f->settings = settings != NULL ? settings : json_object();
	f->credentials = credentials;
	f->kept = kept;
	f->topics = json_object();
	f->events = json_array();
	uv_loop_init(&f->loop);
	uv_timer_init(&f->loop, &f->tick);
	uv_timer_init(&f->loop, &f->take);
	f->take.data = f;
	if (outbound_new(allow, n, &f->outbound, &e) < 0)
		die(e.text);
	f->http = http_client_new(&f->loop, f->outbound, "Sockethub/test");
	if (p->start != NULL && p->start(f->settings, &e) < 0)
		die(e.text);
	if (p->open(&f->ps, f->settings, &f->state, &e) < 0)
		die(e.text);
	return f;
}

struct fake *fake_new_with_credentials(
	const struct platform *p, json_t *settings, const char *const *allow, json_t *credentials)
{
	return fake_restore(p, settings, allow, credentials, NULL);
}

struct fake *fake_new(const struct platform *p, json_t *settings, const char *const *allow)
{
	return fake_new_with_credentials(p, settings, allow, NULL);
}

void fake_free(struct fake *f)
{
	for (int i = 0; i < f->n_jobs; i++)
		fake_cancel(f, i);
	f->platform->close(f->state);
	while (f->timers != NULL)
		platform_timer_free(&(struct platform_timer *){f->timers});
	while (f->watches != NULL)
		platform_watch_free(&(struct platform_watch *){f->watches});
	http_client_free(f->http);
	uv_close((uv_handle_t *)&f->tick, NULL);
	uv_close((uv_handle_t *)&f->take, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&f->loop) != 0)
		die("the platform left a handle open");
	for (int i = 0; i < f->n_jobs; i++) {
		json_decref(f->jobs[i]->activity);
		mem_free(f->jobs[i]);
	}
	outbound_free(f->outbound);
	json_decref(f->settings);
	json_decref(f->credentials);
	json_decref(f->kept);
	json_decref(f->topics);
	json_decref(f->events);
	mem_free(f);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

const json_t *fake_events(const struct fake *f)
{
	return f->events;
}

json_t *fake_messages(const struct fake *f, int job)
{
	json_t *list = json_array(), *event;
	size_t i;

	json_array_foreach (f->events, i, event) {
		json_t *message = json_object_get(event, "message");
		if (message != NULL && json_object_get(event, "job") != NULL &&
			strcmp(json_string_value(json_object_get(event, "ev")), "message") == 0 &&
			(job == -2 || json_integer_value(json_object_get(event, "job")) == job))
			json_array_append(list, message);
	}
	return list;
}

uv_loop_t *fake_loop(struct fake *f)
{
	return &f->loop;
}

void *fake_state(struct fake *f)
{
	return f->state;
}
