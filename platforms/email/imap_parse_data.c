/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap_parse_data.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"

/* --- numbers ---------------------------------------------------------------------------------------------------- */

static int add_number(struct imap_parse_data_numbers *out, uint32_t n)
{
	if (out->n == IMAP_PARSE_DATA_NUMBERS)
		return -1;
	if (out->n == out->cap) {
		out->cap = out->cap == 0 ? 64 : MIN(out->cap * 2, IMAP_PARSE_DATA_NUMBERS);
		out->list = mem_realloc(out->list, out->cap * sizeof *out->list);
	}
	out->list[out->n++] = n;
	return 0;
}

void imap_parse_data_numbers_release(struct imap_parse_data_numbers *n)
{
	mem_free(n->list);
	*n = (struct imap_parse_data_numbers){0};
}

static int small_number(const struct imap_parse_token *t, uint32_t *out)
{
	uint64_t n;

	if (imap_parse_token_number(t, UINT32_MAX, &n) < 0)
		return -1;
	*out = (uint32_t)n;
	return 0;
}

int imap_parse_data_search(struct imap_parse_cursor c, struct imap_parse_data_numbers *out)
{
	struct imap_parse_token t;
	uint32_t n;

	while (imap_parse_token_next(&c, &t) != IMAP_TOKEN_END) {
		if (t.type == IMAP_TOKEN_OPEN) /* (MODSEQ n), RFC 7162 */
			return 0;
		if (small_number(&t, &n) < 0 || add_number(out, n) < 0)
			return -1;
	}
	return 0;
}

/* A number of a set, from `*at` on. */
static int set_number(const char **at, const char *end, uint32_t *out)
{
	uint64_t n = 0;
	const char *start = *at;

	for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
		n = n * 10 + (uint64_t)(**at - '0');
		if (n > UINT32_MAX)
			return -1;
	}
	*out = (uint32_t)n;
	return *at > start ? 0 : -1;
}

int imap_parse_data_set(const char *bytes, size_t len, struct imap_parse_data_numbers *out)
{
	const char *at = bytes, *end = bytes + len;
	uint32_t first, last;

	for (;;) {
		if (set_number(&at, end, &first) < 0)
			return -1;
		last = first;
		if (at < end && *at == ':') {
			at++;
			if (set_number(&at, end, &last) < 0)
				return -1;
		}
		for (uint64_t n = MIN(first, last); n <= MAX(first, last); n++)
			if (add_number(out, (uint32_t)n) < 0)
				return -1;
		if (at == end)
			return 0;
		if (*at++ != ',')
			return -1;
	}
}

int imap_parse_data_esearch(struct imap_parse_cursor c, struct imap_parse_data_numbers *out)
{
	struct imap_parse_token t;

	if (imap_parse_token_peek(&c, &t) == IMAP_TOKEN_OPEN) /* (TAG "x") */
		imap_parse_token_skip(&c);
	while (imap_parse_token_next(&c, &t) != IMAP_TOKEN_END) {
		if (t.type != IMAP_TOKEN_ATOM)
			return -1;
		if (imap_parse_token_is(&t, "UID"))
			continue;
		if (!imap_parse_token_is(&t, "ALL")) {
			if (imap_parse_token_skip(&c) < 0)
				return -1;
			continue;
		}
		if (imap_parse_token_next(&c, &t) != IMAP_TOKEN_ATOM ||
			imap_parse_data_set(t.bytes, t.len, out) < 0)
			return -1;
	}
	return 0;
}

/* --- dates ------------------------------------------------------------------------------------------------------ */

/* Days from 1970-01-01, of the Gregorian calendar; months are counted from March so that leap days come last. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2), era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int imap_parse_data_date(const char *bytes, size_t len, int64_t *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int day, year, hour, minute, second, zone, used = 0, month = 0;
	char text[27], name[4], sign;

	if (len < 25 || len > 26)
		return -1;
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (sscanf(text, "%2d-%3[A-Za-z]-%4d %2d:%2d:%2d %c%4d%n", &day, name, &year, &hour,
		    &minute, &second, &sign, &zone, &used) != 8 ||
		(size_t)used != len)
		return -1;
	while (month < 12 && strncasecmp(name, months + (size_t)month * 3, 3) != 0)
		month++;
	if (month == 12 || day < 1 || day > 31 || year < 1900 || hour < 0 || hour > 23 ||
		minute < 0 || minute > 59 || second < 0 || second > 60 || zone < 0 ||
		(sign != '+' && sign != '-') || text[len - 5] != sign)
		return -1;
	zone = (zone / 100 * 60 + zone % 100) * 60 * (sign == '-' ? -1 : 1);
	*out = days_of(year, month + 1, day) * 86400 + hour * 3600 + minute * 60 + second - zone;
	return 0;
}

/* --- flags ------------------------------------------------------------------------------------------------------ */

static void add_keyword(struct imap_parse_data_flags *out, const struct imap_parse_token *t)
{
	size_t len = strlen(out->keywords);

	if (len + 1 + t->len >= sizeof out->keywords)
		return;
	for (size_t i = 0; i < t->len; i++)
		if (t->bytes[i] <= ' ' || t->bytes[i] > '~')
			return;
	if (len > 0)
		out->keywords[len++] = ' ';
	memcpy(out->keywords + len, t->bytes, t->len);
	out->keywords[len + t->len] = '\0';
}

int imap_parse_data_flags(struct imap_parse_cursor *c, struct imap_parse_data_flags *out)
{
	struct imap_parse_token t;

	*out = (struct imap_parse_data_flags){0};
	if (imap_parse_token_next(c, &t) != IMAP_TOKEN_OPEN)
		return -1;
	while (imap_parse_token_next(c, &t) != IMAP_TOKEN_CLOSE) {
		unsigned flag;
		if (t.type != IMAP_TOKEN_ATOM && t.type != IMAP_TOKEN_NIL)
			return -1;
		flag = imap_flag_parse(t.bytes, t.len);
		out->flags |= flag;
		if (flag == 0)
			add_keyword(out, &t);
	}
	return 0;
}

/* --- FETCH ------------------------------------------------------------------------------------------------------ */

/* BODY[...], BODY[...]<n>, BINARY[...], RFC822, RFC822.HEADER, RFC822.TEXT: 1 with the name filled in, 0:
 * something else */
static int is_section(const struct imap_parse_token *t, struct imap_parse_data_section *s)
{
	const char *open = memchr(t->bytes, '[', t->len), *end = t->bytes + t->len, *close;

	*s = (struct imap_parse_data_section){.name = ""};
	if (imap_parse_token_is(t, "RFC822"))
		return 1;
	if (imap_parse_token_is(t, "RFC822.HEADER") || imap_parse_token_is(t, "RFC822.TEXT")) {
		s->name = t->bytes + strlen("RFC822.");
		s->name_len = t->len - strlen("RFC822.");
		return 1;
	}
	if (open == NULL || strncasecmp(t->bytes, "BINARY.SIZE[", MIN(t->len, 12)) == 0)
		return 0;
	close = memrchr(open, ']', (size_t)(end - open));
	if (close == NULL)
		return 0;
	s->name = open + 1;
	s->name_len = (size_t)(close - s->name);
	for (close++; close < end && s->origin < UINT32_MAX; close++)
		if (*close >= '0' && *close <= '9')
			s->origin = s->origin * 10 + (uint64_t)(*close - '0');
	return 1;
}

static int read_section(struct imap_parse_cursor *c, struct imap_parse_data_section *s,
	struct imap_parse_data_fetch *out)
{
	enum imap_parse_token_type type = imap_parse_token_next(c, &s->value);

	if (type != IMAP_TOKEN_NIL && type != IMAP_TOKEN_STRING)
		return -1;
	if (out->n_sections < IMAP_PARSE_DATA_SECTIONS)
		out->sections[out->n_sections++] = *s;
	return 0;
}

static int read_item(struct imap_parse_cursor *c, const struct imap_parse_token *name,
	struct imap_parse_data_fetch *out)
{
	struct imap_parse_data_section section;
	struct imap_parse_token t;

	if (is_section(name, &section))
		return read_section(c, &section, out);
	if (imap_parse_token_is(name, "FLAGS")) {
		out->has_flags = 1;
		return imap_parse_data_flags(c, &out->flags);
	}
	if (imap_parse_token_is(name, "UID"))
		return imap_parse_token_next(c, &t) == IMAP_TOKEN_ATOM ? small_number(&t, &out->uid)
								       : -1;
	if (imap_parse_token_is(name, "RFC822.SIZE"))
		return imap_parse_token_next(c, &t) == IMAP_TOKEN_ATOM
			       ? imap_parse_token_number(&t, INT64_MAX, &out->size)
			       : -1;
	if (imap_parse_token_is(name, "INTERNALDATE") &&
		imap_parse_token_peek(c, &t) == IMAP_TOKEN_STRING) {
		/* A date that can not be read is none. */
		imap_parse_data_date(t.bytes, t.len, &out->date);
	}
	return imap_parse_token_skip(c);
}

int imap_parse_data_fetch(struct imap_parse_cursor c, struct imap_parse_data_fetch *out)
{
	struct imap_parse_token t;

	*out = (struct imap_parse_data_fetch){.date = INT64_MIN, .size = UINT64_MAX};
	if (imap_parse_token_next(&c, &t) != IMAP_TOKEN_OPEN)
		return -1;
	while (imap_parse_token_next(&c, &t) != IMAP_TOKEN_CLOSE)
		if (t.type != IMAP_TOKEN_ATOM || read_item(&c, &t, out) < 0)
			return -1;
	return 0;
}

/* --- LIST, STATUS ----------------------------------------------------------------------------------------------- */

static void read_attribute(const struct imap_parse_token *t, struct imap_parse_data_list *out)
{
	static const char *const uses[] = {"\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk",
		"\\Sent", "\\Trash", "\\Important"};

	if (imap_parse_token_is(t, "\\Noselect") || imap_parse_token_is(t, "\\NonExistent"))
		out->attributes |= IMAP_PARSE_DATA_NOSELECT;
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (imap_parse_token_is(t, uses[i]))
			snprintf(out->special_use, sizeof out->special_use, "%s", uses[i]);
}

/* An astring (RFC 3501, 9). As a literal it could be as long as a mail. */
static int read_name(struct imap_parse_cursor *c, struct buf *out)
{
	struct imap_parse_token t;

	switch (imap_parse_token_next(c, &t)) {
	case IMAP_TOKEN_ATOM:
	case IMAP_TOKEN_NIL:
	case IMAP_TOKEN_STRING:
		if (t.len > IMAP_PARSE_DATA_NAME)
			return -1;
		imap_parse_token_text(&t, out);
		return 0;
	default:
		return -1;
	}
}

int imap_parse_data_list(struct imap_parse_cursor c, struct imap_parse_data_list *out)
{
	struct imap_parse_token t;

	*out = (struct imap_parse_data_list){0};
	if (imap_parse_token_next(&c, &t) != IMAP_TOKEN_OPEN)
		return -1;
	while (imap_parse_token_next(&c, &t) != IMAP_TOKEN_CLOSE) {
		if (t.type != IMAP_TOKEN_ATOM)
			return -1;
		read_attribute(&t, out);
	}
	if (imap_parse_token_next(&c, &t) == IMAP_TOKEN_STRING && t.len > 0)
		out->delimiter = t.bytes[t.len - 1]; /* behind a backslash, if there is one */
	else if (t.type != IMAP_TOKEN_NIL)
		return -1;
	return read_name(&c, &out->name);
}

void imap_parse_data_list_release(struct imap_parse_data_list *l)
{
	buf_release(&l->name);
}

int imap_parse_data_status(struct imap_parse_cursor c, struct imap_parse_data_status *out)
{
	struct imap_parse_token t, value;
	uint32_t n;

	*out = (struct imap_parse_data_status){0};
	if (read_name(&c, &out->name) < 0 || imap_parse_token_next(&c, &t) != IMAP_TOKEN_OPEN)
		return -1;
	while (imap_parse_token_next(&c, &t) != IMAP_TOKEN_CLOSE) {
		imap_parse_token_peek(&c, &value);
		if (t.type != IMAP_TOKEN_ATOM || imap_parse_token_skip(&c) < 0)
			return -1;
		if (small_number(&value, &n) < 0) /* of a kind that was not asked for */
			continue;
		if (imap_parse_token_is(&t, "MESSAGES"))
			out->messages = n;
		else if (imap_parse_token_is(&t, "UNSEEN"))
			out->unseen = n;
		else if (imap_parse_token_is(&t, "UIDNEXT"))
			out->uid_next = n;
		else if (imap_parse_token_is(&t, "UIDVALIDITY"))
			out->uid_validity = n;
	}
	return 0;
}

void imap_parse_data_status_release(struct imap_parse_data_status *s)
{
	buf_release(&s->name);
}
