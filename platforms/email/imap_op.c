/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap_op.h"

#include "core/mem.h"

struct imap_op *imap_op_new(const struct imap_op_kind *kind, const struct imap_where *where,
	const struct imap_calls *calls)
{
	struct imap_op *op = mem_alloc(sizeof *op);

	op->kind = kind;
	op->calls = *calls;
	if (where != NULL) {
		op->folder = mem_strdup(where->folder);
		op->uid_validity = where->uid_validity;
	}
	return op;
}

void imap_op_free(struct imap_op *op)
{
	mem_free(op->folder);
	mem_free(op->to);
	mem_free(op->uids);
	mem_free((void *)op->fetch.ranges);
	mem_free((void *)op->fetch.part);
	mem_free((void *)op->search.from);
	mem_free((void *)op->search.to);
	mem_free((void *)op->search.subject);
	mem_free((void *)op->search.body);
	mem_free((void *)op->search.text);
	mem_free((void *)op->search.message_id);
	imap_parse_data_numbers_release(&op->numbers);
	imap_parse_data_numbers_release(&op->marked);
	mem_free(op);
}
