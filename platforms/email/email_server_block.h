/* SPDX-License-Identifier: MIT */
/* email_server_block - the inside of struct email_server, and how it is read from the credentials.
 *
 * For email_server*.c alone: all others see email_server.h. */
#ifndef PLATFORMS_EMAIL_EMAIL_SERVER_BLOCK_H
#define PLATFORMS_EMAIL_EMAIL_SERVER_BLOCK_H

#include "core/err.h"
#include "core/mem.h"
#include "platforms/email/email_server.h"

enum email_server_security { EMAIL_SERVER_TLS, EMAIL_SERVER_STARTTLS, EMAIL_SERVER_PLAIN };

/* What is known from earlier logins, and may change while the rest does not. */
struct email_server_learnt {
	int no_sasl;        /* it has none of the mechanisms that are named to it */
	struct err refusal; /* ERR_NONE, or why the last login was refused */
	uint64_t refused_ms;
};

struct email_server {
	enum email_server_kind kind;
	enum email_server_security security;
	char *host; /* a name in ASCII, or an IP address without brackets */
	unsigned port;
	char *name;   /* host and port */
	char *domain; /* for EHLO; "" none */
	char *username;
	struct secret password, token; /* one of them is empty */
	int oauthbearer;
	char *ca_file; /* NULL: the system's authorities */
	int insecure;  /* certificates are not verified */
	unsigned connect_timeout_ms;
	struct email_server_learnt *learnt;
};

/* Fills the zeroed `s`; see email_server_new(). What was filled until a failure is the caller's to free too. */
int email_server_block_read(struct email_server *s, enum email_server_kind kind,
	const json_t *block, const json_t *settings, struct err *e);

#endif
