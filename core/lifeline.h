/* SPDX-License-Identifier: MIT */
/* lifeline - the tie between a gateway or worker and the supervisor that started it.
 *
 * The supervisor holds one end of a socket pair, the child inherits the other (SOCKETHUB_LIFELINE_FD). The supervisor's
 * death, however sudden, is the end of file here: the child drains and ends, no orphan is left. In the other
 * direction one byte says that the child is up. A process started by hand has no lifeline, and needs none. */
#ifndef CORE_LIFELINE_H
#define CORE_LIFELINE_H

#include <uv.h>

#include "core/base.h"

struct lifeline;

#define LIFELINE_VARIABLE "SOCKETHUB_LIFELINE_FD"

/* Calls `lost(arg)` once, from the loop, when the supervisor is gone. NULL when this process has no supervisor. GIVES,
 * close it with lifeline_close(). It does not keep the loop running by itself. `arg` is KEPT. */
struct lifeline *lifeline_watch(uv_loop_t *loop, void (*lost)(void *arg), void *arg);
/* Tells the supervisor that this process does its work now: sockets served, Redis reached. `l` may be NULL. */
void lifeline_ready(struct lifeline *l);
/* `*l` may be NULL; sets NULL. The loop must run once more for the handle to close. */
void lifeline_close(struct lifeline **l);

#endif
