/* SPDX-License-Identifier: MIT */
/* api - what the gateway offers over HTTP, the same to the byte behind every front (docs/protocol.md).
 *
 * Routes a request, checks what HTTP can tell, and parks it where it waits: api_post.c hands jobs to the dispatcher,
 * api_poll.c is the long poll, api_stream.c the streams, api_ws.c the WebSockets, api_info.c health and schema files. Knows exchanges and
 * sessions; no transport, no platform. */
#ifndef GATEWAY_API_H
#define GATEWAY_API_H

#include <uv.h>

struct api;
struct api_files;
struct conf;
struct delivery;
struct dispatcher;
struct exchange;
struct hub;
struct janitor;
struct metrics;
struct registry;

struct api_parts {
	uv_loop_t *loop;
	const struct conf *conf;
	const struct registry *registry;
	struct hub *hub;
	struct delivery *delivery;
	struct dispatcher *dispatcher;
	struct janitor *janitor;
	struct metrics *metrics;
	const struct api_files *files; /* NULL: the web console is switched off */
};

/* All parts are KEPT until api_free(). GIVES. */
struct api *api_new(const struct api_parts *parts);
/* Only when api_waiting() is 0, as it is after api_cut() and hub_close(). */
void api_free(struct api *api);
/* An exchange_handler_fn: the api keeps `x` until it is answered. */
void api_request(void *api, struct exchange *x);
/* From now on new requests that would wait are answered at once; those that wait are answered with what they have. */
void api_drain(struct api *api);
/* How many requests and WebSockets wait, counting those whose end Redis has yet to hear of. */
size_t api_waiting(const struct api *api);
/* Closes the WebSockets that are left, without their handshakes; no exchange may be open any more. */
void api_cut(struct api *api);

#endif
