/* SPDX-License-Identifier: MIT */
/* redis_args - builds a Redis command in its wire form (RESP 2, arrays of bulk strings), ready to send and without a copy in
 * between. Pure. Sent by core/redis.h. */
#ifndef CORE_REDIS_ARGS_H
#define CORE_REDIS_ARGS_H

#include "core/buf.h"

/* A command in the RESP form, ready to send; reuse it to save the allocation. Zero-initialise. */
struct redis_args {
	struct buf text;
	int count;
	size_t start; /* where the finished command begins in `text` */
};

void redis_args_begin(struct redis_args *a);
void redis_arg(struct redis_args *a, const void *bytes, size_t len);
void redis_arg_str(struct redis_args *a, const char *s);
void redis_arg_int(struct redis_args *a, long long n);
/* Words collected on their own (begun by redis_args_words()) go behind those of `a`. */
void redis_args_words(struct redis_args *words);
void redis_args_append(struct redis_args *a, const struct redis_args *words);
/* Completes the command: it is `text` from `start` on. redis_send() does this. */
void redis_args_finish(struct redis_args *a);
void redis_args_release(struct redis_args *a);

#endif
