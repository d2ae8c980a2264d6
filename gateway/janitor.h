/* SPDX-License-Identifier: MIT */
/* janitor - what has to be done from time to time, by every gateway alike and safely at the same time: end sessions whose time is
 * over, answer jobs no worker came for, know which platforms have a worker. */
#ifndef GATEWAY_JANITOR_H
#define GATEWAY_JANITOR_H

#include <uv.h>

struct conf;
struct hub;
struct janitor;
struct keyring;
struct metrics;
struct registry;

/* All KEPT until janitor_close(). GIVES. */
struct janitor *janitor_open(uv_loop_t *loop, const struct conf *c, const struct registry *r,
	struct hub *hub, const struct keyring *keyring, struct metrics *metrics);
/* Sets NULL; the loop has to run once more. */
void janitor_close(struct janitor **j);
/* Had the n-th platform of the registry a living worker on every shard, when last looked (half a second ago at most)? */
int janitor_platform_up(const struct janitor *j, size_t n);

#endif
