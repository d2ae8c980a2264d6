/* SPDX-License-Identifier: MIT */
/* worker - what the parts of one worker process share: one platform, one loop, the connections. No functions. */
#ifndef WORKERS_WORKER_H
#define WORKERS_WORKER_H

#include <jansson.h>
#include <uv.h>

#include "core/crypt.h"

struct conf;
struct http_client;
struct hub;
struct instances;
struct jobs;
struct listener;
struct outbound;
struct outgoing;
struct platform;
struct succession;

struct worker {
	uv_loop_t *loop;
	const struct conf *conf;
	const struct platform *platform;
	const json_t *settings; /* platforms.<name> of the configuration, with defaults */
	struct hub *hub;
	struct crypt_key key; /* the platform's; wiped at the end */
	struct outbound *outbound;
	struct http_client *http;
	struct outgoing *outgoing;
	struct jobs *jobs;
	struct instances *instances;
	struct succession *succession;
	struct listener *listener;
	const char *name; /* unique among the workers of the platform, also over restarts */
};

#endif
