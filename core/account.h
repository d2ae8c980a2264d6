/* SPDX-License-Identifier: MIT */
/* account - which worker holds the connection of an account, kept in Redis.
 *
 * An account is an actor with its credentials; its key is a hash of both, keyed by the platform. It has one holder: the
 * worker in its hash, while that worker's heartbeat lasts. Jobs that another worker reads are handed to the holder
 * (core/queue.h queue_hand()). The holder may leave a sealed record, with which another worker takes the account over when
 * the holder is gone. The keys lie in the shard that the account's key falls to. This file knows keys and blobs only.
 * Used by workers/succession.c and workers/prepare.c. */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include "core/crypt.h"

struct redis;

struct account_ref {
	unsigned shard;       /* account_shard() */
	const char *platform; /* borrowed, as the rest */
	const char *worker;   /* who asks */
	const char *key;      /* CRYPT_TOKEN_SIZE with its NUL */
};

/* The shard of an account. */
unsigned account_shard(const char *key, unsigned shards);

/* rc 0: `owner` holds the account, "" when no worker has room for it; `record` is what was left about it, empty when
 * nothing was. Valid for the call. rc < 0: ERR_REDIS. */
typedef void account_own_fn(
	void *arg, int rc, const char *owner, const void *record, size_t record_len);
/* Asks who holds the account. When nobody alive does: the asker from now on, if it has `room`, else the worker that has the
 * fewest accounts below `max`. Renews the keys when it is the asker's. < 0 (ERR_REDIS): not sent. */
int account_own(struct redis *r, const struct account_ref *a, int room, long long max,
	account_own_fn *fn, void *arg);

/* One account that was a dead worker's and is the asker's now. */
struct account_left {
	char key[CRYPT_TOKEN_SIZE];
	const void *record; /* borrowed from the reply */
	size_t record_len;
};

/* `lapsed`: the asker's own heartbeat had run out: others may hold its accounts now. rc < 0: ERR_REDIS, n is 0. */
typedef void account_adopt_fn(
	void *arg, int rc, int lapsed, const struct account_left *accounts, size_t n);

struct account_adopt {
	unsigned max;    /* how many at most */
	int from_silent; /* also of workers whose heartbeat has run out; else only of those that
				    * said that they end, and of the predecessor */
	const char *predecessor; /* a worker known to be dead, or "" */
	unsigned worker_ttl_ms;  /* of heartbeats */
};

/* Takes over accounts of the shard whose holders are gone; `a->key` is not used. To be sent before the heartbeat of the
 * same second. < 0 (ERR_REDIS): not sent. */
int account_adopt(struct redis *r, const struct account_ref *a, const struct account_adopt *o,
	account_adopt_fn *fn, void *arg);

/* Some accounts of the shard that the worker holds by what Redis says, at random; valid for the call. */
typedef void account_sample_fn(void *arg, const char (*keys)[CRYPT_TOKEN_SIZE], size_t n);
/* Asks for at most ACCOUNT_SAMPLE_MAX; `a->key` is not used. `fn` gets none when Redis does not answer. < 0 (ERR_REDIS): not
 * sent. */
#define ACCOUNT_SAMPLE_MAX 8
int account_sample(struct redis *r, const struct account_ref *a, account_sample_fn *fn, void *arg);

/* The holder leaves a sealed record, or with NULL none any more. Best effort; nothing happens when another worker holds the
 * account. */
void account_record(struct redis *r, const struct account_ref *a, const struct buf *record);
/* The holder has no room for the account: nobody holds it until another takes it over, with what was left about it. Best
 * effort. */
void account_return(struct redis *r, const struct account_ref *a);
/* The holder lets the account go: nobody holds it, and what was left about it is gone. Best effort. */
void account_release(struct redis *r, const struct account_ref *a);

#endif
