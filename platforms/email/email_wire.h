/* SPDX-License-Identifier: MIT */
/* email_wire - a stream of bytes to a mail server that has accepted our login.
 *
 * libcurl looks up, connects, secures and logs in (CURLOPT_CONNECT_ONLY), then the socket is ours. What is said on
 * it is imap_link's and pop_link's business. Reading can be paused, so that a fast server waits for a slow reader.
 * Each wire has a curl_loop of its own: libcurl closes connections that idle in a multi handle when another is
 * made there. */
#ifndef PLATFORMS_EMAIL_EMAIL_WIRE_H
#define PLATFORMS_EMAIL_EMAIL_WIRE_H

#include "core/base.h"

struct email_server;
struct email_wire;
struct err;
struct psession;

/* All come from the loop, never from within a call. email_wire_free() may be called from each. */
struct email_wire_events {
	/* Logged in: email_wire_write() from now on. */
	void (*up)(void *arg);
	/* Borrowed for the call; len > 0. */
	void (*bytes)(void *arg, const char *bytes, size_t len);
	/* It could not be made, or is gone; once, and nothing follows. Errors of email_server_explain();
	 * ERR_REMOTE: lost. */
	void (*down)(void *arg, const struct err *why);
	void *arg;
};

/* Connects. `ps` and `server` are KEPT until email_wire_free(). GIVES. */
struct email_wire *email_wire_new(
	struct psession *ps, const struct email_server *server, const struct email_wire_events *ev);
/* Closes at once. Sets NULL; NULL inside is legal. */
void email_wire_free(struct email_wire **wire);
/* Sends, or queues what the socket does not take: the caller waits for answers, so that this stays small. Ignored
 * unless it is up. */
void email_wire_write(struct email_wire *w, const void *bytes, size_t len);
/* No `bytes` while `paused`; what was read already may still be in libcurl and comes when it is over. */
void email_wire_pause(struct email_wire *w, int paused);

#endif
