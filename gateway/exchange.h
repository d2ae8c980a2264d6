/* SPDX-License-Identifier: MIT */
/* exchange - one HTTP request and its answer, whatever transport carried it.
 *
 * A front (front_http.c, front_fcgi.c) reads a whole request, makes an exchange and hands it to the api
 * (gateway/api.c), which answers at once or much later: by one response, or by a stream. A parked exchange is a
 * small struct in the loop, never a thread. The api sees only this header; a front never looks at a path.
 *
 * Life: front calls api_request(x)  ->  api keeps x  ->  exactly one of
 *         exchange_respond(x)                          x is gone for the api when the call returns
 *         exchange_stream(x), exchange_write(x)*, exchange_end(x)   gone when exchange_end() returns
 *         exchange_upgrade(x), then x->upgraded(x)     called by the front; x is gone when it returns
 *         x->gone(x)     called by the front: the client left or the front closes; x is gone when it returns */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "core/buf.h"

struct exchange;

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER /* any other word: the api answers 405 */
};

/* The method a request line names (RFC 9110 section 9; the words are case-sensitive). */
enum http_method exchange_method(const char *word);

struct http_header {
	const char *name; /* canonical spelling, "Content-Type"; NULL ends a list */
	const char *value;
};

struct exchange_ops {
	/* A request header's value, name in any case; NULL when absent. Borrowed until the exchange ends. */
	const char *(*header)(struct exchange *x, const char *name);
	/* Sends status, headers (ends with .name == NULL; Content-Length is added by the front; no header for 204) and
	 * body. TAKES the body's memory (leaves it empty). For HEAD the front leaves the body out. May be called
	 * from within api_request(). */
	void (*respond)(struct exchange *x, int status, const struct http_header *headers,
		struct buf *body);
	/* Sends status and headers; the body follows by write(). */
	void (*stream)(struct exchange *x, int status, const struct http_header *headers);
	/* Queues body bytes (copied); they leave as soon as the socket takes them. */
	void (*write)(struct exchange *x, const void *bytes, size_t len);
	/* Ends a stream after what is queued. */
	void (*end)(struct exchange *x);
	/* Bytes of a stream queued and not yet taken by the socket. */
	size_t (*queued)(const struct exchange *x);
	/* Optional: NULL where the transport cannot. Answers 101 with the headers, then gives the connection away by
	 * x->upgraded(), never from within this call. < 0 (ERR_UNSUPPORTED): not with this request (HTTP/1.0);
	 * it has to be answered otherwise. */
	int (*upgrade)(struct exchange *x, const struct http_header *headers);
};

struct exchange {
	const struct exchange_ops *ops;
	/* --- the request, filled by the front; borrowed by the api until the exchange ends --- */
	enum http_method method;
	const char *path;  /* as sent, percent-encoded, without the query; starts with '/' */
	const char *query; /* without '?'; "" when there is none */
	struct buf
		body; /* at most limits.body_bytes; empty for a GET. The api may take or release it */
	/* What the front found wrong while reading (0: nothing): 400, 411, 413, or 503 when it has too many open. The api
	 * answers with it, so that both fronts give the same document. */
	int refused;
	/* --- set by the api while it keeps the exchange --- */
	void *owner;
	void (*gone)(struct exchange *x); /* see above; never NULL while the api keeps x */
	void (*drained)(
		struct exchange *x); /* optional: a stream's queue became empty after a write() */
	/* For who calls upgrade(): GIVES `fd`, a connected non-blocking stream socket that is nobody else's, with the `len`
	 * bytes that came behind the request already (borrowed). */
	void (*upgraded)(struct exchange *x, int fd, const void *early, size_t len);
	/* Optional: the response has been handed to the transport whole (ok = 1), or the connection broke before
	 * (ok = 0). The only callback after exchange_respond(); gets `sent_arg`, not x. */
	void (*sent)(void *sent_arg, int ok);
	void *sent_arg;
};

static inline const char *exchange_header(struct exchange *x, const char *name)
{
	return x->ops->header(x, name);
}

static inline void exchange_respond(
	struct exchange *x, int status, const struct http_header *headers, struct buf *body)
{
	x->ops->respond(x, status, headers, body);
}

static inline void exchange_stream(
	struct exchange *x, int status, const struct http_header *headers)
{
	x->ops->stream(x, status, headers);
}

static inline void exchange_write(struct exchange *x, const void *bytes, size_t len)
{
	x->ops->write(x, bytes, len);
}

static inline void exchange_end(struct exchange *x)
{
	x->ops->end(x);
}

static inline size_t exchange_queued(const struct exchange *x)
{
	return x->ops->queued(x);
}

static inline int exchange_upgrade(struct exchange *x, const struct http_header *headers)
{
	return x->ops->upgrade(x, headers);
}

/* --- what a front needs to know ------------------------------------------------------------------------------- */

/* The api's entry, given to a front when it is opened. */
typedef void exchange_handler_fn(void *api, struct exchange *x);

struct front_options {
	exchange_handler_fn *handler;
	void *api;
	size_t header_bytes; /* of a request's head; also bounds what a waiting connection costs (front_http) */
	size_t body_bytes; /* larger bodies: refused = 413, the rest is read and dropped or the connection closed */
};

#endif
