/* SPDX-License-Identifier: MIT */
/* email_fetch - the verb `fetch`: mails of a folder as messages, then the numbers of the folder as result; or the list of
 * folders.
 *
 * Here is IMAP; email_drop.h does the same for POP3 and email_part.h gives attachments: run() hands over to them. */
#ifndef PLATFORMS_EMAIL_FETCH_H
#define PLATFORMS_EMAIL_FETCH_H

struct email_account;
struct job;

/* Takes over `job` and answers it once, maybe at once. Uses job_set_data(). */
void email_fetch_run(struct email_account *a, struct job *job);
/* For platform.cancel. */
void email_fetch_cancel(struct email_account *a, struct job *job);

#endif
