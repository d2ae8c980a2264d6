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

struct err;
struct instance;
struct instance_want;
struct succession;
struct worker;

/* `w` is KEPT; its hub and instances have to be there. GIVES. */
struct succession *succession_open(struct worker *w);
/* The worker ends: what it holds is left as it is, for others. Before the instances are closed. */
void succession_leave(struct succession *s);
/* After the hub is closed or before; what Redis still answers is ignored. Sets NULL. */
void succession_close(struct succession **s);

/* 1 when this worker may open another account, those included that jobs ask for and that are being taken over. */
int succession_has_room(const struct succession *s);
/* The same for this account, which may be open already or have its place kept. */
int succession_has_place(const struct succession *s, const char *key);
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

/* What a former holder left about an account, sealed; borrowed. */
struct succession_left {
	const void *record;
	size_t len; /* 0: nothing */
};

/* As instances_get(), for an account that this worker was given: one that has to be opened goes on with what was left about
 * it, for all sessions named there. A record that cannot be used is forgotten. */
struct instance *succession_get(struct succession *s, const struct instance_want *want,
	const struct succession_left *left, struct err *e);
/* This worker was given the account for a job that has no use for it any more, or no room. Who was connected before shall be
 * again: here, or where there is room. When nothing was left about it, the account is nobody's. */
void succession_unneeded(struct succession *s, const char *key, const struct succession_left *left);
/* Each second and shard, before the heartbeat. `predecessor`: as in listener_open(). `may_judge`: whether a silent worker may be
 * taken for dead. */
void succession_beat(struct succession *s, unsigned shard, const char *predecessor, int may_judge);

#endif
