/* SPDX-License-Identifier: MIT */
/* email_wire - a stream of bytes to a mail server that has accepted our login.
 *
 * libcurl looks up, connects, secures and logs in (CURLOPT_CONNECT_ONLY), then the socket is ours. What is said on
 * it is the business of imap_link, pop_link and smtp_link. Reading can be paused, so that a fast server waits for a slow reader.
 * Each wire has a curl_loop of its own: libcurl closes connections that idle in a multi handle when another is
 * made there. */
#ifndef PLATFORMS_EMAIL_EMAIL_WIRE_H
#define PLATFORMS_EMAIL_EMAIL_WIRE_H

#include "platforms/email/email_server.h"

struct email_wire;
struct err;
struct psession;

/* All come from the loop, never from within a call. email_wire_free() may be called from each. */
struct email_wire_events {
	/* Logged in: email_wire_write() from now on. */
	void (*up)(void *arg);
	/* Borrowed for the call; len > 0. */
	void (*bytes)(void *arg, const char *bytes, size_t len);
	/* The socket took some of what email_wire_write() had queued. NULL: not wanted. */
	void (*sent)(void *arg);
	/* A line of the server before `up`. Nothing may be called from it. NULL: not wanted. */
	email_server_line_fn *line;
	/* It could not be made, or is gone; once, and nothing follows. Errors of email_server_explain(), or
	 * of email_server_recall(); ERR_REMOTE: lost. */
	void (*down)(void *arg, const struct err *why);
	void *arg;
};

/* Connects. `ps` and `server` are KEPT until email_wire_free(). GIVES. */
struct email_wire *email_wire_new(
	struct psession *ps, const struct email_server *server, const struct email_wire_events *ev);
/* Closes at once. Sets NULL; NULL inside is legal. */
void email_wire_free(struct email_wire **wire);
/* Sends, or queues what the socket does not take: small things at any time, large ones in pieces, the next when
 * email_wire_left() is 0. Ignored unless it is up. */
void email_wire_write(struct email_wire *w, const void *bytes, size_t len);
/* Bytes that are queued. */
size_t email_wire_left(const struct email_wire *w);
/* No `bytes` while `paused`; what was read already may still be in libcurl and comes when it is over. */
void email_wire_pause(struct email_wire *w, int paused);

#endif
