/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_update.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_drop.h"
#include "platforms/email/email_mail.h"
#include "platforms/email/email_place.h"
#include "platforms/email/email_pool.h"
#include "platforms/email/email_query.h"
#include "platforms/platform.h"

#define UPDATE_MAGIC 0x65757064u

struct update {
	unsigned magic;
	struct job *job;
	struct imap_op *op;
	json_t *result;
};

static void update_free(struct update *u)
{
	imap_cancel(&u->op);
	json_decref(u->result);
	mem_free(u);
}

static void update_fail(struct update *u, const struct err *e)
{
	struct job *job = u->job;
	struct err why = *e;

	update_free(u);
	job_fail(job, &why);
}

/* The UIDs in the other folder, where the server tells them (RFC 4315, COPYUID). */
static void new_uids_add(json_t *result, const struct imap_result *r)
{
	json_t *list;

	if (r == NULL || r->n_uids == 0)
		return;
	list = json_array();
	for (size_t i = 0; i < r->n_uids; i++)
		json_array_append_new(list, json_integer(r->uids[i]));
	json_object_set_new(result, "uid", list);
}

static void on_done(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(update, u, arg, UPDATE_MAGIC);
	struct job *job = u->job;
	json_t *result = u->result;

	u->op = NULL;
	if (e->code != ERR_NONE) {
		update_fail(u, e);
		return;
	}
	new_uids_add(result, r);
	if (r->marked)
		json_object_set_new(result, "marked", json_true());
	u->result = NULL;
	update_free(u);
	job_done(job, result);
}

/* What objectType says; the schema allows no other. */
static struct imap_op *ask(struct imap *im, const json_t *activity,
	const struct imap_targets *targets, const struct imap_calls *calls)
{
	const json_t *object = activity_object(activity);
	const char *type = activity_object_string(activity, "objectType", "");
	const char *to = activity_object_string(activity, "to", "");

	if (strcmp(type, "folder") == 0)
		return imap_create(im, targets->where.folder, calls);
	if (strcmp(type, "move") == 0)
		return imap_move(im, targets, to, calls);
	if (strcmp(type, "copy") == 0)
		return imap_copy(im, targets, to, calls);
	if (strcmp(type, "delete") == 0)
		return imap_delete(im, targets, calls);
	return imap_store(im, targets, email_mail_flags(json_object_get(object, "add")),
		email_mail_flags(json_object_get(object, "remove")), calls);
}

static int imap_start(
	struct email_account *a, struct update *u, const struct email_place *place, struct err *e)
{
	const struct imap_calls calls = {.done = on_done, .arg = u};
	const json_t *activity = job_activity(u->job);
	const char *to = activity_object_string(activity, "to", NULL);
	const json_t *named = json_object_get(activity_object(activity), "uid");
	uint32_t uids[EMAIL_QUERY_UIDS];
	struct imap_targets targets = {
		.where = {place->folder, (uint32_t)place->uid_validity}, .uids = uids};
	struct imap *im;

	if (named != NULL && email_query_uids(named, uids, &targets.n_uids, e) < 0)
		return -(int)e->code;
	im = email_pool_get(email_account_pool(a), e);
	if (im == NULL)
		return -(int)e->code;
	u->result = json_pack("{ss}", "folder", place->folder);
	if (to != NULL)
		json_object_set_new(u->result, "to", json_string(to));
	job_set_data(u->job, u);
	u->op = ask(im, activity, &targets, &calls);
	return 0;
}

void email_update_run(struct email_account *a, struct job *job)
{
	const char *type = activity_object_string(job_activity(job), "objectType", "");
	struct update *u = mem_alloc(sizeof *u);
	struct email_place place;
	struct err e;
	int rc = email_place_read(a, job_activity(job), &place, &e);

	u->magic = UPDATE_MAGIC;
	u->job = job;
	if (rc == 0 && place.way == EMAIL_WAY_POP && strcmp(type, "delete") == 0) {
		update_free(u);
		email_drop_delete(a, job);
		return;
	}
	if (rc == 0 && place.way == EMAIL_WAY_POP)
		rc = err_set(&e, ERR_UNSUPPORTED, "POP3 can delete mails, nothing else");
	if (rc == 0)
		rc = imap_start(a, u, &place, &e);
	if (rc < 0)
		update_fail(u, &e);
}

void email_update_cancel(struct email_account *a, struct job *job)
{
	const unsigned *magic = job_data(job);

	UNUSED(a);
	if (*magic == UPDATE_MAGIC)
		update_free(job_data(job));
	else
		email_drop_cancel(job);
}
