/* SPDX-License-Identifier: MIT */
/* email_update - the verb `update`: marks, moves, copies and deletes mails, makes folders.
 *
 * object.objectType says what: flags (add, remove), move and copy (to), delete, folder. POP3 can delete only
 * (email_drop.h). */
#ifndef PLATFORMS_EMAIL_UPDATE_H
#define PLATFORMS_EMAIL_UPDATE_H

struct email_account;
struct job;

/* Takes over `job` and answers it once, maybe at once. Uses job_set_data(). */
void email_update_run(struct email_account *a, struct job *job);
/* For platform.cancel: what was sent to the server already may still be done there. */
void email_update_cancel(struct email_account *a, struct job *job);

#endif
