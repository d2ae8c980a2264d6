/* SPDX-License-Identifier: MIT */
#include "control/child.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/lifeline.h"
#include "core/log.h"
#include "core/mem.h"

#define CHILD_MAGIC    0xC411D000u
#define LINK_MAGIC     0xC411D111u
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 10000
#define LIVED_WELL_MS  10000
#define FIRST_FD       3

struct link;

struct child {
	unsigned magic;
	uv_loop_t *loop;
	char *label;
	const struct child_ops *ops;
	void *arg;
	uv_timer_t timer;
	uv_process_t *process; /* NULL: none runs */
	struct link *link;     /* our end of its lifeline, or NULL */
	uint64_t started_ms;
	uint64_t backoff_ms; /* before the next start; 0: it went well so far */
	int up;
	int stopping;
};

/* Our end of a lifeline. It lives until libuv has closed it, longer than the process it was for. */
struct link {
	unsigned magic;
	uv_pipe_t pipe;
	struct child *child; /* NULL once the process has ended */
	char bytes[16];
};

extern char **environ;

static void on_timer(uv_timer_t *timer);

struct child *child_new(uv_loop_t *loop, const char *label, const struct child_ops *ops, void *arg)
{
	struct child *c = mem_alloc(sizeof *c);

	c->magic = CHILD_MAGIC;
	c->loop = loop;
	c->label = mem_strdup(label);
	c->ops = ops;
	c->arg = arg;
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	return c;
}

void child_setenv(struct child_start *s, const char *name, const char *fmt, ...)
{
	char value[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(value, sizeof value, fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof value && s->n_env < CHILD_ENV);
	s->env[s->n_env++] = mem_printf("%s=%s", name, value);
}

void child_give(struct child_start *s, const char *name, int fd)
{
	assert(s->n_fds < CHILD_FDS);
	child_setenv(s, name, "%d", FIRST_FD + (int)s->n_fds);
	s->fds[s->n_fds++] = fd;
}

/* 1 when `entry` sets the same variable as one of the start's own. */
static int is_replaced(const struct child_start *s, const char *entry)
{
	size_t len = strcspn(entry, "=") + 1;

	for (size_t i = 0; i < s->n_env; i++)
		if (strncmp(s->env[i], entry, len) == 0)
			return 1;
	return 0;
}

/* GIVES the array; the strings are borrowed. */
static char **environment_make(const struct child_start *s)
{
	size_t n = 0, count = 0;
	char **env;

	while (environ[count] != NULL)
		count++;
	env = mem_array(count + s->n_env + 1, sizeof *env);
	for (size_t i = 0; i < count; i++)
		if (!is_replaced(s, environ[i]))
			env[n++] = environ[i];
	for (size_t i = 0; i < s->n_env; i++)
		env[n++] = s->env[i];
	return env;
}

static void on_link_closed(uv_handle_t *handle)
{
	CAST(link, l, handle->data, LINK_MAGIC);

	l->magic = 0;
	mem_free(l);
}

static void link_close(struct child *c)
{
	if (c->link == NULL)
		return;
	c->link->child = NULL;
	uv_close((uv_handle_t *)&c->link->pipe, on_link_closed);
	c->link = NULL;
}

static void link_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	CAST(link, l, handle->data, LINK_MAGIC);

	UNUSED(suggested);
	*buf = uv_buf_init(l->bytes, sizeof l->bytes);
}

static void on_link_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	CAST(link, l, stream->data, LINK_MAGIC);
	struct child *c = l->child;

	UNUSED(buf);
	if (n < 0)
		uv_read_stop(stream);
	if (n <= 0 || c == NULL || c->up)
		return;
	c->up = 1;
	log_event(LOG_DEBUG, "child.up", LOG_STR("child", c->label),
		LOG_INT("child_pid", c->process->pid));
	if (c->ops->up != NULL)
		c->ops->up(c->arg);
}

static struct link *link_new(struct child *c)
{
	struct link *l = mem_alloc(sizeof *l);

	l->magic = LINK_MAGIC;
	l->child = c;
	uv_pipe_init(c->loop, &l->pipe, 0);
	l->pipe.data = l;
	return l;
}

static void on_process_closed(uv_handle_t *handle)
{
	mem_free(handle);
}

static void restart_plan(struct child *c, int64_t status, int lived_well)
{
	if (lived_well)
		c->backoff_ms = 0;
	else if (status == CHILD_EXIT_CONF || c->backoff_ms * 2 > BACKOFF_MAX_MS)
		c->backoff_ms = BACKOFF_MAX_MS;
	else
		c->backoff_ms = c->backoff_ms == 0 ? BACKOFF_MIN_MS : c->backoff_ms * 2;
	uv_timer_start(&c->timer, on_timer, c->backoff_ms, 0);
}

static void on_exit(uv_process_t *process, int64_t status, int sig)
{
	CAST(child, c, process->data, CHILD_MAGIC);
	uint64_t lived_ms = uv_now(c->loop) - c->started_ms;
	int planned = c->stopping;

	log_event(planned && sig != SIGKILL   ? LOG_INFO
		  : status == CHILD_EXIT_CONF ? LOG_ERROR
					      : LOG_WARN,
		"child.ended", LOG_STR("child", c->label), LOG_INT("child_pid", process->pid),
		LOG_INT("status", status), LOG_STR("signal", sig != 0 ? strsignal(sig) : "none"),
		LOG_INT("lived_ms", lived_ms));
	c->process = NULL;
	c->up = 0;
	link_close(c);
	uv_close((uv_handle_t *)process, on_process_closed);
	if (!planned)
		restart_plan(c, sig == 0 ? status : 0, lived_ms > LIVED_WELL_MS);
	c->ops->ended(c->arg, status, sig, planned);
}

/* libuv's view of the start: 0 to 2 as they are, then the owner's descriptors, then the lifeline. */
static int spawn(struct child *c, struct child_start *s)
{
	uv_stdio_container_t io[FIRST_FD + CHILD_FDS + 1];
	uv_process_options_t o = {
		.exit_cb = on_exit, .args = (char **)s->argv, .flags = UV_PROCESS_DETACHED};
	uv_process_t *process = mem_alloc(sizeof *process);
	int n = FIRST_FD, rc;

	io[0] = (uv_stdio_container_t){.flags = UV_IGNORE};
	for (int i = 1; i < FIRST_FD; i++) {
		io[i].flags = UV_INHERIT_FD;
		io[i].data.fd = s->out_fd >= 0 ? s->out_fd : i;
	}
	for (size_t i = 0; i < s->n_fds; i++, n++) {
		io[n].flags = UV_INHERIT_FD;
		io[n].data.fd = s->fds[i];
	}
	if (s->lifeline) {
		c->link = link_new(c);
		io[n].flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE;
		io[n].data.stream = (uv_stream_t *)&c->link->pipe;
		child_setenv(s, LIFELINE_VARIABLE, "%d", n++);
	}
	o.file = s->file != NULL ? s->file : s->argv[0];
	o.env = environment_make(s);
	o.stdio = io;
	o.stdio_count = n;
	process->data = c;
	rc = uv_spawn(c->loop, process, &o);
	mem_free(o.env);
	if (rc < 0) {
		uv_close((uv_handle_t *)process, on_process_closed);
		link_close(c);
		return rc;
	}
	c->process = process;
	if (c->link != NULL)
		uv_read_start((uv_stream_t *)&c->link->pipe, link_buffer, on_link_read);
	return 0;
}

int child_run(struct child *c)
{
	struct child_start s = {.out_fd = -1};
	struct err e = {.code = ERR_NONE};
	int rc;

	assert(c->process == NULL && !c->stopping);
	rc = c->ops->prepare(c->arg, &s, &e);
	if (rc == 0) {
		rc = spawn(c, &s);
		if (rc < 0)
			err_set_sys(&e, ERR_INTERNAL, -rc, "%s", s.argv[0]);
	}
	if (rc < 0) {
		log_event(LOG_ERROR, "child.failed", LOG_STR("child", c->label), LOG_ERR(&e));
		restart_plan(c, 0, 0);
	} else {
		c->started_ms = uv_now(c->loop);
		log_event(LOG_INFO, "child.started", LOG_STR("child", c->label),
			LOG_INT("child_pid", c->process->pid));
	}
	c->ops->done(c->arg, &s);
	for (size_t i = 0; i < s.n_env; i++)
		mem_free(s.env[i]);
	return rc;
}

static void on_timer(uv_timer_t *timer)
{
	CAST(child, c, timer->data, CHILD_MAGIC);

	child_run(c);
}

void child_stop(struct child *c, int sig)
{
	c->stopping = 1;
	uv_timer_stop(&c->timer);
	if (c->process != NULL)
		uv_process_kill(c->process, sig);
}

int child_is_running(const struct child *c)
{
	return c->process != NULL;
}

int child_is_up(const struct child *c)
{
	return c->up;
}

static void on_timer_closed(uv_handle_t *handle)
{
	CAST(child, c, handle->data, CHILD_MAGIC);

	c->magic = 0;
	mem_free(c->label);
	mem_free(c);
}

void child_free(struct child **at)
{
	struct child *c = *at;

	*at = NULL;
	if (c == NULL)
		return;
	assert(c->process == NULL);
	uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}
