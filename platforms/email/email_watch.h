/* SPDX-License-Identifier: MIT */
/* email_watch - one observed IMAP folder: a connection of its own, told of news by IDLE or asking for them, that comes back
 * when it is lost.
 *
 * What was told last is the position {uidValidity, lastUid}; with it a successor goes on where this one stopped. Knows no
 * jobs and no subscribers (email_observe.h does). email_poll.h is the same for POP3. */
#ifndef PLATFORMS_EMAIL_WATCH_H
#define PLATFORMS_EMAIL_WATCH_H

#include <jansson.h>

struct email_account;
struct email_watch;
struct err;

enum email_watch_state {
	EMAIL_WATCH_CONNECTING,
	EMAIL_WATCH_ONLINE, /* what came while it was lost and whatever comes from now on is told */
	EMAIL_WATCH_RECONNECTING, /* lost */
	EMAIL_WATCH_FAILED        /* for good */
};

/* None is called from within email_watch_new(). */
struct email_watch_events {
	/* Each change. `why` has a code when it is RECONNECTING or FAILED; ONLINE with ERR_CONFLICT: the server has
	 * numbered its mails anew, what was there counts as known. May free the watch. */
	void (*state)(void *arg, enum email_watch_state state, const struct err *why);
	/* A new mail as message, each once; TAKES. The position is behind it already. Must not free the watch. */
	void (*message)(void *arg, json_t *message);
	/* 1: new mails are wanted with bodies. */
	int (*wants_bodies)(void *arg);
	void *arg;
};

/* Connects. `folder` is copied; `position` (NULL: from now on) is what email_watch_position() gave before. The account
 * must have usable imap credentials. GIVES. */
struct email_watch *email_watch_new(struct email_account *a, const char *folder,
	const json_t *position, const struct email_watch_events *events);
/* Sets NULL; NULL inside is legal. */
void email_watch_free(struct email_watch **w);

/* {"uidValidity":1385000000,"lastUid":41}; null before the first ONLINE. GIVES. */
json_t *email_watch_position(const struct email_watch *w);

#endif
