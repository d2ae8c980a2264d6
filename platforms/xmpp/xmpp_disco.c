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

typedef int reader_fn(const xmpp_stanza_t *iq, json_t **object, struct err *e);

static void answer_read(
	struct xmpp_request *r, const xmpp_stanza_t *answer, const struct err *e, reader_fn *reader)
{
	json_t *object;
	struct err why;

	if (e != NULL)
		fail_about_room(r->job, answer, e);
	else if (reader(answer, &object, &why) < 0)
		job_fail(r->job, &why);
	else
		answer_with(
			r->job, activity_message("observe", xmpp_map_person(r->to, NULL),
					json_pack("[o]", xmpp_map_person(r->to, NULL)), object));
}

static void on_info(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	UNUSED(a);
	answer_read(r, answer, e, xmpp_read_result_info);
}

static void on_items(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	UNUSED(a);
	answer_read(r, answer, e, xmpp_read_result_items);
}

static void on_version(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	UNUSED(a);
	answer_read(r, answer, e, xmpp_read_result_version);
}

static const struct {
	const char *what;
	xmpp_stanza_t *(*write)(xmpp_ctx_t *ctx, const char *id, const char *to);
	xmpp_request_fn *answered;
} questions[] = {
	{"attendance", xmpp_write_iq_items, on_members},
	{"room-info", xmpp_write_iq_info, on_info},
	{"items", xmpp_write_iq_items, on_items},
	{"version", xmpp_write_iq_version, on_version},
};

void xmpp_disco_observe(struct xmpp_account *a, struct job *job)
{
	const char *to = activity_target_address(job_activity(job), 0);
	const char *what = activity_object_string(job_activity(job), "objectType", "attendance");
	const struct xmpp_room *room = xmpp_rooms_find(a->rooms, to);
	char id[XMPP_ACCOUNT_ID_SIZE];
	struct xmpp_jid jid;
	struct err e;
	size_t i = 0;

	/* The schema has the same words. */
	while (strcmp(questions[i].what, what) != 0)
		i++;
	if (xmpp_jid_parse(to, &jid, &e) < 0) {
		job_fail(job, &e);
	} else if (i == 0 && room != NULL && room->view.inside) {
		answer_with(job, xmpp_room_attendance(room));
	} else {
		xmpp_account_id(a, id);
		xmpp_account_ask(a, questions[i].write(xmpp_link_ctx(a->link), id, to), to, job,
			questions[i].answered);
	}
}
