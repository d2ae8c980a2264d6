/* SPDX-License-Identifier: MIT */
/* email_query - what a `fetch` of mails selects: the options of its object, checked. docs/platforms/email.md explains them.
 *
 * Pure: knows neither IMAP nor POP3; each takes what it can do. */
#ifndef PLATFORMS_EMAIL_QUERY_H
#define PLATFORMS_EMAIL_QUERY_H

#include <jansson.h>
#include <stdint.h>

struct err;

#define EMAIL_QUERY_UIDS 1000 /* the schema's bound of the member `uid` */

enum email_property { EMAIL_PROPERTY_SEQNO, EMAIL_PROPERTY_UID, EMAIL_PROPERTY_DATE };

/* A member of `search` that is true, false or absent. */
enum email_wish { EMAIL_WISH_ANY, EMAIL_WISH_YES, EMAIL_WISH_NO };

struct email_query {
	uint32_t page, per_page; /* from 1 */
	int include_body;
	enum email_property property;
	/* Both exclusive. SEQNO and UID: numbers, 0: no bound. DATE: milliseconds since 1970, 0: no bound. */
	int64_t after, before;
	const char *after_text,
		*before_text; /* UID of POP3: as given; NULL: no bound, or given as a number */
	const json_t *uids;   /* one or an array; NULL: not selected by UID */
	int searches; /* there is a `search`, with the following; NULL and 0: any. Borrowed from the object */
	const char *from, *to, *subject, *text;
	int64_t since; /* inclusive, milliseconds; 0: any */
	enum email_wish unseen, flagged, answered;
};

/* `object` is the activity's, checked by the schema, KEPT as long as the query is used. `max_per_page` bounds per_page.
 * < 0: ERR_INVALID, naming the member. */
int email_query_read(
	const json_t *object, uint32_t max_per_page, struct email_query *q, struct err *e);
/* 1 when IMAP has to search for the mails: a page of sequence numbers needs no search. */
int email_query_searches(const struct email_query *q);

/* The UIDs of a member `uid` (one or an array) as IMAP's: 1 to 2^32-1. `out` has room for EMAIL_QUERY_UIDS. Sorted,
 * each once. < 0: ERR_INVALID. */
int email_query_uids(const json_t *uids, uint32_t *out, size_t *n, struct err *e);
/* Milliseconds since 1970 of a number, or of a text: 2026-11-23, 2026-11-23T10:00, with seconds, fraction, Z or +01:00;
 * UTC without a zone (RFC 3339 with parts left out). < 0: ERR_INVALID. */
int email_query_date(const json_t *value, int64_t *ms, struct err *e);

#endif
