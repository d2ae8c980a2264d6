/* SPDX-License-Identifier: MIT */
/* email_poll - the observed POP3 maildrop: looked at every poll_interval_s, each time in a session of its own.
 *
 * POP3 tells nobody of news and promises no order but that of the list (RFC 1939, 7: unique ids): new is what comes behind
 * the last mail that is known; everything, when none of the known ones is there any more. The position is the ids
 * of the newest mails. States and events are those of email_watch.h. */
#ifndef PLATFORMS_EMAIL_POLL_H
#define PLATFORMS_EMAIL_POLL_H

#include "platforms/email/email_watch.h"

struct email_poll;

/* Looks for the first time. `position` (NULL: from now on) is what email_poll_position() gave before. The account must
 * have usable pop credentials. GIVES. */
struct email_poll *email_poll_new(
	struct email_account *a, const json_t *position, const struct email_watch_events *events);
/* Sets NULL; NULL inside is legal. */
void email_poll_free(struct email_poll **p);

/* {"known":["000001a5...", ...]}, up to 100; null before the first ONLINE. GIVES. */
json_t *email_poll_position(const struct email_poll *p);

#endif
