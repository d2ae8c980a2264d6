/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_find.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_place.h"
#include "platforms/email/email_query.h"

#define FIND_MAGIC 0x66696e64u
#define DAY_MS     86400000

/* Up to three steps: what may match by day; of that what does match for certain; the times of the rest. */
struct email_find {
	unsigned magic;
	struct imap *im;
	const struct email_place *place;
	const struct email_query *query;
	email_find_fn *done;
	void *arg;
	struct imap_op *op;
	int64_t from_ms, until_ms; /* from <= arrival < until; 0 and INT64_MAX: no bound */
	uint32_t *uids;            /* that may match, ascending */
	unsigned char *selected;   /* of each: whether it does */
	size_t n;
	size_t asked; /* up to here the times are known */
};

size_t email_find_ranges(const uint32_t *uids, size_t n, struct imap_range *out)
{
	size_t ranges = 0;

	for (size_t i = 0; i < n; i++)
		if (ranges > 0 && out[ranges - 1].last + 1 == uids[i])
			out[ranges - 1].last = uids[i];
		else
			out[ranges++] = (struct imap_range){uids[i], uids[i]};
	return ranges;
}

static void find_free(struct email_find *f)
{
	imap_cancel(&f->op);
	mem_free(f->uids);
	mem_free(f->selected);
	mem_free(f);
}

void email_find_cancel(struct email_find **fp)
{
	if (*fp != NULL)
		find_free(*fp);
	*fp = NULL;
}

static void finish(struct email_find *f, const struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		if (f->selected[i])
			f->uids[n++] = f->uids[i];
	f->done(f->arg, f->uids, n, e);
	find_free(f);
}

static int by_uid(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* NULL: it is not among those found; servers may tell of others. */
static unsigned char *selected(struct email_find *f, uint32_t uid)
{
	const uint32_t *at = f->n > 0 ? bsearch(&uid, f->uids, f->n, sizeof uid, by_uid) : NULL;

	return at != NULL ? &f->selected[at - f->uids] : NULL;
}

/* --- third step: the times of those that arrived around a bound ------------------------------------------------------- */

static void ask_times(struct email_find *f);

static void on_time(void *arg, struct imap_mail *mail)
{
	CAST(email_find, f, arg, FIND_MAGIC);
	unsigned char *mark = selected(f, mail->uid);
	int64_t ms = mail->date == INT64_MIN ? 0 : mail->date * 1000;

	if (mark != NULL && ms >= f->from_ms && ms < f->until_ms)
		*mark = 1;
}

static void on_times(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(email_find, f, arg, FIND_MAGIC);

	UNUSED(r);
	f->op = NULL;
	if (e->code != ERR_NONE)
		finish(f, e);
	else
		ask_times(f);
}

static void ask_times(struct email_find *f)
{
	const struct imap_calls calls = {.mail = on_time, .done = on_times, .arg = f};
	uint32_t uids
		[IMAP_RANGES]; /* of those whose time is not known, mostly none is next to another */
	struct imap_range ranges[IMAP_RANGES];
	struct imap_fetch fetch = {.where = {f->place->folder, (uint32_t)f->place->uid_validity},
		.ranges = ranges,
		.what = IMAP_FETCH_FLAGS};
	size_t n = 0;

	for (; f->asked < f->n && n < IMAP_RANGES; f->asked++)
		if (!f->selected[f->asked])
			uids[n++] = f->uids[f->asked];
	if (n == 0) {
		finish(f, &(struct err){.code = ERR_NONE});
		return;
	}
	fetch.n_ranges = email_find_ranges(uids, n, ranges);
	f->op = imap_fetch(f->im, &fetch, &calls);
}

/* --- first and second step: searches ---------------------------------------------------------------------------------- */

static void wish_read(enum email_wish wish, unsigned flag, struct imap_search *s)
{
	if (wish == EMAIL_WISH_YES)
		s->with |= flag;
	else if (wish == EMAIL_WISH_NO)
		s->without |= flag;
}

static void criteria(const struct email_find *f, struct imap_search *s)
{
	const struct email_query *q = f->query;

	*s = (struct imap_search){.where = {f->place->folder, (uint32_t)f->place->uid_validity},
		.from = q->from,
		.to = q->to,
		.subject = q->subject,
		.text = q->text};
	if (q->unseen != EMAIL_WISH_ANY)
		wish_read(
			q->unseen == EMAIL_WISH_YES ? EMAIL_WISH_NO : EMAIL_WISH_YES, IMAP_SEEN, s);
	wish_read(q->flagged, IMAP_FLAGGED, s);
	wish_read(q->answered, IMAP_ANSWERED, s);
	if (q->property == EMAIL_PROPERTY_UID && (q->after > 0 || q->before > 0)) {
		s->uids.first = (uint32_t)q->after + 1;
		s->uids.last = q->before > 0 ? (uint32_t)q->before - 1 : 0;
	}
}

static void ask(struct email_find *f, struct imap_search *s, imap_done_fn *done)
{
	const struct imap_calls calls = {.done = done, .arg = f};

	f->op = imap_search(f->im, s, &calls);
}

static void on_certain(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(email_find, f, arg, FIND_MAGIC);

	f->op = NULL;
	if (e->code != ERR_NONE) {
		finish(f, e);
		return;
	}
	for (size_t i = 0; i < r->n_uids; i++) {
		unsigned char *mark = selected(f, r->uids[i]);

		if (mark != NULL)
			*mark = 1;
	}
	ask_times(f);
}

/* A day that a mail arrived on is in a zone of the server's choice, so the days next to a bound's own are uncertain. */
static int64_t day_s(int64_t ms, int days)
{
	int64_t s = (ms / DAY_MS + days) * (DAY_MS / 1000);

	return MAX(s, 1);
}

static void ask_certain(struct email_find *f)
{
	struct imap_search s;

	criteria(f, &s);
	s.since = f->from_ms > 0 ? day_s(f->from_ms, 2) : 0;
	s.before = f->until_ms < INT64_MAX ? day_s(f->until_ms, -1) : 0;
	if (s.since > 0 && s.before > 0 && s.since >= s.before)
		ask_times(f);
	else
		ask(f, &s, on_certain);
}

static void on_possible(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(email_find, f, arg, FIND_MAGIC);
	int dated = f->from_ms > 0 || f->until_ms < INT64_MAX;
	int by_uid_too = f->query->property == EMAIL_PROPERTY_UID;

	f->op = NULL;
	if (e->code != ERR_NONE) {
		finish(f, e);
		return;
	}
	f->uids = mem_array(r->n_uids, sizeof *f->uids);
	/* Asked for 8:*, a server whose last mail has 5 names that one (RFC 9051, 6.4.8). */
	for (size_t i = 0; i < r->n_uids; i++)
		if (!by_uid_too || r->uids[i] > f->query->after)
			f->uids[f->n++] = r->uids[i];
	f->selected = mem_alloc(f->n);
	if (!dated && f->n > 0)
		memset(f->selected, 1, f->n);
	if (dated && f->n > 0)
		ask_certain(f);
	else
		finish(f, e);
}

static void bounds_read(struct email_find *f)
{
	const struct email_query *q = f->query;

	f->from_ms = q->since;
	f->until_ms = INT64_MAX;
	if (q->property != EMAIL_PROPERTY_DATE)
		return;
	if (q->after > 0)
		f->from_ms = MAX(f->from_ms, q->after + 1);
	if (q->before > 0)
		f->until_ms = q->before;
}

struct email_find *email_find_start(struct imap *im, const struct email_place *place,
	const struct email_query *q, email_find_fn *done, void *arg)
{
	struct email_find *f = mem_alloc(sizeof *f);
	struct imap_search s;

	f->magic = FIND_MAGIC;
	f->im = im;
	f->place = place;
	f->query = q;
	f->done = done;
	f->arg = arg;
	bounds_read(f);
	criteria(f, &s);
	s.since = f->from_ms > 0 ? day_s(f->from_ms, -1) : 0;
	s.before = f->until_ms < INT64_MAX ? day_s(f->until_ms, 2) : 0;
	ask(f, &s, on_possible);
	return f;
}
