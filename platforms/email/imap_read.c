/* SPDX-License-Identifier: MIT */
/* The operations of imap.h that change nothing: fetching, searching, looking, listing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "platforms/email/imap_mailbox.h"
#include "platforms/email/imap_op.h"

#define DEFAULT_BYTES ((size_t)64 << 10)
#define MIME_BYTES    ((size_t)16 << 10) /* of a part's header */

/* --- fetching --------------------------------------------------------------------------------------------------- */

/* The newest ones by sequence number: 1 with the range, 0: there are none. */
static int newest(const struct imap_op *op, struct imap_range *r)
{
	const struct imap_fetch *f = &op->fetch;
	uint32_t exists = imap_op_folder(op)->exists;

	if (f->skip >= exists || f->count == 0)
		return 0;
	r->last = exists - f->skip;
	r->first = r->last > f->count ? r->last - f->count + 1 : 1;
	return 1;
}

/* One byte more than wanted is asked for, to see whether there is more. */
static void write_items(const struct imap_fetch *f, struct imap_write *w)
{
	imap_write_add(w, " (UID FLAGS INTERNALDATE RFC822.SIZE");
	switch (f->what) {
	case IMAP_FETCH_FLAGS:
		break;
	case IMAP_FETCH_HEADERS:
		imap_write_add(w, " BODY.PEEK[HEADER]<0.%zu>", f->max_bytes + 1);
		break;
	case IMAP_FETCH_WHOLE:
		imap_write_add(w, " BODY.PEEK[]<0.%zu>", f->max_bytes + 1);
		break;
	case IMAP_FETCH_PART:
		imap_write_add(w, " BODY.PEEK[");
		imap_write_part(w, f->part);
		imap_write_add(w, ".MIME]<0.%zu> BODY.PEEK[%s]<0.%zu>", MIME_BYTES, f->part,
			f->max_bytes + 1);
		break;
	}
	imap_write_add(w, ")");
}

static int fetch_step(struct imap_op *op, struct imap_write *w, struct err *e)
{
	const struct imap_fetch *f = &op->fetch;
	size_t from = (size_t)op->step * IMAP_RANGES;
	struct imap_range range;

	if ((op->step > 0 && from >= f->n_ranges) || imap_op_folder(op)->exists == 0)
		return 0;
	if (f->ranges != NULL) {
		imap_write_add(w, f->by_seq ? "FETCH " : "UID FETCH ");
		imap_write_ranges(w, f->ranges + from, MIN(f->n_ranges - from, IMAP_RANGES));
	} else {
		if (!newest(op, &range))
			return 0;
		imap_write_add(w, "FETCH ");
		imap_write_ranges(w, &range, 1);
	}
	write_items(f, w);
	return imap_write_end(w, e) < 0 ? -1 : 1;
}

static int is_named(const struct imap_parse_data_section *s, const char *name)
{
	return s->name_len == strlen(name) && strncasecmp(s->name, name, s->name_len) == 0;
}

/* The section that was asked for; NULL: it did not come. */
static const struct imap_parse_data_section *section_of(
	const struct imap_parse_data_fetch *d, const char *name)
{
	for (size_t i = 0; i < d->n_sections; i++)
		if (is_named(&d->sections[i], name))
			return &d->sections[i];
	return NULL;
}

/* The first `max` bytes of a section (NULL: none): servers may send more than was asked for, and a mail may be kept for
 * long. 1 when there are more. */
static int section_read(const struct imap_parse_data_section *s, size_t max, struct buf *out)
{
	struct imap_parse_token t;

	if (s == NULL || s->value.type != IMAP_TOKEN_STRING)
		return 0;
	t = s->value;
	/* With escapes two bytes may become one. */
	t.len = MIN(t.len, (max + 1) * (t.escaped ? 2 : 1));
	imap_parse_token_text(&t, out);
	if (out->len <= max)
		return 0;
	out->len = max;
	out->data[max] = '\0';
	return 1;
}

static void give_mail(struct imap_op *op, struct imap_mail *mail,
	const struct imap_parse_data_section *body, const struct imap_parse_data_section *head)
{
	section_read(head, MIME_BYTES, &mail->head);
	mail->truncated = section_read(body, op->fetch.max_bytes, &mail->bytes);
	if (op->calls.mail != NULL)
		op->calls.mail(op->calls.arg, mail);
	buf_release(&mail->head);
	buf_release(&mail->bytes);
}

/* Without what was asked for it is news of somebody's change of flags. */
static int fetch_data(struct imap_op *op, const struct imap_parse_response *r)
{
	const struct imap_fetch *f = &op->fetch;
	const struct imap_parse_data_section *body = NULL, *head = NULL;
	struct imap_parse_data_fetch d;
	struct imap_mail mail = {0};
	char mime[64];

	if (strcmp(r->name, "FETCH") != 0 || imap_parse_data_fetch(r->data, &d) < 0 || d.uid == 0 ||
		d.size == UINT64_MAX)
		return 0;
	if (f->what == IMAP_FETCH_HEADERS)
		body = section_of(&d, "HEADER");
	else if (f->what == IMAP_FETCH_WHOLE)
		body = section_of(&d, "");
	else if (f->what == IMAP_FETCH_PART)
		body = section_of(&d, f->part);
	if (body == NULL && f->what != IMAP_FETCH_FLAGS)
		return 0;
	if (f->what == IMAP_FETCH_PART) {
		snprintf(mime, sizeof mime, "%s.MIME", f->part);
		head = section_of(&d, mime);
	}
	mail.seq = r->number;
	mail.uid = d.uid;
	mail.flags = d.flags.flags;
	mail.keywords = d.flags.keywords;
	mail.date = d.date;
	mail.size = d.size;
	give_mail(op, &mail, body, head);
	return 1;
}

struct imap_op *imap_fetch(
	struct imap *im, const struct imap_fetch *fetch, const struct imap_calls *calls)
{
	static const struct imap_op_kind kind = {
		.what = "FETCH", .need = IMAP_OP_FRESH, .step = fetch_step, .data = fetch_data};
	static const struct imap_op_kind of_part = {
		.what = "FETCH", .need = IMAP_OP_READ, .step = fetch_step, .data = fetch_data};
	struct imap_op *op = imap_op_new(
		fetch->what == IMAP_FETCH_PART ? &of_part : &kind, &fetch->where, calls);

	op->fetch = *fetch;
	op->fetch.where = (struct imap_where){0};
	op->fetch.part = mem_strdup(fetch->part != NULL ? fetch->part : "");
	op->fetch.max_bytes = fetch->max_bytes > 0 ? fetch->max_bytes : DEFAULT_BYTES;
	op->fetch.max_bytes = MIN(op->fetch.max_bytes, imap_op_max_bytes(im) - MIME_BYTES);
	if (fetch->ranges != NULL)
		op->fetch.ranges = (void *)mem_dup(
			fetch->ranges, fetch->n_ranges * sizeof *fetch->ranges);
	return imap_op_queue(im, op);
}

/* --- searching -------------------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int search_step(struct imap_op *op, struct imap_write *w, struct err *e)
{
	if (op->step == 0) {
		imap_write_add(w, "UID SEARCH%s",
			imap_op_has(op) & IMAP_LINK_ESEARCH ? " RETURN (ALL)" : "");
		imap_write_search(w, &op->search);
		return imap_write_end(w, e) < 0 ? -1 : 1;
	}
	if (op->numbers.n > 0)
		qsort(op->numbers.list, op->numbers.n, sizeof *op->numbers.list, by_number);
	op->result.uids = op->numbers.list;
	op->result.n_uids = op->numbers.n;
	return 0;
}

static int search_data(struct imap_op *op, const struct imap_parse_response *r)
{
	if (strcmp(r->name, "SEARCH") == 0)
		imap_parse_data_search(r->data, &op->numbers);
	else if (strcmp(r->name, "ESEARCH") == 0)
		imap_parse_data_esearch(r->data, &op->numbers);
	else
		return 0;
	return 1;
}

struct imap_op *imap_search(
	struct imap *im, const struct imap_search *search, const struct imap_calls *calls)
{
	static const struct imap_op_kind kind = {
		.what = "SEARCH", .need = IMAP_OP_FRESH, .step = search_step, .data = search_data};
	struct imap_op *op = imap_op_new(&kind, &search->where, calls);

	op->search = *search;
	op->search.where = (struct imap_where){0};
	op->search.from = mem_strdup(search->from);
	op->search.to = mem_strdup(search->to);
	op->search.subject = mem_strdup(search->subject);
	op->search.body = mem_strdup(search->body);
	op->search.text = mem_strdup(search->text);
	op->search.message_id = mem_strdup(search->message_id);
	return imap_op_queue(im, op);
}

/* --- looking ---------------------------------------------------------------------------------------------------- */

/* Selecting it is all. */
static int look_step(struct imap_op *op, struct imap_write *w, struct err *e)
{
	UNUSED(op);
	UNUSED(w);
	UNUSED(e);
	return 0;
}

struct imap_op *imap_look(
	struct imap *im, const struct imap_where *where, const struct imap_calls *calls)
{
	static const struct imap_op_kind kind = {
		.what = "EXAMINE", .need = IMAP_OP_FRESH, .step = look_step};

	return imap_op_queue(im, imap_op_new(&kind, where, calls));
}

static int status_step(struct imap_op *op, struct imap_write *w, struct err *e)
{
	if (op->step > 0)
		return 0;
	imap_write_add(w, "STATUS ");
	imap_write_mailbox(w, op->to);
	imap_write_add(w, " (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)");
	return imap_write_end(w, e) < 0 ? -1 : 1;
}

static int status_data(struct imap_op *op, const struct imap_parse_response *r)
{
	struct imap_parse_data_status s;

	if (strcmp(r->name, "STATUS") != 0)
		return 0;
	if (imap_parse_data_status(r->data, &s) == 0) {
		op->result.messages = s.messages;
		op->result.unseen = s.unseen;
		op->result.uid_next = s.uid_next;
		op->result.uid_validity = s.uid_validity;
	}
	imap_parse_data_status_release(&s);
	return 1;
}

struct imap_op *imap_status(struct imap *im, const char *folder, const struct imap_calls *calls)
{
	static const struct imap_op_kind kind = {.what = "STATUS",
		.need = IMAP_OP_NO_FOLDER,
		.step = status_step,
		.data = status_data};
	struct imap_op *op = imap_op_new(&kind, NULL, calls);

	op->to = mem_strdup(folder);
	return imap_op_queue(im, op);
}

/* --- listing ---------------------------------------------------------------------------------------------------- */

static int list_step(struct imap_op *op, struct imap_write *w, struct err *e)
{
	const unsigned both = IMAP_LINK_SPECIAL_USE | IMAP_LINK_LIST_EXTENDED;

	if (op->step > 0)
		return 0;
	/* Without LIST-EXTENDED a server tells the use unasked (RFC 6154, 2). */
	imap_write_add(w, "LIST \"\" \"*\"%s",
		(imap_op_has(op) & both) == both ? " RETURN (SPECIAL-USE)" : "");
	return imap_write_end(w, e) < 0 ? -1 : 1;
}

static int list_data(struct imap_op *op, const struct imap_parse_response *r)
{
	struct imap_parse_data_list l;
	struct buf name = BUF_INIT;

	if (strcmp(r->name, "LIST") != 0)
		return 0;
	if (imap_parse_data_list(r->data, &l) == 0 && l.name.len > 0 && op->calls.entry != NULL) {
		struct imap_entry entry = {.delimiter = l.delimiter, .special_use = l.special_use};
		imap_mailbox_decode(l.name.data, l.name.len, &name);
		entry.name = buf_str(&name);
		entry.selectable = (l.attributes & IMAP_PARSE_DATA_NOSELECT) == 0;
		/* A longer one could not be named in any operation. */
		if (name.len <= IMAP_MAILBOX_BYTES)
			op->calls.entry(op->calls.arg, &entry);
	}
	imap_parse_data_list_release(&l);
	buf_release(&name);
	return 1;
}

struct imap_op *imap_list(struct imap *im, const struct imap_calls *calls)
{
	static const struct imap_op_kind kind = {
		.what = "LIST", .need = IMAP_OP_NO_FOLDER, .step = list_step, .data = list_data};

	return imap_op_queue(im, imap_op_new(&kind, NULL, calls));
}
