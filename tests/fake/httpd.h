/* SPDX-License-Identifier: MIT */
/* httpd - a web server on a free port of 127.0.0.1, in a thread of its own: for tests of what fetches.
 *
 * Answers from a table of paths and keeps a record of the requests. */
#ifndef TESTS_FAKE_HTTPD_H
#define TESTS_FAKE_HTTPD_H

#include <jansson.h>

#include "core/base.h"

struct httpd;

struct httpd_reply {
	const char *path;
	int status;                 /* 0: 200 */
	const char *const *headers; /* "Name: value", ended by NULL; or NULL */
	const char *body;           /* NULL: "" */
	size_t len;                 /* of the body; 0: strlen() */
	const char *etag;           /* sent; a request that has it in If-None-Match gets 304 */
	int hang;                   /* no answer until httpd_free() */
	int endless;                /* a body that does not end */
	unsigned delay_ms;          /* before the answer */
};

/* `replies` ends with a NULL path; KEPT. A path that is not there: 404 with HTML. With `tls` (PEM key and certificate)
 * the server speaks https. GIVES. */
struct httpd *httpd_new(const struct httpd_reply *replies, const char *const tls[2]);
void httpd_free(struct httpd *h);
int httpd_port(const struct httpd *h);
/* "http://127.0.0.1:PORT" + path. GIVES. */
char *httpd_url(const struct httpd *h, const char *path);
/* How many requests came for `path`; NULL: all. */
size_t httpd_count(struct httpd *h, const char *path);
/* Of the request that came last: {"method":..,"path":..,"body":..,"headers":{..}}. GIVES. */
json_t *httpd_last(struct httpd *h);

#endif
