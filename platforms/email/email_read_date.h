/* SPDX-License-Identifier: MIT */
/* email_read_date - the dates of mail as milliseconds since 1970 (UTC), and back. */
#ifndef PLATFORMS_EMAIL_READ_DATE_H
#define PLATFORMS_EMAIL_READ_DATE_H

#include "core/base.h"

#define EMAIL_READ_DATE_SIZE 40

/* RFC 5322, 3.3 and 4.3, and what else is seen: missing weekday, seconds or zone (then UTC), years of two digits, the
 * forms of ctime(3) and ISO 8601. 0 with `*ms`, or -1 when it is no date of the years 1970 to 9999. */
int email_read_date_parse(const char *text, int64_t *ms);
/* "2013-11-21T02:13:20.000Z"; `ms` as email_read_date_parse() gives it. */
void email_read_date_format(int64_t ms, char out[EMAIL_READ_DATE_SIZE]);

#endif
