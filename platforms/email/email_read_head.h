/* SPDX-License-Identifier: MIT */
/* email_read_head - a header block as fields (RFC 5322, 2.2), of a mail or of one of its parts.
 *
 * Knows where fields begin and end, not what they mean. Nothing is copied: the bytes have to outlive the head. */
#ifndef PLATFORMS_EMAIL_READ_HEAD_H
#define PLATFORMS_EMAIL_READ_HEAD_H

#include "core/buf.h"

/* Fields that begin beyond the first bytes, or after the first few, are passed over; of a value so much is kept. */
#define EMAIL_READ_HEAD_BYTES       ((size_t)256 * 1024)
#define EMAIL_READ_HEAD_FIELDS      ((size_t)1000)
#define EMAIL_READ_HEAD_VALUE_BYTES ((size_t)64 * 1024)

struct email_read_head_field {
	const char *name, *value;
	size_t name_len, value_len; /* the value with its folds */
};

struct email_read_head {
	struct email_read_head_field *fields;
	size_t n;
	size_t len; /* with the empty line that ends it: where the body begins */
	int cut;    /* something was passed over */
};

/* `bytes` may begin with no field at all: then `n` is 0 and the body begins at once. Lines as RFC 5322 ends them or
 * with LF alone; an mbox separator ("From ") is skipped. A line that can be no field ends the block, too. */
void email_read_head_init(struct email_read_head *h, const char *bytes, size_t len);
void email_read_head_release(struct email_read_head *h);
/* Replaces the content of `out` by the n-th value (from 0) of that name (in any case), unfolded and trimmed: raw bytes
 * without U+0000, CR and LF. 0: there is none, then `out` is empty. */
int email_read_head_value(
	const struct email_read_head *h, const char *name, size_t n, struct buf *out);

#endif
