/* SPDX-License-Identifier: MIT */
#include "core/lifeline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/mem.h"

#define LIFELINE_MAGIC 0x11FE11FEu

struct lifeline {
	unsigned magic;
	uv_poll_t poll;
	int fd;
	void (*lost)(void *arg); /* NULL once called */
	void *arg;
};

static void on_event(uv_poll_t *poll, int status, int events)
{
	CAST(lifeline, l, poll->data, LIFELINE_MAGIC);
	void (*lost)(void *arg) = l->lost;
	char byte;
	ssize_t n = read(l->fd, &byte, 1);

	UNUSED(events);
	if (status == 0 && (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))))
		return;
	uv_poll_stop(&l->poll);
	l->lost = NULL;
	if (lost != NULL)
		lost(l->arg);
}

struct lifeline *lifeline_watch(uv_loop_t *loop, void (*lost)(void *arg), void *arg)
{
	const char *text = getenv(LIFELINE_VARIABLE);
	struct lifeline *l;
	int fd = text != NULL ? atoi(text) : -1;

	unsetenv(LIFELINE_VARIABLE);
	if (fd < 3 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return NULL;
	l = mem_alloc(sizeof *l);
	*l = (struct lifeline){.magic = LIFELINE_MAGIC, .fd = fd, .lost = lost, .arg = arg};
	/* uv_poll_init() makes the descriptor non-blocking. */
	if (uv_poll_init(loop, &l->poll, fd) != 0) {
		mem_free(l);
		return NULL;
	}
	l->poll.data = l;
	uv_poll_start(&l->poll, UV_READABLE, on_event);
	uv_unref((uv_handle_t *)&l->poll);
	return l;
}

void lifeline_ready(struct lifeline *l)
{
	/* Best effort: when the supervisor is gone, the end of file says so. */
	if (l != NULL && write(l->fd, "R", 1) < 0)
		return;
}

static void on_closed(uv_handle_t *handle)
{
	CAST(lifeline, l, handle->data, LIFELINE_MAGIC);

	l->magic = 0;
	mem_free(l);
}

void lifeline_close(struct lifeline **at)
{
	struct lifeline *l = *at;

	*at = NULL;
	if (l == NULL)
		return;
	uv_poll_stop(&l->poll);
	close(l->fd);
	uv_close((uv_handle_t *)&l->poll, on_closed);
}
