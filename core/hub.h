/* SPDX-License-Identifier: MIT */
/* hub - a process's connections to Redis: per shard one for commands and one that subscribes.
 *
 * Tells when a shard comes up or goes. With one shard, the usual case, that is two sockets for any number of clients. */
#ifndef CORE_HUB_H
#define CORE_HUB_H

#include <uv.h>

#include "core/base.h"

struct conf;
struct err;
struct hub;
struct redis;
struct redisReply;
struct redis_url;

struct hub_events {
	/* The command connection of `shard` came up (1) or went (0). May be NULL. */
	void (*commands)(void *arg, unsigned shard, int up);
	/* The same for the subscriber: after an `up` nothing is subscribed. May be NULL: then there are no subscribers. */
	void (*subscriber)(void *arg, unsigned shard, int up);
	/* A (un)subscription was acknowledged or a message came: ["message", channel, payload] and the like. */
	void (*push)(void *arg, unsigned shard, const struct redisReply *reply);
	void *arg;
};

/* Connects to the configured Redis. `name` tags the connections. KEEPS nothing of `c`. < 0: ERR_CONFIG. GIVES. */
int hub_open(uv_loop_t *loop, const struct conf *c, const char *name,
	const struct hub_events *events, struct hub **out, struct err *e);
/* Sets NULL; the loop has to run once more. */
void hub_close(struct hub **hub);
unsigned hub_shards(const struct hub *h);
/* Never NULL; sending on one that is down fails at once. */
struct redis *hub_commands(const struct hub *h, unsigned shard);
struct redis *hub_subscriber(const struct hub *h, unsigned shard);
/* 1 when every connection is up. */
int hub_is_up(const struct hub *h);
/* For connections of one's own (blocking reads). */
const struct redis_url *hub_url(const struct hub *h);

#endif
