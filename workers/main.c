/* SPDX-License-Identifier: MIT */
/* sockethub-worker PLATFORM - the listener process of one platform. Start order: configuration, schema files, key, Redis,
 * listener; a signal or the supervisor's death drains it. It never sees a client, nor another platform's key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cli.h"
#include "core/conf.h"
#include "core/ending.h"
#include "core/err.h"
#include "core/http.h"
#include "core/hub.h"
#include "core/json.h"
#include "core/keyring.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/outbound.h"
#include "core/turn.h"
#include "platforms/platform.h"
#include "schema/registry.h"
#include "workers/jobs.h"
#include "workers/listener.h"
#include "workers/platforms.h"
#include "workers/worker.h"

static const struct cli_program program = {
	.name = "sockethub-worker",
	.tag = "worker",
	.usage = "PLATFORM [options]",
	.summary = "Runs the jobs of one platform: takes them from Redis, does them, sends back "
		   "what happens.\n"
		   "sockethubd starts one or more per platform; by hand it needs `redis` and a key "
		   "in the configuration.",
};

struct process {
	struct worker worker;
	struct conf conf;
	struct registry *registry;
	uv_loop_t loop;
	struct ending ending;
	char name[64];
};

static void NO_RETURN refuse(const struct err *e)
{
	fprintf(stderr, "%s: %s\n", program.name, e->text);
	exit(2);
}

/* --- the end -------------------------------------------------------------------------------------------------------------- */

static void on_close(void *arg, int cut)
{
	struct process *p = arg;

	if (cut)
		log_event(
			LOG_WARN, "worker.drain-cut", LOG_INT("jobs", jobs_count(p->worker.jobs)));
	listener_close(&p->worker.listener);
	http_client_free(p->worker.http);
	hub_close(&p->worker.hub);
	turn_close(&p->loop);
}

static void on_drained(void *arg)
{
	struct process *p = arg;

	ending_now(&p->ending);
}

static void on_drain(void *arg)
{
	struct process *p = arg;

	log_event(LOG_INFO, "worker.drain", LOG_INT("jobs", jobs_count(p->worker.jobs)));
	listener_drain(p->worker.listener, on_drained, p);
}

/* --- the hub's events ---------------------------------------------------------------------------------------------------- */

static void on_commands(void *arg, unsigned shard, int up)
{
	struct process *p = arg;

	if (p->worker.listener != NULL)
		listener_on_commands(p->worker.listener, shard, up);
}

static void on_subscriber(void *arg, unsigned shard, int up)
{
	struct process *p = arg;

	if (p->worker.listener != NULL)
		listener_on_subscriber(p->worker.listener, shard, up);
}

static void on_push(void *arg, unsigned shard, const struct redisReply *reply)
{
	struct process *p = arg;

	if (p->worker.listener != NULL)
		listener_on_push(p->worker.listener, shard, reply);
}

static void on_ready(void *arg)
{
	struct process *p = arg;

	log_event(LOG_INFO, "worker.ready", LOG_STR("platform", p->worker.platform->name),
		LOG_STR("name", p->name));
	ending_ready(&p->ending);
}

/* --- the start -------------------------------------------------------------------------------------------------------------- */

/* The schema file is what gateways go by: a verb in one place only would be a job nobody can answer. */
static int verbs_check(
	const struct platform *platform, const struct registry_platform *r, struct err *e)
{
	size_t n = 0;

	for (const struct verb *v = platform->verbs; v->name != NULL; v++, n++)
		if (registry_verb(r, v->name) == NULL)
			return err_set(e, ERR_CONFIG,
				"platform %s: verb %s is not in its schema file", platform->name,
				v->name);
	if (n + 1 != r->n_verbs) /* `set` is the gateway's */
		return err_set(e, ERR_CONFIG,
			"platform %s: its schema file has verbs this program does not know",
			platform->name);
	return 0;
}

static int platform_find(struct process *p, const char *name, struct err *e)
{
	const struct registry_platform *r;
	char *dir = cli_schema_dir(&p->conf);
	int rc = registry_load(dir, p->conf.platforms, &p->registry, e);

	mem_free(dir);
	if (rc < 0)
		return rc;
	p->worker.platform = platforms_find(name);
	if (p->worker.platform == NULL)
		return err_set(e, ERR_CONFIG, "there is no platform %s here; there are: %s", name,
			platforms_names());
	r = registry_find(p->registry, name);
	if (r == NULL || !r->loaded)
		return err_set(e, ERR_CONFIG, "platforms.%s: has to be in the configuration", name);
	p->worker.settings = r->settings;
	rc = verbs_check(p->worker.platform, r, e);
	if (rc == 0 && p->worker.platform->start != NULL)
		rc = p->worker.platform->start(p->worker.settings, e);
	return rc;
}

static int outbound_open(struct process *p, struct err *e)
{
	return outbound_new((const char *const *)p->conf.outbound_allow.items,
		p->conf.outbound_allow.n, &p->worker.outbound, e);
}

static int key_load(struct process *p, struct err *e)
{
	struct keyring ring;
	int rc = keyring_load(&ring, &p->conf, 0, e);

	if (rc == 0)
		rc = keyring_platform(&ring, p->worker.platform->name, &p->worker.key, e);
	keyring_wipe(&ring);
	return rc;
}

/* The supervisor gives the name, so that it can tell a successor whose jobs to take. */
static void name_make(struct process *p)
{
	const char *given = getenv("SOCKETHUB_WORKER_NAME");
	char token[CRYPT_TOKEN_SIZE];

	if (given != NULL && strlen(given) < 48 && strpbrk(given, " :{}\r\n") == NULL) {
		snprintf(p->name, sizeof p->name, "%s", given);
	} else {
		crypt_token(token);
		snprintf(p->name, sizeof p->name, "%.32s-%.8s", p->worker.platform->name, token);
	}
	p->worker.name = p->name;
}

static int start(struct process *p, struct err *e)
{
	const struct hub_events events = {on_commands, on_subscriber, on_push, p};
	const struct ending_events ends = {on_drain, on_close};
	const char *predecessor = getenv("SOCKETHUB_WORKER_PREDECESSOR");
	char tag[64];
	int rc;

	snprintf(tag, sizeof tag, "worker-%.32s", p->worker.platform->name);
	rc = hub_open(&p->loop, &p->conf, tag, &events, &p->worker.hub, e);
	if (rc < 0)
		return rc;
	p->worker.http = http_client_new(&p->loop, p->worker.outbound,
		"Sockethub/" SOCKETHUB_VERSION " (+https://sockethub.org)");
	ending_open(&p->ending, &p->loop, (uint64_t)p->conf.drain_s * 1000, &ends, p);
	listener_open(&p->worker, predecessor != NULL ? predecessor : "", on_ready, p);
	return 0;
}

int main(int argc, char **argv)
{
	static struct process p;
	const char *args[1];
	struct err e;
	int check_only;

	json_setup();
	if (cli_start(&program, argc, argv, &p.conf, args, 1, &check_only) != 1) {
		fprintf(stderr, "Usage: %s %s\n", program.name, program.usage);
		return 2;
	}
	p.worker.conf = &p.conf;
	if (platform_find(&p, args[0], &e) < 0 || outbound_open(&p, &e) < 0)
		refuse(&e);
	if (!check_only) {
		uv_loop_init(&p.loop);
		turn_open(&p.loop);
		p.worker.loop = &p.loop;
		if (key_load(&p, &e) < 0)
			refuse(&e);
		name_make(&p);
		if (start(&p, &e) < 0)
			refuse(&e);
		uv_run(&p.loop, UV_RUN_DEFAULT);
		uv_loop_close(&p.loop);
		crypt_key_wipe(&p.worker.key);
	}
	outbound_free(p.worker.outbound);
	registry_free(p.registry);
	conf_release(&p.conf);
	return 0;
}
