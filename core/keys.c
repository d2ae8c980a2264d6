/* SPDX-License-Identifier: MIT */
#include "core/keys.h"

#include <string.h>

#include "core/digits.h"

static void add(struct keys_name *k, const char *text)
{
	size_t len = strlen(text);

	/* Shards, tags and platform names are bounded where they enter the program: a name that does not fit is a bug. */
	assert(k->len + len < sizeof k->text);
	memcpy(k->text + k->len, text, len + 1);
	k->len += len;
}

/* sh:{SHARD}:KIND, and with it the one, two or no names that follow. */
static void make(
	struct keys_name *k, unsigned shard, const char *kind, const char *one, const char *two)
{
	memcpy(k->text, "sh:{", 4);
	k->len = 4 + digits_write(shard, k->text + 4);
	add(k, "}:");
	add(k, kind);
	add(k, one);
	add(k, two);
}

/* sh:{SHARD}:KINDplatform:name */
static void make_of_platform(struct keys_name *k, unsigned shard, const char *kind,
	const char *platform, const char *name)
{
	make(k, shard, kind, platform, ":");
	add(k, name);
}

void keys_session(struct keys_name *k, unsigned shard, const char *h)
{
	make(k, shard, "s:", h, "");
}

void keys_part(struct keys_name *k, unsigned shard, const char *h, const char *platform)
{
	make(k, shard, "p:", h, "");
	if (*h != '\0')
		add(k, ":");
	add(k, platform);
}

void keys_outbox(struct keys_name *k, unsigned shard, const char *h)
{
	make(k, shard, "o:", h, "");
}

void keys_sessions(struct keys_name *k, unsigned shard)
{
	make(k, shard, "sessions", "", "");
}

void keys_queue(struct keys_name *k, unsigned shard, const char *platform)
{
	make(k, shard, "q:", platform, "");
}

void keys_started(struct keys_name *k, unsigned shard, const char *platform)
{
	make(k, shard, "started:", platform, "");
}

void keys_up(struct keys_name *k, unsigned shard, const char *platform)
{
	make(k, shard, "up:", platform, "");
}

void keys_worker(struct keys_name *k, unsigned shard, const char *platform, const char *worker)
{
	make_of_platform(k, shard, "w:", platform, worker);
}

void keys_events(struct keys_name *k, unsigned shard, const char *platform)
{
	make(k, shard, "ev:", platform, "");
}

void keys_handed(struct keys_name *k, unsigned shard, const char *platform, const char *worker)
{
	make_of_platform(k, shard, "to:", platform, worker);
}

void keys_account(struct keys_name *k, unsigned shard, const char *platform, const char *account)
{
	make_of_platform(k, shard, "a:", platform, account);
}

void keys_held(struct keys_name *k, unsigned shard, const char *platform, const char *worker)
{
	make_of_platform(k, shard, "held:", platform, worker);
}

void keys_holders(struct keys_name *k, unsigned shard, const char *platform)
{
	make(k, shard, "holders:", platform, "");
}

void keys_buried(struct keys_name *k, unsigned shard, const char *platform)
{
	make(k, shard, "buried:", platform, "");
}
