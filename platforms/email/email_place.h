/* SPDX-License-Identifier: MIT */
/* email_place - where a job reads or changes mail: by which protocol, in which folder.
 *
 * Looks at the job's `target`, `object.folder` and at which credentials there are. Opens nothing. */
#ifndef PLATFORMS_EMAIL_PLACE_H
#define PLATFORMS_EMAIL_PLACE_H

#include <jansson.h>

struct email_account;
struct err;

enum email_way { EMAIL_WAY_IMAP, EMAIL_WAY_POP };

struct email_place {
	enum email_way way;
	const char *folder; /* UTF-8, "INBOX" when the job names none; borrowed from the activity */
	json_int_t uid_validity; /* 0: any */
};

/* target[0].address is "imap" or "pop"; without a target, or when it is the actor's own address: imap, or pop when the
 * credentials have only that. < 0: ERR_INVALID (another target), ERR_UNSUPPORTED (a folder or uidValidity with POP3),
 * ERR_NO_CREDENTIALS. */
int email_place_read(const struct email_account *a, const json_t *activity,
	struct email_place *place, struct err *e);

#endif
