/* SPDX-License-Identifier: MIT */
/* client - one connection of a load tool and the loop that drives thousands of them.
 *
 * A client has at most one request outstanding. Its answer is read into memory shared by all, so
 * a client that waits costs its struct and nothing else, and a request costs no allocation. It
 * knows wires and sockets; what is asked and what the answer has to say is the program's
 * business. One thread. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "bench/lib/addr.h"
#include "core/buf.h"

struct wire;
struct answer;
struct client;

enum client_event {
	CLIENT_ANSWER, /* complete; the client is free for the next request */
	CLIENT_PART,   /* `stream` clients: more of the body has come, the answer goes on */
	CLIENT_FAILED  /* `problem` says why; the connection is closed, the client is free */
};
/* `a` is borrowed for the call and NULL for CLIENT_FAILED. May call client_send() unless the
 * event is CLIENT_PART. */
typedef void client_fn(struct client *c, enum client_event ev, const struct answer *a);

struct loop {
	struct addr addr;
	const struct wire *wire;
	int keep; /* connections outlive a request */
	int epoll_fd;
	unsigned long connects; /* so far */
	char *in;               /* one read's bytes, whoever's they are */
	struct buf scratch;
};

struct client {
	struct loop *loop;
	client_fn *fn;
	int fd;     /* -1: not connected */
	int busy;   /* a request is outstanding */
	int stream; /* tell of parts */
	int asked_out;
	const char *problem; /* constant text, after CLIENT_FAILED */
	struct buf in;       /* an answer that did not come in one read */
	struct buf out;      /* what the socket did not take yet */
};

/* `addr`, `wire` and `keep` have to be set. Aborts when there is no epoll. */
void loop_init(struct loop *l);
/* Waits at most `timeout_ms` (-1: for ever) and serves what has happened. */
void loop_run(struct loop *l, int timeout_ms);
void loop_release(struct loop *l);

/* KEEPS `l` until client_close(). */
void client_init(struct client *c, struct loop *l, client_fn *fn);
/* Sends head and tail as one request, connecting when needed; copies what the socket does not
 * take at once. 0; -EAGAIN when the server's backlog is full (nothing was sent, try again); any
 * other -errno: the connection is closed. Not while busy. */
int client_send(struct client *c, const struct buf *head, const struct buf *tail);
/* 1 while part of the request has not reached the server: for TCP its kernel, for a unix socket
 * the server itself. A server whose backlog overflows leaves a client that looks connected; this
 * tells. */
int client_unsent(const struct client *c);
/* Forgets the request and closes; no event follows. */
void client_close(struct client *c);

#endif
