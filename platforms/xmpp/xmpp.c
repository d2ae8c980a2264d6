/* SPDX-License-Identifier: MIT */
/* xmpp - the platform: which verbs there are, and which file runs them.
 *
 * One instance is one account: xmpp_account has its stream and its state, xmpp_link the thread that libstrophe needs,
 * xmpp_read and xmpp_write the stanzas; in between is a file for each thing that people do. docs/platforms/xmpp.md. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "platforms/xmpp/xmpp_account.h"
#include "platforms/xmpp/xmpp_chat.h"
#include "platforms/xmpp/xmpp_contact.h"
#include "platforms/xmpp/xmpp_disco.h"
#include "platforms/xmpp/xmpp_expat.h"
#include "platforms/xmpp/xmpp_history.h"
#include "platforms/xmpp/xmpp_muc.h"
#include "platforms/xmpp/xmpp_presence.h"

/* --- verbs whose object says what they are about ---------------------------------------------------------------------------- */

typedef void ask_fn(struct xmpp_account *a, struct job *job);

static const struct {
	const char *what;
	ask_fn *ask;
} updates[] = {
	{"presence", xmpp_presence_update}, /* also without an objectType: the classic one */
	{"contact", xmpp_contact_update},
	{"topic", xmpp_muc_topic},
	{"nick", xmpp_muc_nick},
	{"invitation", xmpp_muc_invite},
};

static void update(struct xmpp_account *a, struct job *job)
{
	const char *what = activity_object_string(job_activity(job), "objectType", "presence");
	size_t i = 0;

	/* The schema has the same words. */
	while (strcmp(updates[i].what, what) != 0)
		i++;
	updates[i].ask(a, job);
}

static void fetch(struct xmpp_account *a, struct job *job)
{
	const char *what = activity_object_string(job_activity(job), "objectType", "");
	const char *target = activity_target_address(job_activity(job), 0);
	struct err e;

	if (strcmp(what, "history") == 0) {
		xmpp_history_fetch(a, job);
	} else if (strcmp(what, "roster") == 0 ||
		   (target != NULL && strcmp(target, "roster") == 0)) {
		xmpp_contact_fetch(a, job);
	} else {
		err_set(&e, ERR_INVALID,
			"what to fetch? the target roster, or the objectType history");
		job_fail(job, &e);
	}
}

/* --- every verb that asks the server --------------------------------------------------------------------------------------- */

static const struct {
	const char *verb;
	ask_fn *ask;
} asks[] = {
	{"send", xmpp_chat_send},
	{"update", update},
	{"request-friend", xmpp_contact_request},
	{"make-friend", xmpp_contact_make},
	{"remove-friend", xmpp_contact_remove},
	{"fetch", fetch},
	{"join", xmpp_muc_join},
	{"leave", xmpp_muc_leave},
	{"observe", xmpp_disco_observe},
};

static void run(void *state, struct job *job)
{
	struct xmpp_account *a = xmpp_account_of(state);
	const char *verb = activity_verb(job_activity(job));
	size_t i = 0;
	struct err e;

	if (xmpp_requests_room(a->requests, 1, &e) < 0) {
		job_fail(job, &e);
		return;
	}
	while (strcmp(asks[i].verb, verb) != 0)
		i++;
	asks[i].ask(a, job);
}

/* --- the platform --------------------------------------------------------------------------------------------------------------- */

/* OpenSSL reads the whole file of certificate authorities for each connection, 46 ms and 1 MB, but of a folder only those
 * that it needs (SSL_CTX_set_default_verify_paths(3)). So the folder is taken where there is one, and with an own
 * ca_file neither: that one is instead of the system's. */
static void trust(const json_t *settings)
{
	int own = json_object_get(settings, "ca_file") != NULL;

	if (own)
		setenv("SSL_CERT_DIR", "/dev/null", 1);
	else if (getenv("SSL_CERT_FILE") == NULL)
		setenv("SSL_CERT_DIR", "/etc/ssl/certs", 0);
	if (getenv("SSL_CERT_DIR") != NULL)
		setenv("SSL_CERT_FILE", "/dev/null", 1);
}

/* libstrophe writes with send(): SIGPIPE would end the worker. */
static int xmpp_start(const json_t *settings, struct err *e)
{
	trust(settings);
	signal(SIGPIPE, SIG_IGN);
	xmpp_initialize();
	return xmpp_expat_check(e);
}

/* A message is not sent twice; to ask, to enter and to set again what is set does no harm. */
#define SAFE   (VERB_CREDENTIALS | VERB_CONNECTED | VERB_RETRY_SAFE)
#define UNSAFE (VERB_CREDENTIALS | VERB_CONNECTED)

static const struct verb verbs[] = {
	{"connect", SAFE, xmpp_account_run_connect},
	{"disconnect", VERB_CREDENTIALS | VERB_RETRY_SAFE, xmpp_account_run_disconnect},
	{"send", UNSAFE, run},
	{"update", SAFE, run},
	{"request-friend", SAFE, run},
	{"make-friend", SAFE, run},
	{"remove-friend", SAFE, run},
	{"fetch", SAFE, run},
	{"join", SAFE, run},
	{"leave", SAFE, run},
	{"observe", SAFE, run},
	{0},
};

extern const struct platform platform_xmpp;
const struct platform platform_xmpp = {
	.name = "xmpp",
	.life = PLATFORM_PER_ACCOUNT,
	.verbs = verbs,
	.start = xmpp_start,
	.open = xmpp_account_open,
	.cancel = xmpp_account_cancel,
	.close = xmpp_account_close,
};
