/* SPDX-License-Identifier: MIT */
/* sockethub-gateway - fronts, dispatcher and delivery in one process and one loop. Start order: configuration, schema files,
 * key, Redis, listening sockets (inherited from sockethubd or a web server, else bound here); a signal or the
 * supervisor's death drains it. It holds no state that Redis does not have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/address.h"
#include "core/cli.h"
#include "core/conf.h"
#include "core/ending.h"
#include "core/err.h"
#include "core/hub.h"
#include "core/json.h"
#include "core/keyring.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/turn.h"
#include "gateway/admin.h"
#include "gateway/api.h"
#include "gateway/api_files.h"
#include "gateway/delivery.h"
#include "gateway/dispatcher.h"
#include "gateway/front_fcgi.h"
#include "gateway/front_http.h"
#include "gateway/janitor.h"
#include "gateway/metrics.h"
#include "schema/registry.h"

#define DRAIN_LOOK_MS 20
#define REDIS_WAIT_MS 1000

static const struct cli_program program = {
	.name = "sockethub-gateway",
	.tag = "gateway",
	.usage = "[options]",
	.summary = "Takes jobs over HTTP and FastCGI, hands them to the workers through Redis, and "
		   "brings back what they send.\n"
		   "sockethubd starts it; by hand it needs `redis` and a key in the configuration. "
		   "Started by a web server\n"
		   "with a listening socket as descriptor 0, it serves FastCGI on that.",
};

struct process {
	struct conf conf;
	struct registry *registry;
	struct keyring keyring;
	uv_loop_t loop;
	struct hub *hub;
	struct delivery *delivery;
	struct dispatcher *dispatcher;
	struct janitor *janitor;
	struct metrics metrics;
	struct api_files *files;
	struct api *api;
	struct admin *admin;
	struct front_http *http;
	struct front_http *admin_http;
	struct front_fcgi *fcgi;
	struct ending ending;
	uv_timer_t look; /* at a start, for Redis; at a drain, whether all is done */
	int serving;     /* the fronts are open */
	int announced;
};

static void NO_RETURN refuse(const struct err *e)
{
	fprintf(stderr, "%s: %s\n", program.name, e->text);
	exit(2);
}

/* --- the end -------------------------------------------------------------------------------------------------------------- */

static size_t open_exchanges(const struct process *p)
{
	size_t fronts = (p->http != NULL ? front_http_count(p->http) : 0) +
			(p->fcgi != NULL ? front_fcgi_count(p->fcgi) : 0);

	return MAX(fronts, api_waiting(p->api));
}

static void on_close(void *arg, int cut)
{
	struct process *p = arg;

	if (cut)
		log_event(LOG_WARN, "gateway.drain-cut", LOG_INT("requests", open_exchanges(p)));
	front_http_close(&p->http);
	front_http_close(&p->admin_http);
	front_fcgi_close(&p->fcgi);
	api_cut(p->api);
	/* What was asked of Redis, or was about to be, is answered with NULL here: requests let go of what they hold. */
	hub_close(&p->hub);
	dispatcher_free(p->dispatcher);
	janitor_close(&p->janitor);
	delivery_close(&p->delivery);
	api_free(p->api);
	admin_free(p->admin);
	uv_close((uv_handle_t *)&p->look, NULL);
	turn_close(&p->loop);
}

static void on_look(uv_timer_t *timer)
{
	struct process *p = timer->data;

	if (open_exchanges(p) == 0)
		ending_now(&p->ending);
}

static void on_drain(void *arg)
{
	struct process *p = arg;

	log_event(LOG_INFO, "gateway.drain", LOG_INT("requests", open_exchanges(p)));
	if (p->http != NULL)
		front_http_drain(p->http);
	if (p->fcgi != NULL)
		front_fcgi_drain(p->fcgi);
	api_drain(p->api);
	uv_timer_start(&p->look, on_look, DRAIN_LOOK_MS, DRAIN_LOOK_MS);
}

/* --- the hub's events ---------------------------------------------------------------------------------------------------- */

static void announce(struct process *p)
{
	if (p->announced || !p->serving || !hub_is_up(p->hub))
		return;
	p->announced = 1;
	log_event(LOG_INFO, "gateway.ready", LOG_STR("listen", p->conf.listen),
		LOG_STR("fastcgi", p->conf.fastcgi));
	ending_ready(&p->ending);
}

static void on_commands(void *arg, unsigned shard, int up)
{
	struct process *p = arg;

	if (!up)
		return;
	delivery_on_commands(p->delivery, shard);
	announce(p);
}

static void on_subscriber(void *arg, unsigned shard, int up)
{
	struct process *p = arg;

	delivery_on_subscriber(p->delivery, shard, up);
	if (up)
		announce(p);
}

static void on_push(void *arg, unsigned shard, const struct redisReply *reply)
{
	struct process *p = arg;

	delivery_on_push(p->delivery, shard, reply);
}

/* --- the fronts ------------------------------------------------------------------------------------------------------------- */

/* FCGI_LISTENSOCK_FILENO, FastCGI 1.0 section 2.2: a web server that starts us gives the socket as descriptor 0. */
static int is_listening(int fd)
{
	int value = 0;
	socklen_t len = sizeof value;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value;
}

/* From the supervisor, else bound here; -1 when it is not configured. */
static int listen_fd(
	const struct process *p, const char *variable, const char *address, int *fd, struct err *e)
{
	*fd = address_inherited(variable);
	if (*fd >= 0 || address == NULL)
		return 0;
	return address_listen(address, p->conf.dir, fd, e);
}

static int fcgi_open(struct process *p, const struct front_options *o, struct err *e)
{
	int fd = -1;
	int rc = 0;

	if (is_listening(STDIN_FILENO))
		fd = dup(STDIN_FILENO);
	else
		rc = listen_fd(p, ADDRESS_FASTCGI_VARIABLE, p->conf.fastcgi, &fd, e);
	if (rc < 0 || fd < 0)
		return rc;
	return front_fcgi_open(&p->loop, fd, (size_t)p->conf.limits_connections, o, &p->fcgi, e);
}

static int http_open(struct process *p, const char *variable, const char *address,
	const struct front_options *o, struct front_http **out, struct err *e)
{
	int fd;
	int rc = listen_fd(p, variable, address, &fd, e);

	if (rc < 0 || fd < 0)
		return rc;
	return front_http_open(&p->loop, fd, (unsigned)p->conf.limits_connections, o, out, e);
}

static int fronts_open(struct process *p, struct err *e)
{
	const struct front_options o = {
		.handler = api_request,
		.api = p->api,
		.header_bytes = (size_t)p->conf.limits_header_bytes,
		.body_bytes = (size_t)p->conf.limits_body_bytes,
	};
	const struct front_options admin = {.handler = admin_request,
		.api = p->admin,
		.header_bytes = 4096,
		.body_bytes = 1024};
	/* Several gateways on one machine: each its own admin port, counted up from the configured one. */
	const char *index = getenv("SOCKETHUB_GATEWAY_INDEX");
	char *address = p->conf.admin != NULL ? address_offset(p->conf.admin,
							index != NULL ? (unsigned)atoi(index) : 0)
					      : NULL;
	int rc = http_open(p, ADDRESS_LISTEN_VARIABLE, p->conf.listen, &o, &p->http, e);

	if (rc == 0)
		rc = http_open(p, ADDRESS_ADMIN_VARIABLE, address, &admin, &p->admin_http, e);
	if (rc == 0)
		rc = fcgi_open(p, &o, e);
	mem_free(address);
	if (rc == 0 && p->http == NULL && p->fcgi == NULL)
		rc = err_set(e, ERR_CONFIG,
			"nothing to serve: neither `listen` nor `fastcgi` is configured");
	return rc;
}

/* --- the start -------------------------------------------------------------------------------------------------------------- */

static int addresses_check(const struct conf *c, struct err *e)
{
	const char *const addresses[] = {c->listen, c->fastcgi, c->admin};

	for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
		if (addresses[i] != NULL && address_check(addresses[i], e) < 0)
			return -(int)e->code;
	return 0;
}

static void on_waited(uv_timer_t *timer)
{
	UNUSED(timer); /* the loop's turn is all that is needed */
}

/* Beside other gateways, a socket opened before Redis answers would take requests only to refuse them. When Redis is
 * away, refusing is all there is to do: then the wait is short. */
static void redis_wait(struct process *p)
{
	uint64_t until_ms = uv_now(&p->loop) + REDIS_WAIT_MS;

	uv_timer_start(&p->look, on_waited, REDIS_WAIT_MS, 0);
	while (!ending_has_begun(&p->ending) && !hub_is_up(p->hub) && uv_now(&p->loop) < until_ms)
		uv_run(&p->loop, UV_RUN_ONCE);
	if (!ending_has_begun(&p->ending))
		uv_timer_stop(&p->look);
}

static int start(struct process *p, struct err *e)
{
	const struct hub_events events = {on_commands, on_subscriber, on_push, p};
	const struct ending_events ends = {on_drain, on_close};
	struct api_parts parts = {.loop = &p->loop,
		.conf = &p->conf,
		.registry = p->registry,
		.metrics = &p->metrics,
		.files = p->files};
	int rc = keyring_load(&p->keyring, &p->conf, 1, e);

	if (rc == 0)
		rc = hub_open(&p->loop, &p->conf, "gateway", &events, &p->hub, e);
	if (rc < 0)
		return rc;
	parts.hub = p->hub;
	parts.delivery = p->delivery = delivery_open(&p->loop, p->hub, &p->keyring);
	parts.dispatcher = p->dispatcher = dispatcher_new(
		&p->loop, &p->conf, p->registry, p->hub, &p->keyring);
	parts.janitor = p->janitor = janitor_open(
		&p->loop, &p->conf, p->registry, p->hub, &p->keyring, &p->metrics);
	p->api = api_new(&parts);
	p->admin = admin_new(&p->metrics, p->delivery);
	uv_timer_init(&p->loop, &p->look);
	p->look.data = p;
	ending_open(&p->ending, &p->loop, (uint64_t)p->conf.drain_s * 1000, &ends, p);
	redis_wait(p);
	if (ending_has_begun(&p->ending))
		return 0;
	rc = fronts_open(p, e);
	p->serving = rc == 0;
	if (p->serving)
		announce(p);
	return rc;
}

/* They are no reason not to start. */
static struct api_files *files_load(const struct conf *c)
{
	struct api_files *files = NULL;
	char *dir = cli_web_dir(c);
	struct err e;

	if (api_files_load(dir, &files, &e) < 0)
		log_event(LOG_WARN, "gateway.no-console", LOG_STR("why", e.text));
	mem_free(dir);
	return files;
}

int main(int argc, char **argv)
{
	static struct process p;
	const char *none[1];
	struct err e;
	int check_only;
	char *dir;

	json_setup();
	(void)cli_start(&program, argc, argv, &p.conf, none, 0, &check_only);
	dir = cli_schema_dir(&p.conf);
	if (addresses_check(&p.conf, &e) < 0 ||
		registry_load(dir, p.conf.platforms, &p.registry, &e) < 0)
		refuse(&e);
	mem_free(dir);
	if (!check_only) {
		p.files = p.conf.http_console ? files_load(&p.conf) : NULL;
		uv_loop_init(&p.loop);
		turn_open(&p.loop);
		if (start(&p, &e) < 0)
			refuse(&e);
		uv_run(&p.loop, UV_RUN_DEFAULT);
		uv_loop_close(&p.loop);
		api_files_free(p.files);
		keyring_wipe(&p.keyring);
	}
	registry_free(p.registry);
	conf_release(&p.conf);
	return 0;
}
