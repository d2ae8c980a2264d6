/* SPDX-License-Identifier: MIT */
/* email_drop - `fetch` and `update` with POP3: pages of the maildrop, single mails by their unique ids, deletion.
 *
 * What POP3 has not (folders, flags, searches) is refused by name. */
#ifndef PLATFORMS_EMAIL_DROP_H
#define PLATFORMS_EMAIL_DROP_H

#include <jansson.h>

#include "platforms/email/pop_link.h"

struct email_account;
struct job;

/* Take over `job` and answer it once, maybe at once. They use job_set_data(). `update` of objectType "delete". */
void email_drop_fetch(struct email_account *a, struct job *job);
void email_drop_delete(struct email_account *a, struct job *job);
/* For platform.cancel; 0 when the job is not of this file. */
int email_drop_cancel(struct job *job);

/* The entry with this unique id (a text, or a number as it would be written); NULL: there is none. */
const struct pop_link_entry *email_drop_entry(
	const struct pop_link_entry *entries, size_t n, const json_t *uid);

#endif
