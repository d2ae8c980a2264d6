/* SPDX-License-Identifier: MIT */
/* keys - the name of every Redis key and channel, built here and nowhere else.
 *
 * All keys of one shard carry the hash tag {N}: a session and the job streams it pushes to are in one slot of a Redis
 * Cluster, so one script may touch them together and nothing spans two slots. H is the session's tag, a hash of
 * its id (core/session.h). Names are written into the caller's array; docs/redis.md lists them with types. */
#ifndef CORE_KEYS_H
#define CORE_KEYS_H

#include "core/base.h"

#define KEYS_SIZE 160
/* The consumer group of every job stream; its consumers are the workers, by name. */
#define KEYS_GROUP "w"
/* Longest platform and worker name. */
#define KEYS_NAME_MAX 48

struct keys_name {
	char text[KEYS_SIZE];
	size_t len;
};

/* Hash: registered, expiry, rate, salt. `h` "" gives the prefix that the scripts complete; so below. */
void keys_session(struct keys_name *k, unsigned shard, const char *h);
/* Hash: the platform's part of a session, actor -> sealed credentials. */
void keys_part(struct keys_name *k, unsigned shard, const char *h, const char *platform);
/* Stream: messages for the client. The wake-up channel has the same name. */
void keys_outbox(struct keys_name *k, unsigned shard, const char *h);
/* Sorted set: H -> expiry in ms since 1970. */
void keys_sessions(struct keys_name *k, unsigned shard);
/* Stream: jobs of a platform. */
void keys_queue(struct keys_name *k, unsigned shard, const char *platform);
/* Hash: id of a job that must not run twice -> 1, set before it runs. */
void keys_started(struct keys_name *k, unsigned shard, const char *platform);
/* String with a time to live: some worker of the platform is alive. */
void keys_up(struct keys_name *k, unsigned shard, const char *platform);
/* String with a time to live: this worker is alive. `worker` "" gives the prefix. */
void keys_worker(struct keys_name *k, unsigned shard, const char *platform, const char *worker);
/* Channel: sessions that ended, for the workers of a platform. `platform` "" gives the prefix. */
void keys_events(struct keys_name *k, unsigned shard, const char *platform);
/* Channel: ids of jobs that other workers handed to this one. */
void keys_handed(struct keys_name *k, unsigned shard, const char *platform, const char *worker);
/* Hash: who holds an account (w), and what it leaves about it (d, sealed). `account` "" gives the prefix. */
void keys_account(struct keys_name *k, unsigned shard, const char *platform, const char *account);
/* Set: the accounts that a worker holds. `worker` "" gives the prefix. */
void keys_held(struct keys_name *k, unsigned shard, const char *platform, const char *worker);
/* Set: the workers that hold accounts, or did. */
void keys_holders(struct keys_name *k, unsigned shard, const char *platform);
/* Stream: jobs given up, for the operator. */
void keys_buried(struct keys_name *k, unsigned shard, const char *platform);

#endif
