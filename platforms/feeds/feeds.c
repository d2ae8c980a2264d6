/* SPDX-License-Identifier: MIT */
/* feeds - the platform that reads RSS and Atom feeds.
 *
 * One verb, `fetch`: every target is a feed; its articles are sent as messages, its totals are the result. Here is
 * the course of a job; feeds_fetch.c gets a feed, feeds_parse.c reads it, feeds_map.c makes activities of it.
 * docs/platforms/feeds.md is the description for users. */
#include <string.h>

#include "core/http.h"
#include "core/mem.h"
#include "platforms/feeds/feeds_fetch.h"
#include "platforms/feeds/feeds_map.h"
#include "platforms/feeds/feeds_text.h"
#include "platforms/platform.h"

#define FEEDS_MAGIC  0x66656564u
#define TASK_MAGIC   0x7461736bu
#define SOURCE_MAGIC 0x73726365u
#define MAX_TARGETS  50
#define MAX_ADDRESS  2048
#define SLICE        100 /* messages per turn of the loop */
/* With 0 the next slice would come before the loop turns, see platforms/dummy/dummy.c. */
#define NEXT_TURN_MS 1

struct feeds {
	unsigned magic;
	struct feeds_fetcher *fetcher;
};

/* One URL of a job. */
struct source {
	unsigned magic;
	struct task *task;
	const char *url;
	struct feeds_waiter *waiter; /* NULL: it came, or failed */
	struct feed *feed;
	struct feeds_selection selection;
	size_t sent;
	struct err err;
};

/* A job that runs. `options` and the URLs borrow from its activity, which lives as long. */
struct task {
	unsigned magic;
	struct job *job;
	struct feeds_options options;
	struct platform_timer *timer; /* a pump() to come */
	size_t n;
	struct source sources[];
};

/* --- the course of a job ---------------------------------------------------------------------------------------- */

static void task_free(struct task *t)
{
	platform_timer_free(&t->timer);
	for (size_t i = 0; i < t->n; i++) {
		feeds_fetch_cancel(&t->sources[i].waiter);
		feeds_selection_release(&t->sources[i].selection);
		feed_unref(&t->sources[i].feed);
	}
	mem_free(t);
}

/* The failure of a job is that of its first target; the URL is cut so that the reason always fits. */
static void task_fail(struct task *t)
{
	struct job *job = t->job;
	const struct source *s = &t->sources[0];
	int len = (int)feeds_text_fit(s->url, strlen(s->url), 120);
	struct err e;

	err_set(&e, s->err.code, "failed to fetch feed from url: %.*s : %s", len, s->url,
		s->err.text);
	task_free(t);
	job_fail(job, &e);
}

static void task_finish(struct task *t)
{
	struct job *job = t->job;
	json_t *object = json_object();
	size_t good = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct source *s = &t->sources[i];
		good += s->feed != NULL;
		json_object_set_new(object, s->url,
			s->feed != NULL ? feeds_summary(s->feed) : json_string(s->err.text));
	}
	if (good == 0) {
		json_decref(object);
		task_fail(t);
		return;
	}
	task_free(t);
	job_done(job, object);
}

/* Sends up to `room` articles of one feed; returns how many. */
static size_t send_some(struct source *s, size_t room)
{
	const char *reader = activity_actor_address(job_activity(s->task->job));
	struct psession *ps = job_psession(s->task->job);
	size_t n = MIN(room, s->selection.n - s->sent);

	for (size_t i = 0; i < n; i++) {
		const struct feed_entry *entry = &s->feed->entries[s->selection.at[s->sent++]];
		psession_send(ps, feeds_message(s->feed, entry, s->url, reader));
	}
	return n;
}

static void pump(void *arg);

static void schedule(struct task *t, uint64_t ms)
{
	if (t->timer == NULL)
		t->timer = psession_timer(job_psession(t->job), ms, pump, t);
}

/* Sends a slice of what is there. The job ends when nothing is left and nothing is on its way. */
static void pump(void *arg)
{
	CAST(task, t, arg, TASK_MAGIC);
	size_t room = SLICE, waiting = 0;

	t->timer = NULL;
	for (size_t i = 0; i < t->n; i++) {
		room -= send_some(&t->sources[i], room);
		waiting += t->sources[i].waiter != NULL;
	}
	if (room == 0)
		schedule(t, NEXT_TURN_MS);
	else if (waiting == 0)
		task_finish(t);
}

static void accept_feed(struct source *s, struct feed *f)
{
	s->feed = feed_ref(f);
	feeds_select(f, &s->task->options, &s->selection);
}

static void on_feed(void *arg, struct feed *f, const struct err *e)
{
	CAST(source, s, arg, SOURCE_MAGIC);

	s->waiter = NULL;
	if (f != NULL) {
		accept_feed(s, f);
	} else {
		s->err = *e;
		psession_log(job_psession(s->task->job), LOG_INFO, "feeds.failed", e->text);
	}
	schedule(s->task, 0);
}

/* --- its beginning ---------------------------------------------------------------------------------------------- */

static int check_targets(const json_t *activity, struct err *e)
{
	static const char *const ordinals[] = {"first", "second", "third"};
	size_t n = activity_target_count(activity);

	if (n == 0)
		return err_set(e, ERR_INVALID, "invalid target array");
	if (n > MAX_TARGETS)
		return err_set(e, ERR_INVALID, "too many targets: %d at most", MAX_TARGETS);
	for (size_t i = 0; i < n; i++) {
		const char *address = activity_target_address(activity, i);
		if ((address == NULL || *address == '\0') && i < ARRAY_LEN(ordinals))
			return err_set(e, ERR_INVALID, "no address found in %s target object",
				ordinals[i]);
		if (address == NULL || *address == '\0')
			return err_set(
				e, ERR_INVALID, "no address found in target object %zu", i + 1);
		if (strlen(address) > MAX_ADDRESS)
			return err_set(e, ERR_INVALID,
				"the address in target object %zu is longer than %d bytes", i + 1,
				MAX_ADDRESS);
	}
	return 0;
}

/* A URL that is asked for twice is fetched and sent once: the result has one member for it. */
static int is_repeated(const struct task *t, const char *url)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->sources[i].url, url) == 0)
			return 1;
	return 0;
}

static void start_source(struct feeds *p, struct task *t, const char *url)
{
	struct source *s = &t->sources[t->n++];
	struct feed *fresh = feeds_fetch_fresh(p->fetcher, url);

	s->magic = SOURCE_MAGIC;
	s->task = t;
	s->url = url;
	if (fresh != NULL)
		accept_feed(s, fresh);
	else
		s->waiter = feeds_fetch_start(p->fetcher, url, on_feed, s);
}

static void run_fetch(void *state, struct job *job)
{
	CAST(feeds, p, state, FEEDS_MAGIC);
	const json_t *activity = job_activity(job);
	size_t n = activity_target_count(activity);
	struct feeds_options options;
	struct task *t;
	struct err e;

	if (check_targets(activity, &e) < 0 ||
		feeds_options_read(activity_object(activity), &options, &e) < 0) {
		job_fail(job, &e);
		return;
	}
	t = mem_alloc(sizeof *t + n * sizeof t->sources[0]);
	t->magic = TASK_MAGIC;
	t->job = job;
	t->options = options;
	job_set_data(job, t);
	for (size_t i = 0; i < n; i++)
		if (!is_repeated(t, activity_target_address(activity, i)))
			start_source(p, t, activity_target_address(activity, i));
	schedule(t, 0);
}

/* --- the platform ----------------------------------------------------------------------------------------------- */

/* The configuration is checked against schema/platforms/feeds.json and complete. */
static json_int_t setting(const json_t *settings, const char *key)
{
	return json_integer_value(json_object_get(settings, key));
}

static int feeds_open(struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	struct feeds *p = mem_alloc(sizeof *p);
	const struct feeds_fetch_limits limits = {
		.cache_bytes = (size_t)setting(settings, "cache_bytes"),
		.max_bytes = (size_t)setting(settings, "max_bytes"),
		.timeout_ms = (unsigned)setting(settings, "timeout_ms"),
		.min_interval_ms = (unsigned)setting(settings, "min_interval_s") * 1000,
		.max_interval_ms = (unsigned)setting(settings, "max_interval_s") * 1000};

	UNUSED(e);
	p->magic = FEEDS_MAGIC;
	p->fetcher = feeds_fetcher_new(psession_http(ps), &limits);
	*state = p;
	return 0;
}

static void feeds_cancel(void *state, struct job *job)
{
	CAST(task, t, job_data(job), TASK_MAGIC);

	UNUSED(state);
	task_free(t);
}

static void feeds_close(void *state)
{
	CAST(feeds, p, state, FEEDS_MAGIC);

	feeds_fetcher_free(p->fetcher);
	mem_free(p);
}

static const struct verb verbs[] = {{"fetch", VERB_RETRY_SAFE, run_fetch}, {0}};

extern const struct platform platform_feeds;
const struct platform platform_feeds = {
	.name = "feeds",
	.life = PLATFORM_STATELESS,
	.verbs = verbs,
	.open = feeds_open,
	.cancel = feeds_cancel,
	.close = feeds_close,
};
