/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_history.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_error.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_read_result.h"
#include "platforms/xmpp/xmpp_write_iq.h"

/* Whether there is an archive is not asked beforehand: the refusal says it. */
static void fail(const struct xmpp_request *r, const xmpp_stanza_t *answer, const struct err *e)
{
	struct err none;
	const char *condition = answer != NULL ? xmpp_error_condition(answer) : "";

	err_set(&none, ERR_UNSUPPORTED, "there is no archive of messages at %s",
		r->to != NULL ? r->to : "the server of this account");
	if (strcmp(condition, "service-unavailable") == 0 ||
		strcmp(condition, "feature-not-implemented") == 0)
		job_fail(r->job, &none);
	else
		job_fail(r->job, e);
}

static void on_page(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	json_t *object;
	struct err why;

	UNUSED(a);
	if (e != NULL)
		fail(r, answer, e);
	else if (xmpp_read_result_history(answer, &object, &why) < 0)
		job_fail(r->job, &why);
	else
		job_done(r->job, object);
}

/* NULL: no query of this id is open, or not at this archive. */
static const struct xmpp_request *asked(
	const struct xmpp_account *a, const char *queryid, const char *archive)
{
	const struct xmpp_request *r = xmpp_requests_find(a->requests, queryid);

	if (r == NULL || r->fn != on_page)
		return NULL;
	return xmpp_jid_equals_bare(r->to != NULL ? r->to : a->full_jid, archive) ? r : NULL;
}

int xmpp_history_is_asked(void *arg, const char *queryid, const char *archive)
{
	return asked(xmpp_account_of(arg), queryid, archive) != NULL;
}

void xmpp_history_archived(struct xmpp_account *a, const struct xmpp_read_news *news)
{
	const struct xmpp_request *r = asked(a, news->query, news->archive);

	if (r != NULL)
		xmpp_account_tell_all(job_psession(r->job), news->messages);
}

/* The client's wishes, with a page no larger than the operator allows. GIVES. */
static json_t *wishes(const struct xmpp_account *a, const struct job *job)
{
	json_t *object = json_copy((json_t *)activity_object(job_activity(job)));
	json_int_t max = xmpp_account_setting(a, "history_max");
	json_int_t limit = activity_object_integer(job_activity(job), "limit", 50);

	json_object_set_new(object, "limit", json_integer(MIN(limit, max)));
	return object;
}

void xmpp_history_fetch(struct xmpp_account *a, struct job *job)
{
	const char *to = activity_target_address(job_activity(job), 0);
	char id[XMPP_ACCOUNT_ID_SIZE];
	xmpp_stanza_t *iq;
	json_t *object;
	struct err e;

	if (to != NULL && (*to == '\0' || xmpp_jid_equals_bare(to, a->full_jid)))
		to = NULL;
	xmpp_account_id(a, id);
	object = wishes(a, job);
	iq = xmpp_write_iq_history(xmpp_link_ctx(a->link), id, to, object, &e);
	json_decref(object);
	if (iq == NULL)
		job_fail(job, &e);
	else
		xmpp_account_ask(a, iq, to, job, on_page);
}
