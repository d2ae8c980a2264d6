/* SPDX-License-Identifier: MIT */
/* http - the HTTP client of the platforms: libcurl's multi interface on the event loop.
 *
 * Every address is checked by core/outbound after resolution, on every redirect; only http and https are spoken;
 * certificates are verified; size, time, redirects and connections per host are bounded. Content-Encoding is undone.
 * No cookies, no .netrc, no user name in a URL, and no proxy: the http_proxy variables are ignored, since a proxy
 * would resolve names behind outbound's back. Nothing here blocks. Used by platforms; knows no platform. */
#ifndef CORE_HTTP_H
#define CORE_HTTP_H

#include <uv.h>

#include "core/buf.h"
#include "core/err.h"

struct outbound;
struct http_client;
struct http_transfer;

struct http_request {
	const char *url;
	const char *method;         /* NULL: GET */
	const char *const *headers; /* "Name: value" strings, ends with NULL; may be NULL */
	const void *body;           /* NULL: none. All of the request is copied */
	size_t body_len;
	size_t max_bytes;       /* of the decoded body; 0: 5 MiB */
	unsigned timeout_ms;    /* of the whole transfer; 0: 20,000 */
	unsigned max_redirects; /* 0: none are followed */
};

struct http_response {
	int status;      /* HTTP status of the last hop */
	const char *url; /* where the last hop was */
	struct buf body; /* may be taken over with buf_take() */
};

/* `e->code` is ERR_NONE when a response came, whatever its status; else ERR_INVALID (URL), ERR_RESOLVE, ERR_CONNECT,
 * ERR_TLS, ERR_BLOCKED, ERR_TIMEOUT, ERR_TOO_LARGE, ERR_REMOTE. The response is borrowed for the call.
 * The transfer is gone afterwards. */
typedef void http_done_fn(
	void *arg, struct http_transfer *t, struct http_response *r, const struct err *e);

/* `outbound` and `loop` are KEPT until http_client_free(). `user_agent` is copied. GIVES. */
struct http_client *http_client_new(
	uv_loop_t *loop, const struct outbound *outbound, const char *user_agent);
/* Cancels what still runs (no callbacks). */
void http_client_free(struct http_client *c);
/* The loop it runs on, for a platform that hands work to libuv's thread pool; borrowed. */
uv_loop_t *http_client_loop(const struct http_client *c);

/* Starts a transfer; `done` is called once, from the loop, never from within this call. GIVES a handle that is valid
 * until `done` or http_cancel(). */
struct http_transfer *http_start(
	struct http_client *c, const struct http_request *req, http_done_fn *done, void *arg);
/* A header of the last hop's response, or NULL; name in any case. Only within `done`. */
const char *http_response_header(const struct http_transfer *t, const char *name);
/* Ends the transfer without a callback; sets NULL. */
void http_cancel(struct http_transfer **t);

#endif
