/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_chat.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_fence.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_write_message.h"

/* --- who else is to see it -------------------------------------------------------------------------------------------------- */

/* To everybody in a room: one that the account is in, or that the client calls one. */
static int is_to_room(const struct xmpp_account *a, const json_t *target, const char *to)
{
	const char *type = json_string_value(json_object_get(target, "objectType"));

	if (type == NULL)
		type = json_string_value(json_object_get(target, "type"));
	if (xmpp_jid_find_resource(to) != NULL)
		return 0;
	return (type != NULL && strcmp(type, "room") == 0) || xmpp_rooms_find(a->rooms, to) != NULL;
}

/* To one of those in a room that the account is in. */
static int is_to_occupant(const struct xmpp_account *a, const char *to)
{
	return xmpp_jid_find_resource(to) != NULL && xmpp_rooms_find(a->rooms, to) != NULL;
}

static json_t *copy_target(const struct xmpp_account *a, const char *to)
{
	char *room;
	json_t *target;

	if (!is_to_occupant(a, to))
		return json_pack("[o]", xmpp_map_contact(to, NULL));
	room = xmpp_jid_to_bare(to);
	target = json_pack("[o]", xmpp_map_occupant(room, xmpp_jid_find_resource(to)));
	mem_free(room);
	return target;
}

/* As it comes back to other clients in a carbon. GIVES. */
static json_t *copy_object(const json_t *activity, const char *id)
{
	static const char *const members[] = {"subject", "thread", "replaces"};
	json_t *object = json_pack(
		"{ssss}", "text", activity_object_string(activity, "text", ""), "id", id);

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		xmpp_map_set(
			object, members[i], activity_object_string(activity, members[i], NULL));
	json_object_set_new(object, "carbon", json_string("sent"));
	json_object_set_new(object, "own", json_true());
	return object;
}

/* The other sessions of the account get what the server would send to another client as a carbon. What goes to a room comes
 * back from there. */
static void copy_to_others(const struct xmpp_account *a, const struct job *job, const char *id)
{
	const json_t *activity = job_activity(job);

	if (activity_object_string(activity, "text", NULL) == NULL)
		return;
	for (size_t i = 0; i < activity_target_count(activity); i++) {
		const char *to = activity_target_address(activity, i);

		if (!is_to_room(a, activity_target(activity, i), to))
			psession_send_others(job_psession(job),
				activity_message("send",
					xmpp_map_person(xmpp_account_actor(a), NULL),
					copy_target(a, to), copy_object(activity, id)));
	}
}

/* --- when it counts as sent -------------------------------------------------------------------------------------------------- */

static int is_bounce(const xmpp_stanza_t *answer)
{
	return answer != NULL &&
	       strcmp(xmpp_stanza_get_name((xmpp_stanza_t *)answer), "message") == 0;
}

static void on_sent(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	struct err unknown;

	if (xmpp_fence_passed(answer, e)) {
		copy_to_others(a, r->job, r->id);
		job_done(r->job, json_pack("{ss}", "id", r->id));
	} else if (is_bounce(answer)) {
		job_fail(r->job, e);
	} else {
		err_set(&unknown, ERR_UNKNOWN_OUTCOME,
			"the message may or may not have been sent: %s", e->text);
		job_fail(r->job, &unknown);
	}
}

/* Clients choose ids that others can guess; so it has to come from where the message went. */
static int went_to(const struct xmpp_request *r, const char *jid)
{
	const json_t *activity = job_activity(r->job);

	if (r->to != NULL)
		return xmpp_jid_equals_bare(r->to, jid);
	for (size_t i = 0; i < activity_target_count(activity); i++)
		if (xmpp_jid_equals_bare(activity_target_address(activity, i), jid))
			return 1;
	return 0;
}

int xmpp_chat_bounced(
	struct xmpp_account *a, const struct xmpp_read_news *news, const xmpp_stanza_t *stanza)
{
	struct xmpp_request *r = xmpp_requests_find(a->requests, news->id);

	/* Pages choose ids by themselves: two may have the same on its way, to different people. */
	for (; r != NULL; r = xmpp_requests_next(r)) {
		if (!r->wants_fence || r->job == NULL || !went_to(r, news->from))
			continue;
		xmpp_requests_settle(a->requests, r, stanza, &news->why);
		return 1;
	}
	return 0;
}

/* --- the verb -------------------------------------------------------------------------------------------------------------------- */

/* {"displayed": id} tells that a message was read, everything else is a message. NULL: see `e`. */
static xmpp_stanza_t *stanza_of(struct xmpp_account *a, const struct job *job,
	const struct xmpp_write_message_head *head, struct err *e)
{
	const json_t *object = activity_object(job_activity(job));
	const char *displayed = json_string_value(json_object_get(object, "displayed"));
	xmpp_ctx_t *ctx = xmpp_link_ctx(a->link);

	if (displayed != NULL)
		return xmpp_write_message_receipt(ctx, head, displayed, "displayed", e);
	return xmpp_write_message(ctx, head, object, e);
}

/* All of the stanzas, or none: a job that fails here has sent nothing. GIVES `n` of them. */
static int stanzas_make(struct xmpp_account *a, const struct job *job, const char *id,
	xmpp_stanza_t **stanzas, struct err *e)
{
	const json_t *activity = job_activity(job);

	for (size_t i = 0; i < activity_target_count(activity); i++) {
		const char *to = activity_target_address(activity, i);
		const struct xmpp_write_message_head head = {id, to,
			is_to_room(a, activity_target(activity, i), to), is_to_occupant(a, to)};

		stanzas[i] = stanza_of(a, job, &head, e);
		if (stanzas[i] == NULL) {
			while (i-- > 0)
				xmpp_stanza_release(stanzas[i]);
			return -(int)e->code;
		}
	}
	return 0;
}

void xmpp_chat_send(struct xmpp_account *a, struct job *job)
{
	size_t n = activity_target_count(job_activity(job));
	const char *own = xmpp_write_message_own_id(activity_object(job_activity(job)));
	char id[XMPP_ACCOUNT_ID_SIZE];
	xmpp_stanza_t **stanzas = mem_array(n, sizeof(xmpp_stanza_t *));
	struct err e;

	xmpp_account_id(a, id);
	if (xmpp_requests_room(a->requests, n, &e) < 0 ||
		stanzas_make(a, job, own != NULL ? own : id, stanzas, &e) < 0) {
		mem_free(stanzas);
		job_fail(job, &e);
		return;
	}
	for (size_t i = 0; i < n; i++)
		xmpp_account_send(a, stanzas[i]);
	mem_free(stanzas);
	xmpp_requests_weigh(
		a->requests, xmpp_fence_add(a, own != NULL ? own : id, job, on_sent, NULL), n);
}
