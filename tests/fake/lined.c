/* SPDX-License-Identifier: MIT */
#include "tests/fake/lined.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/mem.h"

struct lined {
	const struct lined_step *steps;
	size_t chunk;
	int listener, port;
	int fd;
	int stop[2]; /* closed at one end: the thread ends */
	pthread_t thread;
	struct buf in;
	char line[512]; /* the last one */
	atomic_int mistakes, done;
};

/* 0 when `fd` is ready, -1 when it is time to end. */
static int wait_for(struct lined *l, int fd, short events)
{
	struct pollfd p[2] = {{.fd = fd, .events = events}, {.fd = l->stop[0], .events = POLLIN}};

	poll(p, 2, -1);
	return p[1].revents != 0 ? -1 : 0;
}

static int read_line(struct lined *l)
{
	char *nl;

	while (l->in.len == 0 || (nl = memchr(l->in.data, '\n', l->in.len)) == NULL) {
		ssize_t n;
		if (wait_for(l, l->fd, POLLIN) < 0)
			return -1;
		n = read(l->fd, buf_reserve(&l->in, 4096), 4096);
		if (n <= 0)
			return -1;
		buf_added(&l->in, (size_t)n);
	}
	snprintf(l->line, sizeof l->line, "%.*s", (int)(nl - l->in.data), l->in.data);
	buf_consume(&l->in, (size_t)(nl - l->in.data) + 1);
	return 0;
}

static int send_all(struct lined *l, const char *bytes, size_t len)
{
	size_t chunk = l->chunk > 0 ? l->chunk : len;

	while (len > 0) {
		ssize_t n;
		if (wait_for(l, l->fd, POLLOUT) < 0)
			return -1;
		n = send(l->fd, bytes, MIN(len, chunk), MSG_NOSIGNAL);
		if (n <= 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
		if (l->chunk > 0)
			usleep(20); /* else the kernel would make one packet of them */
	}
	return 0;
}

static int send_text(struct lined *l, const char *text)
{
	struct buf out = BUF_INIT;
	int rc;

	for (; *text != '\0'; text++) {
		if (text[0] == '%' && text[1] == 'T') {
			buf_add(&out, l->line, strcspn(l->line, " \r"));
			text++;
		} else {
			buf_add_char(&out, *text);
		}
	}
	rc = send_all(l, buf_str(&out), out.len);
	buf_release(&out);
	return rc;
}

static int send_filling(struct lined *l, size_t len)
{
	char block[4096];

	memset(block, 'x', sizeof block);
	while (len > 0) {
		size_t n = MIN(len, sizeof block);
		if (send_all(l, block, n) < 0)
			return -1;
		len -= n;
	}
	return 0;
}

static int run_step(struct lined *l, const struct lined_step *s)
{
	if (s->expect != NULL) {
		if (read_line(l) < 0)
			return -1;
		if (strstr(l->line, s->expect) == NULL) {
			fprintf(stderr, "lined: expected %s, got %s\n", s->expect, l->line);
			l->mistakes++;
			return -1;
		}
	}
	if (s->wait_ms > 0)
		usleep(s->wait_ms * 1000);
	for (unsigned i = 0; i < MAX(s->times, 1); i++)
		if (s->send != NULL && send_text(l, s->send) < 0)
			return -1;
	if (send_filling(l, s->bytes) < 0 || s->drop)
		return -1;
	return 0;
}

static int is_end(const struct lined_step *s)
{
	return s->expect == NULL && s->send == NULL && s->bytes == 0 && !s->drop;
}

static int meet(struct lined *l)
{
	int on = 1;

	if (wait_for(l, l->listener, POLLIN) < 0)
		return -1;
	l->fd = accept(l->listener, NULL, NULL);
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return 0;
}

/* What the peer still says is nothing to talk about. */
static int meet_again(struct lined *l)
{
	while (read_line(l) == 0)
		continue;
	close(l->fd);
	buf_clear(&l->in);
	return meet(l);
}

static void *serve(void *arg)
{
	struct lined *l = arg;
	const struct lined_step *s = l->steps;
	int hang = 0;

	if (meet(l) < 0)
		return NULL;
	for (; !is_end(s) && !hang && run_step(l, s) == 0; s++) {
		hang = s->hang;
		if (s->again && meet_again(l) < 0)
			return NULL;
	}
	l->done = is_end(s) || s->drop || hang;
	while (!s->drop && l->mistakes == 0 && read_line(l) == 0)
		continue;
	close(l->fd);
	return NULL;
}

struct lined *lined_new(const struct lined_step *steps, size_t chunk)
{
	struct lined *l = mem_alloc(sizeof *l);
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sa;

	l->steps = steps;
	l->chunk = chunk;
	l->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(l->listener, (struct sockaddr *)&sa, sizeof sa) < 0 ||
		listen(l->listener, 1) < 0 ||
		getsockname(l->listener, (struct sockaddr *)&sa, &len) < 0 || pipe(l->stop) < 0 ||
		pthread_create(&l->thread, NULL, serve, l) != 0) {
		perror("lined");
		abort();
	}
	l->port = ntohs(sa.sin_port);
	return l;
}

int lined_free(struct lined *l)
{
	int mistakes;

	close(l->stop[1]);
	pthread_join(l->thread, NULL);
	mistakes = l->mistakes;
	close(l->stop[0]);
	close(l->listener);
	buf_release(&l->in);
	mem_free(l);
	return mistakes;
}

int lined_port(const struct lined *l)
{
	return l->port;
}

int lined_is_done(struct lined *l)
{
	return l->done;
}
