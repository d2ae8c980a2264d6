/* SPDX-License-Identifier: MIT */
/* crew - the gateways and workers of one configuration.
 *
 * The supervisor has one crew, and for the time of a reload two: the new one is started beside the old, and takes over
 * when all of it is up. Each process is handed what it needs and nothing more: a gateway the master key and the
 * listening sockets, a worker its platform's key and the name of the worker it replaces. */
#ifndef CONTROL_CREW_H
#define CONTROL_CREW_H

#include <uv.h>

#include "control/sockets.h"
#include "core/conf.h"

struct crew;
struct err;
struct keyring;

struct crew_options {
	uv_loop_t *loop;
	struct conf *conf;          /* TAKES, and leaves it empty */
	struct sockets *sockets;    /* TAKES, and leaves it empty */
	const struct keyring *keys; /* the master key; KEPT */
	const char *
		redis_url; /* of the private Redis; NULL: children find it in the configuration. KEPT */
	void (*changed)(void *arg); /* some process came up or ended: look again. `arg` is KEPT */
	void *arg;
};

/* < 0 (ERR_CONFIG) when platforms.NAME.workers of `c` is no number from 0 to 256. */
int crew_check(const struct conf *c, struct err *e);
/* `o->conf` has passed crew_check(). GIVES. Nothing runs before crew_start(). */
struct crew *crew_new(struct crew_options *o);
const struct conf *crew_conf(const struct crew *c);
const struct sockets *crew_sockets(const struct crew *c);
/* < 0 when a process could not be started at all (logged). */
int crew_start(struct crew *c);
/* 1 once every process has been up at the same time. */
int crew_is_ready(struct crew *c);
/* 1 when a process refused its configuration before the crew was ready. */
int crew_is_refused(const struct crew *c);
/* No start any more; SIGTERM to all, and SIGKILL to those that are left after drain_s and 5 s. The supervisor's hold on
 * the sockets ends; the files of unix sockets that `kept` (may be NULL) does not serve are removed. */
void crew_stop(struct crew *c, const struct sockets *kept);
/* SIGKILL to all. */
void crew_kill(struct crew *c);
size_t crew_n_running(const struct crew *c);
/* Only when none is running; the loop must run once more for the handles to close. Sets NULL. */
void crew_free(struct crew **c);

#endif
