/* SPDX-License-Identifier: MIT */
/* census - asks Redis which of the sessions that use an account here still live.
 *
 * That a session ended is published, and a worker whose subscription was interrupted may have missed it: its connections would be
 * kept for nobody. Knows instances and sessions only. */
#ifndef WORKERS_CENSUS_H
#define WORKERS_CENSUS_H

struct session_ref;
struct worker;

/* Asks about one; it is detached if it has ended. */
void census_ask(struct worker *w, const struct session_ref *s);
/* Asks about all of one shard; the dead are detached as the answers come. To be called when the worker is subscribed again. */
void census_take(struct worker *w, unsigned shard);

#endif
