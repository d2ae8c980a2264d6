/* SPDX-License-Identifier: MIT */
#include "core/hub.h"

#include <stdio.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/redis_url.h"
#include "core/scripts.h"

#define HUB_SHARD_MAGIC    0x40B00001u
#define COMMAND_TIMEOUT_MS 10000

struct hub_shard {
	unsigned magic;
	struct hub *hub;
	unsigned n;
	struct redis *commands;
	struct redis *subscriber; /* NULL when the process does not subscribe */
};

struct hub {
	struct redis_url url;
	struct hub_events events;
	unsigned n;
	struct hub_shard *shards;
};

static void on_commands(void *arg, int up)
{
	CAST(hub_shard, s, arg, HUB_SHARD_MAGIC);

	/* A subscriber cannot tell a quiet Redis from one that hangs, or is not the master any more. */
	if (!up && s->subscriber != NULL)
		redis_renew(s->subscriber);
	if (s->hub->events.commands != NULL)
		s->hub->events.commands(s->hub->events.arg, s->n, up);
}

static void on_subscriber(void *arg, int up)
{
	CAST(hub_shard, s, arg, HUB_SHARD_MAGIC);
	s->hub->events.subscriber(s->hub->events.arg, s->n, up);
}

static void on_push(void *arg, const struct redisReply *reply)
{
	CAST(hub_shard, s, arg, HUB_SHARD_MAGIC);
	s->hub->events.push(s->hub->events.arg, s->n, reply);
}

static void shard_open(struct hub_shard *s, uv_loop_t *loop, const char *name)
{
	struct redis_options o = {
		.loop = loop,
		.url = &s->hub->url,
		.name = name,
		.timeout_ms = COMMAND_TIMEOUT_MS,
		.state = on_commands,
		.arg = s,
		.scripts = scripts_all,
	};
	char tag[64];

	s->commands = redis_new(&o);
	if (s->hub->events.subscriber == NULL)
		return;
	snprintf(tag, sizeof tag, "%s-events", name);
	o.name = tag;
	o.state = on_subscriber;
	o.push = on_push;
	o.scripts = NULL;
	s->subscriber = redis_new(&o);
}

int hub_open(uv_loop_t *loop, const struct conf *c, const char *name,
	const struct hub_events *events, struct hub **out, struct err *e)
{
	struct hub *h = mem_alloc(sizeof *h);
	int rc = c->redis == NULL
			 ? err_set(e, ERR_CONFIG,
				   "redis: has to be set (sockethubd starts a private one)")
			 : redis_url_parse(&h->url, c->redis, e);

	if (rc < 0) {
		mem_free(h);
		return rc;
	}
	h->events = *events;
	h->n = (unsigned)c->shards;
	h->shards = mem_array(h->n, sizeof *h->shards);
	for (unsigned i = 0; i < h->n; i++) {
		h->shards[i] = (struct hub_shard){.magic = HUB_SHARD_MAGIC, .hub = h, .n = i};
		shard_open(&h->shards[i], loop, name);
	}
	*out = h;
	return 0;
}

void hub_close(struct hub **hp)
{
	struct hub *h = *hp;

	*hp = NULL;
	if (h == NULL)
		return;
	for (unsigned i = 0; i < h->n; i++) {
		redis_free(&h->shards[i].commands);
		redis_free(&h->shards[i].subscriber);
	}
	redis_url_release(&h->url);
	mem_free(h->shards);
	mem_free(h);
}

unsigned hub_shards(const struct hub *h)
{
	return h->n;
}

struct redis *hub_commands(const struct hub *h, unsigned shard)
{
	assert(shard < h->n);
	return h->shards[shard].commands;
}

struct redis *hub_subscriber(const struct hub *h, unsigned shard)
{
	assert(shard < h->n);
	return h->shards[shard].subscriber;
}

int hub_is_up(const struct hub *h)
{
	for (unsigned i = 0; i < h->n; i++)
		if (!redis_is_up(h->shards[i].commands) ||
			(h->shards[i].subscriber != NULL && !redis_is_up(h->shards[i].subscriber)))
			return 0;
	return 1;
}

const struct redis_url *hub_url(const struct hub *h)
{
	return &h->url;
}
