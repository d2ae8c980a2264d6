/* SPDX-License-Identifier: MIT */
/* The operations of imap.h that change something: flags, moving, deleting, making folders. */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/email/imap_op.h"

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static struct imap_op *new_op(const struct imap_op_kind *kind, const struct imap_targets *targets,
	const struct imap_calls *calls)
{
	struct imap_op *op = imap_op_new(kind, &targets->where, calls);

	op->n_uids = targets->n_uids;
	op->uids = mem_array(op->n_uids, sizeof *op->uids);
	for (size_t i = 0; i < op->n_uids; i++)
		op->uids[i] = targets->uids[i];
	if (op->n_uids > 0)
		qsort(op->uids, op->n_uids, sizeof *op->uids, by_number);
	return op;
}

/* Commands that it takes to name all mails; one that fails when there are none. */
static unsigned n_slices(const struct imap_op *op)
{
	return op->n_uids > 0 ? (unsigned)((op->n_uids + IMAP_RANGES - 1) / IMAP_RANGES) : 1;
}

static void write_slice(const struct imap_op *op, struct imap_write *w, unsigned slice)
{
	size_t from = (size_t)slice * IMAP_RANGES;

	imap_write_uids(w, op->uids + from, MIN(op->n_uids - from, IMAP_RANGES));
}

/* --- flags ------------------------------------------------------------------------------------------------------ */

static void write_store(const struct imap_op *op, struct imap_write *w, unsigned slice,
	const char *item, unsigned flags)
{
	imap_write_add(w, "UID STORE ");
	write_slice(op, w, slice);
	imap_write_add(w, " %s ", item);
	imap_write_flags(w, flags);
}

static int store_step(struct imap_op *op, struct imap_write *w, struct err *e)
{
	unsigned n = n_slices(op);

	if (((op->add | op->remove) & IMAP_FLAG_STORABLE) == 0)
		return err_set(e, ERR_INVALID, "no flag to change");
	if (op->step == 0 && op->add == 0)
		op->step = n;
	if (op->step < n)
		write_store(op, w, op->step, "+FLAGS.SILENT", op->add);
	else if (op->step < 2 * n && op->remove != 0)
		write_store(op, w, op->step - n, "-FLAGS.SILENT", op->remove);
	else
		return 0;
	return imap_write_end(w, e) < 0 ? -1 : 1;
}

struct imap_op *imap_store(struct imap *im, const struct imap_targets *targets, unsigned add,
	unsigned remove, const struct imap_calls *calls)
{
	static const struct imap_op_kind kind = {
		.what = "STORE", .need = IMAP_OP_WRITE, .step = store_step};
	struct imap_op *op = new_op(&kind, targets, calls);

	op->add = add & IMAP_FLAG_STORABLE;
	op->remove = remove & IMAP_FLAG_STORABLE;
	return imap_op_queue(im, op);
}

/* --- copying ---------------------------------------------------------------------------------------------------- */

/* [COPYUID validity from to] (RFC 4315, 3): where they are now. */
static void read_copyuid(struct imap_op *op, const struct imap_parse_response *r)
{
	struct imap_parse_cursor c = r->code_data;
	struct imap_parse_token t;
	size_t before = op->numbers.n;

	/* Some servers tell it twice, on both lines. */
	if (strcmp(r->code, "COPYUID") != 0 || op->copied > op->step ||
		imap_parse_token_skip(&c) < 0 || imap_parse_token_skip(&c) < 0 ||
		imap_parse_token_next(&c, &t) != IMAP_TOKEN_ATOM)
		return;
	if (imap_parse_data_set(t.bytes, t.len, &op->numbers) < 0) {
		op->numbers.n = before;
		return;
	}
	op->copied = op->step + 1;
	op->result.uids = op->numbers.list;
	op->result.n_uids = op->numbers.n;
}

/* MOVE tells it in an untagged OK, because EXPUNGEs follow (RFC 6851, 4.3). */
static int copy_data(struct imap_op *op, const struct imap_parse_response *r)
{
	if (r->status != IMAP_PARSE_OK || strcmp(r->code, "COPYUID") != 0)
		return 0;
	read_copyuid(op, r);
	return 1;
}

static int write_copy(struct imap_op *op, struct imap_write *w, const char *verb, struct err *e)
{
	imap_write_add(w, "UID %s ", verb);
	write_slice(op, w, op->step);
	imap_write_add(w, " ");
	imap_write_mailbox(w, op->to);
	return imap_write_end(w, e) < 0 ? -1 : 1;
}

static int copy_step(struct imap_op *op, struct imap_write *w, struct err *e)
{
	return op->step < n_slices(op) ? write_copy(op, w, "COPY", e) : 0;
}

struct imap_op *imap_copy(struct imap *im, const struct imap_targets *targets, const char *to,
	const struct imap_calls *calls)
{
	static const struct imap_op_kind kind = {.what = "COPY",
		.need = IMAP_OP_READ,
		.step = copy_step,
		.data = copy_data,
		.ok = read_copyuid};
	struct imap_op *op = new_op(&kind, targets, calls);

	op->to = mem_strdup(to);
	return imap_op_queue(im, op);
}

/* --- deleting --------------------------------------------------------------------------------------------------- */

static int is_target(const struct imap_op *op, uint32_t uid)
{
	return op->n_uids > 0 && bsearch(&uid, op->uids, op->n_uids, sizeof uid, by_number) != NULL;
}

/* What the SEARCH for deleted mails found may be not only ours. */
static int others_are_marked(const struct imap_op *op)
{
	if (op->told != IMAP_OP_TOLD)
		return 1;
	for (size_t i = 0; i < op->marked.n; i++)
		if (!is_target(op, op->marked.list[i]))
			return 1;
	return 0;
}

/* The command number `i` of those that expunge. 0: there is none. */
static int expunge(struct imap_op *op, struct imap_write *w, unsigned i)
{
	if (imap_op_has(op) & IMAP_LINK_UIDPLUS) {
		if (i >= n_slices(op))
			return 0;
		imap_write_add(w, "UID EXPUNGE ");
		write_slice(op, w, i);
		return 1;
	}
	if (i > 0)
		return 0;
	if (others_are_marked(op)) {
		op->result.marked = 1;
		return 0;
	}
	imap_write_add(w, "EXPUNGE");
	return 1;
}

/* Three things from the step `first` on: mark all; without UIDPLUS see what else is marked; expunge. */
static int delete_from(struct imap_op *op, unsigned first, struct imap_write *w, struct err *e)
{
	unsigned marked = first + n_slices(op);

	if (op->step == marked && (imap_op_has(op) & IMAP_LINK_UIDPLUS))
		op->step++;
	if (op->step < marked)
		write_store(op, w, op->step - first, "+FLAGS.SILENT", IMAP_DELETED);
	else if (op->step == marked)
		imap_write_add(w, "UID SEARCH DELETED");
	else if (!expunge(op, w, op->step - marked - 1))
		return 0;
	return imap_write_end(w, e) < 0 ? -1 : 1;
}

static int delete_step(struct imap_op *op, struct imap_write *w, struct err *e)
{
	return delete_from(op, 0, w, e);
}

/* EXPUNGE is not claimed: it is news. */
static int delete_data(struct imap_op *op, const struct imap_parse_response *r)
{
	if (strcmp(r->name, "SEARCH") != 0)
		return 0;
	if (imap_parse_data_search(r->data, &op->marked) < 0)
		op->told = IMAP_OP_UNREADABLE;
	else if (op->told == IMAP_OP_UNTOLD)
		op->told = IMAP_OP_TOLD;
	return 1;
}

struct imap_op *imap_delete(
	struct imap *im, const struct imap_targets *targets, const struct imap_calls *calls)
{
	static const struct imap_op_kind kind = {
		.what = "EXPUNGE", .need = IMAP_OP_WRITE, .step = delete_step, .data = delete_data};

	return imap_op_queue(im, new_op(&kind, targets, calls));
}

/* --- moving ----------------------------------------------------------------------------------------------------- */

static int move_step(struct imap_op *op, struct imap_write *w, struct err *e)
{
	if (op->step < n_slices(op))
		return write_copy(op, w, imap_op_has(op) & IMAP_LINK_MOVE ? "MOVE" : "COPY", e);
	return imap_op_has(op) & IMAP_LINK_MOVE ? 0 : delete_from(op, n_slices(op), w, e);
}

static int move_data(struct imap_op *op, const struct imap_parse_response *r)
{
	return copy_data(op, r) || delete_data(op, r);
}

struct imap_op *imap_move(struct imap *im, const struct imap_targets *targets, const char *to,
	const struct imap_calls *calls)
{
	static const struct imap_op_kind kind = {.what = "MOVE",
		.need = IMAP_OP_WRITE,
		.step = move_step,
		.data = move_data,
		.ok = read_copyuid};
	struct imap_op *op = new_op(&kind, targets, calls);

	op->to = mem_strdup(to);
	return imap_op_queue(im, op);
}

/* --- folders ---------------------------------------------------------------------------------------------------- */

static int create_step(struct imap_op *op, struct imap_write *w, struct err *e)
{
	if (op->step > 0)
		return 0;
	imap_write_add(w, "CREATE ");
	imap_write_mailbox(w, op->to);
	return imap_write_end(w, e) < 0 ? -1 : 1;
}

struct imap_op *imap_create(struct imap *im, const char *folder, const struct imap_calls *calls)
{
	static const struct imap_op_kind kind = {
		.what = "CREATE", .need = IMAP_OP_NO_FOLDER, .step = create_step};
	struct imap_op *op = imap_op_new(&kind, NULL, calls);

	op->to = mem_strdup(folder);
	return imap_op_queue(im, op);
}
