/* SPDX-License-Identifier: MIT */
#include "control/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "control/crew.h"
#include "control/private_redis.h"
#include "core/address.h"
#include "core/cli.h"
#include "core/err.h"
#include "core/keyring.h"
#include "core/log.h"
#include "core/mem.h"

#define SUPERVISOR_MAGIC 0x50CCE7D0u
#define MAX_RETIRED      16
#define RELOAD_MS        60000 /* a new crew that is not up by then is given up */
#define REDIS_KILL_MS    10000
#define BIND_WAIT_MS     5000 /* for the sockets of gateways that an earlier supervisor left behind */

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

struct supervisor {
	unsigned magic;
	uv_loop_t loop;
	uv_signal_t signals[ARRAY_LEN(signals)];
	uv_timer_t
		step; /* decisions are taken from here, never from within a callback of a child */
	uv_timer_t deadline; /* of a reload, or of the private Redis' end */
	struct keyring keys;
	struct private_redis *redis; /* NULL: the configuration names one */
	char *redis_url;
	struct crew *crew;
	struct crew *next; /* of a reload that goes on */
	struct crew *retired[MAX_RETIRED];
	char *pid_path;
	int lock_fd;
	int started;  /* the crew was */
	int ready;    /* all of the crew has been up */
	int draining; /* how often we were asked to end */
	int closing;  /* all is ended, the handles close */
	int exit_status;
};

static void look_again(void *arg);

/* --- before the loop runs ------------------------------------------------------------------------------------- */

int supervisor_check(const struct conf *c)
{
	const char *const addresses[] = {c->listen, c->fastcgi, c->admin};
	struct err e;
	int rc = crew_check(c, &e);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(addresses); i++)
		if (addresses[i] != NULL)
			rc = address_check(addresses[i], &e);
	if (rc == 0)
		return 0;
	fprintf(stderr, "sockethubd: %s\n", e.text);
	return 2;
}

static int state_dir_open(struct supervisor *s, const struct conf *c, int *unclean, struct err *e)
{
	char *dir = conf_path(c, c->state_dir);
	char *lock = conf_state_path(c, "sockethubd.lock");
	int rc = 0;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		rc = err_set_sys(e, ERR_CONFIG, errno, "state_dir %s", dir);
	if (rc == 0) {
		s->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (s->lock_fd < 0)
			rc = err_set_sys(e, ERR_CONFIG, errno, "%s", lock);
		else if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
			rc = err_set_sys(e, ERR_CONFIG, EADDRINUSE,
				"another sockethubd runs with the state_dir %s", dir);
	}
	if (rc == 0) {
		s->pid_path = conf_state_path(c, "sockethubd.pid");
		*unclean = access(s->pid_path, F_OK) == 0;
	}
	mem_free(lock);
	mem_free(dir);
	return rc;
}

static int pid_write(const struct supervisor *s, struct err *e)
{
	FILE *f = fopen(s->pid_path, "we");

	if (f == NULL)
		return err_set_sys(e, ERR_CONFIG, errno, "%s", s->pid_path);
	fprintf(f, "%d\n", (int)getpid());
	return fclose(f) == 0 ? 0 : err_set_sys(e, ERR_CONFIG, errno, "%s", s->pid_path);
}

/* After a supervisor was killed, its gateways notice and let go of their sockets, but not in the same instant. */
static int sockets_wait(struct sockets *sockets, const struct conf *c, int unclean, struct err *e)
{
	int rc = sockets_open(sockets, c, NULL, e);

	for (int ms = 0; rc < 0 && e->sys == EADDRINUSE && unclean && ms < BIND_WAIT_MS;
		ms += 100) {
		usleep(100 * 1000);
		rc = sockets_open(sockets, c, NULL, e);
	}
	return rc;
}

/* --- the end -------------------------------------------------------------------------------------------------- */

static void handles_close(struct supervisor *s)
{
	s->closing = 1;
	private_redis_close(&s->redis);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		uv_close((uv_handle_t *)&s->signals[i], NULL);
	uv_close((uv_handle_t *)&s->step, NULL);
	uv_close((uv_handle_t *)&s->deadline, NULL);
}

static void on_redis_overdue(uv_timer_t *timer)
{
	CAST(supervisor, s, timer->data, SUPERVISOR_MAGIC);

	private_redis_stop(s->redis, SIGKILL);
}

static void retire(struct supervisor *s, struct crew **at, const struct sockets *kept)
{
	if (*at == NULL)
		return;
	crew_stop(*at, kept);
	for (size_t i = 0; i < MAX_RETIRED; i++) {
		if (s->retired[i] == NULL) {
			s->retired[i] = *at;
			*at = NULL;
			return;
		}
	}
	assert(!"a reload is refused before the places run out");
}

static size_t retired_free(struct supervisor *s)
{
	size_t left = 0;

	for (size_t i = 0; i < MAX_RETIRED; i++) {
		if (s->retired[i] != NULL && crew_n_running(s->retired[i]) == 0)
			crew_free(&s->retired[i]);
		left += s->retired[i] != NULL;
	}
	return left;
}

static void drain(struct supervisor *s, int exit_status)
{
	if (s->draining == 0) {
		s->exit_status = exit_status;
		log_event(LOG_INFO, "drain", LOG_INT("drain_s", crew_conf(s->crew)->drain_s));
		uv_timer_stop(&s->deadline);
		retire(s, &s->next, NULL);
		retire(s, &s->crew, NULL);
	} else {
		for (size_t i = 0; i < MAX_RETIRED; i++)
			if (s->retired[i] != NULL)
				crew_kill(s->retired[i]);
	}
	s->draining++;
	look_again(s);
}

/* All gateways and workers have ended: Redis is last, so that they could finish their work. */
static void drained(struct supervisor *s)
{
	if (s->redis == NULL || !private_redis_stop(s->redis, SIGTERM))
		handles_close(s);
	else if (!uv_is_active((uv_handle_t *)&s->deadline))
		uv_timer_start(&s->deadline, on_redis_overdue, REDIS_KILL_MS, 0);
}

/* --- reload --------------------------------------------------------------------------------------------------- */

static int same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int reload_check(const struct conf *now, const struct conf *new, struct err *e)
{
	if (!same(now->state_dir, new->state_dir) || !same(now->redis_server, new->redis_server) ||
		!same(now->key_file, new->key_file) || (now->redis == NULL) != (new->redis == NULL))
		return err_set(e, ERR_CONFIG,
			"state_dir, redis_server, key_file and a private Redis need a restart");
	return crew_check(new, e);
}

static struct crew *crew_make(struct supervisor *s, struct conf *c, struct sockets *sockets)
{
	struct crew_options o = {.loop = &s->loop,
		.conf = c,
		.sockets = sockets,
		.keys = &s->keys,
		.redis_url = s->redis_url,
		.changed = look_again,
		.arg = s};

	return crew_new(&o);
}

static void reload_end(struct supervisor *s, const char *why)
{
	log_event(LOG_ERROR, "reload.refused", LOG_STR("why", why));
	uv_timer_stop(&s->deadline);
	retire(s, &s->next, crew_sockets(s->crew));
}

static void on_reload_overdue(uv_timer_t *timer)
{
	CAST(supervisor, s, timer->data, SUPERVISOR_MAGIC);

	reload_end(s, "the new processes did not come up in time");
}

static void reload(struct supervisor *s)
{
	struct sockets sockets;
	struct conf conf;
	const char *const *sets;
	size_t n_sets = cli_sets(&sets);
	struct err e;
	int rc;

	if (!s->started || s->next != NULL || retired_free(s) > MAX_RETIRED - 3) {
		log_event(LOG_WARN, "reload.refused", LOG_STR("why", "another start goes on"));
		return;
	}
	rc = conf_load(&conf, cli_config_file(), sets, n_sets, &e);
	if (rc == 0) {
		rc = reload_check(crew_conf(s->crew), &conf, &e);
		if (rc == 0)
			rc = sockets_open(&sockets, &conf, crew_sockets(s->crew), &e);
		if (rc < 0)
			conf_release(&conf);
	}
	if (rc < 0) {
		log_event(LOG_ERROR, "reload.refused", LOG_ERR(&e));
		return;
	}
	log_event(LOG_INFO, "reload", LOG_STR("file", cli_config_file()));
	s->next = crew_make(s, &conf, &sockets);
	uv_timer_start(&s->deadline, on_reload_overdue, RELOAD_MS, 0);
	crew_start(s->next);
}

static void reload_step(struct supervisor *s)
{
	if (crew_is_refused(s->next)) {
		reload_end(s, "a process refused the configuration");
	} else if (crew_is_ready(s->next)) {
		uv_timer_stop(&s->deadline);
		retire(s, &s->crew, crew_sockets(s->next));
		s->crew = s->next;
		s->next = NULL;
		log_event(LOG_INFO, "reload.done", LOG_INT("processes", crew_n_running(s->crew)));
	}
}

/* --- while it runs -------------------------------------------------------------------------------------------- */

static void announce(struct supervisor *s)
{
	const struct sockets *k = crew_sockets(s->crew);
	char *listen = k->listen.address != NULL ? address_show(k->listen.fd) : NULL;
	char *fastcgi = k->fastcgi.address != NULL ? address_show(k->fastcgi.fd) : NULL;

	s->ready = 1;
	log_event(LOG_INFO, "ready", LOG_STR("listen", listen), LOG_STR("fastcgi", fastcgi),
		LOG_STR("base", crew_conf(s->crew)->base),
		LOG_INT("processes", crew_n_running(s->crew)));
	mem_free(listen);
	mem_free(fastcgi);
}

/* The one place that decides what follows from what has happened. */
static void on_step(uv_timer_t *timer)
{
	CAST(supervisor, s, timer->data, SUPERVISOR_MAGIC);
	size_t left = retired_free(s);

	if (s->closing)
		return;
	if (s->draining) {
		if (left == 0)
			drained(s);
		return;
	}
	if (s->next != NULL)
		reload_step(s);
	if (!s->ready && crew_is_ready(s->crew))
		announce(s);
	else if (!s->ready && s->next == NULL && crew_is_refused(s->crew))
		drain(s, 2);
}

static void look_again(void *arg)
{
	CAST(supervisor, s, arg, SUPERVISOR_MAGIC);

	uv_timer_start(&s->step, on_step, 0, 0);
}

static void on_signal(uv_signal_t *handle, int number)
{
	CAST(supervisor, s, handle->data, SUPERVISOR_MAGIC);

	log_event(LOG_INFO, "signal", LOG_STR("signal", strsignal(number)));
	if (number == SIGHUP && s->draining == 0)
		reload(s);
	else if (number != SIGHUP)
		drain(s, 0);
}

static void on_redis_up(void *arg)
{
	CAST(supervisor, s, arg, SUPERVISOR_MAGIC);

	if (s->draining > 0)
		return;
	s->started = 1;
	if (crew_start(s->crew) < 0)
		drain(s, 1);
}

static void on_redis_failed(void *arg, const struct err *e)
{
	CAST(supervisor, s, arg, SUPERVISOR_MAGIC);

	log_event(LOG_ERROR, "redis.failed", LOG_ERR(e));
	if (s->draining == 0)
		drain(s, 1);
}

static const struct private_redis_ops redis_ops = {
	.up = on_redis_up,
	.failed = on_redis_failed,
	.gone = look_again,
};

static void handles_open(struct supervisor *s)
{
	uv_loop_init(&s->loop);
	uv_timer_init(&s->loop, &s->step);
	uv_timer_init(&s->loop, &s->deadline);
	s->step.data = s;
	s->deadline.data = s;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		uv_signal_init(&s->loop, &s->signals[i]);
		s->signals[i].data = s;
		uv_signal_start(&s->signals[i], on_signal, signals[i]);
	}
}

/* Everything that can be refused before a process is started. */
static int prepare(struct supervisor *s, struct conf *c, struct sockets *sockets, struct err *e)
{
	int unclean = 0;
	int rc = crew_check(c, e);

	if (rc == 0)
		rc = state_dir_open(s, c, &unclean, e);
	if (rc == 0)
		rc = keyring_load(&s->keys, c, 1, e);
	if (rc == 0)
		rc = sockets_wait(sockets, c, unclean, e);
	if (rc == 0)
		rc = pid_write(s, e);
	return rc;
}

static void run(struct supervisor *s, struct conf *c, struct sockets *sockets)
{
	struct err e;
	int rc = 0;

	handles_open(s);
	if (c->redis == NULL) {
		s->redis_url = private_redis_url(c);
		rc = private_redis_open(&s->loop, c, &redis_ops, s, &s->redis, &e);
	}
	s->crew = crew_make(s, c, sockets);
	if (rc < 0)
		on_redis_failed(s, &e);
	else if (s->redis == NULL)
		on_redis_up(s);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
	unlink(s->pid_path);
	log_event(LOG_INFO, "ended", LOG_INT("status", s->exit_status));
}

int supervisor_run(struct conf *c)
{
	struct supervisor *s = mem_alloc(sizeof *s);
	struct sockets sockets;
	struct err e;
	int status;

	s->magic = SUPERVISOR_MAGIC;
	s->lock_fd = -1;
	if (prepare(s, c, &sockets, &e) == 0) {
		run(s, c, &sockets);
		status = s->exit_status;
	} else {
		log_event(LOG_ERROR, "start.failed", LOG_ERR(&e));
		status = e.sys == EADDRINUSE ? 1 : 2;
	}
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	keyring_wipe(&s->keys);
	mem_free(s->pid_path);
	mem_free(s->redis_url);
	mem_free(s);
	return status;
}
