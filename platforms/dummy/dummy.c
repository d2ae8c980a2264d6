/* SPDX-License-Identifier: MIT */
/* dummy - a platform that talks to nobody: test bed for the rest of Sockethub, and the template for a new one.
 *
 * To start a platform, copy this folder and schema/platforms/dummy.json, rename, add a line to platforms.def; then
 * read platforms/platform.h, which is all a platform may use. The order below is the order of the others, too: what a
 * job needs while it runs, the verbs, the platform. docs/platforms/dummy.md tells what the verbs do. */
#include <signal.h>

#include "core/mem.h"
#include "platforms/platform.h"

/* A checked cast needs a number of its own for each struct that travels as `void *` (core/base.h). */
#define DUMMY_MAGIC 0x64756d6du
#define WAIT_MAGIC  0x77616974u
#define BURST_MAGIC 0x62757273u

/* Messages of a burst per turn of the loop: other jobs get theirs in between. */
#define SLICE 100
/* A timer of 0 ms that a timer's function makes fires before the loop turns: libuv runs all that are due at once. */
#define NEXT_TURN_MS 1

/* What one instance remembers. This one has nothing but a setting; most hold a connection. */
struct dummy {
	unsigned magic;
	int may_crash;
};

/* --- verbs that answer at once ---------------------------------------------------------------------------------- */

/* {"verb":"echo","object":{...}}: the object comes back.
 * The activity is borrowed, so what goes into the result is a copy. job_done() TAKES it. */
static void run_echo(void *state, struct job *job)
{
	UNUSED(state);
	job_done(job, json_deep_copy(activity_object(job_activity(job))));
}

/* {"verb":"fail","object":{"text":"no such thing"}}: the text becomes the client's `message`.
 * A real platform chooses the row of core/err.def that says whose fault it is. */
static void run_fail(void *state, struct job *job)
{
	const char *text = activity_object_string(job_activity(job), "text", "failed as asked");
	struct err e;

	UNUSED(state);
	err_set(&e, ERR_REMOTE, "%s", text);
	job_fail(job, &e);
}

/* {"verb":"crash"}: ends the worker as a bug would, to see what becomes of its jobs. */
static void run_crash(void *state, struct job *job)
{
	CAST(dummy, d, state, DUMMY_MAGIC);
	struct err e;

	if (d->may_crash)
		raise(SIGKILL);
	err_set(&e, ERR_FORBIDDEN, "crash is switched off: set platforms.dummy.crash to true");
	job_fail(job, &e);
}

/* --- delay: a verb that answers later --------------------------------------------------------------------------- */

/* Lives from run_delay() to the answer or to dummy_cancel(), whichever comes first. */
struct wait {
	unsigned magic;
	struct job *job;
	struct platform_timer *timer;
	json_int_t ms;
};

/* The timer is gone when its function runs, so it is not freed here. Everything else is, before job_done(): the job
 * is gone after it. */
static void on_waited(void *arg)
{
	CAST(wait, w, arg, WAIT_MAGIC);
	struct job *job = w->job;
	json_t *object = json_pack("{sI}", "ms", w->ms);

	mem_free(w);
	job_done(job, object);
}

/* {"verb":"delay","object":{"ms":250}}. The schema has checked the bounds: a verb only ever sees valid activities. */
static void run_delay(void *state, struct job *job)
{
	struct wait *w = mem_alloc(sizeof *w);

	UNUSED(state);
	w->magic = WAIT_MAGIC;
	w->job = job;
	w->ms = activity_object_integer(job_activity(job), "ms", 0);
	w->timer = psession_timer(job_psession(job), (uint64_t)w->ms, on_waited, w);
	job_set_data(job, w); /* dummy_cancel() finds it there */
}

static void wait_free(struct wait *w)
{
	platform_timer_free(&w->timer);
	mem_free(w);
}

/* --- burst: a verb that sends messages first -------------------------------------------------------------------- */

struct burst {
	unsigned magic;
	struct job *job;
	struct platform_timer *timer;
	json_int_t n, sent;
};

/* activity_message() TAKES its parts, psession_send() TAKES the message: nothing is left to free. */
static void send_one(struct job *job, json_int_t i)
{
	const json_t *activity = job_activity(job);
	json_t *actor = json_deep_copy(activity_actor(activity));
	json_t *target = json_pack("[{ss}]", "address", activity_actor_address(activity));

	psession_send(job_psession(job),
		activity_message("burst", actor, target, json_pack("{sI}", "i", i)));
}

/* One slice, then the loop turns. Messages sent before job_done() arrive before the result. */
static void on_burst(void *arg)
{
	CAST(burst, b, arg, BURST_MAGIC);
	struct job *job = b->job;
	json_t *object;

	for (int i = 0; i < SLICE && b->sent < b->n; i++)
		send_one(job, b->sent++);
	if (b->sent < b->n) {
		b->timer = psession_timer(job_psession(job), NEXT_TURN_MS, on_burst, b);
		return;
	}
	object = json_pack("{sI}", "n", b->n);
	mem_free(b);
	job_done(job, object);
}

/* {"verb":"burst","object":{"n":1000}}: n messages, then the result. */
static void run_burst(void *state, struct job *job)
{
	struct burst *b = mem_alloc(sizeof *b);

	UNUSED(state);
	b->magic = BURST_MAGIC;
	b->job = job;
	b->n = activity_object_integer(job_activity(job), "n", 0);
	b->timer = psession_timer(job_psession(job), 0, on_burst, b);
	job_set_data(job, b);
}

static void burst_free(struct burst *b)
{
	platform_timer_free(&b->timer);
	mem_free(b);
}

/* --- the platform ----------------------------------------------------------------------------------------------- */

/* `settings` is platforms.dummy of sockethub.json, checked against the schema file and completed with its defaults.
 * A platform that connects would begin to here, and call psession_ready() when it is. */
static int dummy_open(struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	struct dummy *d = mem_alloc(sizeof *d);

	UNUSED(ps);
	UNUSED(e);
	d->magic = DUMMY_MAGIC;
	d->may_crash = json_is_true(json_object_get(settings, "crash"));
	*state = d;
	return 0;
}

/* The job is answered already: forget it, and let nothing fire later. Both structs begin with their magic. */
static void dummy_cancel(void *state, struct job *job)
{
	unsigned *magic = job_data(job);

	UNUSED(state);
	assert(magic != NULL);
	if (*magic == WAIT_MAGIC)
		wait_free(job_data(job));
	else if (*magic == BURST_MAGIC)
		burst_free(job_data(job));
}

/* No job is left when this is called, so only the instance's own things have to go. */
static void dummy_close(void *state)
{
	mem_free(state);
}

/* The same verbs as in schema/platforms/dummy.json. A verb is VERB_RETRY_SAFE when it does no harm to run it twice:
 * after a crash of the worker it is run again, others fail with "unknown outcome". */
static const struct verb verbs[] = {
	{"echo", VERB_RETRY_SAFE, run_echo},
	{"fail", VERB_RETRY_SAFE, run_fail},
	{"delay", VERB_RETRY_SAFE, run_delay},
	{"burst", VERB_RETRY_SAFE, run_burst},
	{"crash", 0, run_crash},
	{0},
};

extern const struct platform platform_dummy;
const struct platform platform_dummy = {
	.name = "dummy",
	.life = PLATFORM_STATELESS,
	.verbs = verbs,
	.open = dummy_open,
	.cancel = dummy_cancel,
	.close = dummy_close,
};
