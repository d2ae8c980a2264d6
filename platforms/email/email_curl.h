/* SPDX-License-Identifier: MIT */
/* email_curl - libcurl's memory: what it frees is wiped.
 *
 * libcurl copies passwords and tokens, as they are and in base64, and frees the copies as it frees anything. The last go
 * when a connection is closed. */
#ifndef PLATFORMS_EMAIL_EMAIL_CURL_H
#define PLATFORMS_EMAIL_EMAIL_CURL_H

struct err;

/* Initialises libcurl in the process, before anybody else does and before there is any thread. ERR_INTERNAL. */
int email_curl_start(struct err *e);

#endif
