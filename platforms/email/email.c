/* SPDX-License-Identifier: MIT */
/* email - the platform for mail: sends by SMTP, reads and watches mailboxes by IMAP and POP3.
 *
 * Here are the verbs' names and where they begin. email_account.c is an instance; email_send, email_fetch, email_update
 * and email_observe are the verbs; imap and pop_link speak to servers; email_read and email_compose know what a mail
 * is. docs/platforms/email.md is the description for users. */
#include <gmime/gmime.h>
#include <malloc.h>
#include <string.h>

#include "platforms/email/email_account.h"
#include "platforms/email/email_curl.h"
#include "platforms/email/email_fetch.h"
#include "platforms/email/email_observe.h"
#include "platforms/email/email_send.h"
#include "platforms/email/email_update.h"
#include "platforms/platform.h"

static void send_run(void *state, struct job *job)
{
	struct err e;
	struct email_send *send = email_account_send(state, &e);

	if (send != NULL)
		email_send_run(send, job);
	else
		job_fail(job, &e);
}

static void fetch_run(void *state, struct job *job)
{
	email_fetch_run(state, job);
}

static void update_run(void *state, struct job *job)
{
	email_update_run(state, job);
}

static void observe_run(void *state, struct job *job)
{
	email_observe_run(state, job);
}

/* --- the platform ----------------------------------------------------------------------------------------------- */

/* Blocks of this size go back to the system when they are freed. Left alone, glibc would learn from the first large mail
 * to keep blocks of that size, in each thread of the pool. */
#define LARGE_BLOCK (256 << 10)

/* Both libraries have set-up that is process-wide and not safe beside threads. */
static int email_start(const json_t *settings, struct err *e)
{
	UNUSED(settings);
	if (email_curl_start(e) < 0)
		return -(int)e->code;
	g_mime_init();
	mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
	return 0;
}

static int email_open(struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	UNUSED(e);
	*state = email_account_new(ps, settings);
	return 0;
}

/* Each verb has data of its own in the job. */
static void email_cancel(void *state, struct job *job)
{
	const char *verb = activity_verb(job_activity(job));
	struct err e;

	if (strcmp(verb, "send") == 0)
		email_send_cancel(email_account_send(state, &e), job);
	else if (strcmp(verb, "fetch") == 0)
		email_fetch_cancel(state, job);
	else if (strcmp(verb, "update") == 0)
		email_update_cancel(state, job);
	else
		email_observe_cancel(state, job);
}

static void email_left(void *state)
{
	email_observe_left(state);
}

static void email_close(void *state)
{
	email_account_free(state);
}

/* To run twice: reading and observing do no harm. A mail would go out twice; moving and making a folder fail the second
 * time although they worked. */
static const struct verb verbs[] = {
	{"send", VERB_CREDENTIALS, send_run},
	{"fetch", VERB_CREDENTIALS | VERB_RETRY_SAFE, fetch_run},
	{"update", VERB_CREDENTIALS, update_run},
	{"observe", VERB_CREDENTIALS | VERB_RETRY_SAFE, observe_run},
	{"follow", VERB_CREDENTIALS | VERB_RETRY_SAFE, observe_run},
	{0},
};

extern const struct platform platform_email;
const struct platform platform_email = {
	.name = "email",
	.life = PLATFORM_PER_ACCOUNT,
	.verbs = verbs,
	.start = email_start,
	.open = email_open,
	.cancel = email_cancel,
	.left = email_left,
	.close = email_close,
};
