/* SPDX-License-Identifier: MIT */
#include "core/http.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/curl_guard.h"
#include "core/curl_loop.h"
#include "core/mem.h"

#define HTTP_CLIENT_MAGIC   0x68636c69u
#define HTTP_TRANSFER_MAGIC 0x68747261u

#define DEFAULT_MAX_BYTES   ((size_t)5 << 20)
#define DEFAULT_TIMEOUT_MS  20000u
#define CONNECT_TIMEOUT_MS  10000L /* leaves time for the next address of the host */
#define URL_SIZE            8192
#define HEADER_LINES        200 /* per response; libcurl bounds the line */
#define HEADER_BYTES        ((size_t)128 << 10)
#define IDLE_CONNECTIONS    32L
#define HOST_CONNECTIONS    6L
#define ALL_CONNECTIONS     128L

struct http_client {
	unsigned magic;
	uv_loop_t *loop;
	const struct outbound *outbound;
	struct curl_loop *curl;
	char *user_agent;
	struct http_transfer *first;
};

struct http_transfer {
	unsigned magic;
	struct http_client *client;
	struct http_transfer *next, **link; /* in client->first; link points at what points here */
	CURL *easy;
	int running; /* in the curl loop */
	struct curl_slist *headers;
	uv_timer_t timer; /* the deadline; fires at once when `early` says why it can not start */
	struct err early;
	http_done_fn *done;
	void *arg;
	char *host; /* for error texts */
	unsigned timeout_ms;
	size_t max_bytes;
	struct buf body;
	size_t header_bytes, header_lines;
	int body_too_large, header_too_large;
	struct curl_guard guard;
};

/* --- the end of a transfer ------------------------------------------------------------------------------------ */

static void on_timer_closed(uv_handle_t *h)
{
	mem_free(CONTAINER_OF(h, struct http_transfer, timer));
}

/* Frees all but the memory, which the timer's close callback frees. */
static void transfer_close(struct http_transfer *t)
{
	if (t->running)
		curl_loop_remove(t->client->curl, t->easy);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	buf_release(&t->body);
	mem_free(t->host);
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	t->magic = 0;
	uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

/* The callback may free the client: `t` is out of its list by then, and whole until the callback returns. */
static void transfer_finish(struct http_transfer *t, const struct err *e)
{
	struct http_response r = {0};
	const char *url = NULL;
	long status = 0;

	if (t->running)
		curl_loop_remove(t->client->curl, t->easy);
	t->running = 0;
	uv_timer_stop(&t->timer);
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	t->next = NULL;
	t->link = &t->next;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
	r.status = (int)status;
	r.url = url != NULL ? url : "";
	r.body = t->body;
	t->body = (struct buf)BUF_INIT;
	t->done(t->arg, t, &r, e);
	buf_release(&r.body);
	transfer_close(t);
}

static int url_part(CURLU *u, CURLUPart part, char **out)
{
	*out = NULL;
	return curl_url_get(u, part, out, 0) == CURLUE_OK ? 0 : -1;
}

static int is_tls_error(CURLcode rc)
{
	switch (rc) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return 1;
	default:
		return 0;
	}
}

static const char *errno_name(int sys)
{
	const char *name = sys != 0 ? strerrorname_np(sys) : NULL;

	return name != NULL ? name : "failed";
}

/* The host of the hop that runs, which redirects may have chosen. */
static void note_host(struct http_transfer *t)
{
	CURLU *u = curl_url();
	char *url = NULL, *host = NULL;

	curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
	if (url != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		url_part(u, CURLUPART_HOST, &host) == 0) {
		mem_free(t->host);
		t->host = mem_strdup(host);
	}
	curl_free(host);
	curl_url_cleanup(u);
}

/* libcurl's result in our terms. */
static void explain(struct http_transfer *t, CURLcode rc, struct err *e)
{
	const char *host, *why = curl_easy_strerror(rc);
	const char *blocked = curl_guard_blocked(&t->guard);
	long sys = 0;

	note_host(t);
	host = t->host;
	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &sys);
	*e = (struct err){0};
	if (rc == CURLE_OK)
		return;
	if (t->body_too_large || rc == CURLE_FILESIZE_EXCEEDED)
		err_set(e, ERR_TOO_LARGE, "%s sent more than %zu bytes", host, t->max_bytes);
	else if (t->header_too_large)
		err_set(e, ERR_TOO_LARGE, "%s sent too many header fields", host);
	else if (blocked != NULL)
		err_set(e, ERR_BLOCKED, "connect %s: the address %s is not allowed", host, blocked);
	else if (rc == CURLE_COULDNT_RESOLVE_HOST)
		err_set(e, ERR_RESOLVE, "getaddrinfo ENOTFOUND %s: no such host", host);
	else if (rc == CURLE_COULDNT_CONNECT)
		err_set(e, ERR_CONNECT, "connect %s %s: could not connect", errno_name((int)sys),
			host);
	else if (rc == CURLE_OPERATION_TIMEDOUT)
		err_set(e, ERR_TIMEOUT, "%s did not answer in time", host);
	else if (is_tls_error(rc))
		err_set(e, ERR_TLS, "%s: %s", host, why);
	else if (rc == CURLE_LOGIN_DENIED)
		err_set(e, ERR_INVALID, "a URL with user name or password is not allowed");
	else
		err_set(e, ERR_REMOTE, "%s: %s", host, why);
}

static void on_done(void *arg, CURL *easy, CURLcode rc)
{
	CAST(http_transfer, t, arg, HTTP_TRANSFER_MAGIC);
	struct err e;

	UNUSED(easy);
	t->running = 0;
	explain(t, rc, &e);
	transfer_finish(t, &e);
}

static void on_deadline(uv_timer_t *timer)
{
	CAST(http_transfer, t, CONTAINER_OF(timer, struct http_transfer, timer),
		HTTP_TRANSFER_MAGIC);
	struct err e = t->early;

	if (e.code == ERR_NONE)
		err_set(&e, ERR_TIMEOUT, "%s did not answer within %u ms", t->host, t->timeout_ms);
	transfer_finish(t, &e);
}

/* --- while it runs -------------------------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	CAST(http_transfer, t, arg, HTTP_TRANSFER_MAGIC);
	size_t len = size * n;

	if (len > t->max_bytes - t->body.len) {
		t->body_too_large = 1;
		return CURL_WRITEFUNC_ERROR;
	}
	buf_add(&t->body, bytes, len);
	return len;
}

/* libcurl keeps the fields (curl_easy_header()); here they are only bounded. A status line begins the next hop. */
static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
	CAST(http_transfer, t, arg, HTTP_TRANSFER_MAGIC);
	size_t len = size * n;

	if (len > 5 && memcmp(bytes, "HTTP/", 5) == 0) {
		t->header_bytes = t->header_lines = 0;
		curl_guard_reset(&t->guard);
		buf_clear(&t->body);
	}
	t->header_bytes += len;
	if (t->header_bytes > HEADER_BYTES || ++t->header_lines > HEADER_LINES) {
		t->header_too_large = 1;
		return CURL_WRITEFUNC_ERROR;
	}
	return len;
}

/* --- start ---------------------------------------------------------------------------------------------------- */

/* Checks what libcurl would only find out later, and notes the host. */
static int check_url(struct http_transfer *t, const char *url, struct err *e)
{
	char *scheme = NULL, *host = NULL, *user = NULL;
	CURLU *u = curl_url();
	int rc = 0;

	if (strnlen(url, URL_SIZE) == URL_SIZE)
		rc = err_set(e, ERR_INVALID, "Invalid URI: longer than %d bytes", URL_SIZE - 1);
	else if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		rc = err_set(e, ERR_INVALID, "Invalid URI \"%.100s\"", url);
	else if (url_part(u, CURLUPART_SCHEME, &scheme) < 0 ||
		 (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0))
		rc = err_set(e, ERR_INVALID, "Invalid URI: only http and https are allowed");
	else if (url_part(u, CURLUPART_USER, &user) == 0 ||
		 url_part(u, CURLUPART_PASSWORD, &user) == 0)
		rc = err_set(e, ERR_INVALID,
			"Invalid URI: user name and password are not allowed in it");
	else if (url_part(u, CURLUPART_HOST, &host) < 0)
		rc = err_set(e, ERR_INVALID, "Invalid URI: no host");
	t->host = mem_strdup(host != NULL ? host : "");
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(u);
	return rc;
}

static void add_header(struct http_transfer *t, const char *line)
{
	struct curl_slist *list = curl_slist_append(t->headers, line);

	assert(list != NULL);
	t->headers = list;
}

/* A line break in a field would let its author write fields of his own (RFC 9110, 5.5). */
static int set_headers(struct http_transfer *t, const char *const *headers, struct err *e)
{
	add_header(t, "Expect:"); /* no waiting for "100 Continue" */
	for (; headers != NULL && *headers != NULL; headers++) {
		if (strpbrk(*headers, "\r\n") != NULL)
			return err_set(e, ERR_INVALID, "a line break in a header field");
		add_header(t, *headers);
	}
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return 0;
}

static void set_method(CURL *c, const struct http_request *req)
{
	const char *method = req->method != NULL ? req->method : "GET";

	if (req->body != NULL || strcmp(method, "POST") == 0) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, req->body != NULL ? req->body : "");
	}
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	else if (strcmp(method, "POST") != 0 && strcmp(method, "GET") != 0)
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
}

static void set_options(struct http_transfer *t, const struct http_request *req)
{
	CURL *c = t->easy;

	curl_easy_setopt(c, CURLOPT_URL, req->url);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	/* Else the end of a transfer, by cancel or time-out, waits for a name look-up and blocks the loop. */
	curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, req->max_redirects > 0 ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)req->max_redirects);
	curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(c, CURLOPT_USERAGENT, t->client->user_agent);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_guard_init(&t->guard, t->client->outbound, c);
	set_method(c, req);
}

struct http_transfer *http_start(
	struct http_client *c, const struct http_request *req, http_done_fn *done, void *arg)
{
	struct http_transfer *t = mem_alloc(sizeof *t);

	t->magic = HTTP_TRANSFER_MAGIC;
	t->client = c;
	t->done = done;
	t->arg = arg;
	t->max_bytes = req->max_bytes > 0 ? req->max_bytes : DEFAULT_MAX_BYTES;
	t->timeout_ms = req->timeout_ms > 0 ? req->timeout_ms : DEFAULT_TIMEOUT_MS;
	t->next = c->first;
	t->link = &c->first;
	if (t->next != NULL)
		t->next->link = &t->next;
	c->first = t;
	t->easy = curl_easy_init();
	assert(t->easy != NULL);
	uv_timer_init(c->loop, &t->timer);
	uv_update_time(c->loop);
	if (check_url(t, req->url, &t->early) < 0 || set_headers(t, req->headers, &t->early) < 0) {
		uv_timer_start(&t->timer, on_deadline, 0, 0);
		return t;
	}
	set_options(t, req);
	uv_timer_start(&t->timer, on_deadline, t->timeout_ms, 0);
	curl_loop_add(c->curl, t->easy, on_done, t);
	t->running = 1;
	return t;
}

const char *http_response_header(const struct http_transfer *t, const char *name)
{
	struct curl_header *h;

	if (curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return NULL;
	return h->value;
}

void http_cancel(struct http_transfer **t)
{
	if (*t == NULL)
		return;
	assert((*t)->magic == HTTP_TRANSFER_MAGIC);
	transfer_close(*t);
	*t = NULL;
}

/* --- the client ----------------------------------------------------------------------------------------------- */

struct http_client *http_client_new(
	uv_loop_t *loop, const struct outbound *outbound, const char *user_agent)
{
	struct http_client *c = mem_alloc(sizeof *c);
	CURLM *multi;

	c->magic = HTTP_CLIENT_MAGIC;
	c->loop = loop;
	c->outbound = outbound;
	c->user_agent = mem_strdup(user_agent);
	c->curl = curl_loop_new(loop);
	multi = curl_loop_multi(c->curl);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS);
	curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, HOST_CONNECTIONS);
	curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, ALL_CONNECTIONS);
	return c;
}

void http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	while (c->first != NULL)
		transfer_close(c->first);
	curl_loop_free(c->curl);
	mem_free(c->user_agent);
	mem_free(c);
}

uv_loop_t *http_client_loop(const struct http_client *c)
{
	return c->loop;
}
