/* SPDX-License-Identifier: MIT */
/* xmpp_date - XEP-0082 dates as milliseconds since 1970 (UTC), and back. Pure. */
#ifndef PLATFORMS_XMPP_DATE_H
#define PLATFORMS_XMPP_DATE_H

#include "core/base.h"

#define XMPP_DATE_SIZE 32

/* Reads "2010-07-10T23:08:25.123Z" and "+02:00" zones; years 1970 to 9999. 0 with `*ms`, or -1: not such a date. */
int xmpp_date_parse(const char *text, int64_t *ms);
/* Writes "2010-07-10T23:08:25.123Z"; `ms` is one that xmpp_date_parse() could give, others are clipped to that range. */
void xmpp_date_format(int64_t ms, char out[XMPP_DATE_SIZE]);

#endif
