/* SPDX-License-Identifier: MIT */
/* email_pool - the IMAP connections that an account's jobs share: opened on demand, few, closed when nobody uses them.
 *
 * imap.h queues operations and selects the folder of each, so that several jobs may use one connection. Observed folders
 * have connections of their own (email_watch.h). Knows no operation. */
#ifndef PLATFORMS_EMAIL_POOL_H
#define PLATFORMS_EMAIL_POOL_H

struct email_account;
struct email_pool;
struct err;
struct imap;

/* `a` is KEPT. GIVES. */
struct email_pool *email_pool_new(struct email_account *a);
/* Closes all connections, without callbacks. */
void email_pool_free(struct email_pool *pool);

/* A connection to queue operations on, maybe one that is still being made: when that fails, they do. Prefers an unused
 * one, then a new one, then the one that was given out longest ago. Borrowed; it may be gone once the loop turned and no
 * operation is queued. NULL with `e` filled: email_account_imap(). */
struct imap *email_pool_get(struct email_pool *pool, struct err *e);

#endif
