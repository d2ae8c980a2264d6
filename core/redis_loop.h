/* SPDX-License-Identifier: MIT */
/* redis_loop - runs a hiredis connection on libuv, which needs a turn (core/turn.h).
 *
 * Ours, because the adapter that hiredis 0.14 ships drops poll errors: a refused connection would never be noticed. What one turn
 * of the loop queues leaves in one write at its end. For core/redis.c alone. */
#ifndef CORE_REDIS_LOOP_H
#define CORE_REDIS_LOOP_H

#include <uv.h>

struct redisAsyncContext;

/* From here on until the context is freed. */
void redis_loop_attach(uv_loop_t *loop, struct redisAsyncContext *ac);

#endif
