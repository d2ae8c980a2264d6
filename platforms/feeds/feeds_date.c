/* SPDX-License-Identifier: MIT */
#include "platforms/feeds/feeds_date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DAY_MS 86400000

struct stamp {
	int year, month, day; /* month 1..12 */
	int hour, minute, second, ms;
	int zone_min; /* east of UTC */
};

/* Days since 1970-01-01 of a day in the Gregorian calendar; years are counted from March, so that the leap day is
 * the last one. */
static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static int stamp_to_ms(const struct stamp *s, int64_t *ms)
{
	if (s->year < 1 || s->year > 9999 || s->month < 1 || s->month > 12 || s->day < 1 ||
		s->day > days_in_month(s->year, s->month) || s->hour > 24 || s->minute > 59 ||
		s->second > 60)
		return -1;
	*ms = days_from_civil(s->year, s->month, s->day) * DAY_MS + s->hour * 3600000LL +
	      (s->minute - s->zone_min) * 60000LL + s->second * 1000LL + s->ms;
	return 0;
}

/* --- scanning: each takes what it wants from `*p`, or leaves it and returns -1 ---------------------------------- */

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_blanks(const char **p)
{
	while (**p == ' ' || **p == '\t' || **p == '\n' || **p == '\r' || **p == ',')
		(*p)++;
}

/* From `least` to `most` digits; returns how many. */
static int number(const char **p, int least, int most, int *value)
{
	int n = 0, v = 0;

	while (n < most && is_digit((*p)[n]))
		v = v * 10 + ((*p)[n++] - '0');
	if (n < least)
		return -1;
	*p += n;
	*value = v;
	return n;
}

static int one(const char **p, char c)
{
	if (**p != c)
		return -1;
	(*p)++;
	return 0;
}

static size_t word_length(const char *p)
{
	size_t n = 0;

	while ((p[n] | 0x20) >= 'a' && (p[n] | 0x20) <= 'z')
		n++;
	return n;
}

/* "+hh:mm", "+hhmm", "+hh", "-h:mm". */
static int offset(const char **p, int *zone_min)
{
	int sign = **p == '-' ? -1 : 1, hours, minutes = 0;

	if (**p != '+' && **p != '-')
		return -1;
	(*p)++;
	if (number(p, 1, 2, &hours) < 0)
		return -1;
	if (**p == ':')
		(*p)++;
	if (is_digit(**p) && number(p, 2, 2, &minutes) < 0)
		return -1;
	if (hours > 23 || minutes > 59)
		return -1;
	*zone_min = sign * (hours * 60 + minutes);
	return 0;
}

/* RFC 5322, 4.3, and those that newspapers of Europe write. An unknown name counts as UTC there and here. */
static const struct {
	const char *name;
	int minutes;
} zones[] = {{"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300}, {"MST", -420},
	{"MDT", -360}, {"PST", -480}, {"PDT", -420}, {"WEST", 60}, {"BST", 60}, {"CET", 60},
	{"MEZ", 60}, {"CEST", 120}, {"MESZ", 120}, {"EET", 120}, {"EEST", 180}, {"MSK", 180},
	{"IST", 330}, {"JST", 540}, {"KST", 540}, {"AEST", 600}, {"AEDT", 660}};

static void named_zone(const char **p, int *zone_min)
{
	size_t n = word_length(*p);

	for (size_t i = 0; i < ARRAY_LEN(zones); i++)
		if (strlen(zones[i].name) == n && strncasecmp(*p, zones[i].name, n) == 0)
			*zone_min = zones[i].minutes;
	*p += n;
}

/* Nothing, a name, an offset, or "GMT+0100"; then only a comment may follow. */
static int zone_and_end(const char **p, int *zone_min)
{
	skip_blanks(p);
	named_zone(p, zone_min);
	if ((**p == '+' || **p == '-') && offset(p, zone_min) < 0)
		return -1;
	skip_blanks(p);
	return **p == '\0' || **p == '(' ? 0 : -1;
}

/* "hh:mm[:ss[.fraction]]" */
static int clock_time(const char **p, struct stamp *s)
{
	if (number(p, 1, 2, &s->hour) < 0 || one(p, ':') < 0 || number(p, 2, 2, &s->minute) < 0)
		return -1;
	if (**p == ':') {
		(*p)++;
		if (number(p, 2, 2, &s->second) < 0)
			return -1;
	}
	if ((**p == '.' || **p == ',') && is_digit((*p)[1])) {
		int digits, weight;
		(*p)++;
		digits = number(p, 1, 3, &s->ms);
		for (weight = digits; weight < 3; weight++)
			s->ms *= 10;
		while (is_digit(**p))
			(*p)++;
	}
	return 0;
}

static int month_name(const char **p, int *month)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
	size_t n = word_length(*p);

	if (n < 3)
		return -1;
	for (int i = 0; i < 12; i++) {
		if (strncasecmp(*p, names + (ptrdiff_t)3 * i, 3) == 0) {
			*month = i + 1;
			*p += n;
			return 0;
		}
	}
	return -1;
}

/* RFC 5322, 4.3: two digits below 50 are this century, others and three digits count from 1900. */
static int mail_year(const char **p, int *year)
{
	int n = number(p, 2, 4, year);

	if (n == 2)
		*year += *year < 50 ? 2000 : 1900;
	if (n == 3)
		*year += 1900;
	return n;
}

/* "[Fri,] 1 Nov 2013 [12:00[:00] [zone]]", "1-Nov-13 ...", and "Nov 1, 2013 ..." */
static int parse_mail(const char *p, struct stamp *s)
{
	size_t word = word_length(p);
	int day_first;

	if (word > 0 && month_name(&(const char *){p}, &s->month) < 0) {
		p += word;
		if (*p == '.')
			p++;
		skip_blanks(&p);
	}
	day_first = is_digit(*p);
	if (day_first && number(&p, 1, 2, &s->day) < 0)
		return -1;
	while (*p == '-' || *p == '.' || *p == ' ')
		p++;
	if (month_name(&p, &s->month) < 0)
		return -1;
	while (*p == '-' || *p == '.' || *p == ' ')
		p++;
	if (!day_first && number(&p, 1, 2, &s->day) < 0)
		return -1;
	skip_blanks(&p);
	if (mail_year(&p, &s->year) < 0)
		return -1;
	skip_blanks(&p);
	if (is_digit(*p) && clock_time(&p, s) < 0)
		return -1;
	return zone_and_end(&p, &s->zone_min);
}

/* "2013[-11[-01[(T| )12:00[:00[.000]][zone]]]]", also "20131101[T120000Z]" */
static int parse_iso(const char *p, struct stamp *s)
{
	int compact;

	s->month = s->day = 1;
	if (number(&p, 4, 4, &s->year) < 0)
		return -1;
	if (*p == '\0')
		return 0;
	compact = is_digit(*p);
	if ((!compact && one(&p, '-') < 0) || number(&p, 2, 2, &s->month) < 0)
		return -1;
	if (*p == '\0')
		return compact ? -1 : 0;
	if ((!compact && one(&p, '-') < 0) || number(&p, 2, 2, &s->day) < 0)
		return -1;
	if (*p == 'T' || *p == 't')
		p++;
	else
		skip_blanks(&p);
	if (compact && is_digit(*p)) {
		if (number(&p, 2, 2, &s->hour) < 0 || number(&p, 2, 2, &s->minute) < 0)
			return -1;
		if (is_digit(*p) && number(&p, 2, 2, &s->second) < 0)
			return -1;
	} else if (is_digit(*p) && clock_time(&p, s) < 0) {
		return -1;
	}
	return zone_and_end(&p, &s->zone_min);
}

int feeds_date_parse(const char *text, int64_t *ms)
{
	struct stamp s = {0};

	skip_blanks(&text);
	if (strspn(text, "0123456789") >= 4) {
		if (parse_iso(text, &s) < 0)
			return -1;
	} else if (parse_mail(text, &s) < 0) {
		return -1;
	}
	return stamp_to_ms(&s, ms);
}

void feeds_date_format(int64_t ms, char out[FEEDS_DATE_SIZE])
{
	int64_t days = (ms >= 0 ? ms : ms - (DAY_MS - 1)) / DAY_MS;
	int64_t rest = ms - days * DAY_MS;
	/* The inverse of days_from_civil(). */
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int month = (int)(mp < 10 ? mp + 3 : mp - 9);
	int day = (int)(doy - (153 * mp + 2) / 5 + 1);
	int year = (int)(yoe + era * 400 + (month <= 2));

	snprintf(out, FEEDS_DATE_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
		(int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60),
		(int)(rest % 1000));
}
