/* SPDX-License-Identifier: MIT */
/* email_pick - gets some mails of a POP3 maildrop, one after the other, and makes messages of them.
 *
 * Works within somebody's turn (email_maildrop.h). Shared by fetching and observing; knows no jobs. */
#ifndef PLATFORMS_EMAIL_PICK_H
#define PLATFORMS_EMAIL_PICK_H

#include <jansson.h>

#include "platforms/email/pop_link.h"

struct email_account;
struct email_maildrop_turn;
struct email_pick;

struct email_pick_events {
	/* A message, in the order of the entries; TAKES. Its object has uid (when the server has unique ids), popSeqNo and size.
	 * Must not end the pick. */
	void (*message)(void *arg, json_t *message);
	/* All are there but those that the server did not give, or `e->code` says why not; ERR_NOT_FOUND: it gave none. May
	 * end the pick; never from within email_pick_new(). */
	void (*done)(void *arg, const struct err *e);
	void *arg;
};

struct email_pick_what {
	const struct pop_link_entry *entries; /* copied */
	size_t n;                             /* more than 0 */
	int whole;                            /* with bodies, or headers only */
};

/* `a` and `turn` are KEPT until the end; `events` is copied. GIVES. */
struct email_pick *email_pick_new(struct email_account *a, const struct email_maildrop_turn *turn,
	const struct email_pick_what *what, const struct email_pick_events *events);
/* Before the end of the turn, when mails are under way. Sets NULL; NULL inside is legal. */
void email_pick_free(struct email_pick **p);

#endif
