/* SPDX-License-Identifier: MIT */
/* email_server_login - how a server is logged in to: by which mechanism, and when not to try again.
 *
 * For email_server.c alone: all others see email_server.h. It sets libcurl up for it and looks at what the server says
 * that it can do; libcurl leads the dialogue. */
#ifndef PLATFORMS_EMAIL_EMAIL_SERVER_LOGIN_H
#define PLATFORMS_EMAIL_EMAIL_SERVER_LOGIN_H

#include "platforms/email/email_server.h"

/* Names user, secret and mechanisms. */
void email_server_login_set(const struct email_server *s, CURL *easy);
/* A line of the server, for `call->offers`. Negative: libcurl must not go on. It was left the choice of the mechanism, as
 * the server had none, and now there are some: it might take Kerberos. The next handle has them named. */
int email_server_login_note(struct email_server_call *call, const char *line, size_t len);

#endif
