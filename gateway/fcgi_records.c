/* SPDX-License-Identifier: MIT */
#include "gateway/fcgi_records.h"

#include <string.h>

enum { VERSION = 1 };

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
		put_head(out, FCGI_TYPE_STDOUT, id, n);
		buf_add(out, at, n);
		at += n;
		len -= n;
	}
}

void fcgi_put_finish(struct buf *out, unsigned id)
{
	put_head(out, FCGI_TYPE_STDOUT, id, 0);
	fcgi_put_end(out, id, FCGI_STATUS_COMPLETE);
}

void fcgi_put_end(struct buf *out, unsigned id, enum fcgi_status status)
{
	const unsigned char body[8] = {0, 0, 0, 0, (unsigned char)status, 0, 0, 0};

	put_head(out, FCGI_TYPE_END, id, sizeof(body));
	buf_add(out, body, sizeof(body));
}

void fcgi_put_management(struct buf *out, unsigned type)
{
	const unsigned char body[8] = {(unsigned char)type, 0, 0, 0, 0, 0, 0, 0};

	if (type == FCGI_TYPE_GET_VALUES) {
		put_head(out, FCGI_TYPE_GET_VALUES_RESULT, 0, 0);
		return;
	}
	put_head(out, FCGI_TYPE_UNKNOWN, 0, sizeof(body));
	buf_add(out, body, sizeof(body));
}

/* Moves as far as there are bytes, up to `want`; returns how far that was. */
static size_t pass(const unsigned char **bytes, size_t *len, size_t want)
{
	size_t n = MIN(*len, want);

	*bytes += n;
	*len -= n;
	return n;
}

/* 1 when the head is complete. */
static int read_head(struct fcgi_reader *r, const unsigned char **bytes, size_t *len)
{
	const unsigned char *from = *bytes;
	size_t n = pass(bytes, len, FCGI_HEAD_SIZE - r->have);

	if (n > 0)
		memcpy(r->head + r->have, from, n);
	r->have += n;
	if (r->have > 0 && r->head[0] != VERSION)
		return -1;
	if (r->have < FCGI_HEAD_SIZE)
		return 0;
	r->content = (size_t)r->head[4] << 8 | r->head[5];
	r->padding = r->head[6];
	return 1;
}

int fcgi_reader_next(
	struct fcgi_reader *r, const unsigned char **bytes, size_t *len, struct fcgi_piece *piece)
{
	int is_new = 0;

	if (r->have == FCGI_HEAD_SIZE && r->content == 0) {
		r->padding -= pass(bytes, len, r->padding);
		if (r->padding > 0)
			return 0;
		r->have = 0;
	}
	if (r->have < FCGI_HEAD_SIZE) {
		int rc = read_head(r, bytes, len);
		if (rc <= 0)
			return rc;
		is_new = 1;
	}
	piece->type = r->head[1];
	piece->id = (unsigned)r->head[2] << 8 | r->head[3];
	piece->total = (size_t)r->head[4] << 8 | r->head[5];
	piece->bytes = *bytes;
	piece->len = pass(bytes, len, r->content);
	r->content -= piece->len;
	piece->is_last = r->content == 0;
	return piece->len > 0 || (is_new && piece->is_last);
}

/* One byte, or four with the highest bit set. */
static int take_length(const char **bytes, size_t *len, size_t *out)
{
	const unsigned char *b = (const unsigned char *)*bytes;
	size_t n = *len > 0 && (b[0] & 0x80) ? 4 : 1;

	if (*len < n)
		return -1;
	*out = n == 1 ? b[0]
		      : (size_t)(b[0] & 0x7f) << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
	*bytes += n;
	*len -= n;
	return 0;
}

int fcgi_pair_next(const char **bytes, size_t *len, struct fcgi_pair *pair)
{
	if (*len == 0)
		return 0;
	if (take_length(bytes, len, &pair->name_len) < 0 ||
		take_length(bytes, len, &pair->value_len) < 0 || pair->name_len > *len ||
		pair->value_len > *len - pair->name_len)
		return -1;
	pair->name = *bytes;
	pair->value = *bytes + pair->name_len;
	*bytes += pair->name_len + pair->value_len;
	*len -= pair->name_len + pair->value_len;
	return 1;
}
