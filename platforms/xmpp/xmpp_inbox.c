/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_inbox.h"

#include <time.h>

#include "platforms/xmpp/xmpp_chat.h"
#include "platforms/xmpp/xmpp_contact.h"
#include "platforms/xmpp/xmpp_entry.h"
#include "platforms/xmpp/xmpp_history.h"
#include "platforms/xmpp/xmpp_jid.h"

static int64_t time_of_day_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- the account's view of itself ----------------------------------------------------------------------------------------- */

static const struct xmpp_read_room *find_room(void *arg, const char *jid)
{
	const struct xmpp_account *a = xmpp_account_of(arg);
	const struct xmpp_room *room = xmpp_rooms_find(a->rooms, jid);

	return room != NULL ? &room->view : NULL;
}

static int is_occupant(void *arg, const char *jid, const char *nick)
{
	const struct xmpp_account *a = xmpp_account_of(arg);
	const struct xmpp_room *room = xmpp_rooms_find(a->rooms, jid);

	return room != NULL && json_object_get(room->occupants, nick) != NULL;
}

struct xmpp_read_self xmpp_inbox_self(struct xmpp_account *a)
{
	return (struct xmpp_read_self){
		.actor = xmpp_account_actor(a),
		.full_jid = a->full_jid,
		.now_ms = time_of_day_ms(),
		.room = find_room,
		.occupant = is_occupant,
		.trusted = xmpp_contact_is_trusted,
		.asked = xmpp_history_is_asked,
		.arg = a,
	};
}

/* --- what to do about it ---------------------------------------------------------------------------------------------------- */

/* Only who was asked can answer: ids alone prove nothing. */
static void take_answer(
	struct xmpp_account *a, const struct xmpp_read_news *news, const xmpp_stanza_t *stanza)
{
	const struct xmpp_request *r = news->id != NULL ? xmpp_requests_find(a->requests, news->id)
							: NULL;

	if (r == NULL || !xmpp_jid_answers(news->from, r->to, a->full_jid))
		return;
	xmpp_requests_answer(
		a->requests, news->id, stanza, news->kind == XMPP_READ_FAILED ? &news->why : NULL);
}

/* From when on a room's history is to be asked for after the stream was lost. */
static void note_time(struct xmpp_account *a, const xmpp_stanza_t *stanza, int64_t now_ms)
{
	const char *from = xmpp_stanza_get_from((xmpp_stanza_t *)stanza);
	struct xmpp_room *room = from != NULL ? xmpp_rooms_find(a->rooms, from) : NULL;

	if (room != NULL && room->view.inside)
		room->seen_ms = now_ms;
}

static void dispatch(
	struct xmpp_account *a, struct xmpp_read_news *news, const xmpp_stanza_t *stanza)
{
	switch (news->kind) {
	case XMPP_READ_NOTHING:
		break;
	case XMPP_READ_CONTACT:
		xmpp_contact_note(a, news);
		xmpp_account_tell_all(a->ps, news->messages);
		break;
	case XMPP_READ_MESSAGES:
	case XMPP_READ_PRESENCE:
		xmpp_account_tell_all(a->ps, news->messages);
		break;
	case XMPP_READ_ARCHIVED:
		xmpp_history_archived(a, news);
		break;
	case XMPP_READ_ENTERED:
		xmpp_entry_entered(a, news);
		break;
	case XMPP_READ_LEFT:
		xmpp_entry_left(a, news);
		break;
	case XMPP_READ_REFUSED:
		xmpp_entry_refused(a, news);
		break;
	case XMPP_READ_OCCUPANT:
		xmpp_entry_occupant(a, news);
		break;
	case XMPP_READ_BOUNCED:
		if (!xmpp_chat_bounced(a, news, stanza))
			xmpp_account_tell_all(a->ps, news->messages);
		xmpp_entry_bounced(a, news);
		break;
	case XMPP_READ_RESULT:
	case XMPP_READ_FAILED:
		take_answer(a, news, stanza);
		break;
	}
}

void xmpp_inbox_take(struct xmpp_account *a, const xmpp_stanza_t *stanza)
{
	const struct xmpp_read_self self = xmpp_inbox_self(a);
	struct xmpp_read_news news;

	xmpp_read_stanza(stanza, &self, &news);
	if (news.reply != NULL) {
		xmpp_account_send(a, news.reply);
		news.reply = NULL;
	}
	note_time(a, stanza, self.now_ms);
	dispatch(a, &news, stanza);
	xmpp_read_release(&news);
}
