/* SPDX-License-Identifier: MIT */
/* email_retry - how long to wait before a lost connection is tried again, and when to give up. Pure but for the clock it is
 * given. */
#ifndef PLATFORMS_EMAIL_RETRY_H
#define PLATFORMS_EMAIL_RETRY_H

#include "core/err.h"

struct email_limits;

/* Zero-initialised: connected. */
struct email_retry {
	uint64_t since_ms; /* when the connection was lost; 0: it is not */
	unsigned pause_ms;
};

/* The connection was lost, or an attempt failed, for `why`, at `now_ms` (monotonic, not 0): milliseconds until the next
 * attempt (1 s doubled up to reconnect_max_ms, less up to a quarter), or 0 to give up: after give_up_ms, or when
 * `why` will not change by itself (login refused, folder gone, no permission, address not allowed). */
unsigned email_retry_next(struct email_retry *r, const struct email_limits *limits,
	const struct err *why, uint64_t now_ms);

#endif
