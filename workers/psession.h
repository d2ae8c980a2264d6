/* SPDX-License-Identifier: MIT */
/* psession - the platform session of platforms/platform.h: one platform's part of one session, or of all the sessions of an
 * instance. It stamps and routes what the platform sends, and owns its timers and watches. */
#ifndef WORKERS_PSESSION_H
#define WORKERS_PSESSION_H

#include "core/turn.h"
#include "platforms/platform.h"

struct backlog_source;
struct instance;

/* Embedded in a job (then it is the asker's session) and in an instance (then it is everybody's). */
struct psession {
	struct instance *instance;
	struct job *job; /* NULL: the instance's own */
};

/* What the psessions of one instance have made and sent. */
struct psession_handles {
	struct platform_timer *timers;
	struct platform_watch *watches;
	struct backlog_source *sent; /* NULL: nothing yet */
	int resting;                 /* too much of that waits: the watches see nothing */
	platform_taken_fn *taken;    /* to be called when Redis has it; NULL: none */
	void *taken_arg;
	struct turn_task taken_now; /* Redis has it already */
};

/* Frees all that is left; nothing fires any more. */
void psession_handles_release(struct psession_handles *h);

#endif
