/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_date.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* 9999-12-31T23:59:59.999Z */
#define LAST_MS INT64_C(253402300799999)

/* `n` digits as a number; -1 when they are not all digits. */
static int digits(const char *s, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

/* ".123456" as milliseconds; moves `*s` behind it. -1: a point without digits. */
static int fraction(const char **s)
{
	int ms = 0, n = 0;

	if (**s != '.')
		return 0;
	for ((*s)++; **s >= '0' && **s <= '9'; (*s)++, n++)
		if (n < 3)
			ms = ms * 10 + (**s - '0');
	for (int i = n; i < 3; i++)
		ms *= 10;
	return n > 0 ? ms : -1;
}

/* "Z" or "+02:00" as minutes east of UTC; nothing may follow. -1 when it is none. */
static int zone(const char *s, int *minutes)
{
	int h, m;

	*minutes = 0;
	if (strcmp(s, "Z") == 0)
		return 0;
	if ((*s != '+' && *s != '-') || strlen(s) != 6 || s[3] != ':')
		return -1;
	h = digits(s + 1, 2);
	m = digits(s + 4, 2);
	if (h < 0 || h > 14 || m < 0 || m > 59)
		return -1;
	*minutes = (*s == '-' ? -1 : 1) * (h * 60 + m);
	return 0;
}

/* "2010-07-10T23:08:25": 0 with `*tm`, or -1. The 31st of a short month is none: timegm() would go on to the next. */
static int calendar(const char *s, struct tm *tm)
{
	struct tm t = {0}, check;
	time_t seconds;

	if (strnlen(s, 19) < 19 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' ||
		s[16] != ':')
		return -1;
	t.tm_year = digits(s, 4) - 1900;
	t.tm_mon = digits(s + 5, 2) - 1;
	t.tm_mday = digits(s + 8, 2);
	t.tm_hour = digits(s + 11, 2);
	t.tm_min = digits(s + 14, 2);
	t.tm_sec = digits(s + 17, 2);
	if (t.tm_year < 70 || t.tm_mon < 0 || t.tm_mday < 1 || t.tm_hour < 0 || t.tm_hour > 23 ||
		t.tm_min < 0 || t.tm_min > 59 || t.tm_sec < 0 || t.tm_sec > 60)
		return -1;
	*tm = t;
	t.tm_hour = 12;
	seconds = timegm(&t);
	gmtime_r(&seconds, &check);
	return check.tm_mon == tm->tm_mon && check.tm_mday == tm->tm_mday ? 0 : -1;
}

int xmpp_date_parse(const char *text, int64_t *ms)
{
	struct tm tm;
	const char *rest;
	int part, east;
	int64_t v;

	if (text == NULL || calendar(text, &tm) < 0)
		return -1;
	rest = text + 19;
	part = fraction(&rest);
	if (part < 0 || zone(rest, &east) < 0)
		return -1;
	v = ((int64_t)timegm(&tm) - (int64_t)east * 60) * 1000 + part;
	if (v < 0 || v > LAST_MS)
		return -1;
	*ms = v;
	return 0;
}

void xmpp_date_format(int64_t ms, char out[XMPP_DATE_SIZE])
{
	struct tm tm;
	time_t seconds;

	ms = ms < 0 ? 0 : MIN(ms, LAST_MS);
	seconds = (time_t)(ms / 1000);
	gmtime_r(&seconds, &tm);
	snprintf(out, XMPP_DATE_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		(tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100, tm.tm_mday % 100,
		tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100, (int)(ms % 1000));
}
