/* SPDX-License-Identifier: MIT */
/* redisd - a real redis-server of a test's own, on a unix socket in a temporary folder, and a loop to talk to it on.
 *
 * It ends with the test, also when that crashes. Knows nothing of what is kept in it. */
#ifndef TESTS_FAKE_REDISD_H
#define TESTS_FAKE_REDISD_H

#include <sys/types.h>
#include <uv.h>

#include "core/redis.h"
#include "core/redis_url.h"

struct redisd {
	char dir[32];
	pid_t pid;
	struct redis_url url;
	uv_loop_t loop;
	struct redisReply *reply; /* of redisd_command(), until the next */
};

/* Starts the server and makes a loop with a turn. Aborts when that fails. */
void redisd_open(struct redisd *d);
/* Ends all; every connection has to be freed. Fails the process when a handle is left in the loop. */
void redisd_close(struct redisd *d);
/* SIGKILL; the data is gone. */
void redisd_kill(struct redisd *d);
/* Again, on the same socket. */
void redisd_start(struct redisd *d);
/* Runs the loop until *flag is not 0; aborts after 20 s. */
void redisd_until(struct redisd *d, const int *flag);
/* Runs the loop for `ms`: to see that nothing happens. */
void redisd_run(struct redisd *d, unsigned ms);
/* A command on a blocking connection beside the loop. The reply is borrowed until the next. */
const struct redisReply *redisd_command(struct redisd *d, const char *format, ...);

#endif
