/* SPDX-License-Identifier: MIT */
/* private_redis - the redis-server that sockethubd runs when the configuration names none.
 *
 * It lives in state_dir/redis, listens on the unix socket state_dir/redis.sock only, and keeps everything in an
 * append-only file, so it may be killed and started again. A server left behind by a supervisor that was killed
 * is asked to shut down first: what runs is always this supervisor's child. */
#ifndef CONTROL_PRIVATE_REDIS_H
#define CONTROL_PRIVATE_REDIS_H

#include <uv.h>

#include "core/base.h"

struct conf;
struct err;
struct private_redis;

struct private_redis_ops {
	/* It answers; called once, at the first time. */
	void (*up)(void *arg);
	/* It cannot be started at all: nothing further happens. `e` is borrowed. */
	void (*failed)(void *arg, const struct err *e);
	/* After private_redis_stop(): the process has ended. */
	void (*gone)(void *arg);
};

/* Begins to start it. `c` is borrowed for the call; `ops` and `arg` are KEPT. The callbacks come from the loop. GIVES in
 * `*out`; < 0 (ERR_CONFIG) when the paths cannot be used. */
int private_redis_open(uv_loop_t *loop, const struct conf *c, const struct private_redis_ops *ops,
	void *arg, struct private_redis **out, struct err *e);
/* Ends it: SIGTERM makes it write what is not yet on disk. May be repeated with SIGKILL. Returns 1 when gone() will
 * follow, 0 when no process runs. */
int private_redis_stop(struct private_redis *r, int signal);
/* Only when no process runs; the loop must run once more. Sets NULL. */
void private_redis_close(struct private_redis **r);

/* Its address, as the setting `redis` would name it: "unix:///state_dir/redis.sock". GIVES. */
char *private_redis_url(const struct conf *c);

#endif
