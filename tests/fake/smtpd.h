/* SPDX-License-Identifier: MIT */
/* smtpd - an SMTP server on a free port of 127.0.0.1 that does as it is told, in threads of its own: for tests of
 * what a client does when a server misbehaves.
 *
 * Without rules it is an ordinary one without TLS: AUTH PLAIN and XOAUTH2 with anything, every sender and recipient,
 * and mails are kept. Commands and mails are recorded. */
#ifndef TESTS_FAKE_SMTPD_H
#define TESTS_FAKE_SMTPD_H

#include "core/base.h"

struct smtpd;

/* What happens instead of the ordinary reply. The first rule that fits counts. */
struct smtpd_rule {
	/* Begin of the command's line; "CONNECT": instead of the greeting, "BODY": at the first line of a mail, ".":
	 * at its end. NULL ends the table. */
	const char *on;
	const char *reply; /* with its line ends; NULL: the connection is closed */
	int nth;           /* only the nth time in the server's life, from 1; 0: always */
	unsigned delay_ms; /* before the reply */
	int slowly;        /* byte by byte */
	int endless;       /* the reply again and again */
	int hang;          /* no reply at all */
	int then_close;    /* after the reply */
};

/* `rules` may be NULL; KEPT. GIVES. */
struct smtpd *smtpd_new(const struct smtpd_rule *rules);
void smtpd_free(struct smtpd *s);
int smtpd_port(const struct smtpd *s);
/* All commands so far, a line each, ends of mails as "."; copied. GIVES. */
char *smtpd_commands(struct smtpd *s);
/* How many commands began so; "CONNECT" counts connections, "CLOSE" those that are gone. */
int smtpd_count(struct smtpd *s, const char *command);
/* The mail that came last, as it was on the wire (with dot-stuffing, without the final dot). GIVES. */
char *smtpd_mail(struct smtpd *s);

#endif
