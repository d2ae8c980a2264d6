/* SPDX-License-Identifier: MIT */
/* adapter - hiredis on libuv. Ours, because the adapter that hiredis 0.14 ships drops poll errors: a refused connection
 * would never be noticed. Knows no command. */
#ifndef CORE_ADAPTER_H
#define CORE_ADAPTER_H

#include <hiredis/async.h>
#include <uv.h>

/* Lets the loop, which has a turn (core/turn.h), drive `ac`; once, before it is connected. Goes with the context. */
void adapter_attach(uv_loop_t *loop, redisAsyncContext *ac);

#endif
