/* SPDX-License-Identifier: MIT */
#include "tests/fake/redisd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/turn.h"

#define PATIENCE_MS 20000

static void NO_RETURN give_up(const char *what)
{
	fprintf(stderr, "redisd: %s\n", what);
	abort();
}

static int answers(const struct redisd *d)
{
	redisContext *c = redisConnectUnix(d->url.path);
	redisReply *reply = c != NULL && c->err == 0 ? redisCommand(c, "PING") : NULL;
	int rc = reply != NULL && reply->type == REDIS_REPLY_STATUS;

	freeReplyObject(reply);
	if (c != NULL)
		redisFree(c);
	return rc;
}

void redisd_start(struct redisd *d)
{
	const struct timespec pause = {0, 10000000};

	d->pid = fork();
	if (d->pid == 0) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", d->url.path,
			"--dir", d->dir, "--save", "", "--appendonly", "no", (char *)NULL);
		_exit(127);
	}
	if (d->pid < 0)
		give_up("fork");
	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		if (answers(d))
			return;
		if (waitpid(d->pid, NULL, WNOHANG) == d->pid)
			give_up("redis-server ended");
		nanosleep(&pause, NULL);
	}
	give_up("redis-server does not answer");
}

void redisd_open(struct redisd *d)
{
	memset(d, 0, sizeof *d);
	strcpy(d->dir, "/tmp/sh-redis-XXXXXX");
	if (mkdtemp(d->dir) == NULL)
		give_up("no folder");
	d->url.path = mem_printf("%s/s", d->dir);
	redisd_start(d);
	uv_loop_init(&d->loop);
	turn_open(&d->loop);
}

void redisd_kill(struct redisd *d)
{
	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
	unlink(d->url.path);
}

void redisd_close(struct redisd *d)
{
	turn_close(&d->loop);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	if (uv_loop_close(&d->loop) != 0)
		give_up("handles are left in the loop");
	redisd_kill(d);
	freeReplyObject(d->reply);
	redis_url_release(&d->url);
	if (rmdir(d->dir) < 0)
		give_up("files are left in the folder");
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static void on_time(uv_timer_t *timer)
{
	*(int *)timer->data = 1;
}

static int run_until(struct redisd *d, const int *flag, unsigned ms)
{
	uv_timer_t timer;
	int over = 0;

	uv_timer_init(&d->loop, &timer);
	timer.data = &over;
	uv_timer_start(&timer, on_time, ms, 0);
	while (!over && (flag == NULL || !*flag))
		uv_run(&d->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&d->loop, UV_RUN_NOWAIT);
	return !over;
}

void redisd_until(struct redisd *d, const int *flag)
{
	if (!run_until(d, flag, PATIENCE_MS))
		give_up("what was waited for did not happen");
}

void redisd_run(struct redisd *d, unsigned ms)
{
	(void)run_until(d, NULL, ms);
}

const struct redisReply *redisd_command(struct redisd *d, const char *format, ...)
{
	redisContext *c = redisConnectUnix(d->url.path);
	va_list ap;

	if (c == NULL || c->err != 0)
		give_up("no connection");
	va_start(ap, format);
	freeReplyObject(d->reply);
	d->reply = redisvCommand(c, format, ap);
	va_end(ap);
	redisFree(c);
	if (d->reply == NULL)
		give_up("no reply");
	return d->reply;
}
