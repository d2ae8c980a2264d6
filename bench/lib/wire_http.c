/* SPDX-License-Identifier: MIT */
#include "bench/lib/wire.h"
#include <string.h>

#define HEAD_MAX 65536u

static void http_head(struct buf *out, const struct wire_request *r)
{
	buf_printf(out, "%s %s HTTP/1.1\r\nHost: bench\r\n", r->method, r->path);
	if (r->accept != NULL)
		buf_printf(out, "Accept: %s\r\n", r->accept);
	if (r->body_len > 0)
		buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			r->body_len);
	buf_add_str(out, "\r\n");
}

static size_t http_tail(struct buf *out, const char *body, size_t len)
{
	size_t at = out->len;
	buf_add(out, body, len);
	return at;
}

/* RFC 9112 section 4: "HTTP/1.1 200 reason". */
static int status_of(const char *p, size_t len)
{
	if (len < 12 || memcmp(p, "HTTP/1.", 7) != 0 || p[8] != ' ')
		return -1;
	int v = 0;
	for (int i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v < 200 ? -1 : v; /* nothing here asks for an interim answer */
}

/* The size at the start of a chunk (RFC 9112 section 7.1); moves *p behind its line. 0 found, 1
 * needs more, -1 bad. */
static int chunk_size(const char **p, const char *end, size_t *size)
{
	const char *eol = memchr(*p, '\n', (size_t)(end - *p));
	if (eol == NULL)
		return end - *p > 64 ? -1 : 1;
	size_t v = 0;
	const char *d = *p;
	for (; d < eol; d++) {
		int x = *d >= '0' && *d <= '9' ? *d - '0' : (*d | 0x20) - 'a' + 10;
		if (x < 0 || x > 15 || v > WIRE_ANSWER_MAX)
			break;
		v = v * 16 + (size_t)x;
	}
	if (d == *p || (*d != '\r' && *d != ';') || eol[-1] != '\r')
		return -1;
	*size = v;
	*p = eol + 1;
	return 0;
}

/* Copies the chunks into `body`. Bytes used, 0 for more, -1 for bad; the trailer section has to
 * be empty. */
static long unchunk(const char *from, size_t len, struct buf *body)
{
	const char *p = from, *end = from + len;
	for (;;) {
		size_t size;
		int state = chunk_size(&p, end, &size);
		if (state != 0)
			return state < 0 ? -1 : 0;
		if (body->len + size > WIRE_ANSWER_MAX)
			return -1;
		if ((size_t)(end - p) < size + 2)
			return 0;
		if (memcmp(p + size, "\r\n", 2) != 0)
			return -1;
		buf_add(body, p, size);
		p += size + 2;
		if (size == 0)
			return p - from;
	}
}

static long http_read(struct answer *a, const char *bytes, size_t len, struct buf *scratch)
{
	const char *stop = memmem(bytes, len, "\r\n\r\n", 4);
	if (stop == NULL)
		return len > HEAD_MAX ? -1 : 0;
	const char *body = stop + 4;
	size_t head_len = (size_t)(body - bytes), rest = len - head_len;
	int status = status_of(bytes, head_len);
	if (status < 0)
		return -1;
	struct wire_framing f = {-1, 0};
	const char *line = memchr(bytes, '\n', head_len);
	if (wire_fields(a, &f, line + 1, stop + 2) < 0)
		return -1;
	a->status = status;
	if (f.chunked) {
		buf_clear(scratch);
		long used = unchunk(body, rest, scratch);
		a->body = buf_str(scratch);
		a->body_len = scratch->len;
		return used > 0 ? used + (long)head_len : used;
	}
	if (status == 204)
		f.length = 0;
	if (f.length < 0 || f.length > (long long)WIRE_ANSWER_MAX)
		return -1;
	a->body = body;
	a->body_len = MIN(rest, (size_t)f.length);
	return rest >= (size_t)f.length ? (long)head_len + (long)f.length : 0;
}

const struct wire wire_http = {
	.name = "http",
	.head = http_head,
	.tail = http_tail,
	.read = http_read,
	.body_max = 8u << 20,
};
