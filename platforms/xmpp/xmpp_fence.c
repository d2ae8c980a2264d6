/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_fence.h"

#include <string.h>

#include "platforms/xmpp/xmpp_write_iq.h"

static void fence_send(struct xmpp_account *a);

/* The ping stands behind those that it confirms in the table, so they are answered by now. */
static void on_fence(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	UNUSED(r);
	UNUSED(answer);
	UNUSED(e);
	a->fenced = 0;
	if (a->state == XMPP_ACCOUNT_ONLINE)
		fence_send(a);
}

static void fence_send(struct xmpp_account *a)
{
	char id[XMPP_ACCOUNT_ID_SIZE];

	xmpp_account_id(a, id);
	if (xmpp_requests_fence(a->requests, id) == 0)
		return;
	a->fenced = 1;
	xmpp_account_ask(
		a, xmpp_write_iq_ping(xmpp_link_ctx(a->link), id, NULL), NULL, NULL, on_fence);
}

void xmpp_fence_resume(struct xmpp_account *a)
{
	if (!a->fenced)
		fence_send(a);
}

struct xmpp_request *xmpp_fence_add(
	struct xmpp_account *a, const char *id, struct job *job, xmpp_request_fn *fn, void *data)
{
	struct xmpp_request *r = xmpp_requests_add(a->requests, id, job, fn, data);

	r->wants_fence = 1;
	if (!a->fenced)
		fence_send(a);
	return r;
}

int xmpp_fence_passed(const xmpp_stanza_t *answer, const struct err *e)
{
	const char *name;

	if (e == NULL || answer == NULL)
		return e == NULL;
	/* A server without ping refuses it, behind all the rest. */
	name = xmpp_stanza_get_name((xmpp_stanza_t *)answer);
	return name != NULL && strcmp(name, "iq") == 0;
}

static void on_passed(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	UNUSED(a);
	if (xmpp_fence_passed(answer, e))
		job_done(r->job, NULL);
	else
		job_fail(r->job, e);
}

struct xmpp_request *xmpp_fence_job(struct xmpp_account *a, const char *id, struct job *job)
{
	return xmpp_fence_add(a, id, job, on_passed, NULL);
}
