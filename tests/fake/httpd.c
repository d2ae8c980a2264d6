/* SPDX-License-Identifier: MIT */
#include "tests/fake/httpd.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"

#define MAX_HANGING 64

struct httpd {
	struct MHD_Daemon *daemon;
	const struct httpd_reply *replies;
	pthread_mutex_t lock;
	json_t *requests;
	struct MHD_Connection *hanging[MAX_HANGING];
	size_t n_hanging;
	int stopping;
};

/* A request while its body comes in. */
struct request {
	struct buf body;
	int counted;
};

static enum MHD_Result on_header(
	void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	UNUSED(kind);
	json_object_set_new(arg, key, json_string(value));
	return MHD_YES;
}

static void note(struct httpd *h, struct MHD_Connection *c, const char *method, const char *path,
	const struct buf *body)
{
	json_t *r = json_object(), *headers = json_object();

	MHD_get_connection_values(c, MHD_HEADER_KIND, on_header, headers);
	json_object_set_new(r, "method", json_string(method));
	json_object_set_new(r, "path", json_string(path));
	json_object_set_new(r, "body", json_stringn_nocheck(buf_str(body), body->len));
	json_object_set_new(r, "headers", headers);
	pthread_mutex_lock(&h->lock);
	json_array_append_new(h->requests, r);
	pthread_mutex_unlock(&h->lock);
}

static ssize_t endless(void *arg, uint64_t pos, char *out, size_t max)
{
	UNUSED(arg);
	UNUSED(pos);
	memset(out, 'x', max);
	return (ssize_t)max;
}

static struct MHD_Response *response(const struct httpd_reply *r, int *status)
{
	const char *body = r->body != NULL ? r->body : "";
	size_t len = r->len > 0 ? r->len : strlen(body);
	struct MHD_Response *m;

	*status = r->status != 0 ? r->status : 200;
	if (r->endless)
		m = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, endless, NULL, NULL);
	else
		m = MHD_create_response_from_buffer(len, (void *)body, MHD_RESPMEM_PERSISTENT);
	for (const char *const *line = r->headers; line != NULL && *line != NULL; line++) {
		char *name = mem_strdup(*line), *colon = strchr(name, ':');
		*colon = '\0';
		MHD_add_response_header(m, name, colon + 2);
		mem_free(name);
	}
	if (r->etag != NULL)
		MHD_add_response_header(m, "ETag", r->etag);
	return m;
}

static enum MHD_Result reply(struct httpd *h, struct MHD_Connection *c, const char *path)
{
	static const struct httpd_reply missing = {.status = 404,
		.body = "<!DOCTYPE html><html><body>404 <b>not here</b></body></html>"};
	const struct httpd_reply *r = h->replies;
	const char *match = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "If-None-Match");
	struct MHD_Response *m;
	enum MHD_Result rc;
	int status;

	while (r->path != NULL && strcmp(r->path, path) != 0)
		r++;
	if (r->path == NULL)
		r = &missing;
	if (r->delay_ms > 0)
		usleep(r->delay_ms * 1000);
	if (r->hang && !h->stopping) {
		pthread_mutex_lock(&h->lock);
		assert(h->n_hanging < MAX_HANGING);
		h->hanging[h->n_hanging++] = c;
		pthread_mutex_unlock(&h->lock);
		MHD_suspend_connection(c);
		return MHD_YES;
	}
	m = response(r, &status);
	if (r->etag != NULL && match != NULL && strcmp(match, r->etag) == 0) {
		struct httpd_reply same = *r;
		MHD_destroy_response(m);
		same.body = "";
		same.len = 0;
		m = response(&same, &status);
		status = 304;
	}
	rc = MHD_queue_response(c, (unsigned)status, m);
	MHD_destroy_response(m);
	return rc;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *path,
	const char *method, const char *version, const char *bytes, size_t *len, void **state)
{
	struct httpd *h = arg;
	struct request *r = *state;

	UNUSED(version);
	if (r == NULL) {
		*state = mem_alloc(sizeof *r);
		return MHD_YES;
	}
	if (*len > 0) {
		buf_add(&r->body, bytes, *len);
		*len = 0;
		return MHD_YES;
	}
	if (!r->counted)
		note(h, c, method, path, &r->body);
	r->counted = 1;
	return reply(h, c, path);
}

static void on_completed(
	void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct request *r = *state;

	UNUSED(arg);
	UNUSED(c);
	UNUSED(why);
	if (r != NULL)
		buf_release(&r->body);
	mem_free(r);
}

struct httpd *httpd_new(const struct httpd_reply *replies, const char *const tls[2])
{
	struct httpd *h = mem_alloc(sizeof *h);
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct MHD_OptionItem with_tls[] = {
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls != NULL ? (void *)tls[0] : NULL},
		{MHD_OPTION_HTTPS_MEM_CERT, 0, tls != NULL ? (void *)tls[1] : NULL},
		{MHD_OPTION_END, 0, NULL}};
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME;

	pthread_mutex_init(&h->lock, NULL);
	h->replies = replies;
	h->requests = json_array();
	h->daemon = MHD_start_daemon(flags | (tls != NULL ? MHD_USE_TLS : 0), 0, NULL, NULL,
		on_request, h, MHD_OPTION_SOCK_ADDR, &sa, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
		NULL, MHD_OPTION_ARRAY, tls != NULL ? with_tls : &with_tls[2], MHD_OPTION_END);
	if (h->daemon == NULL) {
		fprintf(stderr, "fake httpd: can not start\n");
		abort();
	}
	return h;
}

void httpd_free(struct httpd *h)
{
	pthread_mutex_lock(&h->lock);
	h->stopping = 1;
	for (size_t i = 0; i < h->n_hanging; i++)
		MHD_resume_connection(h->hanging[i]);
	pthread_mutex_unlock(&h->lock);
	MHD_stop_daemon(h->daemon);
	json_decref(h->requests);
	pthread_mutex_destroy(&h->lock);
	mem_free(h);
}

int httpd_port(const struct httpd *h)
{
	return MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

char *httpd_url(const struct httpd *h, const char *path)
{
	return mem_printf("http://127.0.0.1:%d%s", httpd_port(h), path);
}

size_t httpd_count(struct httpd *h, const char *path)
{
	size_t n = 0, i;
	json_t *r;

	pthread_mutex_lock(&h->lock);
	json_array_foreach (h->requests, i, r) {
		const char *asked = json_string_value(json_object_get(r, "path"));
		n += path == NULL || strcmp(asked, path) == 0;
	}
	pthread_mutex_unlock(&h->lock);
	return n;
}

json_t *httpd_last(struct httpd *h)
{
	json_t *copy;

	pthread_mutex_lock(&h->lock);
	copy = json_deep_copy(json_array_get(h->requests, json_array_size(h->requests) - 1));
	pthread_mutex_unlock(&h->lock);
	return copy;
}
