/* SPDX-License-Identifier: MIT */
/* session - who a client is: the id only it knows, and the tag under which Redis keeps its things.
 *
 * A session id is 128 random bits, base64url, 22 characters; it is the client's only key. Redis, logs and workers see
 * h, a hash of it. The internal session (a hash) knows what was registered, when it ends, and a salt; below it
 * each platform has a part of its own, sealed with a key derived from the platform's key and that salt, so that
 * with the session goes what its credentials could be opened with. */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "core/crypt.h"

struct conf;
struct redis;

#define SESSION_ID_LEN (CRYPT_TOKEN_SIZE - 1)
/* Keys outlive the session by this much, so that whoever ends it still finds what it used. */
#define SESSION_GRACE_MS 60000

struct session_ref {
	unsigned shard;
	char h[CRYPT_TOKEN_SIZE];
};

void session_id_new(char sid[SESSION_ID_LEN + 1]);
/* < 0 (ERR_NO_SESSION) when `sid` cannot be a session id. */
int session_ref_init(struct session_ref *s, const char *sid, size_t len, unsigned shards);
/* From a tag that a script or a job named. < 0 when it is none. */
int session_ref_from_tag(struct session_ref *s, unsigned shard, const char *h, size_t len);

/* The key for the session's credentials of one platform. */
void session_key(
	const struct crypt_key *platform, const void *salt, size_t salt_len, struct crypt_key *out);
/* The field of the platform's part under which an actor's credentials are: its keyed hash. */
void session_field(const struct crypt_key *platform, const char *actor, char out[CRYPT_TOKEN_SIZE]);
/* Associated data of sealed blobs: what kind, which session. */
#define SESSION_AD_SIZE (CRYPT_TOKEN_SIZE + 8)
void session_ad(const struct session_ref *s, char kind, char out[SESSION_AD_SIZE]);
#define SESSION_AD_JOB         'j'
#define SESSION_AD_MESSAGE     'm'
#define SESSION_AD_CREDENTIALS 'c'

/* `salt` is NULL when there is none (no session) and valid for the call only; rc < 0: ERR_REDIS. */
typedef void session_salt_fn(void *arg, int rc, const void *salt, size_t len);
/* Reads the session's salt. < 0 (ERR_REDIS): not sent, no callback. */
int session_salt(struct redis *r, const struct session_ref *s, session_salt_fn *fn, void *arg);

/* rc: how many sessions ended, or < 0 (ERR_REDIS). */
typedef void session_end_fn(void *arg, int rc);
/* Ends one session: its keys go, workers and waiting gateways are told. */
int session_end(struct redis *r, const struct session_ref *s, session_end_fn *fn, void *arg);
/* The same for up to `max` sessions of the shard whose time is over. */
int session_end_expired(
	struct redis *r, unsigned shard, unsigned max, session_end_fn *fn, void *arg);

#endif
