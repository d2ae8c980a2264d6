/* SPDX-License-Identifier: MIT */
#include "bench/lib/client.h"
#include "bench/lib/wire.h"
#include "core/mem.h"
#include <errno.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define EVENTS_PER_WAIT 256
#define READ_SIZE       (256u << 10)

void loop_init(struct loop *l)
{
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	assert(l->epoll_fd >= 0);
	l->in = mem_alloc(READ_SIZE);
}

void loop_release(struct loop *l)
{
	close(l->epoll_fd);
	mem_free(l->in);
	buf_release(&l->scratch);
}

void client_init(struct client *c, struct loop *l, client_fn *fn)
{
	*c = (struct client){.loop = l, .fn = fn, .fd = -1};
}

static void disconnect(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->busy = 0;
}

void client_close(struct client *c)
{
	disconnect(c);
	buf_release(&c->in);
	buf_release(&c->out);
}

static void fail(struct client *c, const char *problem)
{
	disconnect(c);
	buf_clear(&c->in);
	buf_clear(&c->out);
	c->problem = problem;
	c->fn(c, CLIENT_FAILED, NULL);
}

static void watch(struct client *c, int op, int out)
{
	struct epoll_event ev = {.events = EPOLLIN | (out ? EPOLLOUT : 0u), .data.ptr = c};
	int rc = epoll_ctl(c->loop->epoll_fd, op, c->fd, &ev);
	assert(rc == 0);
	c->asked_out = out;
}

static int dial(struct client *c)
{
	int fd = addr_connect(&c->loop->addr);
	if (fd < 0)
		return fd;
	c->fd = fd;
	c->loop->connects++;
	watch(c, EPOLL_CTL_ADD, 0);
	return 0;
}

int client_send(struct client *c, const struct buf *head, const struct buf *tail)
{
	assert(!c->busy);
	int rc = c->fd < 0 ? dial(c) : 0;
	if (rc < 0)
		return rc;
	struct iovec part[2] = {{head->data, head->len}, {tail->data, tail->len}};
	struct msghdr m = {.msg_iov = part, .msg_iovlen = 2};
	ssize_t sent = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN) {
		rc = -errno;
		disconnect(c);
		return rc == -EAGAIN ? -EIO : rc;
	}
	c->busy = 1;
	size_t done = sent < 0 ? 0 : (size_t)sent;
	if (done == head->len + tail->len)
		return 0;
	buf_clear(&c->out);
	size_t from_head = MIN(done, head->len);
	buf_add(&c->out, head->data + from_head, head->len - from_head);
	buf_add(&c->out, tail->data + (done - from_head), tail->len - (done - from_head));
	watch(c, EPOLL_CTL_MOD, 1);
	return 0;
}

int client_unsent(const struct client *c)
{
	/* The ioctl says 0 while a TCP socket connects, but then nothing was taken from `out`. */
	int queued = 0;
	if (c->out.len > 0)
		return 1;
	return c->fd >= 0 && ioctl(c->fd, SIOCOUTQ, &queued) == 0 && queued > 0;
}

/* 0, or -1 when the connection is broken. */
static int flush(struct client *c)
{
	ssize_t sent = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN ? 0 : -1;
	buf_consume(&c->out, (size_t)sent);
	if (c->out.len == 0)
		watch(c, EPOLL_CTL_MOD, 0);
	return 0;
}

static void finish(struct client *c, const struct answer *a)
{
	if (!c->loop->keep || a->close)
		disconnect(c);
	c->busy = 0;
	c->fn(c, CLIENT_ANSWER, a);
	buf_clear(&c->in);
}

/* `bytes` is all of the answer that has come: either c->in, or what was just read into the
 * shared memory. */
static void digest(struct client *c, const char *bytes, size_t len)
{
	struct answer a = {0};
	long used = c->loop->wire->read(&a, bytes, len, &c->loop->scratch);
	if (used < 0 || len > WIRE_ANSWER_MAX) {
		fail(c, "the answer is malformed");
	} else if (used > 0 && (size_t)used < len) {
		fail(c, "bytes behind the end of the answer");
	} else if (used > 0) {
		finish(c, &a);
	} else {
		if (c->in.len == 0)
			buf_add(&c->in, bytes, len);
		if (c->stream && a.status != 0)
			c->fn(c, CLIENT_PART, &a);
	}
}

/* An idle connection may end without being missed. */
static void ended(struct client *c, const char *problem)
{
	if (c->busy)
		fail(c, problem);
	else
		disconnect(c);
}

static void receive(struct client *c)
{
	ssize_t n = recv(c->fd, c->loop->in, READ_SIZE, 0);
	if (n < 0) {
		if (errno != EAGAIN)
			ended(c, "the connection broke");
	} else if (n == 0) {
		ended(c, "the server closed the connection");
	} else if (!c->busy) {
		fail(c, "bytes that nobody asked for");
	} else if (c->in.len == 0) {
		digest(c, c->loop->in, (size_t)n);
	} else {
		buf_add(&c->in, c->loop->in, (size_t)n);
		digest(c, c->in.data, c->in.len);
	}
}

static void serve(struct client *c, uint32_t events)
{
	if (c->fd < 0) /* closed by an event served before this one */
		return;
	if ((events & EPOLLOUT) && c->asked_out && flush(c) < 0)
		fail(c, "the request could not be written");
	else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive(c);
}

void loop_run(struct loop *l, int timeout_ms)
{
	struct epoll_event ev[EVENTS_PER_WAIT];
	int n = epoll_wait(l->epoll_fd, ev, EVENTS_PER_WAIT, timeout_ms);
	for (int i = 0; i < n; i++)
		serve(ev[i].data.ptr, ev[i].events);
}
