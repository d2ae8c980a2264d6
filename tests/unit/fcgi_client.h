/* SPDX-License-Identifier: MIT */
/* fcgi_client - the web server's side of FastCGI for tests: sends a request byte by byte as told, collects records.
 *
 * Non-blocking: a test turns the loop under test and the client in one thread (client_turn). */
#ifndef TESTS_FCGI_CLIENT_H
#define TESTS_FCGI_CLIENT_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/buf.h"

enum { REC_BEGIN = 1, REC_ABORT = 2, REC_END = 3, REC_PARAMS = 4, REC_STDIN = 5, REC_STDOUT = 6 };

struct client {
	int fd;
	struct buf raw;  /* not yet parsed */
	struct buf body; /* contents of FCGI_STDOUT */
	int n_ended;     /* FCGI_END_REQUEST for `id` */
	int end_status;
	int n_foreign_ends; /* for other ids */
	bool is_eof;
	unsigned id;
};

static inline void put_record(struct buf *b, unsigned type, unsigned id, const void *data, size_t n)
{
	const unsigned char head[8] = {1, (unsigned char)type, (unsigned char)(id >> 8),
		(unsigned char)id, (unsigned char)(n >> 8), (unsigned char)n, 0, 0};
	buf_add(b, head, sizeof(head));
	buf_add(b, data, n);
}

static inline void put_begin(struct buf *b, unsigned id, unsigned role)
{
	const unsigned char body[8] = {0, (unsigned char)role, 0, 0, 0, 0, 0, 0};
	put_record(b, REC_BEGIN, id, body, sizeof(body));
}

/* As put_begin(), with FCGI_KEEP_CONN. */
static inline void put_begin_keep(struct buf *b, unsigned id)
{
	const unsigned char body[8] = {0, 1, 1, 0, 0, 0, 0, 0};
	put_record(b, REC_BEGIN, id, body, sizeof(body));
}

static inline void put_length(struct buf *b, size_t n)
{
	if (n > 127)
		for (int shift = 24; shift > 0; shift -= 8)
			buf_add_char(b, (char)((n >> shift) | (shift == 24 ? 0x80 : 0)));
	buf_add_char(b, (char)n);
}

/* `params`: name, value, name, value ... NULL. */
static inline void put_params(struct buf *b, unsigned id, const char *const *params)
{
	struct buf p = BUF_INIT;

	for (; *params != NULL; params += 2) {
		put_length(&p, strlen(params[0]));
		put_length(&p, strlen(params[1]));
		buf_add_str(&p, params[0]);
		buf_add_str(&p, params[1]);
	}
	put_record(b, REC_PARAMS, id, p.data, p.len);
	put_record(b, REC_PARAMS, id, NULL, 0);
	buf_release(&p);
}

static inline void put_stdin(struct buf *b, unsigned id, const char *body, size_t len)
{
	while (len > 0) {
		size_t n = len < 60000 ? len : 60000;
		put_record(b, REC_STDIN, id, body, n);
		body += n;
		len -= n;
	}
	put_record(b, REC_STDIN, id, NULL, 0);
}

static inline int client_connect(struct client *c, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	*c = (struct client){.id = 1};
	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(c->fd, (struct sockaddr *)&a, sizeof(a));
}

/* Blocking: what a request takes fits the socket, or a reader thread takes it. */
static inline void client_send(struct client *c, struct buf *bytes)
{
	for (size_t at = 0; at < bytes->len;) {
		ssize_t n = send(c->fd, bytes->data + at, bytes->len - at, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	buf_release(bytes);
}

static inline void client_parse(struct client *c)
{
	while (c->raw.len >= 8) {
		const unsigned char *h = (const unsigned char *)c->raw.data;
		size_t n = (size_t)h[4] << 8 | h[5], all = 8 + n + h[6];
		unsigned id = (unsigned)h[2] << 8 | h[3];
		if (c->raw.len < all)
			return;
		if (h[1] == REC_STDOUT && id == c->id) {
			buf_add(&c->body, h + 8, n);
		} else if (h[1] == REC_END && id == c->id) {
			c->n_ended++;
			c->end_status = h[12];
		} else if (h[1] == REC_END) {
			c->n_foreign_ends++;
		}
		buf_consume(&c->raw, all);
	}
}

static inline void client_turn(struct client *c)
{
	for (;;) {
		ssize_t n = recv(c->fd, buf_reserve(&c->raw, 65536), 65536, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			c->is_eof = true;
		if (n <= 0)
			break;
		buf_added(&c->raw, (size_t)n);
	}
	client_parse(c);
}

static inline void client_close(struct client *c)
{
	close(c->fd);
	buf_release(&c->raw);
	buf_release(&c->body);
}

#endif
