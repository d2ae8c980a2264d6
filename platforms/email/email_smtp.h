/* SPDX-License-Identifier: MIT */
/* email_smtp - delivers the mails of one account: the SMTP transaction (RFC 5321, 3.3) over a few connections.
 *
 * A connection that is not used is kept for a while and serves the next mail. A recipient that is refused does not
 * keep the others from getting theirs. What was lost before the mail's end was handed over was not sent; what was
 * lost after that may have been, and is never repeated. Knows no jobs: email_send.h. */
#ifndef PLATFORMS_EMAIL_EMAIL_SMTP_H
#define PLATFORMS_EMAIL_EMAIL_SMTP_H

#include "core/err.h"

struct email_compose_mail;
struct email_server;
struct email_smtp;
struct email_smtp_delivery;
struct psession;

struct email_smtp_recipient {
	const char *address;
	int code;   /* of the server's reply; 2xx: taken. 0: not asked */
	char *text; /* of a refusal: the server's words, one line of UTF-8; else NULL */
};

/* `e->code` is ERR_NONE when the server took the mail for at least one recipient; else
 *   ERR_REMOTE           refused, by sender, every recipient or contents: the text has the server's code and words and
 *                        says whether it may work later; or the connection was lost: the text says that nothing was sent
 *   ERR_TOO_LARGE        larger than the server takes
 *   ERR_UNKNOWN_OUTCOME  lost, or no answer in time, after the mail's end was handed over
 *   ERR_TIMEOUT          no answer in time before that
 *   ERR_BUSY             too many mails wait
 * and what email_server_explain() gives. `to` has the `n` recipients of the mail, borrowed for the call. The delivery
 * is gone afterwards. */
typedef void email_smtp_done_fn(
	void *arg, const struct email_smtp_recipient *to, size_t n, const struct err *e);

/* Opens nothing yet. `ps` and `server` are KEPT until email_smtp_free(). A connection idles for at most `idle_ms`; 0:
 * it is closed at once. `timeout_ms` as in smtp_link_new(). GIVES. */
struct email_smtp *email_smtp_new(struct psession *ps, const struct email_server *server,
	unsigned idle_ms, unsigned timeout_ms);
/* Closes the connections; what is under way ends without callback. Sets NULL; NULL inside is legal. */
void email_smtp_free(struct email_smtp **smtp);

/* Sends `mail`, which is KEPT until `done` or email_smtp_cancel(). `done` comes once, from the loop, never from
 * within this call. GIVES. */
struct email_smtp_delivery *email_smtp_start(struct email_smtp *smtp,
	const struct email_compose_mail *mail, email_smtp_done_fn *done, void *arg);
/* Ends it without callback; the connection is closed, so that the server drops what it has, unless it has all of it.
 * Sets NULL; NULL inside is legal. */
void email_smtp_cancel(struct email_smtp_delivery **delivery);

#endif
