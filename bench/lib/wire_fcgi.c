/* SPDX-License-Identifier: MIT */
#include "bench/lib/wire.h"
#include <string.h>

/* FastCGI 1.0 section 3.3 and 8. */
enum {
	FCGI_BEGIN_REQUEST = 1,
	FCGI_END_REQUEST = 3,
	FCGI_PARAMS = 4,
	FCGI_STDIN = 5,
	FCGI_STDOUT = 6,
	FCGI_STDERR = 7
};
#define FCGI_VERSION    1
#define FCGI_RESPONDER  1
#define FCGI_KEEP_CONN  1
#define FCGI_HEADER_LEN 8
#define REQUEST_ID      1 /* one request at a time on a connection */

static void record(struct buf *out, int type, const void *content, size_t len)
{
	const unsigned char h[FCGI_HEADER_LEN] = {FCGI_VERSION, (unsigned char)type, 0, REQUEST_ID,
		(unsigned char)(len >> 8), (unsigned char)len, 0, 0};
	buf_add(out, h, sizeof(h));
	buf_add(out, content, len);
}

/* Section 3.4: one length byte below 128, else four with the top bit set. */
static void length(struct buf *out, size_t len)
{
	if (len > 127) {
		buf_add_char(out, (char)(0x80 | len >> 24));
		buf_add_char(out, (char)(len >> 16));
		buf_add_char(out, (char)(len >> 8));
	}
	buf_add_char(out, (char)len);
}

static void param(struct buf *out, const char *name, const char *value, size_t value_len)
{
	length(out, strlen(name));
	length(out, value_len);
	buf_add_str(out, name);
	buf_add(out, value, value_len);
}

static void param_str(struct buf *out, const char *name, const char *value)
{
	param(out, name, value, strlen(value));
}

/* What web servers make of a path below the one the responder is mounted at. */
static void path_params(struct buf *out, const struct wire_request *r)
{
	size_t len = strcspn(r->path, "?");
	size_t script = strlen(r->base);
	if (script > len || memcmp(r->path, r->base, script) != 0)
		script = len;
	param_str(out, "REQUEST_URI", r->path);
	param_str(out, "QUERY_STRING", r->path[len] == '?' ? r->path + len + 1 : "");
	param(out, "SCRIPT_NAME", r->path, script);
	param(out, "PATH_INFO", r->path + script, len - script);
}

static void fcgi_head(struct buf *out, const struct wire_request *r)
{
	const unsigned char begin[8] = {0, FCGI_RESPONDER, r->keep ? FCGI_KEEP_CONN : 0};
	record(out, FCGI_BEGIN_REQUEST, begin, sizeof(begin));
	struct buf p = BUF_INIT;
	path_params(&p, r);
	param_str(&p, "REQUEST_METHOD", r->method);
	param_str(&p, "SERVER_PROTOCOL", "HTTP/1.1");
	param_str(&p, "GATEWAY_INTERFACE", "CGI/1.1");
	param_str(&p, "SERVER_SOFTWARE", "bench");
	param_str(&p, "SERVER_NAME", "bench");
	param_str(&p, "SERVER_PORT", "80");
	param_str(&p, "REMOTE_ADDR", "127.0.0.1");
	param_str(&p, "HTTP_HOST", "bench");
	if (r->accept != NULL)
		param_str(&p, "HTTP_ACCEPT", r->accept);
	if (r->body_len > 0) {
		struct buf n = BUF_INIT;
		buf_printf(&n, "%zu", r->body_len);
		param_str(&p, "CONTENT_TYPE", "application/json");
		param_str(&p, "CONTENT_LENGTH", buf_str(&n));
		buf_release(&n);
	}
	record(out, FCGI_PARAMS, p.data, p.len);
	record(out, FCGI_PARAMS, NULL, 0);
	buf_release(&p);
}

static size_t fcgi_tail(struct buf *out, const char *body, size_t len)
{
	size_t at = out->len + FCGI_HEADER_LEN;
	if (len > 0)
		record(out, FCGI_STDIN, body, len);
	record(out, FCGI_STDIN, NULL, 0);
	return at;
}

/* Appends FCGI_STDOUT to `out`. Bytes used when FCGI_END_REQUEST came, 0 for more, -1 for bad. */
static long join(const unsigned char *b, size_t len, struct buf *out)
{
	size_t at = 0;
	while (len - at >= FCGI_HEADER_LEN) {
		const unsigned char *h = b + at;
		size_t content = (size_t)h[4] << 8 | h[5];
		size_t whole = FCGI_HEADER_LEN + content + h[6];
		if (h[0] != FCGI_VERSION || ((unsigned)h[2] << 8 | h[3]) != REQUEST_ID)
			return -1;
		if (len - at < whole)
			return 0;
		if (h[1] == FCGI_STDOUT && out->len + content <= WIRE_ANSWER_MAX)
			buf_add(out, h + FCGI_HEADER_LEN, content);
		else if (h[1] ==
			 FCGI_END_REQUEST) /* byte 4 of the content: FCGI_REQUEST_COMPLETE is 0 */
			return content == 8 && h[FCGI_HEADER_LEN + 4] == 0 ? (long)(at + whole)
									   : -1;
		else if (h[1] != FCGI_STDERR)
			return -1;
		at += whole;
	}
	return 0;
}

/* The first empty line of a CGI head, ended by LF or CR LF: where it begins, and its length.
 * NULL: not there yet. */
static const char *empty_line(const struct buf *out, size_t *len)
{
	const char *end = buf_str(out) + out->len;
	for (const char *p = buf_str(out); (p = memchr(p, '\n', (size_t)(end - p))) != NULL;) {
		p++;
		*len = end - p >= 2 && *p == '\r' ? 2 : 1;
		if (p < end && p[*len - 1] == '\n')
			return p;
	}
	return NULL;
}

/* RFC 3875 section 6: fields, an empty line, the body; 200 when there is no Status. 1, 0 for
 * more, -1 for bad. */
static int cgi_head(struct answer *a, const struct buf *out)
{
	size_t gap;
	const char *stop = empty_line(out, &gap);
	if (stop == NULL)
		return 0;
	struct wire_framing f = {-1, 0};
	a->status = 200;
	if (wire_fields(a, &f, out->data, stop) < 0 || f.chunked)
		return -1;
	a->body = stop + gap;
	a->body_len = out->len - (size_t)(a->body - out->data);
	return f.length >= 0 && a->body_len > (size_t)f.length ? -1 : 1;
}

static long fcgi_read(struct answer *a, const char *bytes, size_t len, struct buf *scratch)
{
	buf_clear(scratch);
	long used = join((const unsigned char *)bytes, len, scratch);
	if (used < 0)
		return -1;
	int head = cgi_head(a, scratch);
	if (head < 0 || (head == 0 && used > 0))
		return -1;
	return used;
}

const struct wire wire_fcgi = {
	.name = "fastcgi",
	.head = fcgi_head,
	.tail = fcgi_tail,
	.read = fcgi_read,
	.body_max = 65535, /* one FCGI_STDIN record, so that the body stays in one piece */
};
