/* SPDX-License-Identifier: MIT */
/* smtp_link - one connection to an SMTP server that has accepted our login: commands out, replies in, a mail's bytes
 * out.
 *
 * libcurl connects, secures and logs in (email_wire.h); the dialogue behind is ours, because libcurl 7.88 blocks while it
 * waits for the reply to a mail, and does not tell which recipient was refused. Knows no transaction: email_smtp.h is
 * the layer above. A mail is taken from its owner piece by piece, as the socket takes it. */
#ifndef PLATFORMS_EMAIL_SMTP_LINK_H
#define PLATFORMS_EMAIL_SMTP_LINK_H

#include "core/buf.h"
#include "core/err.h"
#include "platforms/email/smtp_reply.h"

struct email_server;
struct psession;
struct smtp_link;

/* All come from the loop, never from within a call; smtp_link_free() may be called from each. */
struct smtp_link_events {
	/* Logged in. */
	void (*up)(void *arg);
	/* To the oldest command without one; borrowed for the call. */
	void (*reply)(void *arg, const struct smtp_reply *reply);
	/* It could not be made, or is gone; once, and nothing follows. Errors of email_server_explain(); ERR_REMOTE:
	 * lost, or not SMTP; ERR_TIMEOUT. */
	void (*down)(void *arg, const struct err *why);
	void *arg;
};

/* Connects. `ps` and `server` are KEPT until smtp_link_free(). A server that owes a reply, or does not take bytes, is
 * given up after `timeout_ms`; one that owes that to the end of a mail after four times as long. RFC 5321, 4.5.3.2.6
 * asks for 10 minutes there, but a job has less. GIVES. */
struct smtp_link *smtp_link_new(struct psession *ps, const struct email_server *server,
	unsigned timeout_ms, const struct smtp_link_events *events);
/* Closes; says QUIT if that needs no waiting. Sets NULL; NULL inside is legal. */
void smtp_link_free(struct smtp_link **link);

/* What the server offered (EHLO). */
int smtp_link_has_pipelining(const struct smtp_link *link);
int smtp_link_has_size(const struct smtp_link *link);
/* The largest mail it takes, in bytes; 0: not said. */
unsigned long long smtp_link_max_size(const struct smtp_link *link);

/* Sends one command; a reply follows. CR LF is added. */
void smtp_link_command(struct smtp_link *link, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Sends a mail, after the server's 354, with dot-stuffing and the final dot (RFC 5321, 4.5.2); a reply follows.
 * `mail` is KEPT until then or until the link is freed; its lines end with CR LF. */
void smtp_link_mail(struct smtp_link *link, const struct buf *mail);
/* 1 from when the final dot was handed to the socket: from then on only the server knows whether it has the mail. 0
 * again with the next command. */
int smtp_link_is_mail_out(const struct smtp_link *link);

#endif
