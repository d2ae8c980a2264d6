/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_presence.h"

#include "platforms/xmpp/xmpp_contact.h"
#include "platforms/xmpp/xmpp_fence.h"
#include "platforms/xmpp/xmpp_muc.h"
#include "platforms/xmpp/xmpp_write_presence.h"

void xmpp_presence_announce(struct xmpp_account *a)
{
	struct err e;
	xmpp_stanza_t *s = xmpp_write_presence(xmpp_link_ctx(a->link), NULL, a->presence, &e);

	/* A presence that was sent once is valid; one that another worker kept is as well. */
	if (s != NULL)
		xmpp_account_send(a, s);
	else
		psession_log(a->ps, LOG_WARN, "xmpp.presence", e.text);
}

/* The first of the names that has a value: the classic versions never agreed on one. */
static const char *first_of(const json_t *object, const char *const *names)
{
	const char *s = NULL;

	for (; s == NULL && *names != NULL; names++) {
		s = json_string_value(json_object_get(object, *names));
		if (s != NULL && *s == '\0')
			s = NULL;
	}
	return s;
}

static json_t *presence_of(const json_t *object)
{
	static const char *const shows[] = {"state", "show", "presence", "type", NULL};
	static const char *const texts[] = {"status", "text", "statusText", NULL};
	const char *show = first_of(object, shows), *text = first_of(object, texts);
	json_t *priority = json_object_get(object, "priority"), *p = json_object();

	if (show != NULL)
		json_object_set_new(p, "show", json_string(show));
	if (text != NULL)
		json_object_set_new(p, "status", json_string(text));
	if (json_is_integer(priority))
		json_object_set(p, "priority", priority);
	return p;
}

void xmpp_presence_update(struct xmpp_account *a, struct job *job)
{
	json_t *presence = presence_of(activity_object(job_activity(job)));
	char id[XMPP_ACCOUNT_ID_SIZE];
	struct err e;
	xmpp_stanza_t *s = xmpp_write_presence(xmpp_link_ctx(a->link), NULL, presence, &e);

	if (s == NULL) {
		json_decref(presence);
		job_fail(job, &e);
		return;
	}
	json_decref(a->presence);
	a->presence = presence;
	xmpp_account_send(a, s);
	xmpp_muc_show(a);
	xmpp_account_keep(a);
	xmpp_account_id(a, id);
	if (activity_object_boolean(job_activity(job), "roster", 1))
		xmpp_contact_fetch(a, job);
	else
		xmpp_fence_job(a, id, job);
}
