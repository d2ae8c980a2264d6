/* SPDX-License-Identifier: MIT */
/* psession (fake) - what platforms/platform.h promises, without Redis and gateway: for tests of platforms.
 *
 * A real event loop and a real HTTP client, one instance of one platform. Whatever the platform does is recorded as
 * an event, in order:
 *   {"ev":"message","job":0,"message":{...}}        job: -1 when sent on the instance's own session
 *   {"ev":"done","job":0,"object":{...}}            {"ev":"fail","job":0,"code":"remote","text":"..."}
 *   {"ev":"log","name":"feeds.failed","text":"..."} {"ev":"ready"} {"ev":"broken","code":"auth","text":"..."}
 *   {"ev":"unready"} {"ev":"keep","state":{...}}    {"ev":"others","job":0,"message":{...}}
 *   {"ev":"publish","topic":"INBOX","message":{...}}
 * Breaking the contract (a second answer, an answer after cancel) aborts. */
#ifndef TESTS_FAKE_PSESSION_H
#define TESTS_FAKE_PSESSION_H

#include "platforms/platform.h"

struct fake;

/* Opens an instance of `p`. `settings` (TAKES; NULL: {}) has to be complete. `allow` is outbound.allow, ended by NULL;
 * NULL: nothing beyond the internet. A failing open() aborts. GIVES. */
struct fake *fake_new(const struct platform *p, json_t *settings, const char *const *allow);
/* As fake_new(), with credentials (TAKES, may be NULL) that psession_credentials() gives from then on. */
struct fake *fake_new_with_credentials(
	const struct platform *p, json_t *settings, const char *const *allow, json_t *credentials);
/* As fake_new_with_credentials(), restored from `kept` (TAKES). psession_actor() is "ann@example.org", as it is
 * after the other two. */
struct fake *fake_restore(const struct platform *p, json_t *settings, const char *const *allow,
	json_t *credentials, json_t *kept);
/* Closes the instance, runs the loop until every handle is closed, and frees. Jobs still open are cancelled first. */
void fake_free(struct fake *f);

/* Starts a job; the verb is looked up in the platform, an unknown one aborts. `activity` as in core/activity.h (TAKES).
 * Returns its number, counted from 0. */
int fake_job(struct fake *f, json_t *activity);
/* The deadline passes: cancel() is called, nothing may follow for this job. */
void fake_cancel(struct fake *f, int job);
/* A session subscribed to `topic`, as a restored one may be. */
void fake_subscribe(struct fake *f, const char *topic);
/* The session of every job so far leaves: subscriptions go, left() is called. */
void fake_leave(struct fake *f);
/* With `held` nothing that is sent is taken, see psession_when_taken(); at first, and without, all is at once. */
void fake_hold(struct fake *f, int held);
/* 1 when somebody waits until what was sent is taken. */
int fake_is_asked(const struct fake *f);
/* Then says so, once, held or not. */
void fake_take(struct fake *f);
/* 1 when the job is answered. */
int fake_is_answered(const struct fake *f, int job);

/* Runs the loop until the job is answered; aborts after 30 s. The answer's event, borrowed. */
const json_t *fake_wait(struct fake *f, int job);
/* Runs the loop until `cond(arg)` is true; 0, or -1 after `ms`. */
int fake_run_until(struct fake *f, int (*cond)(void *arg), void *arg, unsigned ms);
/* Runs the loop for `ms`: to see that nothing happens. */
void fake_run_for(struct fake *f, unsigned ms);

/* All events, borrowed. */
const json_t *fake_events(const struct fake *f);
/* The messages alone, of one job or, with -2, all. A new array; GIVES. */
json_t *fake_messages(const struct fake *f, int job);
uv_loop_t *fake_loop(struct fake *f);
void *fake_state(struct fake *f);

#endif
