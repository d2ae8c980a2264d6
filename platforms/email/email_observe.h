/* SPDX-License-Identifier: MIT */
/* email_observe - the verb `observe`: new mail of a folder as messages to every session that asked for it.
 *
 * One watch per folder, whoever asks: email_watch.h for IMAP, email_poll.h for POP3. A session subscribes to one of two
 * topics, with bodies or without; the watch ends when nobody is left. What happens to the connection is told as message:
 *   {"verb":"connect","object":{"objectType":"connect","status":"reconnecting","folder":"INBOX","text":"..."}}
 * With psession_keep() a successor knows which folders, and how far they were told:
 *   {"imap":{"INBOX":{"uidValidity":1385000000,"lastUid":41}},"pop":{"known":["..."]}} */
#ifndef PLATFORMS_EMAIL_OBSERVE_H
#define PLATFORMS_EMAIL_OBSERVE_H

struct email_account;
struct email_observer;
struct job;

/* `a` is KEPT. Resumes what psession_kept() has. GIVES. */
struct email_observer *email_observer_new(struct email_account *a);
void email_observer_free(struct email_observer *o);

/* Takes over `job` and answers it once, when the folder is observed, or with object.stop at once. Uses job_set_data(). */
void email_observe_run(struct email_account *a, struct job *job);
/* For platform.cancel. */
void email_observe_cancel(struct email_account *a, struct job *job);
/* For platform.left: ends what nobody observes any more. */
void email_observe_left(struct email_account *a);

#endif
