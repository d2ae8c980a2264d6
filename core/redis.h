/* SPDX-License-Identifier: MIT */
/* redis - one connection to Redis on the event loop: it reconnects with back-off, pipelines, loads our scripts and
 * never blocks.
 *
 * A command is built with redis_args and sent with redis_send(). Its callback is called exactly once: with the reply, or with
 * NULL when the connection went before the answer came (Redis may or may not have run it: the caller decides what a
 * repeat means). Commands are answered in the order they were sent. When the server says that it is not the one to
 * talk to (MOVED, READONLY, LOADING, ...) the command gets NULL and the connection is made anew, to the address a
 * MOVED named (or the sentinels name then): all keys of a shard are in one slot, so a shard's connection follows its slot through a Redis Cluster.
 * A subscriber (options.push) sends SUBSCRIBE and UNSUBSCRIBE only. Knows no key and no script by name. */
#ifndef CORE_REDIS_H
#define CORE_REDIS_H

#include <hiredis/hiredis.h>
#include <uv.h>

#include "core/redis_args.h"

struct redis_url;
struct redis;

/* --- the connection --------------------------------------------------------------------------------------------- */

/* `reply` is borrowed for the call; NULL: not answered. An error reply is a reply (REDIS_REPLY_ERROR). */
typedef void redis_reply_fn(void *arg, const struct redisReply *reply);
/* `up` 1: commands can be sent, on a fresh connection; 0: it went (pending callbacks have been called with NULL). */
typedef void redis_state_fn(void *arg, int up);

struct redis_options {
	uv_loop_t *loop;
	const struct redis_url *url; /* KEPT until redis_free() */
	const char *name;    /* of this connection, for CLIENT SETNAME and the log; copied */
	unsigned timeout_ms; /* a command not answered for so long: the connection is given up */
	redis_state_fn *state;
	void *arg;
	/* Scripts to load before `up`; ends with a NULL text. KEPT. May be NULL. */
	const char *const *scripts;
	/* Makes this a subscriber: called for each (un)subscription and message, an array reply as Redis sends it.
	 * redis_send() then takes SUBSCRIBE and UNSUBSCRIBE only, without a callback. */
	redis_reply_fn *push;
};

/* Starts to connect; state(1) follows from the loop. GIVES. */
struct redis *redis_new(const struct redis_options *o);
/* Writes what was sent, if the socket takes it; calls back what is pending with NULL, no state(0). Sets NULL. The memory goes when the loop has run once more. */
void redis_free(struct redis **r);
/* Gives the connection up, as if it had gone, and makes a new one. Does nothing while it is down. */
void redis_renew(struct redis *r);
int redis_is_up(const struct redis *r);
/* Ends `a` and sends it. `fn` may be NULL (the reply does not matter). < 0 (ERR_REDIS) while the connection is down:
 * nothing was sent and `fn` is not called. */
int redis_send(struct redis *r, struct redis_args *a, redis_reply_fn *fn, void *arg);
/* The SHA-1 by which the n-th script of the options is called (EVALSHA); valid while up. */
const char *redis_script_sha(const struct redis *r, size_t n);
/* For messages to people: the address without a password. Borrowed. */
const char *redis_address(const struct redis *r);

/* --- reading replies --------------------------------------------------------------------------------------------- */

/* The n-th element of an array reply, or NULL. */
const struct redisReply *redis_at(const struct redisReply *reply, size_t n);
/* An integer reply, or a string that is one; else the fallback. NULL is legal. */
long long redis_int(const struct redisReply *reply, long long fallback);
/* A string reply's text, or "" ; NULL is legal. */
const char *redis_text(const struct redisReply *reply);

#endif
