/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_fetch.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_batch.h"
#include "platforms/email/email_drop.h"
#include "platforms/email/email_find.h"
#include "platforms/email/email_folders.h"
#include "platforms/email/email_mail.h"
#include "platforms/email/email_part.h"
#include "platforms/email/email_place.h"
#include "platforms/email/email_pool.h"
#include "platforms/email/email_query.h"
#include "platforms/platform.h"

#define FETCH_MAGIC 0x65666574u

/* A job that runs: the folder's numbers, which mails, the mails. `place` and `query` borrow from its activity. */
struct fetch {
	unsigned magic;
	struct email_account *account;
	struct job *job;
	struct email_place place;
	struct email_query query;
	struct imap *im;
	struct imap_op *op; /* at most one of op and find */
	struct email_find *find;
	struct email_batch *batch; /* NULL: no mail was asked for yet */
	int fetched;               /* all mails came, some may still be read */
	size_t missing;            /* mails that were asked for and did not come yet */
	uint32_t uid_validity, exists;
	json_int_t count;
	json_t *result;
};

static void fetch_free(struct fetch *f)
{
	imap_cancel(&f->op);
	email_find_cancel(&f->find);
	email_batch_free(&f->batch);
	json_decref(f->result);
	mem_free(f);
}

static void fetch_fail(struct fetch *f, const struct err *e)
{
	struct job *job = f->job;
	struct err why = *e;

	fetch_free(f);
	job_fail(job, &why);
}

static void fetch_finish(struct fetch *f)
{
	struct job *job = f->job;
	json_t *result = json_incref(f->result);

	json_object_set_new(result, "count", json_integer(f->count));
	fetch_free(f);
	job_done(job, result);
}

/* --- the mails ---------------------------------------------------------------------------------------------------- */

static void on_message(void *arg, json_t *message)
{
	CAST(fetch, f, arg, FETCH_MAGIC);

	f->count++;
	psession_send(job_psession(f->job), message);
}

static void on_drained(void *arg)
{
	CAST(fetch, f, arg, FETCH_MAGIC);

	if (f->fetched)
		fetch_finish(f);
	else if (f->op != NULL)
		imap_pause(f->im, 0);
}

static void on_mail(void *arg, struct imap_mail *mail)
{
	CAST(fetch, f, arg, FETCH_MAGIC);
	const struct imap_where where = {f->place.folder, f->uid_validity};

	/* A server that sends more would fill memory, and the outbox. */
	if (f->missing == 0)
		return;
	f->missing--;
	email_mail_add(
		f->batch, email_account_limits(f->account), &where, mail, f->query.include_body);
	/* A server may be faster than the threads that read. Other jobs' operations wait behind this one anyway. */
	if (email_batch_is_full(f->batch))
		imap_pause(f->im, 1);
}

static void on_mails(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(fetch, f, arg, FETCH_MAGIC);

	UNUSED(r);
	f->op = NULL;
	f->fetched = 1;
	imap_pause(f->im, 0); /* the end came in the same packet as the last mails */
	if (e->code != ERR_NONE)
		fetch_fail(f, e);
	else if (email_batch_waiting(f->batch) == 0)
		fetch_finish(f);
}

/* `n` mails at most are in the ranges. */
static void mails_ask(
	struct fetch *f, const struct imap_range *ranges, size_t n_ranges, int by_seq, size_t n)
{
	const struct email_batch_events events = {on_message, on_drained, f};
	const struct imap_calls calls = {.mail = on_mail, .done = on_mails, .arg = f};
	const struct email_limits *limits = email_account_limits(f->account);
	const struct imap_fetch fetch = {.where = {f->place.folder, f->uid_validity},
		.ranges = ranges,
		.n_ranges = n_ranges,
		.by_seq = by_seq,
		.what = f->query.include_body ? IMAP_FETCH_WHOLE : IMAP_FETCH_HEADERS,
		.max_bytes = f->query.include_body ? email_mail_share(limits, n)
						   : EMAIL_MAIL_HEADER_BYTES};

	if (n == 0) {
		fetch_finish(f);
		return;
	}
	f->missing = n;
	f->batch = email_batch_new(email_account_loop(f->account), &events);
	f->op = imap_fetch(f->im, &fetch, &calls);
}

/* --- which mails -------------------------------------------------------------------------------------------------- */

/* Cuts the page out of `n` mails, of which the last is the newest: how many, and from where. */
static size_t page_of(const struct fetch *f, size_t n, size_t *first)
{
	uint64_t skip = (uint64_t)(f->query.page - 1) * f->query.per_page;
	size_t end = skip < n ? n - (size_t)skip : 0, count = MIN(end, f->query.per_page);

	*first = end - count;
	json_object_set_new(f->result, "matches", json_integer((json_int_t)n));
	json_object_set_new(f->result, "page", json_integer(f->query.page));
	json_object_set_new(f->result, "perPage", json_integer(f->query.per_page));
	return count;
}

static void by_number(struct fetch *f, uint32_t exists)
{
	uint64_t low = (uint64_t)f->query.after + 1, high = exists;
	struct imap_range range;
	size_t first, n;

	if (f->query.before > 0 && (uint64_t)f->query.before - 1 < high)
		high = (uint64_t)f->query.before - 1;
	n = page_of(f, high >= low ? (size_t)(high - low + 1) : 0, &first);
	range.first = (uint32_t)(low + first);
	range.last = (uint32_t)(low + first + n - 1);
	mails_ask(f, &range, 1, 1, n);
}

static void on_found(void *arg, const uint32_t *uids, size_t n_found, const struct err *e)
{
	CAST(fetch, f, arg, FETCH_MAGIC);
	struct imap_range *ranges;
	size_t first, n;

	f->find = NULL;
	if (e->code != ERR_NONE) {
		fetch_fail(f, e);
		return;
	}
	n = page_of(f, n_found, &first);
	ranges = mem_array(n, sizeof *ranges);
	mails_ask(f, ranges, email_find_ranges(uids + first, n, ranges), 0, n);
	mem_free(ranges);
}

static void by_uid(struct fetch *f)
{
	struct imap_range ranges[EMAIL_QUERY_UIDS];
	uint32_t uids[EMAIL_QUERY_UIDS];
	size_t n;
	struct err e;

	if (email_query_uids(f->query.uids, uids, &n, &e) < 0) {
		fetch_fail(f, &e);
		return;
	}
	if (n > email_account_limits(f->account)->max_per_page) {
		err_set(&e, ERR_TOO_LARGE, "too many uids: %u at most",
			email_account_limits(f->account)->max_per_page);
		fetch_fail(f, &e);
		return;
	}
	mails_ask(f, ranges, email_find_ranges(uids, n, ranges), 0, n);
}

/* "UID 6:5" would be read as 5:6. */
static int is_empty(const struct email_query *q)
{
	return q->property == EMAIL_PROPERTY_UID &&
	       (q->after == UINT32_MAX || (q->before > 0 && q->after + 1 > q->before - 1));
}

static void select_mails(struct fetch *f)
{
	const struct err none = {.code = ERR_NONE};

	if (f->query.uids != NULL)
		by_uid(f);
	else if (is_empty(&f->query))
		on_found(f, NULL, 0, &none);
	else if (email_query_searches(&f->query))
		f->find = email_find_start(f->im, &f->place, &f->query, on_found, f);
	else
		by_number(f, f->exists);
}

/* --- the folder --------------------------------------------------------------------------------------------------- */

static void on_status(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(fetch, f, arg, FETCH_MAGIC);

	f->op = NULL;
	if (e->code != ERR_NONE) {
		fetch_fail(f, e);
		return;
	}
	json_object_set_new(f->result, "unseen", json_integer(r->unseen));
	select_mails(f);
}

/* Selected anew, the folder is as it is now: STATUS alone may tell of the time when a shared connection selected it. */
static void on_look(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(fetch, f, arg, FETCH_MAGIC);
	const struct imap_calls calls = {.done = on_status, .arg = f};

	f->op = NULL;
	if (e->code != ERR_NONE) {
		fetch_fail(f, e);
		return;
	}
	f->uid_validity = r->folder->uid_validity;
	f->exists = r->folder->exists;
	f->result = json_pack("{sssIsIsIsI}", "folder", f->place.folder, "total",
		(json_int_t)f->exists, "unseen", (json_int_t)0, "uidValidity",
		(json_int_t)r->folder->uid_validity, "uidNext", (json_int_t)r->folder->uid_next);
	f->op = imap_status(f->im, f->place.folder, &calls);
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static int fetch_check(struct email_account *a, struct job *job, struct fetch *f, struct err *e)
{
	const struct email_query *q = &f->query;
	int rc = email_place_read(a, job_activity(job), &f->place, e);

	if (rc == 0)
		rc = email_query_read(activity_object(job_activity(job)),
			email_account_limits(a)->max_per_page, &f->query, e);
	if (rc < 0)
		return rc;
	if (f->place.way == EMAIL_WAY_IMAP && q->property == EMAIL_PROPERTY_UID &&
		((q->after_text != NULL && q->after == 0) ||
			(q->before_text != NULL && q->before == 0)))
		return err_set(e, ERR_INVALID, "after and before have to be numbers");
	return 0;
}

static void messages_run(struct email_account *a, struct job *job)
{
	struct fetch *f = mem_alloc(sizeof *f);
	const struct imap_calls calls = {.done = on_look, .arg = f};
	struct imap_where where;
	struct err e;

	f->magic = FETCH_MAGIC;
	f->account = a;
	f->job = job;
	if (fetch_check(a, job, f, &e) < 0) {
		fetch_fail(f, &e);
		return;
	}
	if (f->place.way == EMAIL_WAY_POP) {
		mem_free(f);
		email_drop_fetch(a, job);
		return;
	}
	f->im = email_pool_get(email_account_pool(a), &e);
	if (f->im == NULL) {
		fetch_fail(f, &e);
		return;
	}
	job_set_data(job, f);
	where = (struct imap_where){f->place.folder, (uint32_t)f->place.uid_validity};
	f->op = imap_look(f->im, &where, &calls);
}

/* What `object.objectType` asks for, or what the object has. */
static const char *kind(const json_t *activity)
{
	int part = json_object_get(activity_object(activity), "attachment") != NULL;

	return activity_object_string(activity, "objectType", part ? "attachment" : "messages");
}

void email_fetch_run(struct email_account *a, struct job *job)
{
	const char *what = kind(job_activity(job));

	if (strcmp(what, "attachment") == 0)
		email_part_run(a, job);
	else if (strcmp(what, "folders") == 0)
		email_folders_run(a, job);
	else
		messages_run(a, job);
}

void email_fetch_cancel(struct email_account *a, struct job *job)
{
	const unsigned *magic = job_data(job);

	UNUSED(a);
	assert(magic != NULL);
	if (*magic == FETCH_MAGIC)
		fetch_free(job_data(job));
	else if (!email_part_cancel(job) && !email_folders_cancel(job))
		email_drop_cancel(job);
}
