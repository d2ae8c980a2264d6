/* SPDX-License-Identifier: MIT */
#include "control/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/child.h"
#include "core/address.h"
#include "core/cli.h"
#include "core/crypt.h"
#include "core/err.h"
#include "core/keyring.h"
#include "core/log.h"
#include "core/mem.h"

#define CREW_MAGIC  0xC9E30000u
#define POST_MAGIC  0xC9E31111u
#define MAX_WORKERS 256
#define KILL_MS     5000 /* after drain_s: what does not end by itself is ended */
#define NAME_SIZE   64

/* A place in the crew: one process at a time. */
struct post {
	unsigned magic;
	struct crew *crew;
	struct child *child;
	const char *platform; /* NULL: a gateway */
	unsigned slot;        /* counted from 0, per platform */
	char name[NAME_SIZE]; /* of the worker that runs or ran last; "" before the first */
	int key_fd;           /* while it is started */
};

struct crew {
	unsigned magic;
	struct crew_options o;
	struct conf conf;
	struct sockets sockets;
	struct post *posts;
	size_t n_posts;
	uv_timer_t kill_timer;
	char *program_dir;
	int ready;
	int refused;
};

/* -1: not a number from 0 to MAX_WORKERS. */
static int workers_of(const json_t *settings)
{
	const json_t *n = json_object_get(settings, "workers");

	if (n == NULL)
		return 1;
	if (!json_is_integer(n) || json_integer_value(n) < 0 || json_integer_value(n) > MAX_WORKERS)
		return -1;
	return (int)json_integer_value(n);
}

int crew_check(const struct conf *c, struct err *e)
{
	const char *name;
	json_t *settings;

	json_object_foreach (c->platforms, name, settings)
		if (workers_of(settings) < 0)
			return err_set(e, ERR_CONFIG,
				"platforms.%s.workers: has to be a whole number from 0 to %d", name,
				MAX_WORKERS);
	return 0;
}

/* --- starting one process ------------------------------------------------------------------------------------- */

/* A pipe with the key in it and its writing end closed: one line always fits into a pipe, so nothing waits. */
static int key_pipe(const struct keyring *keys, const char *platform, int *out, struct err *e)
{
	struct buf line = BUF_INIT;
	int fds[2];
	int rc = keyring_export(keys, platform, &line, e);

	if (rc == 0 && pipe2(fds, O_CLOEXEC) < 0)
		rc = err_set_sys(e, ERR_INTERNAL, errno, "pipe");
	if (rc == 0) {
		if (write(fds[1], line.data, line.len) != (ssize_t)line.len)
			rc = err_set_sys(e, ERR_INTERNAL, errno, "pipe");
		close(fds[1]);
		*out = fds[0];
	}
	if (line.data != NULL)
		mem_wipe(line.data, line.len);
	buf_release(&line);
	return rc;
}

static void arguments_make(struct post *p, struct child_start *s)
{
	const char *const *sets;
	size_t n_sets = cli_sets(&sets);
	size_t n = 0;

	s->argv = mem_array(2 * n_sets + 5, sizeof *s->argv);
	s->argv[n++] = mem_printf("%s/%s", p->crew->program_dir,
		p->platform != NULL ? "sockethub-worker" : "sockethub-gateway");
	if (p->platform != NULL)
		s->argv[n++] = mem_strdup(p->platform);
	if (cli_config_file() != NULL) {
		s->argv[n++] = mem_strdup("--config");
		s->argv[n++] = mem_strdup(cli_config_file());
	}
	for (size_t i = 0; i < n_sets; i++) {
		s->argv[n++] = mem_strdup("--set");
		s->argv[n++] = mem_strdup(sets[i]);
	}
}

static void gateway_prepare(struct post *p, struct child_start *s)
{
	const struct sockets *sockets = &p->crew->sockets;

	child_setenv(s, "SOCKETHUB_GATEWAY_INDEX", "%u", p->slot);
	if (sockets->listen.address != NULL)
		child_give(s, ADDRESS_LISTEN_VARIABLE, sockets->listen.fd);
	if (sockets->fastcgi.address != NULL)
		child_give(s, ADDRESS_FASTCGI_VARIABLE, sockets->fastcgi.fd);
	if (sockets->admin[p->slot].address != NULL)
		child_give(s, ADDRESS_ADMIN_VARIABLE, sockets->admin[p->slot].fd);
}

/* A worker's name is new at each start: what the one before left pending is another consumer's, and can be claimed. */
static void worker_prepare(struct post *p, struct child_start *s)
{
	char token[CRYPT_TOKEN_SIZE];

	if (p->name[0] != '\0')
		child_setenv(s, "SOCKETHUB_WORKER_PREDECESSOR", "%s", p->name);
	crypt_token(token);
	snprintf(p->name, sizeof p->name, "%.32s-%u-%.8s", p->platform, p->slot, token);
	child_setenv(s, "SOCKETHUB_WORKER_NAME", "%s", p->name);
}

static int post_prepare(void *arg, struct child_start *s, struct err *e)
{
	CAST(post, p, arg, POST_MAGIC);
	int rc = key_pipe(p->crew->o.keys, p->platform, &p->key_fd, e);

	if (rc < 0)
		return rc;
	arguments_make(p, s);
	s->lifeline = 1;
	child_give(s, KEYRING_FD_VARIABLE, p->key_fd);
	if (p->crew->o.redis_url != NULL)
		child_setenv(s, "SOCKETHUB_REDIS", "%s", p->crew->o.redis_url);
	if (p->platform != NULL)
		worker_prepare(p, s);
	else
		gateway_prepare(p, s);
	return 0;
}

static void post_done(void *arg, struct child_start *s)
{
	CAST(post, p, arg, POST_MAGIC);

	if (p->key_fd >= 0)
		close(p->key_fd);
	p->key_fd = -1;
	for (size_t i = 0; s->argv != NULL && s->argv[i] != NULL; i++)
		mem_free((char *)s->argv[i]);
	mem_free(s->argv);
}

static void post_up(void *arg)
{
	CAST(post, p, arg, POST_MAGIC);

	p->crew->o.changed(p->crew->o.arg);
}

static void post_ended(void *arg, int64_t status, int sig, int stopping)
{
	CAST(post, p, arg, POST_MAGIC);
	struct crew *c = p->crew;

	if (!c->ready && !stopping && sig == 0 && status == CHILD_EXIT_CONF)
		c->refused = 1;
	c->o.changed(c->o.arg);
}

static const struct child_ops post_ops = {
	.prepare = post_prepare,
	.done = post_done,
	.up = post_up,
	.ended = post_ended,
};

/* --- the crew ------------------------------------------------------------------------------------------------- */

static void post_add(struct crew *c, const char *platform, unsigned slot)
{
	struct post *p = &c->posts[c->n_posts++];
	char label[NAME_SIZE];

	p->magic = POST_MAGIC;
	p->crew = c;
	p->platform = platform;
	p->slot = slot;
	p->key_fd = -1;
	snprintf(label, sizeof label, "%.40s-%u", platform != NULL ? platform : "gateway", slot);
	p->child = child_new(c->o.loop, label, &post_ops, p);
}

struct crew *crew_new(struct crew_options *o)
{
	struct crew *c = mem_alloc(sizeof *c);
	size_t n = (size_t)o->conf->gateways;
	const char *name;
	json_t *settings;

	c->magic = CREW_MAGIC;
	c->o = *o;
	c->conf = *o->conf;
	c->sockets = *o->sockets;
	memset(o->conf, 0, sizeof *o->conf);
	memset(o->sockets, 0, sizeof *o->sockets);
	c->program_dir = cli_program_dir();
	uv_timer_init(o->loop, &c->kill_timer);
	c->kill_timer.data = c;
	json_object_foreach (c->conf.platforms, name, settings)
		n += (size_t)workers_of(settings);
	c->posts = mem_array(n, sizeof *c->posts);
	for (unsigned i = 0; i < c->conf.gateways; i++)
		post_add(c, NULL, i);
	json_object_foreach (c->conf.platforms, name, settings)
		for (unsigned i = 0; i < (unsigned)workers_of(settings); i++)
			post_add(c, name, i);
	return c;
}

const struct conf *crew_conf(const struct crew *c)
{
	return &c->conf;
}

const struct sockets *crew_sockets(const struct crew *c)
{
	return &c->sockets;
}

int crew_start(struct crew *c)
{
	int rc = 0;

	for (size_t i = 0; i < c->n_posts && rc == 0; i++)
		rc = child_run(c->posts[i].child);
	if (c->n_posts == 0)
		c->o.changed(c->o.arg);
	return rc;
}

int crew_is_ready(struct crew *c)
{
	if (c->ready)
		return 1;
	for (size_t i = 0; i < c->n_posts; i++)
		if (!child_is_up(c->posts[i].child))
			return 0;
	c->ready = 1;
	return 1;
}

int crew_is_refused(const struct crew *c)
{
	return c->refused;
}

void crew_kill(struct crew *c)
{
	for (size_t i = 0; i < c->n_posts; i++)
		child_stop(c->posts[i].child, SIGKILL);
}

static void on_kill_timer(uv_timer_t *timer)
{
	CAST(crew, c, timer->data, CREW_MAGIC);

	if (crew_n_running(c) > 0)
		log_event(LOG_WARN, "drain.overdue", LOG_INT("processes", crew_n_running(c)));
	crew_kill(c);
}

void crew_stop(struct crew *c, const struct sockets *kept)
{
	sockets_release(&c->sockets, kept);
	for (size_t i = 0; i < c->n_posts; i++)
		child_stop(c->posts[i].child, SIGTERM);
	uv_timer_start(
		&c->kill_timer, on_kill_timer, (uint64_t)c->conf.drain_s * 1000 + KILL_MS, 0);
}

size_t crew_n_running(const struct crew *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_posts; i++)
		n += (size_t)child_is_running(c->posts[i].child);
	return n;
}

static void on_kill_timer_closed(uv_handle_t *handle)
{
	CAST(crew, c, handle->data, CREW_MAGIC);

	c->magic = 0;
	mem_free(c->posts);
	mem_free(c->program_dir);
	conf_release(&c->conf);
	mem_free(c);
}

void crew_free(struct crew **at)
{
	struct crew *c = *at;

	*at = NULL;
	if (c == NULL)
		return;
	sockets_release(&c->sockets, NULL);
	for (size_t i = 0; i < c->n_posts; i++)
		child_free(&c->posts[i].child);
	uv_timer_stop(&c->kill_timer);
	uv_close((uv_handle_t *)&c->kill_timer, on_kill_timer_closed);
}
