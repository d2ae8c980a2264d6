/* SPDX-License-Identifier: MIT */
/* email_server_echo - whether what a server says repeats a secret.
 *
 * Some servers quote the command that they do not understand, and a command of a login holds the password: as it is,
 * in the quotes of IMAP, or in base64 together with other things. Pure. */
#ifndef PLATFORMS_EMAIL_EMAIL_SERVER_ECHO_H
#define PLATFORMS_EMAIL_EMAIL_SERVER_ECHO_H

#include "core/mem.h"

/* 1 when 8 characters in a row of the secret, or all of a shorter one, are in the string `said`: plainly, with the
 * backslashes of an IMAP quoted string (RFC 3501, 4.3), or in base64 wherever they stand in what was encoded (SASL
 * PLAIN, LOGIN, XOAUTH2, OAUTHBEARER). 8, because a line may be cut. An empty secret is in nothing. */
int email_server_echoes(const struct secret *secret, const char *said);

#endif
