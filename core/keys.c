/* SPDX-License-Identifier: MIT */
#include "core/keys.h"

#include <stdarg.h>
#include <stdio.h>

/* Shards, tags and platform names are bounded where they enter the program, so a name that does not fit is a bug. */
static void put(struct keys_name *k, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void put(struct keys_name *k, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(k->text, sizeof k->text, fmt, ap);
	va_end(ap);
	assert(n > 0 && (size_t)n < sizeof k->text);
	k->len = (size_t)n;
}

void keys_session(struct keys_name *k, unsigned shard, const char *h)
{
	put(k, "sh:{%u}:s:%s", shard, h);
}

void keys_part(struct keys_name *k, unsigned shard, const char *h, const char *platform)
{
	put(k, *h != '\0' ? "sh:{%u}:p:%s:%s" : "sh:{%u}:p:%s%s", shard, h, platform);
}

void keys_outbox(struct keys_name *k, unsigned shard, const char *h)
{
	put(k, "sh:{%u}:o:%s", shard, h);
}

void keys_sessions(struct keys_name *k, unsigned shard)
{
	put(k, "sh:{%u}:sessions", shard);
}

void keys_queue(struct keys_name *k, unsigned shard, const char *platform)
{
	put(k, "sh:{%u}:q:%s", shard, platform);
}

void keys_started(struct keys_name *k, unsigned shard, const char *platform)
{
	put(k, "sh:{%u}:started:%s", shard, platform);
}

void keys_up(struct keys_name *k, unsigned shard, const char *platform)
{
	put(k, "sh:{%u}:up:%s", shard, platform);
}

void keys_worker(struct keys_name *k, unsigned shard, const char *platform, const char *worker)
{
	put(k, "sh:{%u}:w:%s:%s", shard, platform, worker);
}

void keys_events(struct keys_name *k, unsigned shard, const char *platform)
{
	put(k, "sh:{%u}:ev:%s", shard, platform);
}

void keys_buried(struct keys_name *k, unsigned shard, const char *platform)
{
	put(k, "sh:{%u}:buried:%s", shard, platform);
}
