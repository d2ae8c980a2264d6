/* SPDX-License-Identifier: MIT */
/* email_folders - `fetch` with object.objectType "folders": the list of an account's folders as result.
 *
 *   {"folders":[{"name":"INBOX","delimiter":"/","selectable":true},{"name":"Sent","specialUse":"sent",...}]}
 * IMAP only. */
#ifndef PLATFORMS_EMAIL_FOLDERS_H
#define PLATFORMS_EMAIL_FOLDERS_H

struct email_account;
struct job;

/* Takes over `job` and answers it once, maybe at once. Uses job_set_data(). */
void email_folders_run(struct email_account *a, struct job *job);
/* For platform.cancel; 0 when the job is not of this file. */
int email_folders_cancel(struct job *job);

#endif
