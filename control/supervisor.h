/* SPDX-License-Identifier: MIT */
/* supervisor - sockethubd: the private Redis, the crew of gateways and workers, and the signals.
 *
 * SIGTERM, SIGINT: drain and end; a second one: end at once. SIGHUP: read the configuration again, start a new crew
 * beside the old, let it take over when it is up. It knows nothing of jobs, sessions or protocols. Read next:
 * control/crew.h, control/child.h, control/private_redis.h. */
#ifndef CONTROL_SUPERVISOR_H
#define CONTROL_SUPERVISOR_H

#include "core/base.h"

struct conf;

/* Runs until a signal ends it; the program's exit status: 0 after a drain, 1 when it could not start, 2 when the
 * configuration is refused, by itself or by a child at its first start. TAKES what is in `c`. */
int supervisor_run(struct conf *c);
/* What --check-config means here; 0, or 2 with a sentence on standard error. */
int supervisor_check(const struct conf *c);

#endif
