/* SPDX-License-Identifier: MIT */
/* succession - what becomes of a worker's accounts when it is gone, and who holds them while it lives.
 *
 * A worker writes down, sealed, what a successor needs of each account: the actor, the sessions, what the platform keeps. It
 * takes over the accounts of workers that died or left, looks for a session of each that still lives, takes the
 * credentials from there (they are nowhere else) and opens the connection again. It also makes sure from time to time
 * that what it holds is still its own. Knows accounts and sessions; no job, no platform. */
#ifndef WORKERS_SUCCESSION_H
#define WORKERS_SUCCESSION_H

#include <stddef.h>

struct instance;
struct succession;
struct worker;

/* `w` is KEPT; its hub and instances have to be there. GIVES. */
struct succession *succession_open(struct worker *w);
/* The worker ends: what it holds is left as it is, for others. Before the instances are closed. */
void succession_leave(struct succession *s);
/* After the hub is closed or before; what Redis still answers is ignored. Sets NULL. */
void succession_close(struct succession **s);

/* 1 when this worker may open another account, those included that are being asked for. */
int succession_has_room(const struct succession *s);
/* An account is being asked for that this worker has room for (1); it was answered (-1). */
void succession_asking(struct succession *s, int by);
/* platforms.<name>.accounts; a very large number when the platform has no such setting. */
long long succession_max(const struct succession *s);

/* An instance is new, or its sessions, their topics or what it keeps have changed: written at the end of the turn. */
void succession_changed(struct succession *s, struct instance *in);
/* The connection for commands is back: what was written before may not have arrived, and Redis may have lost some. */
void succession_connected(struct succession *s, unsigned shard);
/* The instance of this account is closed, or could not be opened: the account is nobody's. */
void succession_closed(struct succession *s, const char *key);

/* This worker holds the account `key` from now on and finds this record about it. Its sessions are attached as Redis tells
 * their credentials; a record that cannot be used is forgotten. */
void succession_inherit(
	struct succession *s, const char *key, const void *record, size_t record_len);
/* Each second and shard, before the heartbeat. `predecessor`: as in listener_open(). `may_judge`: whether a silent worker may be
 * taken for dead. */
void succession_beat(struct succession *s, unsigned shard, const char *predecessor, int may_judge);

#endif
