/* SPDX-License-Identifier: MIT */
#include "gateway/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/json.h"
#include "core/mem.h"
#include "gateway/api_priv.h"
#include "gateway/cors.h"
#include "gateway/ws_handshake.h"

#define TOUCH_MS 1000

/* --- life -------------------------------------------------------------------------------------------------------------- */

static void on_touched(void *arg, int rc, const struct outbox_entry *entries, size_t n)
{
	UNUSED(arg);
	UNUSED(rc);
	UNUSED(entries);
	UNUSED(n);
}

/* A client that waits is a sign of life: renew its session a few times within its time to live. */
static void on_touch(uv_timer_t *timer)
{
	struct api *api = timer->data;
	const struct conf *c = api->parts.conf;
	uint64_t now = uv_now(api->parts.loop);
	uint64_t every = (uint64_t)MIN(c->session_ttl_s, c->session_unregistered_ttl_s) * 1000 / 3;
	struct parked *p;

	DL_FOREACH (api->parked, p) {
		struct outbox_read read = {.session = p->session, .after = "", .ack = ""};

		if (p->dormant || now - p->touched_at_ms < every)
			continue;
		p->touched_at_ms = now;
		(void)outbox_read(
			hub_commands(api->parts.hub, p->session.shard), c, &read, on_touched, NULL);
	}
}

struct api *api_new(const struct api_parts *parts)
{
	struct api *api = mem_alloc(sizeof *api);

	api->parts = *parts;
	uv_timer_init(parts->loop, &api->touch);
	api->touch.data = api;
	uv_timer_start(&api->touch, on_touch, TOUCH_MS, TOUCH_MS);
	return api;
}

static void on_api_closed(uv_handle_t *h)
{
	mem_free(h->data);
}

void api_free(struct api *api)
{
	if (api == NULL)
		return;
	assert(api->parked == NULL);
	uv_close((uv_handle_t *)&api->touch, on_api_closed);
}

void api_drain(struct api *api)
{
	struct parked *p, *next;

	api->draining = 1;
	DL_FOREACH_SAFE (api->parked, p, next)
		p->drain(p);
}

size_t api_waiting(const struct api *api)
{
	const struct parked *p;
	size_t n;

	DL_COUNT(api->parked, p, n);
	return n;
}

void api_cut(struct api *api)
{
	struct parked *p, *next;

	api->draining = 2;
	DL_FOREACH_SAFE (api->parked, p, next)
		if (!p->finished)
			p->drain(p);
}

/* --- parked --------------------------------------------------------------------------------------------------------------- */

static void on_parked_gone(struct exchange *x)
{
	struct parked *p = x->owner;

	p->x = NULL;
	parked_finish(p);
}

void parked_open(struct parked *p, struct api *api, const struct api_call *call)
{
	p->api = api;
	p->x = call->x;
	p->session = call->session;
	p->touched_at_ms = uv_now(api->parts.loop);
	call->x->owner = p;
	call->x->gone = on_parked_gone;
	uv_timer_init(api->parts.loop, &p->timer);
	p->timer.data = p;
	DL_APPEND(api->parked, p);
}

static void on_parked_closed(uv_handle_t *h)
{
	struct parked *p = h->data;

	p->release(p);
}

static void parked_close(struct parked *p)
{
	DL_DELETE(p->api->parked, p);
	uv_close((uv_handle_t *)&p->timer, on_parked_closed);
}

void parked_finish(struct parked *p)
{
	if (p->finished)
		return;
	p->finished = 1;
	delivery_detach(&p->waiter);
	uv_timer_stop(&p->timer);
	if (p->pending == 0)
		parked_close(p);
}

int parked_settle(struct parked *p)
{
	p->pending--;
	if (!p->finished)
		return 0;
	if (p->pending == 0)
		parked_close(p);
	return 1;
}

/* --- answers ---------------------------------------------------------------------------------------------------------------- */

#define MAX_HEADERS 16

struct header_list {
	struct http_header h[MAX_HEADERS + 1];
	size_t n;
};

static void add(struct header_list *l, const char *name, const char *value)
{
	assert(l->n < MAX_HEADERS);
	l->h[l->n++] = (struct http_header){name, value};
}

static void add_common(struct header_list *l, struct api *api, struct exchange *x, const char *type)
{
	if (type != NULL)
		add(l, "Content-Type", type);
	add(l, "Cache-Control", "no-store");
	add(l, "X-Content-Type-Options", "nosniff");
	l->n += cors_headers(api->parts.conf, x, l->h + l->n);
}

void api_answer(struct api *api, struct exchange *x, int status, const char *type,
	const struct http_header *extra, struct buf *body)
{
	struct header_list l = {.n = 0};

	add_common(&l, api, x, type);
	for (; extra != NULL && extra->name != NULL; extra++)
		add(&l, extra->name, extra->value);
	exchange_respond(x, status, l.h, body);
}

void api_stream_begin(struct api *api, struct exchange *x, const char *type)
{
	struct header_list l = {.n = 0};

	add_common(&l, api, x, type);
	add(&l, "X-Accel-Buffering",
		"no"); /* nginx hands chunks on at once, whatever its buffering is set to */
	exchange_stream(x, 200, l.h);
}

static const char *title_of(int status)
{
	static const struct {
		int status;
		const char *title;
	} rows[] = {
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{411, "Length Required"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{426, "Upgrade Required"},
		{429, "Too Many Requests"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return rows[i].title;
	return "Internal Server Error";
}

void api_problem_with(struct api *api, struct exchange *x, int code, const char *detail,
	const struct http_header *extra)
{
	int status = err_http_status(code);
	struct buf body = BUF_INIT;

	if (detail == NULL)
		detail = err_default_text(code);
	buf_printf(&body,
		"{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\","
		"\"detail\":",
		title_of(status), status, err_token(code));
	json_append_string(&body, detail, strlen(detail));
	buf_add_char(&body, '}');
	api->parts.metrics->problems++;
	api_answer(api, x, status, "application/problem+json", extra, &body);
}

void api_problem(struct api *api, struct exchange *x, int code, const char *detail)
{
	if (err_http_status(code) == 503)
		api_problem_retry(api, x, code, 1000);
	else
		api_problem_with(api, x, code, detail, NULL);
}

void api_problem_retry(struct api *api, struct exchange *x, int code, unsigned retry_ms)
{
	char seconds[16];
	struct http_header extra[2] = {{"Retry-After", seconds}, {NULL, NULL}};

	snprintf(seconds, sizeof seconds, "%u", (retry_ms + 999) / 1000);
	api_problem_with(api, x, code, NULL, extra);
}

void api_refuse_method(struct api *api, struct exchange *x, const char *allow)
{
	const struct http_header extra[2] = {{"Allow", allow}, {NULL, NULL}};

	api_problem_with(api, x, ERR_METHOD, NULL, extra);
}

/* --- the query ---------------------------------------------------------------------------------------------------------------- */

int api_query(const char *query, const char *name, char *out, size_t size)
{
	size_t name_len = strlen(name);

	while (*query != '\0') {
		size_t len = strcspn(query, "&");

		if (len > name_len && strncmp(query, name, name_len) == 0 &&
			query[name_len] == '=') {
			size_t value_len = len - name_len - 1;

			if (value_len >= size)
				return -(int)ERR_INVALID;
			memcpy(out, query + name_len + 1, value_len);
			out[value_len] = '\0';
			return 1;
		}
		query += len + (query[len] == '&');
	}
	return 0;
}

int api_query_number(const char *query, const char *name, long max, long fallback, long *out)
{
	char text[12];
	int rc = api_query(query, name, text, sizeof text);

	*out = fallback;
	if (rc <= 0)
		return rc;
	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		return -(int)ERR_INVALID;
	*out = MIN(strtol(text, NULL, 10), max);
	return 0;
}

int api_query_cursor(const char *query, const char *name, char out[OUTBOX_CURSOR_SIZE])
{
	int rc = api_query(query, name, out, OUTBOX_CURSOR_SIZE);

	if (rc == 0)
		*out = '\0';
	if (rc == 1 && !outbox_cursor_valid(out))
		return -(int)ERR_INVALID;
	return rc < 0 ? rc : 0;
}

/* RFC 9110 section 12.5.1, without weights other than 0: we have one representation to offer, or two. */
int api_accepts(const char *accept, const char *type)
{
	size_t major = strcspn(type, "/");

	if (accept == NULL || *accept == '\0')
		return 1;
	while (*accept != '\0') {
		size_t item = strcspn(accept, ",");
		size_t lead = strspn(accept, " \t");
		const char *range = accept + MIN(lead, item);
		size_t len = strcspn(range, ",; \t");
		const char *q = memmem(range, item - MIN(lead, item), "q=0", 3);
		int zero = q != NULL && q[3 + strspn(q + 3, ".0")] != '1' &&
			   strchr(",; \t", q[3 + strspn(q + 3, ".0")]) != NULL;
		int match = (len == strlen(type) && strncasecmp(range, type, len) == 0) ||
			    (len == 3 && strncmp(range, "*/*", 3) == 0) ||
			    (len == major + 2 && strncasecmp(range, type, major + 1) == 0 &&
				    range[len - 1] == '*');

		if (match && !zero)
			return 1;
		accept += item + (accept[item] == ',');
	}
	return 0;
}

/* --- routes ---------------------------------------------------------------------------------------------------------------------- */

static void route_session(struct api *api, struct api_call *call, int stream)
{
	struct exchange *x = call->x;

	if (session_ref_init(&call->session, call->sid, call->sid_len, hub_shards(api->parts.hub)) <
		0)
		api_problem(api, x, ERR_NO_SESSION, NULL);
	else if (stream && x->method == HTTP_GET)
		api_stream(api, call);
	else if (stream)
		api_refuse_method(api, x, "GET, OPTIONS");
	else if (x->method == HTTP_POST)
		api_post(api, call);
	else if (x->method == HTTP_GET)
		api_poll(api, call);
	else if (x->method == HTTP_DELETE)
		api_delete(api, call);
	else
		api_refuse_method(api, x, "GET, POST, DELETE, OPTIONS");
}

const char *api_bearer(struct exchange *x)
{
	const char *value = exchange_header(x, "Authorization");

	return value != NULL && strncasecmp(value, "Bearer ", 7) == 0 ? value + 7 : NULL;
}

static void sid_set(struct api_call *call, const char *sid, size_t len)
{
	call->sid = sid;
	call->sid_len = len;
}

/* `rest` is what follows BASE. The id may be in the path or in the Authorization header. */
static void route_base(struct api *api, struct api_call *call, const char *rest)
{
	const char *bearer = api_bearer(call->x);
	size_t len = strcspn(rest + (*rest == '/'), "/");
	const char *first = rest + (*rest == '/');
	const char *after = first + len;

	if (bearer != NULL)
		sid_set(call, bearer, strlen(bearer));
	if (len == strlen("schema") && strncmp(first, "schema", len) == 0) {
		call->name = *after == '/' ? after + 1 : NULL;
		if (call->x->method == HTTP_GET || call->x->method == HTTP_HEAD)
			api_schema(api, call);
		else
			api_refuse_method(api, call->x, "GET, HEAD, OPTIONS");
	} else if (len == 0 && call->sid != NULL) {
		route_session(api, call, 0);
	} else if (len == 0 && call->x->method == HTTP_POST) {
		api_post(api, call);
	} else if (len == 0) {
		api_refuse_method(api, call->x, "POST, OPTIONS");
	} else if (call->sid != NULL && *after == '\0' && strcmp(first, "stream") == 0) {
		route_session(api, call, 1);
	} else if (len == SESSION_ID_LEN && (*after == '\0' || strcmp(after, "/stream") == 0)) {
		sid_set(call, first, len);
		route_session(api, call, *after != '\0');
	} else {
		api_problem(api, call->x, *after == '\0' ? ERR_NO_SESSION : ERR_NOT_FOUND, NULL);
	}
}

const char *api_below_base(const struct api *api, const char *path)
{
	const char *base = api->parts.conf->base;
	size_t base_len = strcmp(base, "/") == 0 ? 0 : strlen(base);

	if (strncmp(path, base, base_len) != 0 || (path[base_len] != '\0' && path[base_len] != '/'))
		return NULL;
	return path + base_len;
}

/* A transport that cannot, and a method that may not, take the Upgrade header for nothing (RFC 9110 section 7.8). */
static int wants_socket(struct exchange *x)
{
	return x->ops->upgrade != NULL && x->method == HTTP_GET &&
	       ws_handshake_wanted(exchange_header(x, "Upgrade"));
}

static void route(struct api *api, struct api_call *call)
{
	const char *path = call->x->path;
	const char *rest = api_below_base(api, path);
	int read = call->x->method == HTTP_GET || call->x->method == HTTP_HEAD;

	if (wants_socket(call->x))
		api_ws(api, call);
	else if (strcmp(path, "/healthz") == 0 && read)
		api_health(api, call);
	else if (strcmp(path, "/readyz") == 0 && read)
		api_ready(api, call);
	else if (strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0)
		api_refuse_method(api, call->x, "GET, HEAD, OPTIONS");
	else if (rest != NULL)
		route_base(api, call, rest);
	else if (api->parts.files != NULL)
		api_file(api, call);
	else
		api_problem(api, call->x, ERR_NOT_FOUND, NULL);
}

static void refused_answer(struct api *api, struct exchange *x)
{
	api_problem(api, x,
		x->refused == 413   ? ERR_TOO_LARGE
		: x->refused == 411 ? ERR_LENGTH_REQUIRED
		: x->refused == 503 ? ERR_BUSY
				    : ERR_INVALID,
		NULL);
}

void api_request(void *arg, struct exchange *x)
{
	struct api *api = arg;
	struct api_call call = {.x = x};
	struct buf none = BUF_INIT;

	api->parts.metrics->requests++;
	if (x->refused != 0)
		refused_answer(api, x);
	else if (!cors_allows(api->parts.conf, x))
		api_problem(api, x, ERR_FORBIDDEN, "this origin may not use the gateway");
	else if (x->method == HTTP_OPTIONS)
		api_answer(api, x, 204, NULL, cors_preflight, &none);
	else
		route(api, &call);
}
