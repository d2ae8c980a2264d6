/* SPDX-License-Identifier: MIT */
/* email_maildrop - the POP3 side of an account: one session after the other, because a session locks the mailbox.
 *
 * Who wants something asks for a turn: a session is opened and listed, the mails are his to ask for until he ends the
 * turn; then the next one's session is opened, since mails that came meanwhile are not in a listing that is had already.
 * Knows no jobs. */
#ifndef PLATFORMS_EMAIL_MAILDROP_H
#define PLATFORMS_EMAIL_MAILDROP_H

#include "platforms/email/pop_link.h"

struct email_account;
struct email_maildrop;
struct email_maildrop_turn;

/* Logged in and listed; or not, `e->code` says why, then the turn is over. Never from within email_maildrop_ask(). */
typedef void email_maildrop_fn(void *arg, const struct pop_link_result *list, const struct err *e);

/* `a` is KEPT. GIVES. */
struct email_maildrop *email_maildrop_new(struct email_account *a);
/* Ends without callbacks. No turn of a job may be left. */
void email_maildrop_free(struct email_maildrop *m);

/* Gets in line. GIVES a handle that is valid until email_maildrop_end() or `fn` with an error. NULL with `e` filled: what
 * email_account_pop() says, or ERR_BUSY when too many are waiting. */
struct email_maildrop_turn *email_maildrop_ask(
	struct email_maildrop *m, email_maildrop_fn *fn, void *arg, struct err *e);
/* The session of the turn, to ask for mails; NULL when it was lost meanwhile. */
struct pop_link *email_maildrop_link(const struct email_maildrop_turn *turn);
/* Ends the turn at any time, its session without QUIT: nothing is deleted (RFC 1939, 6). What was asked for is forgotten,
 * the next one's turn begins. After email_maildrop_commit(): only forgets `done`. Sets NULL; NULL inside is legal. */
void email_maildrop_end(struct email_maildrop_turn **turn);
/* Ends the turn in order: what was marked with pop_link_delete() is deleted. `done` (its `list` is NULL) tells whether that
 * worked, the turn is over then. `done` may be NULL for a turn that changed nothing: then the turn is over at once. */
void email_maildrop_commit(struct email_maildrop_turn *turn, email_maildrop_fn *done, void *arg);

#endif
