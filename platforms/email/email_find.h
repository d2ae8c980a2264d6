/* SPDX-License-Identifier: MIT */
/* email_find - which mails of an IMAP folder a query selects: their UIDs, ascending.
 *
 * IMAP searches by days in a zone of the server's choice (RFC 9051, 6.4.4). Dates are exact here: of the mails that arrived
 * around a bound, and of no others, the time of arrival is looked at. Knows no jobs. */
#ifndef PLATFORMS_EMAIL_FIND_H
#define PLATFORMS_EMAIL_FIND_H

#include "platforms/email/imap.h"

struct email_find;
struct email_place;
struct email_query;

/* Called once. `uids` is borrowed; `e->code` is ERR_NONE on success, else as imap_done_fn() says. The search is gone. */
typedef void email_find_fn(void *arg, const uint32_t *uids, size_t n, const struct err *e);

/* `im`, `place` and `q` are KEPT until the end. Nothing is called from within this. GIVES. */
struct email_find *email_find_start(struct imap *im, const struct email_place *place,
	const struct email_query *q, email_find_fn *done, void *arg);
/* No callback follows; sets NULL; NULL inside is legal. */
void email_find_cancel(struct email_find **f);

/* Ascending UIDs as ranges, for imap_fetch(); `out` has room for `n`. Returns how many. */
size_t email_find_ranges(const uint32_t *uids, size_t n, struct imap_range *out);

#endif
