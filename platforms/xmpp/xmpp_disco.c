/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_disco.h"

#include <string.h>

#include "platforms/xmpp/xmpp_error.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_read_result.h"
#include "platforms/xmpp/xmpp_write_iq.h"

/* TAKES `message`. */
static void answer_with(struct job *job, json_t *message)
{
	json_t *object = json_incref(json_object_get(message, "object"));

	psession_send(job_psession(job), message);
	job_done(job, object);
}

static void fail_about_room(struct job *job, const xmpp_stanza_t *answer, const struct err *e)
{
	struct err why = *e;

	if (answer != NULL)
		xmpp_error_read(answer, XMPP_ERROR_ABOUT_ROOM, &why);
	job_fail(job, &why);
}

static void on_members(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	json_t *members;
	struct err why;

	UNUSED(a);
	if (e != NULL)
		fail_about_room(r->job, answer, e);
	else if (xmpp_read_result_members(answer, &members, &why) < 0)
		job_fail(r->job, &why);
	else
		answer_with(r->job, xmpp_map_attendance(r->to, members, NULL));
}

static void on_info(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	json_t *object;
	struct err why;

	UNUSED(a);
	if (e != NULL)
		fail_about_room(r->job, answer, e);
	else if (xmpp_read_result_info(answer, &object, &why) < 0)
		job_fail(r->job, &why);
	else
		answer_with(r->job, activity_message("observe", xmpp_map_person(r->to, NULL),
					    xmpp_map_to_room(r->to), object));
}

void xmpp_disco_observe(struct xmpp_account *a, struct job *job)
{
	const char *to = activity_target_address(job_activity(job), 0);
	const char *what = activity_object_string(job_activity(job), "objectType", "attendance");
	const struct xmpp_room *room = xmpp_rooms_find(a->rooms, to);
	int info = strcmp(what, "room-info") == 0;
	char id[XMPP_ACCOUNT_ID_SIZE];
	xmpp_ctx_t *ctx = xmpp_link_ctx(a->link);
	struct xmpp_jid jid;
	struct err e;

	if (xmpp_jid_parse_bare(to, &jid, &e) < 0) {
		job_fail(job, &e);
		return;
	}
	if (!info && room != NULL && room->view.inside) {
		answer_with(job, xmpp_room_attendance(room));
		return;
	}
	xmpp_account_id(a, id);
	if (info)
		xmpp_account_ask(a, xmpp_write_iq_info(ctx, id, to), to, job, on_info);
	else
		xmpp_account_ask(a, xmpp_write_iq_items(ctx, id, to), to, job, on_members);
}
