/* SPDX-License-Identifier: MIT */
#include "gateway/fcgi_records.h"

#include <string.h>

enum { VERSION = 1 };
enum { TYPE_BEGIN = 1, TYPE_ABORT = 2, TYPE_END = 3, TYPE_STDOUT = 6 };

static void put_head(struct buf *out, unsigned type, unsigned id, size_t len)
{
	const unsigned char head[FCGI_HEAD_SIZE] = {VERSION, (unsigned char)type,
		(unsigned char)(id >> 8), (unsigned char)id, (unsigned char)(len >> 8),
		(unsigned char)len, 0, 0};
	buf_add(out, head, sizeof(head));
}

void fcgi_put_stdout(struct buf *out, unsigned id, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		size_t n = MIN(len, FCGI_CONTENT_MAX);
		put_head(out, TYPE_STDOUT, id, n);
		buf_add(out, at, n);
		at += n;
		len -= n;
	}
}

void fcgi_put_finish(struct buf *out, unsigned id)
{
	put_head(out, TYPE_STDOUT, id, 0);
	fcgi_put_end(out, id, FCGI_STATUS_COMPLETE);
}

void fcgi_put_end(struct buf *out, unsigned id, enum fcgi_status status)
{
	const unsigned char body[8] = {0, 0, 0, 0, (unsigned char)status, 0, 0, 0};

	put_head(out, TYPE_END, id, sizeof(body));
	buf_add(out, body, sizeof(body));
}

/* Moves as much as there is, up to `want`; returns how much that was. */
static size_t pass(const unsigned char **bytes, size_t *len, size_t want)
{
	size_t n = MIN(*len, want);

	*bytes += n;
	*len -= n;
	return n;
}

enum fcgi_event fcgi_reader_next(
	struct fcgi_reader *r, const unsigned char **bytes, size_t *len, unsigned *id)
{
	for (;;) {
		r->skip -= pass(bytes, len, r->skip);
		if (*len == 0)
			return FCGI_EVENT_NONE;
		const unsigned char *from = *bytes;
		size_t n = pass(bytes, len, FCGI_HEAD_SIZE - r->have);
		memcpy(r->head + r->have, from, n);
		r->have += n;
		if (r->head[0] != VERSION)
			return FCGI_EVENT_BAD;
		if (r->have < FCGI_HEAD_SIZE)
			return FCGI_EVENT_NONE;
		r->have = 0;
		r->skip = ((size_t)r->head[4] << 8 | r->head[5]) + r->head[6];
		*id = (unsigned)r->head[2] << 8 | r->head[3];
		if (r->head[1] == TYPE_ABORT)
			return FCGI_EVENT_ABORT;
		if (r->head[1] == TYPE_BEGIN)
			return FCGI_EVENT_BEGIN;
	}
}
