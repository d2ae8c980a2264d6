/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_retry.h"

#include "platforms/email/email_account.h"

#define FIRST_PAUSE_MS 1000u

static int is_final(const struct err *why)
{
	switch (why->code) {
	case ERR_AUTH:
	case ERR_BLOCKED:
	case ERR_FORBIDDEN:
	case ERR_INVALID:
	case ERR_NOT_FOUND:
	case ERR_UNSUPPORTED:
		return 1;
	default:
		return 0;
	}
}

unsigned email_retry_next(struct email_retry *r, const struct email_limits *limits,
	const struct err *why, uint64_t now_ms)
{
	if (r->since_ms == 0) {
		r->since_ms = now_ms;
		r->pause_ms = FIRST_PAUSE_MS / 2;
	}
	if (is_final(why) || now_ms - r->since_ms >= limits->give_up_ms)
		return 0;
	r->pause_ms = MIN(r->pause_ms * 2, limits->reconnect_max_ms);
	/* Those whose server was restarted shall not come back all at once. */
	return r->pause_ms - (unsigned)(now_ms * 7919 % (r->pause_ms / 4 + 1));
}
