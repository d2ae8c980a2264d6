/* SPDX-License-Identifier: MIT */
/* ending - how a daemon ends: asked once it drains, asked twice, or when the time for that is over, it closes.
 *
 * SIGTERM, SIGINT and the death of the supervisor (core/lifeline.h) ask alike. */
#ifndef CORE_ENDING_H
#define CORE_ENDING_H

#include <uv.h>

struct lifeline;

struct ending_events {
	/* Take nothing new, finish what is open; ending_now() when that is done. Called once. */
	void (*drain)(void *arg);
	/* Close everything, so that the loop ends. `cut`: something may be open still. Called once, last. */
	void (*close)(void *arg, int cut);
};

/* Embed it; zero-initialise. */
struct ending {
	uv_signal_t terminate, interrupt;
	uv_timer_t deadline;
	struct lifeline *lifeline;
	struct ending_events events;
	void *arg;
	uint64_t limit_ms;
	enum { ENDING_NOT, ENDING_DRAINS, ENDING_CLOSED } state;
};

/* `limit_ms`: how long a drain may take. */
void ending_open(struct ending *e, uv_loop_t *loop, uint64_t limit_ms,
	const struct ending_events *events, void *arg);
/* Tells the supervisor, if there is one, that this process does its work now. */
void ending_ready(struct ending *e);
/* All is done: closes. Does nothing the second time. */
void ending_now(struct ending *e);
int ending_has_begun(const struct ending *e);

#endif
