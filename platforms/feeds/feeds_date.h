/* SPDX-License-Identifier: MIT */
/* feeds_date - the dates that feeds contain, as milliseconds since 1970 (UTC), and back.
 *
 * Reads RFC 822 with what is seen in the wild (RFC 5322 4.3 years and zones, long names, missing seconds, weekday or
 * zone) and ISO 8601 in the profile of W3C-DTF. Pure; no locale, no time zone of the machine. */
#ifndef PLATFORMS_FEEDS_DATE_H
#define PLATFORMS_FEEDS_DATE_H

#include "core/base.h"

#define FEEDS_DATE_SIZE 40

/* 0 with `*ms`, or -1 when the text is no date. A missing zone counts as UTC. Years 1 to 9999. */
int feeds_date_parse(const char *text, int64_t *ms);
/* "2013-11-01T12:00:00.000Z"; `ms` as feeds_date_parse() gives it. */
void feeds_date_format(int64_t ms, char out[FEEDS_DATE_SIZE]);

#endif
