/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_read_date.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A date has some 40 bytes and maybe a comment. */
#define MAX_TEXT ((size_t)200)
#define LAST_MS  253402300799999LL /* of the year 9999 */

static GDateTime *read_iso(const char *text)
{
	GTimeZone *utc = g_time_zone_new_utc();
	GDateTime *date = g_date_time_new_from_iso8601(text, utc);

	g_time_zone_unref(utc);
	return date;
}

int email_read_date_parse(const char *text, int64_t *ms)
{
	char copy[MAX_TEXT + 1];
	size_t len = strnlen(text, MAX_TEXT);
	GDateTime *date;

	memcpy(copy, text, len);
	copy[len] = '\0';
	date = read_iso(copy);
	if (date == NULL)
		date = g_mime_utils_header_decode_date(copy);
	if (date == NULL)
		return -1;
	*ms = g_date_time_to_unix(date) * 1000 + g_date_time_get_microsecond(date) / 1000;
	g_date_time_unref(date);
	return *ms >= 0 && *ms <= LAST_MS ? 0 : -1;
}

void email_read_date_format(int64_t ms, char out[EMAIL_READ_DATE_SIZE])
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm t;
	size_t n;

	gmtime_r(&seconds, &t);
	n = strftime(out, EMAIL_READ_DATE_SIZE, "%Y-%m-%dT%H:%M:%S", &t);
	snprintf(out + n, EMAIL_READ_DATE_SIZE - n, ".%03uZ", (unsigned)(ms % 1000));
}
