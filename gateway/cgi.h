/* SPDX-License-Identifier: MIT */
/* cgi - what a request looks like as CGI variables, and a response's head as CGI fields (RFC 3875).
 *
 * Pure: turns the variables of a web server into method, path, query and headers, and a status with headers into the
 * lines that a web server expects. Knows neither FastCGI nor what the paths mean. */
#ifndef GATEWAY_CGI_H
#define GATEWAY_CGI_H

#include "core/buf.h"
#include "gateway/exchange.h"

#define CGI_VARIABLES_MAX \
	(64 * 1024) /* bytes of all variables kept; web servers allow 8 to 32 KiB */
#define CGI_LENGTH_UNKNOWN (-1)

struct cgi_request {
	enum http_method method;
	const char *path;         /* starts with '/'; borrowed from this struct, as `query` */
	const char *query;        /* "" when there is none */
	long long content_length; /* CGI_LENGTH_UNKNOWN when not said */
	char *target;             /* where path and query lie */
	struct buf variables;     /* "NAME=value" NUL "NAME=value" NUL ... */
};

/* An empty request, "/" without variables. Release with cgi_request_release(). */
void cgi_request_init(struct cgi_request *r);
/* Keeps a copy of a variable when it matters here; the first of a name counts. Neither has to end with a NUL. < 0 when
 * all variables together are larger than CGI_VARIABLES_MAX. */
int cgi_request_add(struct cgi_request *r, const char *name, size_t name_len, const char *value,
	size_t value_len);
/* After the last variable: fills the fields above. Returns 0, or 400 when the variables do not make a request; then path
 * is "/" and the rest is as far as it was understood. The path comes from REQUEST_URI; without it from SCRIPT_NAME and
 * PATH_INFO (RFC 3875, 4.1), encoded again. */
int cgi_request_parse(struct cgi_request *r);
void cgi_request_release(struct cgi_request *r);
/* The header's value or NULL; the name in any case (RFC 3875, 4.1.18). Borrowed until release. */
const char *cgi_request_header(const struct cgi_request *r, const char *name);

/* Appends "Status: ...", the headers, Content-Length when `content_length` >= 0, and the empty line (RFC 3875, 6.3).
 * A header whose name or value could break out of its line is left out and logged. */
void cgi_put_head(
	struct buf *out, int status, const struct http_header *headers, long long content_length);

#endif
