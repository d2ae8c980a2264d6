/* SPDX-License-Identifier: MIT */
#include "control/private_redis.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/child.h"
#include "core/conf.h"
#include "core/err.h"
#include "core/log.h"
#include "core/mem.h"

#define REDIS_MAGIC  0x9ED15000u
#define TICK_MS      50
#define OLD_WAIT_MS  20000 /* a predecessor's server gets this long to write its file and end */
#define NOTE_EVERY_S 10    /* while a long file is loaded, the log says so */

enum state {
	STATE_OLD,   /* looking for a predecessor's server, and waiting for its end */
	STATE_START, /* ours was started and does not answer yet */
	STATE_UP
};

struct private_redis {
	unsigned magic;
	uv_loop_t *loop;
	const struct private_redis_ops *ops;
	void *arg;
	struct child *child;
	uv_timer_t tick;
	enum state state;
	uint64_t since_ms; /* when the state began */
	int announced;     /* up() was called */
	int fd;            /* the connection that asks; -1: none */
	char *program;
	char *dir;
	char *socket_path;
	char *log_path;
};

char *private_redis_url(const struct conf *c)
{
	char *path = conf_state_path(c, "redis.sock");
	char *url = mem_printf("unix://%s", path);

	mem_free(path);
	return url;
}

static void hang_up(struct private_redis *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

static void state_set(struct private_redis *r, enum state state)
{
	hang_up(r);
	r->state = state;
	r->since_ms = uv_now(r->loop);
}

/* Connects and sends one command. Redis takes a bare line as a command, and a unix socket connects at once or not at
 * all, so this needs no client library and never blocks. */
static int ask(struct private_redis *r, const char *line)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	memcpy(sa.sun_path, r->socket_path, strlen(r->socket_path) + 1);
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (r->fd >= 0 && connect(r->fd, (struct sockaddr *)&sa, sizeof sa) == 0 &&
		send(r->fd, line, strlen(line), MSG_NOSIGNAL) > 0)
		return 0;
	hang_up(r);
	return -1;
}

static void give_up(struct private_redis *r, const char *why)
{
	struct err e;

	uv_timer_stop(&r->tick);
	hang_up(r);
	child_stop(r->child, SIGTERM);
	err_set(&e, ERR_REDIS, "the private redis-server: %s", why);
	r->ops->failed(r->arg, &e);
}

static void tick_old(struct private_redis *r)
{
	char answer[64];
	ssize_t n;

	if (r->fd < 0) {
		if (ask(r, "SHUTDOWN\r\n") == 0) {
			log_event(LOG_WARN, "redis.orphan", LOG_STR("socket", r->socket_path));
		} else if (child_run(r->child) < 0) {
			give_up(r, "it could not be started; is redis-server installed?");
		}
		return;
	}
	n = recv(r->fd, answer, sizeof answer, MSG_DONTWAIT);
	if (n > 0 || uv_now(r->loop) - r->since_ms > OLD_WAIT_MS)
		give_up(r, "the one of an earlier sockethubd does not shut down");
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		hang_up(r);
}

static void tick_start(struct private_redis *r)
{
	uint64_t waited_s = (uv_now(r->loop) - r->since_ms) / 1000;
	char answer[64];
	ssize_t n;

	if (waited_s >= NOTE_EVERY_S) {
		log_event(LOG_INFO, "redis.loading", LOG_STR("dir", r->dir));
		r->since_ms = uv_now(r->loop);
	}
	if (r->fd < 0 && ask(r, "PING\r\n") < 0)
		return;
	n = recv(r->fd, answer, sizeof answer, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 5 || memcmp(answer, "+PONG", 5) != 0) {
		hang_up(r); /* "-LOADING ...": asked again at the next tick */
		return;
	}
	state_set(r, STATE_UP);
	uv_timer_stop(&r->tick);
	log_event(LOG_INFO, "redis.up", LOG_STR("socket", r->socket_path));
	if (!r->announced) {
		r->announced = 1;
		r->ops->up(r->arg);
	}
}

static void on_tick(uv_timer_t *timer)
{
	CAST(private_redis, r, timer->data, REDIS_MAGIC);

	if (r->state == STATE_OLD)
		tick_old(r);
	else if (r->state == STATE_START)
		tick_start(r);
}

static int redis_prepare(void *arg, struct child_start *s, struct err *e)
{
	CAST(private_redis, r, arg, REDIS_MAGIC);
	const char *const words[] = {r->program, "--port", "0", "--unixsocket", r->socket_path,
		"--unixsocketperm", "700", "--dir", r->dir, "--appendonly", "yes", "--appendfsync",
		"everysec", "--save", "", "--daemonize", "no", "--supervised", "no", NULL};

	s->argv = mem_array(ARRAY_LEN(words), sizeof *s->argv);
	memcpy(s->argv, words, sizeof words);
	s->out_fd = open(r->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (s->out_fd < 0)
		return err_set_sys(e, ERR_CONFIG, errno, "%s", r->log_path);
	state_set(r, STATE_START);
	uv_timer_start(&r->tick, on_tick, TICK_MS, TICK_MS);
	return 0;
}

static void redis_done(void *arg, struct child_start *s)
{
	UNUSED(arg);
	mem_free(s->argv);
	if (s->out_fd >= 0)
		close(s->out_fd);
}

static void redis_ended(void *arg, int64_t status, int sig, int stopping)
{
	CAST(private_redis, r, arg, REDIS_MAGIC);
	char why[512];

	uv_timer_stop(&r->tick);
	hang_up(r);
	if (stopping) {
		r->ops->gone(r->arg);
	} else if (!r->announced) {
		snprintf(why, sizeof why, "it ended with %s %d, see %s", sig ? "signal" : "status",
			sig ? sig : (int)status, r->log_path);
		give_up(r, why);
	}
}

static const struct child_ops redis_ops = {
	.prepare = redis_prepare,
	.done = redis_done,
	.ended = redis_ended,
};

static void on_tick_closed(uv_handle_t *handle)
{
	CAST(private_redis, r, handle->data, REDIS_MAGIC);

	r->magic = 0;
	mem_free(r->program);
	mem_free(r->dir);
	mem_free(r->socket_path);
	mem_free(r->log_path);
	mem_free(r);
}

static int paths_check(const struct private_redis *r, struct err *e)
{
	const struct sockaddr_un *sa = NULL;

	if (strlen(r->socket_path) >= sizeof sa->sun_path)
		return err_set(e, ERR_CONFIG,
			"state_dir: its path is too long for a unix socket in it (%zu bytes): %s",
			sizeof sa->sun_path - 1, r->socket_path);
	if (strchr(r->socket_path, '?') != NULL)
		return err_set(e, ERR_CONFIG, "state_dir: a question mark cannot be in its path");
	if (mkdir(r->dir, 0700) < 0 && errno != EEXIST)
		return err_set_sys(e, ERR_CONFIG, errno, "%s", r->dir);
	return 0;
}

int private_redis_open(uv_loop_t *loop, const struct conf *c, const struct private_redis_ops *ops,
	void *arg, struct private_redis **out, struct err *e)
{
	struct private_redis *r = mem_alloc(sizeof *r);

	*r = (struct private_redis){
		.magic = REDIS_MAGIC, .loop = loop, .ops = ops, .arg = arg, .fd = -1};
	r->program = mem_strdup(c->redis_server);
	r->dir = conf_state_path(c, "redis");
	r->socket_path = conf_state_path(c, "redis.sock");
	r->log_path = conf_state_path(c, "redis.log");
	r->child = child_new(loop, "redis", &redis_ops, r);
	uv_timer_init(loop, &r->tick);
	r->tick.data = r;
	if (paths_check(r, e) < 0) {
		private_redis_close(&r);
		return -(int)e->code;
	}
	state_set(r, STATE_OLD);
	uv_timer_start(&r->tick, on_tick, 0, TICK_MS);
	*out = r;
	return 0;
}

int private_redis_stop(struct private_redis *r, int sig)
{
	uv_timer_stop(&r->tick);
	child_stop(r->child, sig);
	return child_is_running(r->child);
}

void private_redis_close(struct private_redis **at)
{
	struct private_redis *r = *at;

	*at = NULL;
	if (r == NULL)
		return;
	hang_up(r);
	child_free(&r->child);
	uv_timer_stop(&r->tick);
	uv_close((uv_handle_t *)&r->tick, on_tick_closed);
}
