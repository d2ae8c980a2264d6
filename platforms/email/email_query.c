/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_query.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/err.h"

#define DEFAULT_PER_PAGE 10
#define MAX_YEAR         9999

/* --- dates -------------------------------------------------------------------------------------------------------- */

/* `n` digits at `*at`, which moves behind them; -1 when they are not there. */
static int digits(const char **at, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if ((*at)[i] < '0' || (*at)[i] > '9')
			return -1;
		value = value * 10 + ((*at)[i] - '0');
	}
	*at += n;
	return value;
}

static int skip(const char **at, char c)
{
	if (**at != c)
		return 0;
	(*at)++;
	return 1;
}

static int day_read(const char **at, struct tm *tm)
{
	tm->tm_year = digits(at, 4) - 1900;
	if (tm->tm_year + 1900 < 1970 || !skip(at, '-'))
		return -1;
	tm->tm_mon = digits(at, 2) - 1;
	if (tm->tm_mon < 0 || tm->tm_mon > 11 || !skip(at, '-'))
		return -1;
	tm->tm_mday = digits(at, 2);
	return tm->tm_mday >= 1 && tm->tm_mday <= 31 ? 0 : -1;
}

/* HH:MM[:SS[.fraction]] */
static int time_read(const char **at, struct tm *tm, int64_t *ms)
{
	tm->tm_hour = digits(at, 2);
	if (tm->tm_hour < 0 || tm->tm_hour > 23 || !skip(at, ':'))
		return -1;
	tm->tm_min = digits(at, 2);
	if (tm->tm_min < 0 || tm->tm_min > 59)
		return -1;
	if (!skip(at, ':'))
		return 0;
	tm->tm_sec = digits(at, 2);
	if (tm->tm_sec < 0 || tm->tm_sec > 60)
		return -1;
	if (skip(at, '.'))
		for (int unit = 100; **at >= '0' && **at <= '9'; unit /= 10, (*at)++)
			*ms += (**at - '0') * unit;
	return 0;
}

/* Seconds to take away for a zone; "" and "Z" are UTC. */
static int zone_read(const char **at, int *offset_s)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes;

	if (skip(at, 'Z') || **at == '\0')
		return 0;
	if (!skip(at, '+') && !skip(at, '-'))
		return -1;
	hours = digits(at, 2);
	skip(at, ':');
	minutes = digits(at, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return -1;
	*offset_s = sign * (hours * 3600 + minutes * 60);
	return 0;
}

static int text_date(const char *text, int64_t *ms)
{
	struct tm tm = {0};
	const char *at = text;
	int offset_s = 0;
	int64_t fraction_ms = 0;

	if (day_read(&at, &tm) < 0)
		return -1;
	if (skip(&at, 'T') || skip(&at, ' '))
		if (time_read(&at, &tm, &fraction_ms) < 0 || zone_read(&at, &offset_s) < 0)
			return -1;
	if (*at != '\0')
		return -1;
	*ms = ((int64_t)timegm(&tm) - offset_s) * 1000 + fraction_ms;
	return 0;
}

int email_query_date(const json_t *value, int64_t *ms, struct err *e)
{
	const int64_t most = ((int64_t)MAX_YEAR - 1970) * 366 * 86400 * 1000;

	if (json_is_integer(value))
		*ms = json_integer_value(value);
	else if (!json_is_string(value) || text_date(json_string_value(value), ms) < 0)
		return err_set(e, ERR_INVALID, "a date has to be ISO 8601 or milliseconds");
	if (*ms < 0 || *ms > most)
		return err_set(e, ERR_INVALID, "a date is out of range");
	return 0;
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

/* A number, or a text that is one; up to 2^32-1, which bounds sequence numbers and UIDs (RFC 9051, 9). */
static int number_read(const json_t *value, int64_t *out)
{
	const char *text = json_string_value(value);

	*out = json_integer_value(value);
	if (text != NULL) {
		if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
			return -1;
		*out = strtoll(text, NULL, 10);
	}
	return *out >= 0 && *out <= UINT32_MAX ? 0 : -1;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int uid_add(const json_t *uid, uint32_t *out, size_t *n, struct err *e)
{
	int64_t number;

	if (*n >= EMAIL_QUERY_UIDS || number_read(uid, &number) < 0 || number == 0)
		return err_set(e, ERR_INVALID, "uid has to be a number, or up to %d of them",
			EMAIL_QUERY_UIDS);
	out[(*n)++] = (uint32_t)number;
	return 0;
}

int email_query_uids(const json_t *uids, uint32_t *out, size_t *n, struct err *e)
{
	size_t kept = 0, i;
	json_t *uid;

	*n = 0;
	if (!json_is_array(uids))
		return uid_add(uids, out, n, e);
	json_array_foreach (uids, i, uid) {
		int rc = uid_add(uid, out, n, e);

		if (rc < 0)
			return rc;
	}
	qsort(out, *n, sizeof *out, ascending);
	for (i = 0; i < *n; i++)
		if (i == 0 || out[i] != out[i - 1])
			out[kept++] = out[i];
	*n = kept;
	return 0;
}

/* --- the options -------------------------------------------------------------------------------------------------- */

static int is_none(const json_t *value)
{
	return value == NULL || json_is_null(value) ||
	       (json_is_string(value) && *json_string_value(value) == '\0') ||
	       (json_is_integer(value) && json_integer_value(value) == 0);
}

static int bound_read(const struct email_query *q, const json_t *object, const char *key,
	int64_t *number, const char **text, struct err *e)
{
	const json_t *value = json_object_get(object, key);

	if (is_none(value))
		return 0;
	if (q->property == EMAIL_PROPERTY_DATE)
		return email_query_date(value, number, e) < 0 ? err_prefix(e, "%s", key) : 0;
	*text = json_string_value(value);
	if (number_read(value, number) == 0)
		return 0;
	*number = 0;
	/* POP3's unique ids are texts. */
	if (q->property == EMAIL_PROPERTY_UID && *text != NULL)
		return 0;
	return err_set(e, ERR_INVALID, "%s has to be a number", key);
}

static void property_read(struct email_query *q, const char *name)
{
	if (name != NULL && strcmp(name, "uid") == 0)
		q->property = EMAIL_PROPERTY_UID;
	else if (name != NULL && strcmp(name, "date") == 0)
		q->property = EMAIL_PROPERTY_DATE;
}

static enum email_wish wish(const json_t *search, const char *key)
{
	const json_t *value = json_object_get(search, key);

	if (value == NULL)
		return EMAIL_WISH_ANY;
	return json_is_true(value) ? EMAIL_WISH_YES : EMAIL_WISH_NO;
}

static int search_read(struct email_query *q, const json_t *search, struct err *e)
{
	const json_t *since = json_object_get(search, "since");

	q->searches = json_object_size(search) > 0;
	q->from = json_string_value(json_object_get(search, "from"));
	q->to = json_string_value(json_object_get(search, "to"));
	q->subject = json_string_value(json_object_get(search, "subject"));
	q->text = json_string_value(json_object_get(search, "text"));
	q->unseen = wish(search, "unseen");
	q->flagged = wish(search, "flagged");
	q->answered = wish(search, "answered");
	if (since != NULL && email_query_date(since, &q->since, e) < 0)
		return err_prefix(e, "since");
	return 0;
}

static uint32_t count_read(const json_t *object, const char *key, uint32_t fallback)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint32_t)n : fallback;
}

int email_query_read(
	const json_t *object, uint32_t max_per_page, struct email_query *q, struct err *e)
{
	int rc;

	memset(q, 0, sizeof *q);
	q->page = count_read(object, "page", 1);
	q->per_page = count_read(object, "perPage", DEFAULT_PER_PAGE);
	if (q->per_page > max_per_page)
		q->per_page = max_per_page;
	q->include_body = json_is_true(json_object_get(object, "includeBody"));
	q->uids = json_object_get(object, "uid");
	property_read(q, json_string_value(json_object_get(object, "property")));
	rc = bound_read(q, object, "after", &q->after, &q->after_text, e);
	if (rc == 0)
		rc = bound_read(q, object, "before", &q->before, &q->before_text, e);
	if (rc == 0)
		rc = search_read(q, json_object_get(object, "search"), e);
	return rc;
}

int email_query_searches(const struct email_query *q)
{
	if (q->searches)
		return 1;
	if (q->property == EMAIL_PROPERTY_SEQNO)
		return 0;
	return q->after != 0 || q->before != 0;
}
