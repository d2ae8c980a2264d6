/* SPDX-License-Identifier: MIT */
/* api_priv - what the files of the api share: the request as it was understood, and the forms of an answer. */
#ifndef GATEWAY_API_PRIV_H
#define GATEWAY_API_PRIV_H

#include "core/conf.h"
#include "core/session.h"
#include "gateway/api.h"
#include "gateway/delivery.h"
#include "gateway/exchange.h"
#include "gateway/metrics.h"

#define API_WAIT_MAX_S     60
#define API_WAIT_DEFAULT_S 25
#define API_LIMIT_MAX      1000
#define API_LIMIT_DEFAULT  100
/* What one answer or one turn of a stream holds at most; a single message may be larger. */
#define API_PAGE_BYTES (1 << 20)

struct parked;

struct api {
	struct api_parts parts;
	struct parked *parked;
	uv_timer_t touch;
	int draining; /* 1: no new waiting; 2: api_cut(), at once */
	size_t n_sockets;
};

/* One request, routed. Lives on the stack of api_request(). */
struct api_call {
	struct exchange *x;
	const char *sid; /* as the client named it, not NUL-terminated; NULL: none was named */
	size_t sid_len;  /* SESSION_ID_LEN once the session is known to be possible */
	struct session_ref session;
	const char *name; /* of the platform, for the schema routes; NULL: none */
};

typedef void api_handler_fn(struct api *api, struct api_call *call);
api_handler_fn api_post, api_poll, api_stream, api_delete, api_schema, api_health, api_ready,
	api_ws, api_file;

/* --- something that waits: a poll, a stream, a request for its result ----------------------------------------------- */

/* Embed it first. Keeps the session alive while it waits, and lets api_drain() find it. */
struct parked {
	struct api *api;
	struct exchange *x; /* NULL: answered, or the client left */
	struct session_ref session;
	struct waiter waiter;
	uv_timer_t timer;
	void (*drain)(struct parked *p);   /* answer now with what there is */
	void (*release)(struct parked *p); /* frees; called when the timer handle has closed */
	int dormant; /* the session is not in Redis yet: there is nothing to keep alive */
	int pending; /* calls to Redis or the dispatcher whose answer will come */
	int finished;
	uint64_t touched_at_ms;
	struct parked *prev, *next;
};

/* `p` is zeroed memory; takes over the exchange. */
void parked_open(struct parked *p, struct api *api, const struct api_call *call);
/* No more timers, no more messages; release() follows once `pending` is 0. */
void parked_finish(struct parked *p);
/* An answer that was pending has come: 1 when the parked is over, and nothing but return is left to do. */
int parked_settle(struct parked *p);

/* --- answers ---------------------------------------------------------------------------------------------------------- */

/* Status, content type and body; TAKES the body. `extra` (may be NULL) ends with .name == NULL. */
void api_answer(struct api *api, struct exchange *x, int status, const char *type,
	const struct http_header *extra, struct buf *body);
/* A problem document (RFC 9457) for an ERR_* (negative or not), `detail` NULL: the table's text. */
void api_problem(struct api *api, struct exchange *x, int code, const char *detail);
/* 405 with an Allow header. */
void api_refuse_method(struct api *api, struct exchange *x, const char *allow);
/* The same with headers of its own; `extra` ends with .name == NULL. */
void api_problem_with(struct api *api, struct exchange *x, int code, const char *detail,
	const struct http_header *extra);
/* The same with Retry-After: `retry_ms` rounded up to seconds. */
void api_problem_retry(struct api *api, struct exchange *x, int code, unsigned retry_ms);
/* Begins a stream. */
void api_stream_begin(struct api *api, struct exchange *x, const char *type);

/* --- the path ------------------------------------------------------------------------------------------------------- */

/* What follows BASE in the path: "", "/..." or, when the path is not below BASE, NULL. */
const char *api_below_base(const struct api *api, const char *path);
/* The session id in the Authorization header (RFC 6750 section 2.1), as it came: a damaged one makes no new session. NULL:
 * none. Borrowed. */
const char *api_bearer(struct exchange *x);

/* --- the query -------------------------------------------------------------------------------------------------------- */

/* The value of `name` in the query, copied to `out`; 1 found, 0 not there, < 0 (ERR_INVALID) longer than `size`. Nothing here takes
 * characters that would need percent-encoding. */
int api_query(const char *query, const char *name, char *out, size_t size);
/* A whole number from 0; larger than `max` counts as `max`. < 0 (ERR_INVALID) when it is not a number. */
int api_query_number(const char *query, const char *name, long max, long fallback, long *out);
/* A cursor, or "" when it is not there. < 0 (ERR_INVALID). */
int api_query_cursor(const char *query, const char *name, char out[OUTBOX_CURSOR_SIZE]);
/* Does an Accept header (NULL: none was sent) admit the media type "application/json"? q=0 counts as no. */
int api_accepts(const char *accept, const char *type);

#endif
