/* SPDX-License-Identifier: MIT */
/* delivery - brings messages to the clients that wait at this gateway.
 *
 * While somebody waits for a session its wake-up channel is subscribed; each message comes with its wake-up, is opened once and handed
 * to every waiter of the session: a long poll, a stream, a request that waits for its result. The subscription
 * outlives the last waiter by some seconds, so that a client that asks again at once costs none. Nothing is kept
 * here: what a waiter does not take stays in the outbox. Knows no transport and no dialect. */
#ifndef GATEWAY_DELIVERY_H
#define GATEWAY_DELIVERY_H

#include <uv.h>

#include "core/outbox.h"

struct delivery;
struct mailbox;
struct hub;
struct keyring;
struct redisReply;

/* Embed it; set the callbacks, zero the rest. Callbacks may detach this waiter, not others. */
struct waiter {
	/* Live from now on; what came before has to be read from the outbox. Again after every reconnect, of
	 * the subscriber or of the commands. */
	void (*ready)(struct waiter *w);
	/* A message. `text` is the opened message, NULL when it could not be opened (it was logged). Borrowed. */
	void (*message)(
		struct waiter *w, const struct outbox_entry *entry, const char *text, size_t len);
	/* The session was ended. The waiter is detached already. */
	void (*ended)(struct waiter *w);
	/* --- delivery's own --- */
	struct mailbox *mailbox; /* NULL: not attached */
	struct waiter *prev, *next;
};

/* `hub` and `keyring` are KEPT until delivery_close(). The owner passes on the hub's events. GIVES. */
struct delivery *delivery_open(uv_loop_t *loop, struct hub *hub, const struct keyring *keyring);
/* All waiters have to be detached. Sets NULL. */
void delivery_close(struct delivery **d);
/* The command connection of `shard` came up: what could not be read while it was away is read now. */
void delivery_on_commands(struct delivery *d, unsigned shard);
void delivery_on_subscriber(struct delivery *d, unsigned shard, int up);
void delivery_on_push(struct delivery *d, unsigned shard, const struct redisReply *reply);

/* 1: live already, ready() is not called for now; 0: ready() follows. */
int delivery_attach(struct delivery *d, const struct session_ref *s, struct waiter *w);
/* Legal when not attached. */
void delivery_detach(struct waiter *w);
/* Opens what the outbox holds: appends to `text`, which was empty, and gives its string; NULL when it cannot be opened. */
const char *delivery_open_entry(struct delivery *d, const struct session_ref *s,
	const struct outbox_entry *entry, struct buf *text);
/* Sessions that are subscribed at the moment. */
size_t delivery_count(const struct delivery *d);

#endif
