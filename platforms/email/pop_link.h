/* SPDX-License-Identifier: MIT */
/* pop_link - one POP3 session (RFC 1939) of an account: list, headers, whole mails, deletion.
 *
 * libcurl connects, secures and logs in (email_wire.h); the dialogue behind is this file's, because libcurl says
 * QUIT with a blocking wait. The server locks the mailbox as long as the session lasts: open, ask, quit.
 * Operations are queued and run one after the other; callbacks come from the loop, never from within the call that
 * asked. Knows no jobs and no MIME. */
#ifndef PLATFORMS_EMAIL_POP_LINK_H
#define PLATFORMS_EMAIL_POP_LINK_H

#include "core/buf.h"
#include "core/err.h"

struct email_server;
struct psession;
struct pop_link;

struct pop_link_settings {
	unsigned
		timeout_ms; /* a server that owes an answer and is silent for so long is given up; 0: 30,000 */
	size_t max_mails; /* of a listing; the rest, the newest, is left out of it; 0: 100,000 */
};

struct pop_link_events {
	/* Logged in; the mailbox is locked. Operations may be queued before. NULL: not wanted. */
	void (*online)(void *arg);
	/* The session could not be had or is gone; once, after every operation got its `done`; not after a
	 * successful pop_link_quit(). ERR_AUTH, ERR_BUSY (the mailbox is locked by another session: [IN-USE], RFC
	 * 2449; too soon after the last: [LOGIN-DELAY]), ERR_RESOLVE, ERR_CONNECT, ERR_TLS, ERR_BLOCKED,
	 * ERR_TIMEOUT, ERR_REMOTE. */
	void (*offline)(void *arg, const struct err *why);
	void *arg;
};

struct pop_link_entry {
	uint32_t number; /* in this session */
	uint64_t size;   /* bytes; 0: not said */
	char uid[72]; /* UIDL, 1 to 70 printable characters (RFC 1939, 7); "" where the server has none */
};

struct pop_link_result {
	const struct pop_link_entry *entries; /* pop_link_list(): by number, the oldest first */
	size_t n_entries;
	size_t total; /* mails in the mailbox, of which `entries` may be the first max_mails */
	struct buf *
		bytes; /* pop_link_head(), pop_link_mail(): may be taken with buf_take(); else NULL */
	int truncated; /* `bytes` were cut at max_bytes */
};

/* `e->code` is ERR_NONE on success; ERR_NOT_FOUND: no such mail; ERR_UNSUPPORTED: the server has no TOP;
 * ERR_UNKNOWN_OUTCOME: the connection was lost while QUIT deleted; ERR_REMOTE: -ERR with the server's words, or
 * the connection was lost; and what offline may say. `r` is borrowed. */
typedef void pop_link_done_fn(void *arg, const struct pop_link_result *r, const struct err *e);

/* Connects and logs in. `ps` and `server` are KEPT until pop_link_free(). GIVES. */
struct pop_link *pop_link_new(struct psession *ps, const struct email_server *server,
	const struct pop_link_settings *settings, const struct pop_link_events *events);
/* Closes at once, without QUIT: nothing is deleted (RFC 1939, 6). No callback follows. May be called from any
 * callback. Sets NULL; NULL inside is legal. */
void pop_link_free(struct pop_link **link);
/* What is queued and what runs ends without callback; the session goes on. For callers whose job was cancelled. */
void pop_link_forget(struct pop_link *link, void *arg);

/* LIST, and UIDL where the server has it. */
void pop_link_list(struct pop_link *link, pop_link_done_fn *done, void *arg);
/* The header of mail `number`, TOP n 0; of at most `max_bytes`. */
void pop_link_head(struct pop_link *link, uint32_t number, size_t max_bytes, pop_link_done_fn *done,
	void *arg);
/* The mail, with CRLF line ends. Of a longer one than `max_bytes` the rest is read and dropped, because POP3 can not
 * ask for less. */
void pop_link_mail(struct pop_link *link, uint32_t number, size_t max_bytes, pop_link_done_fn *done,
	void *arg);
/* Marks mail `number`; it is deleted when pop_link_quit() succeeds. */
void pop_link_delete(struct pop_link *link, uint32_t number, pop_link_done_fn *done, void *arg);
/* Ends the session in order; what was marked is deleted. Only pop_link_free() may follow `done`. */
void pop_link_quit(struct pop_link *link, pop_link_done_fn *done, void *arg);

#endif
