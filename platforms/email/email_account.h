/* SPDX-License-Identifier: MIT */
/* email_account - what all verbs of one account share: credentials, limits, open connections.
 *
 * An account is an actor with equal credentials (PLATFORM_PER_ACCOUNT); no connection is ever used for two of them.
 * Nothing is opened before a job needs it. This file knows no protocol: it owns the parts that do, email_send.h (SMTP),
 * email_pool.h (IMAP connections for jobs), email_maildrop.h (POP3, one session at a time) and email_observe.h. */
#ifndef PLATFORMS_EMAIL_ACCOUNT_H
#define PLATFORMS_EMAIL_ACCOUNT_H

#include <jansson.h>
#include <uv.h>

#include "core/base.h"

struct email_account;
struct email_maildrop;
struct email_observer;
struct email_pool;
struct email_send;
struct email_server;
struct err;
struct psession;

/* The settings of schema/platforms/email.json that reading needs, as numbers. */
struct email_limits {
	size_t max_message_bytes;    /* of one mail that is fetched whole */
	size_t max_fetch_bytes;      /* what one job may read of its mails */
	size_t max_text_bytes;       /* of the text and of the html of a mail each */
	size_t max_attachment_bytes; /* of an attachment in one result, decoded; a multiple of 3 */
	unsigned max_per_page;
	unsigned links;            /* IMAP connections for jobs, beside those that observe */
	unsigned folders;          /* observed at the same time */
	unsigned timeout_ms;       /* a server that owes an answer and is silent for so long */
	unsigned idle_timeout_ms;  /* an unused connection is closed after this */
	unsigned poll_interval_ms; /* observing without IDLE, and POP3 */
	unsigned idle_refresh_ms;  /* IDLE is issued anew after this; RFC 2177: below 29 minutes */
	unsigned reconnect_max_ms; /* the longest pause between two attempts of an observer */
	unsigned give_up_ms;       /* an observer that was not connected for so long ends */
	int no_idle;               /* poll even where the server has IDLE */
};

/* `ps` and `settings` are KEPT. Opens nothing, cannot fail: what is wrong with the credentials is told to the job
 * that needs the part. Resumes what a predecessor observed, see email_observe.h. GIVES. */
struct email_account *email_account_new(struct psession *ps, const json_t *settings);
/* Closes every connection; no job may be left. */
void email_account_free(struct email_account *a);

/* The instance's session. Borrowed, as all that follows, for the account's life. */
struct psession *email_account_psession(const struct email_account *a);
/* The worker's loop, for timers' clock and the thread pool. */
uv_loop_t *email_account_loop(const struct email_account *a);
const struct email_limits *email_account_limits(const struct email_account *a);

/* The server blocks of the credentials. NULL with `e` filled when there is none (ERR_NO_CREDENTIALS, "no imap
 * credentials found for ann@example.org") or it is not usable (what email_server_new() says). */
const struct email_server *email_account_imap(const struct email_account *a, struct err *e);
const struct email_server *email_account_pop(const struct email_account *a, struct err *e);
/* The same for smtp, with what sends through it. */
struct email_send *email_account_send(const struct email_account *a, struct err *e);

struct email_pool *email_account_pool(const struct email_account *a);
struct email_maildrop *email_account_maildrop(const struct email_account *a);
struct email_observer *email_account_observer(const struct email_account *a);

#endif
