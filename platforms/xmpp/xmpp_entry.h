/* SPDX-License-Identifier: MIT */
/* xmpp_entry - entering rooms and staying in them (XEP-0045, 7.2 and 7.14), over a lost stream and a service that goes down.
 *
 * Knows what the rooms say about the own presence and that of others, and answers the requests that wait for it. What
 * clients ask for is in xmpp_muc. */
#ifndef PLATFORMS_XMPP_ENTRY_H
#define PLATFORMS_XMPP_ENTRY_H

#include "platforms/xmpp/xmpp_account.h"
#include "platforms/xmpp/xmpp_read.h"

/* What a request about a room waits for: to be inside, to be outside, to have the nick that is the request's `to`. */
enum xmpp_entry_wish { XMPP_ENTRY_JOIN, XMPP_ENTRY_LEAVE, XMPP_ENTRY_NICK };

/* As xmpp_requests_add(); the request's data is the room's JID. */
struct xmpp_request *xmpp_entry_wait(struct xmpp_account *a, enum xmpp_entry_wish wish,
	const struct xmpp_room *room, struct job *job, xmpp_request_fn *fn);
/* As xmpp_requests_find(). */
struct xmpp_request *xmpp_entry_find(
	struct xmpp_account *a, enum xmpp_entry_wish wish, const struct xmpp_room *room);
/* Asks the room to enter, for at most `history` former messages that are younger than the last one seen. < 0: ERR_INVALID. */
int xmpp_entry_send(
	struct xmpp_account *a, struct xmpp_room *room, long long history, struct err *e);

/* A request to enter the room `jid` has failed with `e`. Unless somebody else waits for it or the account was in it before, the
 * room is forgotten, and left if it may let the account in late. */
void xmpp_entry_failed(struct xmpp_account *a, const char *jid, const struct err *e);
/* A job was cancelled. A room that nobody else waits for is waited for by the account itself, as long as for any answer: to
 * leave it if it lets the account in. Who asks to enter meanwhile joins the waiting. */
void xmpp_entry_cancelled(struct xmpp_account *a);

/* On a new stream: enters again whatever room the account was in; the sessions are told of those that will not have it. */
void xmpp_entry_enter_all(struct xmpp_account *a);
/* What xmpp_rooms_kept() gave, in another worker: rooms to enter once there is a stream. NULL: none. */
void xmpp_entry_restore(struct xmpp_account *a, const json_t *kept);

/* XMPP_READ_BOUNCED: a room that does not know the account any more is entered again. */
void xmpp_entry_bounced(struct xmpp_account *a, const struct xmpp_read_news *news);
/* XMPP_READ_ENTERED, _LEFT, _REFUSED, _OCCUPANT. */
void xmpp_entry_entered(struct xmpp_account *a, struct xmpp_read_news *news);
void xmpp_entry_left(struct xmpp_account *a, struct xmpp_read_news *news);
void xmpp_entry_refused(struct xmpp_account *a, struct xmpp_read_news *news);
void xmpp_entry_occupant(struct xmpp_account *a, struct xmpp_read_news *news);

#endif
