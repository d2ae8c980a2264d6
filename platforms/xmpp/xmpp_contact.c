/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_contact.h"

#include <string.h>

#include "core/json.h"
#include "platforms/xmpp/xmpp_fence.h"
#include "platforms/xmpp/xmpp_inbox.h"
#include "platforms/xmpp/xmpp_read_result.h"
#include "platforms/xmpp/xmpp_write_iq.h"
#include "platforms/xmpp/xmpp_write_presence.h"

/* --- what is known of the contacts ------------------------------------------------------------------------------------------ */

/* A server chooses how long the addresses are, up to 2 KiB each. */
static size_t size_of(const char *jid)
{
	return JSON_ENTRY_SIZE + strlen(jid);
}

static void note(struct xmpp_account *a, const char *jid, const char *subscription)
{
	int known = jid != NULL && json_object_get(a->roster, jid) != NULL;

	if (jid == NULL)
		return;
	if (subscription == NULL || strcmp(subscription, "remove") == 0) {
		a->roster_size -= known ? size_of(jid) : 0;
		json_object_del(a->roster, jid);
		return;
	}
	if (!known && (json_object_size(a->roster) >= XMPP_READ_RESULT_ROSTER_MAX ||
			      a->roster_size + size_of(jid) > XMPP_CONTACT_SIZE_MAX))
		return;
	if (json_object_set_new(a->roster, jid, json_string(subscription)) == 0 && !known)
		a->roster_size += size_of(jid);
}

void xmpp_contact_note(struct xmpp_account *a, const struct xmpp_read_news *news)
{
	note(a, news->jid, news->subscription);
}

int xmpp_contact_is_trusted(void *arg, const char *bare_jid)
{
	const struct xmpp_account *a = xmpp_account_of(arg);
	const char *s = json_string_value(json_object_get(a->roster, bare_jid));

	return s != NULL && (strcmp(s, "from") == 0 || strcmp(s, "both") == 0);
}

static void note_all(struct xmpp_account *a, const json_t *object)
{
	json_t *row;
	size_t i;

	json_object_clear(a->roster);
	a->roster_size = 0;
	json_array_foreach (json_object_get(object, "items"), i, row)
		note(a, json_string_value(json_object_get(row, "address")),
			json_string_value(json_object_get(row, "subscription")));
}

/* --- asking for it ------------------------------------------------------------------------------------------------------------- */

static void on_refreshed(struct xmpp_account *a, struct xmpp_request *r,
	const xmpp_stanza_t *answer, const struct err *e)
{
	const struct xmpp_read_self self = xmpp_inbox_self(a);
	json_t *object = NULL;
	struct err why;

	UNUSED(r);
	if (e == NULL && xmpp_read_result_roster(answer, &self, NULL, &object, &why) == 0)
		note_all(a, object);
	json_decref(object);
}

static void on_fetched(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	const struct xmpp_read_self self = xmpp_inbox_self(a);
	json_t *messages, *object;
	struct err why;

	if (e != NULL) {
		job_fail(r->job, e);
		return;
	}
	if (xmpp_read_result_roster(answer, &self, &messages, &object, &why) < 0) {
		job_fail(r->job, &why);
		return;
	}
	note_all(a, object);
	xmpp_account_tell_all(job_psession(r->job), messages);
	json_decref(messages);
	job_done(r->job, object);
}

static void ask(struct xmpp_account *a, struct job *job, xmpp_request_fn *fn)
{
	char id[XMPP_ACCOUNT_ID_SIZE];

	xmpp_account_id(a, id);
	xmpp_account_ask(a, xmpp_write_iq_roster(xmpp_link_ctx(a->link), id), NULL, job, fn);
}

void xmpp_contact_refresh(struct xmpp_account *a)
{
	ask(a, NULL, on_refreshed);
}

void xmpp_contact_fetch(struct xmpp_account *a, struct job *job)
{
	ask(a, job, on_fetched);
}

/* --- changing it ----------------------------------------------------------------------------------------------------------------- */

static void on_changed(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	UNUSED(a);
	UNUSED(answer);
	if (e != NULL)
		job_fail(r->job, e);
	else
		job_done(r->job, NULL);
}

void xmpp_contact_update(struct xmpp_account *a, struct job *job)
{
	const char *contact = activity_target_address(job_activity(job), 0);
	const json_t *object = activity_object(job_activity(job));
	xmpp_ctx_t *ctx = xmpp_link_ctx(a->link);
	char id[XMPP_ACCOUNT_ID_SIZE];
	xmpp_stanza_t *iq;
	struct err e;

	xmpp_account_id(a, id);
	if (activity_object_boolean(job_activity(job), "remove", 0))
		iq = xmpp_write_iq_roster_remove(ctx, id, contact, &e);
	else
		iq = xmpp_write_iq_roster_set(ctx, id, contact, object, &e);
	if (iq == NULL)
		job_fail(job, &e);
	else
		xmpp_account_ask(a, iq, NULL, job, on_changed);
}

/* --- friends ------------------------------------------------------------------------------------------------------------------------ */

/* Sends presences of the `types` (up to NULL) to the target. */
static void subscribe(struct xmpp_account *a, struct job *job, const char *const *types)
{
	const char *to = activity_target_address(job_activity(job), 0);
	const char *text = activity_object_string(job_activity(job), "text", NULL);
	char id[XMPP_ACCOUNT_ID_SIZE];
	struct err e;

	for (; *types != NULL; types++) {
		xmpp_stanza_t *s = xmpp_write_presence_subscription(
			xmpp_link_ctx(a->link), to, *types, text, &e);

		if (s == NULL) {
			job_fail(job, &e);
			return;
		}
		xmpp_account_send(a, s);
	}
	xmpp_account_id(a, id);
	xmpp_fence_job(a, id, job);
}

void xmpp_contact_request(struct xmpp_account *a, struct job *job)
{
	static const char *const types[] = {"subscribe", NULL};
	subscribe(a, job, types);
}

void xmpp_contact_make(struct xmpp_account *a, struct job *job)
{
	static const char *const types[] = {"subscribed", NULL};
	subscribe(a, job, types);
}

/* In both directions: a refused request has no other verb, and who is no friend any more shall not go on watching. */
void xmpp_contact_remove(struct xmpp_account *a, struct job *job)
{
	static const char *const types[] = {"unsubscribe", "unsubscribed", NULL};
	subscribe(a, job, types);
}
