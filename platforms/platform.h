/* SPDX-License-Identifier: MIT */
/* platform - the contract between a platform and the worker that runs it.
 *
 * A platform is a `const struct platform` in a folder of its own, one schema file and one line in platforms.def. It
 * sees this header, core's value types and core/http.h; never another session, a socket of the gateway, or Redis.
 * Everything runs on the worker's one event loop: a platform never blocks. platforms/dummy is the template;
 * docs/HACKING.md walks through a new one. Implemented by workers/psession.c and workers/job.c; tests have a
 * second implementation in tests/fake/psession.c. */
#ifndef PLATFORMS_PLATFORM_H
#define PLATFORMS_PLATFORM_H

#include <jansson.h>
#include <uv.h>

#include "core/activity.h"
#include "core/err.h"
#include "core/log.h"

struct psession;
struct job;
struct http_client;
struct outbound;

enum platform_life {
	PLATFORM_STATELESS, /* one instance per worker serves every session (feeds) */
	PLATFORM_PER_ACCOUNT /* one instance per actor and equal credentials, shared by the sessions that have them */
};

enum verb_flag {
	VERB_CREDENTIALS =
		1 << 0, /* the listener answers "credentials not found" itself when none are set */
	VERB_CONNECTED = 1 << 1, /* the listener holds the job until psession_ready() */
	VERB_RETRY_SAFE =
		1
		<< 2 /* may run again after a crash; the others then fail with ERR_UNKNOWN_OUTCOME */
};

/* Must return at once; answers `job` exactly once, now or later, with job_done() or job_fail(). */
typedef void platform_verb_fn(void *state, struct job *job);

struct verb {
	const char *name;
	unsigned flags; /* enum verb_flag */
	platform_verb_fn *run;
};

struct platform {
	const char *name; /* Redis key part, schema file name, log tag */
	enum platform_life life;
	const struct verb *
		verbs; /* ends at .name == NULL; must equal the verbs of schema/platforms/<name>.json */
	/* Optional. Once per worker process, before its loop runs and before there is any thread: for the set-up of
	 * libraries that is process-wide. `settings` as in open(). 0, or < 0 with `e` filled: the worker does not start. */
	int (*start)(const json_t *settings, struct err *e);
	/* Makes an instance. `ps` is the instance's own session: what is sent there reaches every session attached
	 * to the instance (none, when STATELESS: then it serves for timers, watches, http and log only). It outlives
	 * the state. `settings` is platforms.<name> of the configuration, checked and completed with defaults; KEPT
	 * by the worker for its life. 0, or < 0 with `e` filled: every job waiting for the instance fails with it. */
	int (*open)(struct psession *ps, const json_t *settings, void **state, struct err *e);
	/* Optional. The job's deadline passed or its session ended: it is answered already, `job` is valid during the
	 * call only, and neither job_done() nor job_fail() may follow. */
	void (*cancel)(void *state, struct job *job);
	/* Optional. A session left the instance, its subscriptions are gone: some topic may have no subscriber now. */
	void (*left)(void *state);
	/* Frees the state; safe at any point after open(). No job of the instance is left. Timers and watches made
	 * through its psession are closed by the worker afterwards. */
	void (*close)(void *state);
};

/* --- a job: one request of one client ------------------------------------------------------------------------- */

/* The neutral activity; borrowed, valid until the job is answered. */
const json_t *job_activity(const struct job *job);
/* The asker's session, to send messages that belong to this job; borrowed, valid until the job is answered. */
struct psession *job_psession(const struct job *job);
/* A place for the platform's own per-job state. */
void job_set_data(struct job *job, void *data);
void *job_data(const struct job *job);
/* Answers with success. TAKES `object` (NULL: {}). `job` is gone afterwards. */
void job_done(struct job *job, json_t *object);
/* Answers with failure; e->text becomes the client's `message`. `job` is gone afterwards. */
void job_fail(struct job *job, const struct err *e);

/* --- a platform session: all that a platform can do ------------------------------------------------------------ */

/* This platform's credentials for the job's or instance's actor: the `object` the client sent with `set`
 * ({"objectType":"credentials", ...}). NULL when none are set. Borrowed until return to the loop. */
const json_t *psession_credentials(const struct psession *ps);
/* The actor's address that the instance was opened for; "" when STATELESS. Borrowed for the instance's life. */
const char *psession_actor(const struct psession *ps);
/* Sends a message (see activity_message()). TAKES; `platform` is stamped on. Order is kept, and messages sent before
 * job_done() arrive before the result. */
void psession_send(struct psession *ps, json_t *message);
/* On a job's session: sends to every session attached to the instance but the asker's: what one user of a shared
 * connection does, the others shall see. TAKES. */
void psession_send_others(struct psession *ps, json_t *message);
typedef void platform_taken_fn(void *arg);
/* Calls `fn(arg)` once, from the loop and never from within this call, when Redis has taken all messages that the instance
 * has sent by now, on its own session and on those of jobs; what was dropped counts as taken. Until then they are in the
 * memory of this worker only: who acknowledges them to a server waits for that. One at a time for each instance: another
 * call replaces the one before, with NULL there is none any more. The instance's close drops it unfired. */
void psession_when_taken(struct psession *ps, platform_taken_fn *fn, void *arg);
/* PER_ACCOUNT instances: connected and authenticated; held jobs run now. */
void psession_ready(struct psession *ps);
/* PER_ACCOUNT instances: the connection was lost and the platform tries to get it back: VERB_CONNECTED jobs that come
 * now are held until psession_ready(), or until their deadline. */
void psession_unready(struct psession *ps);
/* PER_ACCOUNT instances: the connection is gone for good. Jobs not yet answered fail with `why`; close() follows from
 * the loop, never from within this call. */
void psession_broken(struct psession *ps, const struct err *why);
/* One log event, tagged with platform and session. `ev` is a constant; `text` may be foreign; never a secret. */
void psession_log(struct psession *ps, enum log_level level, const char *ev, const char *text);
/* The worker's HTTP client and the rule for outbound addresses; borrowed, valid for the instance's life. */
struct http_client *psession_http(struct psession *ps);
const struct outbound *psession_outbound(struct psession *ps);

/* --- what outlives a call: subscriptions of sessions, and the state that a successor needs (PER_ACCOUNT) -------------- */

/* On a job's session: it shall get what is published on `topic` (any text, e.g. a folder's name) until it unsubscribes
 * or ends. Restored with the account, see psession_keep(). */
void psession_subscribe(struct psession *ps, const char *topic);
void psession_unsubscribe(struct psession *ps, const char *topic);
/* How many sessions of the instance are subscribed to `topic`. */
size_t psession_subscribers(const struct psession *ps, const char *topic);
/* Sends a message to the subscribers of `topic` among the instance's sessions. TAKES. */
void psession_publish(struct psession *ps, const char *topic, json_t *message);

/* Leaves `state` (TAKES; no secrets; NULL: nothing) to whoever serves the account should this worker die: it is sealed
 * and written to Redis, replaces what was kept before, and goes with the last session. The successor opens the
 * instance by itself, with the sessions that still live attached. An account that keeps nothing is not restored. */
void psession_keep(struct psession *ps, json_t *state);
/* What a predecessor of this instance left with psession_keep(); NULL: there was none, a job opened this instance.
 * Borrowed for the instance's life. */
const json_t *psession_kept(const struct psession *ps);

/* Milliseconds on a clock that never goes back, of the moment and not of the loop's turn. */
static inline uint64_t platform_now_ms(void)
{
	return uv_hrtime() / 1000000;
}

typedef void platform_timer_fn(void *arg);
struct platform_timer;
/* Calls `fn(arg)` once after `ms` milliseconds. Made on the instance's or a job's session, owned by the instance: what
 * is left when it closes is freed unfired. */
struct platform_timer *psession_timer(
	struct psession *ps, uint64_t ms, platform_timer_fn *fn, void *arg);
/* Stops and frees; sets NULL. A timer that has fired is gone already: forget the pointer in `fn`. */
void platform_timer_free(struct platform_timer **t);

typedef void platform_watch_fn(void *arg, int status, int events);
struct platform_watch;
/* Calls `fn` whenever `fd` is ready for `events` (UV_READABLE | UV_WRITABLE), or with status < 0 (a libuv error). The
 * fd stays the caller's, who frees the watch before closing it. NULL when the fd cannot be watched. While too much of what
 * the instance sent waits for Redis (workers/backlog.h), its watches rest: who reads from outside only when a watch says so
 * is held back as the server behind it has to be. */
struct platform_watch *psession_watch(
	struct psession *ps, int fd, int events, platform_watch_fn *fn, void *arg);
void platform_watch_free(struct platform_watch **w);

#endif
