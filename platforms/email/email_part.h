/* SPDX-License-Identifier: MIT */
/* email_part - `fetch` with object.attachment: one attachment, or a piece of it, as result.
 *
 *   {"uid":7,"part":"2","fileName":"a.pdf","contentType":"application/pdf","size":1234,"offset":0,"length":1234,
 *    "encoding":"base64","contents":"..."}
 * `contents`, `fileName`, `cid` and `contentType` are named as `send` takes them. IMAP gives the part alone; POP3 only the
 * whole mail. */
#ifndef PLATFORMS_EMAIL_PART_H
#define PLATFORMS_EMAIL_PART_H

struct email_account;
struct job;

/* Takes over `job` and answers it once, maybe at once. Uses job_set_data(). */
void email_part_run(struct email_account *a, struct job *job);
/* For platform.cancel; 0 when the job is not of this file. */
int email_part_cancel(struct job *job);

#endif
