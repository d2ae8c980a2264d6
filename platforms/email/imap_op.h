/* SPDX-License-Identifier: MIT */
/* imap_op - one operation of imap.h on its way: what it needs, its steps, its answers. Internal to imap*.c.
 *
 * An operation is a table of three functions. imap.c selects its folder, then asks step() for a command, gives the
 * responses to data(), and goes on until step() has no more. */
#ifndef PLATFORMS_EMAIL_IMAP_OP_H
#define PLATFORMS_EMAIL_IMAP_OP_H

#include "platforms/email/imap.h"
#include "platforms/email/imap_link.h"
#include "platforms/email/imap_parse_data.h"
#include "platforms/email/imap_write.h"

enum imap_op_need {
	IMAP_OP_NO_FOLDER,
	IMAP_OP_READ,  /* EXAMINE will do */
	IMAP_OP_FRESH, /* as READ, and what came since it was selected has to be known */
	IMAP_OP_WRITE
};

struct imap_op_kind {
	const char *what; /* for error texts: "STORE" */
	enum imap_op_need need;
	/* Writes the next command; imap_op.step counts them from 0. 1: there is one; 0: the operation has
	 * succeeded; < 0: it has not, with `e` filled. */
	int (*step)(struct imap_op *op, struct imap_write *w, struct err *e);
	/* An untagged response: 1 when it was meant for the operation. NULL: none is. */
	int (*data)(struct imap_op *op, const struct imap_parse_response *r);
	/* Optional: the tagged OK of a step. */
	void (*ok)(struct imap_op *op, const struct imap_parse_response *r);
};

struct imap_op {
	struct imap *im;
	struct imap_op *next;
	const struct imap_op_kind *kind;
	struct imap_calls calls;
	int gone; /* answered or cancelled: its memory waits for the end of the callback it is in */
	int ready; /* its folder is selected, and as fresh as it needs */
	unsigned step;
	char *folder; /* copies of the arguments; NULL, 0 where the kind has none */
	uint32_t uid_validity;
	char *to;
	uint32_t *uids;
	size_t n_uids; /* ascending */
	unsigned add, remove;
	struct imap_fetch fetch;
	struct imap_search search;
	/* what came */
	struct imap_result result;
	struct imap_parse_data_numbers numbers;
	unsigned copied; /* the new UIDs are known of the commands before this step */
	/* of a deletion: what is marked \Deleted, and whether the server said so in a way that can be read */
	struct imap_parse_data_numbers marked;
	enum { IMAP_OP_UNTOLD, IMAP_OP_TOLD, IMAP_OP_UNREADABLE } told;
};

/* A new one, without its arguments; `where` may be NULL. GIVES. */
struct imap_op *imap_op_new(const struct imap_op_kind *kind, const struct imap_where *where,
	const struct imap_calls *calls);
void imap_op_free(struct imap_op *op);
/* The last in the queue; it begins in a later turn of the loop. TAKES, and returns it. */
struct imap_op *imap_op_queue(struct imap *im, struct imap_op *op);
/* The most that may be asked for at once: what is more would end the connection. At least 64 KiB. */
size_t imap_op_max_bytes(const struct imap *im);
/* For steps: what the server can do, and the selected folder. */
unsigned imap_op_has(const struct imap_op *op);
const struct imap_folder *imap_op_folder(const struct imap_op *op);

#endif
