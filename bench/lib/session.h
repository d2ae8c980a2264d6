/* SPDX-License-Identifier: MIT */
/* session - the first request of a client: POST BASE with a register job, whose answer names the
 * session's path. */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include "bench/lib/body.h"

struct answer;
struct err;
struct loop;

#define SESSION_PATH_SIZE 256

/* The same request for all sessions; body_number(&o->body, rid) before each. */
struct session_opener {
	struct buf head;
	struct body body;
};

/* ERR_INVALID when the secret would not fit into a JSON string as it is. */
int session_opener_init(struct session_opener *o, const struct loop *l, const char *base,
	const char *secret, struct err *e);
void session_opener_release(struct session_opener *o);

/* Copies the session's path out of the answer to the request numbered `rid`. NULL, or a constant
 * sentence about what is wrong with the answer. */
const char *session_opened(char path[SESSION_PATH_SIZE], const struct answer *a, uint64_t rid);

#endif
