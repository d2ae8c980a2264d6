/* SPDX-License-Identifier: MIT */
/* sentinel - asks Redis Sentinels where the master is: one after the other, until one knows
 * (https://redis.io/docs/latest/develop/reference/sentinel-clients/). Does not know what the master is used for. */
#ifndef CORE_SENTINEL_H
#define CORE_SENTINEL_H

#include <uv.h>

struct redis_url;
struct sentinel;

/* `host` is borrowed for the call; NULL: no sentinel knows it, and `why` says what the last one said. */
typedef void sentinel_fn(void *arg, const char *host, int port, const char *why);

/* `url` has sentinels and is KEPT until sentinel_free(). GIVES. */
struct sentinel *sentinel_new(uv_loop_t *loop, const struct redis_url *url);
/* Asks, beginning with the sentinel that knew last; `fn` is called once, perhaps before this returns. Not while a
 * question is open. */
void sentinel_ask(struct sentinel *s, sentinel_fn *fn, void *arg);
/* An open question gets no answer. Sets NULL, NULL is legal. The memory goes when the loop has run once more. */
void sentinel_free(struct sentinel **s);

#endif
