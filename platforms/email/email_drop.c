/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_drop.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_maildrop.h"
#include "platforms/email/email_pick.h"
#include "platforms/email/email_query.h"
#include "platforms/platform.h"

#define DROP_MAGIC 0x64726f70u
#define ID_BYTES   24 /* of an id that is a number */

/* A job that runs: the mails it is about, one after the other. `query` borrows from its activity. */
struct drop {
	unsigned magic;
	struct email_account *account;
	struct job *job;
	struct email_query query;
	struct email_maildrop_turn *turn; /* NULL: over */
	int deletes;
	struct pop_link_entry *entries; /* selected, by number */
	size_t n, next;
	struct email_pick *pick;
	json_int_t count;
	json_t *result;
};

static void drop_free(struct drop *d)
{
	email_pick_free(&d->pick);
	email_maildrop_end(&d->turn);
	json_decref(d->result);
	mem_free(d->entries);
	mem_free(d);
}

static void drop_fail(struct drop *d, const struct err *e)
{
	struct job *job = d->job;
	struct err why = *e;

	drop_free(d);
	job_fail(job, &why);
}

static void drop_finish(struct drop *d)
{
	struct job *job = d->job;
	json_t *result = json_incref(d->result);

	json_object_set_new(result, "count", json_integer(d->count));
	drop_free(d);
	job_done(job, result);
}

/* --- which mails -------------------------------------------------------------------------------------------------- */

/* A unique id given as `text`, or as a number, which some servers' ids look like. */
static const char *id_of(const char *text, long long number, char out[ID_BYTES])
{
	if (text != NULL)
		return text;
	snprintf(out, ID_BYTES, "%lld", number);
	return out;
}

const struct pop_link_entry *email_drop_entry(
	const struct pop_link_entry *entries, size_t n, const json_t *uid)
{
	char number[ID_BYTES];
	const char *text = id_of(json_string_value(uid), json_integer_value(uid), number);

	for (size_t i = 0; i < n; i++)
		if (strcmp(entries[i].uid, text) == 0)
			return &entries[i];
	return NULL;
}

static int is_named(const struct pop_link_entry *entry, const json_t *uids)
{
	size_t i;
	json_t *uid;

	if (!json_is_array(uids))
		return email_drop_entry(entry, 1, uids) != NULL;
	json_array_foreach (uids, i, uid)
		if (email_drop_entry(entry, 1, uid) != NULL)
			return 1;
	return 0;
}

static void select_named(struct drop *d, const struct pop_link_result *list)
{
	d->entries = mem_array(list->n_entries, sizeof *d->entries);
	for (size_t i = 0; i < list->n_entries; i++)
		if (is_named(&list->entries[i], d->query.uids))
			d->entries[d->n++] = list->entries[i];
}

/* Where the mail with the unique id of a bound is; `fallback` without one. An id that no mail has selects nothing. */
static size_t place_of(
	const struct pop_link_result *list, const char *text, int64_t number, size_t fallback)
{
	char digits[ID_BYTES];
	const char *uid = id_of(text, number, digits);

	if (text == NULL && number == 0)
		return fallback;
	for (size_t i = 0; i < list->n_entries; i++)
		if (strcmp(list->entries[i].uid, uid) == 0)
			return i;
	return SIZE_MAX;
}

/* The mails between the bounds as places in the list: from `*low` up to, but not, `*high`. */
static void bounds(
	const struct drop *d, const struct pop_link_result *list, size_t *low, size_t *high)
{
	const struct email_query *q = &d->query;

	*low = 0;
	*high = list->n_entries;
	if (q->property == EMAIL_PROPERTY_UID) {
		size_t after = place_of(list, q->after_text, q->after, SIZE_MAX - 1);

		*high = place_of(list, q->before_text, q->before, *high);
		*low = after == SIZE_MAX - 1 ? 0 : after == SIZE_MAX ? SIZE_MAX : after + 1;
		if (*high == SIZE_MAX)
			*low = SIZE_MAX;
		return;
	}
	*low = (size_t)q->after;
	if (q->before > 0)
		*high = MIN(*high, (size_t)q->before - 1);
}

static void select_page(struct drop *d, const struct pop_link_result *list)
{
	uint64_t skip = (uint64_t)(d->query.page - 1) * d->query.per_page;
	size_t low, high, matches, end;

	bounds(d, list, &low, &high);
	matches = low < high ? high - low : 0;
	end = skip < matches ? matches - (size_t)skip : 0;
	d->n = MIN(end, d->query.per_page);
	d->entries = mem_array(d->n, sizeof *d->entries);
	if (d->n > 0)
		memcpy(d->entries, list->entries + low + end - d->n, d->n * sizeof *d->entries);
	json_object_set_new(d->result, "matches", json_integer((json_int_t)matches));
	json_object_set_new(d->result, "page", json_integer(d->query.page));
	json_object_set_new(d->result, "perPage", json_integer(d->query.per_page));
}

/* --- fetching ----------------------------------------------------------------------------------------------------- */

static void on_message(void *arg, json_t *message)
{
	CAST(drop, d, arg, DROP_MAGIC);

	d->count++;
	psession_send(job_psession(d->job), message);
}

/* The result does not wait for the session's end: nothing depends on it. */
static void fetch_over(struct drop *d)
{
	struct email_maildrop_turn *turn = d->turn;

	d->turn = NULL;
	email_pick_free(&d->pick);
	email_maildrop_commit(turn, NULL, NULL);
	drop_finish(d);
}

static void on_picked(void *arg, const struct err *e)
{
	CAST(drop, d, arg, DROP_MAGIC);

	if (e->code != ERR_NONE)
		drop_fail(d, e);
	else
		fetch_over(d);
}

static void fetch_start(struct drop *d)
{
	const struct email_pick_what what = {d->entries, d->n, d->query.include_body};
	const struct email_pick_events events = {on_message, on_picked, d};

	if (d->n == 0)
		fetch_over(d);
	else
		d->pick = email_pick_new(d->account, d->turn, &what, &events);
}

/* --- deleting ----------------------------------------------------------------------------------------------------- */

static void next_mail(struct drop *d);

static void on_deleted(void *arg, const struct pop_link_result *r, const struct err *e)
{
	CAST(drop, d, arg, DROP_MAGIC);

	UNUSED(r);
	/* Another client may have deleted it: then it is as asked for. */
	if (e->code != ERR_NONE && e->code != ERR_NOT_FOUND) {
		drop_fail(d, e);
		return;
	}
	d->count += e->code == ERR_NONE;
	d->next++;
	next_mail(d);
}

static void on_committed(void *arg, const struct pop_link_result *r, const struct err *e)
{
	CAST(drop, d, arg, DROP_MAGIC);

	UNUSED(r);
	d->turn = NULL;
	if (e->code != ERR_NONE)
		drop_fail(d, e);
	else
		drop_finish(d);
}

static void next_mail(struct drop *d)
{
	struct pop_link *link = email_maildrop_link(d->turn);
	struct err e;

	if (link == NULL) {
		err_set(&e, ERR_REMOTE, "the connection to the server was lost");
		drop_fail(d, &e);
	} else if (d->next < d->n) {
		pop_link_delete(link, d->entries[d->next].number, on_deleted, d);
	} else {
		email_maildrop_commit(d->turn, on_committed, d);
	}
}

/* --- the verbs ---------------------------------------------------------------------------------------------------- */

static void on_turn(void *arg, const struct pop_link_result *list, const struct err *e)
{
	CAST(drop, d, arg, DROP_MAGIC);
	const struct email_limits *limits = email_account_limits(d->account);
	struct err why;

	if (e->code != ERR_NONE) {
		d->turn = NULL;
		drop_fail(d, e);
		return;
	}
	d->result = json_pack("{sssI}", "folder", "INBOX", "total", (json_int_t)list->total);
	if (d->query.uids != NULL)
		select_named(d, list);
	else
		select_page(d, list);
	if (!d->deletes && d->n > limits->max_per_page) {
		err_set(&why, ERR_TOO_LARGE, "too many uids: %u at most", limits->max_per_page);
		drop_fail(d, &why);
		return;
	}
	if (d->deletes)
		next_mail(d);
	else
		fetch_start(d);
}

static int drop_check(struct drop *d, struct err *e)
{
	const struct email_query *q = &d->query;
	int rc = email_query_read(activity_object(job_activity(d->job)),
		email_account_limits(d->account)->max_per_page, &d->query, e);

	if (rc < 0)
		return rc;
	if (d->deletes && q->uids == NULL) /* the schema asks for it, and a page would be deleted */
		return err_set(e, ERR_INVALID, "uid is missing");
	if (q->property == EMAIL_PROPERTY_DATE)
		return err_set(e, ERR_UNSUPPORTED, "POP3 cannot select by date");
	if (q->searches)
		return err_set(e, ERR_UNSUPPORTED, "POP3 cannot search");
	return 0;
}

static void drop_run(struct email_account *a, struct job *job, int deletes)
{
	struct drop *d = mem_alloc(sizeof *d);
	struct err e;

	d->magic = DROP_MAGIC;
	d->account = a;
	d->job = job;
	d->deletes = deletes;
	if (drop_check(d, &e) == 0)
		d->turn = email_maildrop_ask(email_account_maildrop(a), on_turn, d, &e);
	if (d->turn == NULL)
		drop_fail(d, &e);
	else
		job_set_data(job, d);
}

void email_drop_fetch(struct email_account *a, struct job *job)
{
	drop_run(a, job, 0);
}

void email_drop_delete(struct email_account *a, struct job *job)
{
	drop_run(a, job, 1);
}

int email_drop_cancel(struct job *job)
{
	struct drop *d = job_data(job);

	if (d->magic != DROP_MAGIC)
		return 0;
	drop_free(d);
	return 1;
}
