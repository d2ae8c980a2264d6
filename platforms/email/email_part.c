/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_part.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_drop.h"
#include "platforms/email/email_maildrop.h"
#include "platforms/email/email_place.h"
#include "platforms/email/email_pool.h"
#include "platforms/email/email_query.h"
#include "platforms/email/email_reader.h"
#include "platforms/email/imap.h"
#include "platforms/platform.h"

#define PART_MAGIC 0x65707274u

/* A job that runs. The strings borrow from its activity. */
struct part {
	unsigned magic;
	struct email_account *account;
	struct job *job;
	struct email_place place;
	const json_t *uid;
	const char *number;    /* "2.1" */
	size_t offset, length; /* of the decoded content; length 0: all */
	uint32_t imap_uid;
	struct imap *im;
	struct imap_op *op;
	struct email_maildrop_turn *turn;
	struct email_reader *reader;
	int whole; /* the bytes are the whole mail, not the part alone */
};

static void part_free(struct part *p)
{
	imap_cancel(&p->op);
	email_maildrop_end(&p->turn);
	email_reader_cancel(&p->reader);
	mem_free(p);
}

static void part_fail(struct part *p, const struct err *e)
{
	struct job *job = p->job;
	struct err why = *e;

	part_free(p);
	job_fail(job, &why);
}

/* --- the result --------------------------------------------------------------------------------------------------- */

/* Cuts the piece that was asked for out of the base64 text: 3 bytes are 4 characters. */
static void piece_cut(const struct part *p, json_t *found, json_t *result)
{
	const char *text = json_string_value(json_object_get(found, "contents"));
	size_t size = (size_t)json_integer_value(json_object_get(found, "size"));
	size_t offset = MIN(p->offset, size), length = MIN(p->length, size - offset);
	size_t from = (offset + 2) / 3 * 4, len = (length + 2) / 3 * 4;
	size_t all = text != NULL ? strlen(text) : 0;

	from = MIN(from, all);
	json_object_set_new(result, "size", json_integer((json_int_t)size));
	json_object_set_new(result, "offset", json_integer((json_int_t)offset));
	json_object_set_new(result, "length", json_integer((json_int_t)length));
	json_object_set_new(result, "encoding", json_string("base64"));
	json_object_set_new(result, "contents",
		json_stringn_nocheck(text != NULL ? text + from : "", MIN(len, all - from)));
}

static void part_finish(struct part *p, json_t *found)
{
	static const char *const same[] = {"fileName", "contentType", "cid", "disposition"};
	struct job *job = p->job;
	json_t *result = json_pack("{sOss}", "uid", p->uid, "part", p->number);

	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		json_object_set(result, same[i], json_object_get(found, same[i]));
	piece_cut(p, found, result);
	part_free(p);
	job_done(job, result);
}

/* A piece that does not fit into a result is not sent; how much there is, is. */
static int piece_check(struct part *p, const json_t *found, struct err *e)
{
	size_t size = (size_t)json_integer_value(json_object_get(found, "size"));
	size_t most = email_account_limits(p->account)->max_attachment_bytes;
	size_t rest = size - MIN(p->offset, size);

	if (p->length == 0 && rest > most)
		return err_set(e, ERR_TOO_LARGE,
			"the attachment has %zu bytes: ask for pieces with offset and length, of "
			"%zu "
			"bytes at most",
			size, most);
	if (p->length == 0)
		p->length = rest;
	p->length = MIN(p->length, most);
	return 0;
}

static void whole_ask(struct part *p);

static void on_read(void *arg, json_t *found, const struct err *e)
{
	CAST(part, p, arg, PART_MAGIC);
	struct err why = *e;

	p->reader = NULL;
	if (found == NULL && !p->whole && p->place.way == EMAIL_WAY_IMAP) {
		whole_ask(p);
		return;
	}
	if (found == NULL || piece_check(p, found, &why) < 0)
		part_fail(p, &why);
	else
		part_finish(p, found);
	json_decref(found);
}

/* A part alone with its own header is a mail with one part, whose number is 1. */
static void part_read(struct part *p, struct buf *mail)
{
	const struct email_reader_job job = {.mail = *mail,
		.part = p->whole ? p->number : "1",
		.max_bytes = email_account_limits(p->account)->max_message_bytes};

	*mail = (struct buf)BUF_INIT;
	p->reader = email_reader_start(email_account_loop(p->account), &job, on_read, p);
}

/* --- IMAP --------------------------------------------------------------------------------------------------------- */

/* In place: the part may be most of what there is memory for. */
static void head_put(struct imap_mail *mail)
{
	size_t len = mail->bytes.len, more = mail->head.len;

	if (more == 0)
		return;
	buf_reserve(&mail->bytes, more);
	memmove(mail->bytes.data + more, mail->bytes.data, len);
	memcpy(mail->bytes.data, mail->head.data, more);
	buf_added(&mail->bytes, more);
}

static void on_mail(void *arg, struct imap_mail *mail)
{
	CAST(part, p, arg, PART_MAGIC);

	if (mail->uid != p->imap_uid || p->reader != NULL || mail->truncated ||
		(mail->bytes.len == 0 && !p->whole))
		return;
	/* An attached mail is an envelope of its own: its header would be taken for the outer one's. */
	if (!p->whole && strcasestr(buf_str(&mail->head), "message/rfc822") != NULL)
		return;
	head_put(mail);
	part_read(p, &mail->bytes);
}

static void on_fetched(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(part, p, arg, PART_MAGIC);
	struct err why = *e;

	UNUSED(r);
	p->op = NULL;
	if (p->reader != NULL)
		return;
	if (!p->whole &&
		(e->code == ERR_NONE || e->code == ERR_NOT_FOUND || e->code == ERR_REMOTE) &&
		imap_is_online(p->im)) {
		whole_ask(p);
		return;
	}
	if (e->code == ERR_NONE)
		err_set(&why, ERR_NOT_FOUND,
			"there is no mail with this uid, or it is larger than %zu bytes",
			email_account_limits(p->account)->max_message_bytes);
	part_fail(p, &why);
}

static void imap_ask(struct part *p)
{
	const struct imap_calls calls = {.mail = on_mail, .done = on_fetched, .arg = p};
	const struct imap_range range = {p->imap_uid, p->imap_uid};
	const struct imap_fetch fetch = {
		.where = {p->place.folder, (uint32_t)p->place.uid_validity},
		.ranges = &range,
		.n_ranges = 1,
		.what = p->whole ? IMAP_FETCH_WHOLE : IMAP_FETCH_PART,
		.part = p->number,
		.max_bytes = email_account_limits(p->account)->max_message_bytes};

	p->op = imap_fetch(p->im, &fetch, &calls);
}

/* The server does not know parts that are within winmail.dat, or reads a broken mail in another way than we do. */
static void whole_ask(struct part *p)
{
	struct err e;

	imap_cancel(&p->op); /* the part may be read before the server has said the last word */
	p->whole = 1;
	p->im = email_pool_get(email_account_pool(p->account), &e);
	if (p->im == NULL)
		part_fail(p, &e);
	else
		imap_ask(p);
}

static int imap_start(struct part *p, struct err *e)
{
	uint32_t uids[EMAIL_QUERY_UIDS];
	size_t n;
	int rc = email_query_uids(p->uid, uids, &n, e);

	if (rc < 0)
		return rc;
	p->imap_uid = uids[0];
	p->im = email_pool_get(email_account_pool(p->account), e);
	if (p->im == NULL)
		return -(int)e->code;
	imap_ask(p);
	return 0;
}

/* --- POP3 --------------------------------------------------------------------------------------------------------- */

static void on_drop_mail(void *arg, const struct pop_link_result *r, const struct err *e)
{
	CAST(part, p, arg, PART_MAGIC);
	struct email_maildrop_turn *turn = p->turn;
	struct err why = *e;

	if (e->code == ERR_NONE && r->truncated)
		err_set(&why, ERR_TOO_LARGE, "the mail is larger than %zu bytes",
			email_account_limits(p->account)->max_message_bytes);
	if (why.code != ERR_NONE) {
		part_fail(p, &why);
		return;
	}
	part_read(p, r->bytes);
	p->turn = NULL;
	email_maildrop_commit(turn, NULL, NULL);
}

static void on_turn(void *arg, const struct pop_link_result *list, const struct err *e)
{
	CAST(part, p, arg, PART_MAGIC);
	const struct pop_link_entry *entry;
	struct err why = *e;

	if (e->code != ERR_NONE) {
		p->turn = NULL;
		part_fail(p, &why);
		return;
	}
	entry = email_drop_entry(list->entries, list->n_entries, p->uid);
	if (entry == NULL) {
		err_set(&why, ERR_NOT_FOUND, "there is no mail with this uid");
		part_fail(p, &why);
		return;
	}
	pop_link_mail(email_maildrop_link(p->turn), entry->number,
		email_account_limits(p->account)->max_message_bytes, on_drop_mail, p);
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static int part_start(struct part *p, struct err *e)
{
	const json_t *activity = job_activity(p->job);
	const json_t *wanted = json_object_get(activity_object(activity), "attachment");
	int rc = email_place_read(p->account, activity, &p->place, e);

	if (rc < 0)
		return rc;
	if (wanted == NULL)
		return err_set(e, ERR_INVALID, "attachment has to say uid and part");
	p->uid = json_object_get(wanted, "uid");
	p->number = json_string_value(json_object_get(wanted, "part"));
	p->offset = (size_t)json_integer_value(json_object_get(wanted, "offset"));
	p->length = (size_t)json_integer_value(json_object_get(wanted, "length"));
	if (p->place.way == EMAIL_WAY_IMAP)
		return imap_start(p, e);
	p->whole = 1;
	p->turn = email_maildrop_ask(email_account_maildrop(p->account), on_turn, p, e);
	return p->turn != NULL ? 0 : -(int)e->code;
}

void email_part_run(struct email_account *a, struct job *job)
{
	struct part *p = mem_alloc(sizeof *p);
	struct err e;

	p->magic = PART_MAGIC;
	p->account = a;
	p->job = job;
	if (part_start(p, &e) < 0)
		part_fail(p, &e);
	else
		job_set_data(job, p);
}

int email_part_cancel(struct job *job)
{
	struct part *p = job_data(job);

	if (p->magic != PART_MAGIC)
		return 0;
	part_free(p);
	return 1;
}
