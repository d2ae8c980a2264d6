/* SPDX-License-Identifier: MIT */
/* imap_link - one logged-in IMAP connection: commands with tags and deadlines, their answers, IDLE.
 *
 * One command runs at a time, so that each untagged response belongs either to it or to the folder. Between
 * commands the link may wait for news: by IDLE (RFC 2177), renewed in time and ended before the next command, or
 * by NOOP. It knows no folder; imap.h queues and selects. */
#ifndef PLATFORMS_EMAIL_IMAP_LINK_H
#define PLATFORMS_EMAIL_IMAP_LINK_H

#include "core/err.h"
#include "platforms/email/imap_parse.h"

struct email_server;
struct imap_link;
struct imap_settings;
struct imap_write;
struct psession;

enum imap_link_capability {
	IMAP_LINK_IDLE = 1 << 0,
	IMAP_LINK_MOVE = 1 << 1,
	IMAP_LINK_UIDPLUS = 1 << 2,
	IMAP_LINK_LITERAL_PLUS = 1 << 3, /* or LITERAL- */
	IMAP_LINK_ESEARCH = 1 << 4,
	IMAP_LINK_SPECIAL_USE = 1 << 5,
	IMAP_LINK_LIST_EXTENDED = 1 << 6
};

/* All come from the loop. imap_link_free() may be called from each. */
struct imap_link_events {
	/* Logged in, capabilities known: commands may run. */
	void (*up)(void *arg);
	/* An untagged response that no command claimed. */
	void (*data)(void *arg, const struct imap_parse_response *r);
	/* It could not be made, or is gone; once, after the running command's `done`; nothing follows. */
	void (*down)(void *arg, const struct err *why);
	void *arg;
};

struct imap_link_calls {
	/* An untagged response while the command runs: 1 when it was the command's, 0 for the link's owner. NULL:
	 * none are. */
	int (*data)(void *arg, const struct imap_parse_response *r);
	/* The command's end. `r` with status OK, NO or BAD and `e` NULL; or, when the connection is gone, `r`
	 * NULL. Another command may be run from within when `r` is there. */
	void (*done)(void *arg, const struct imap_parse_response *r, const struct err *e);
	void *arg;
};

/* Connects and logs in. `ps`, `server` and `settings` (defaults filled in) are KEPT. GIVES. */
struct imap_link *imap_link_new(struct psession *ps, const struct email_server *server,
	const struct imap_settings *settings, const struct imap_link_events *ev);
/* LOGOUT if that can be said at once, and closes. No callback follows. Sets NULL; NULL inside is legal. */
void imap_link_free(struct imap_link **link);
/* enum imap_link_capability; from `up` on. */
unsigned imap_link_has(const struct imap_link *link);
/* Runs the command in `w` (TAKES its bytes) as soon as what runs has ended: news, or a command that was forgotten.
 * The link is up, and no other command waits or runs unforgotten. */
void imap_link_run(
	struct imap_link *link, struct imap_write *w, const struct imap_link_calls *calls);
/* The last command's callbacks are not wanted any more; it has to end within the time-out of the settings, or the
 * link goes down. */
void imap_link_forget(struct imap_link *link);
/* Whether to wait for news whenever no command runs. */
void imap_link_listen(struct imap_link *link, int listening);
/* No responses while `paused`: the server has to wait. Deadlines are suspended. */
void imap_link_pause(struct imap_link *link, int paused);
/* What a NO, BAD or BYE means, with the server's words: see imap_done_fn. Negative. */
int imap_link_explain(
	const struct imap_link *link, const struct imap_parse_response *r, struct err *e);

#endif
