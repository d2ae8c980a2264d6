/* SPDX-License-Identifier: MIT */
#include "gateway/janitor.h"

#include <string.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/hub.h"
#include "core/json.h"
#include "core/keyring.h"
#include "core/keys.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/queue.h"
#include "core/redis.h"
#include "core/result.h"
#include "gateway/metrics.h"
#include "schema/registry.h"

#define JANITOR_MAGIC 0x1A010001u
#define TICK_MS       500
#define EXPIRE_TICKS  2  /* sessions: every second */
#define OVERDUE_TICKS 10 /* jobs: every five seconds */
#define EXPIRE_MAX    200
#define OVERDUE_MAX   100

/* One platform on one shard. */
struct watched {
	struct janitor *janitor;
	const struct registry_platform *platform;
	unsigned shard;
	int up;
};

struct janitor {
	unsigned magic;
	const struct conf *conf;
	const struct registry *registry;
	struct hub *hub;
	const struct keyring *keyring;
	struct metrics *metrics;
	uv_timer_t timer;
	unsigned tick;
	struct watched *watched; /* platform by platform, shard by shard */
	size_t n;
};

int janitor_platform_up(const struct janitor *j, size_t n)
{
	unsigned shards = hub_shards(j->hub);

	for (unsigned s = 0; s < shards; s++)
		if (!j->watched[n * shards + s].up)
			return 0;
	return 1;
}

/* --- which platforms have a worker -------------------------------------------------------------------------------------- */

static void on_exists(void *arg, const struct redisReply *reply)
{
	struct watched *w = arg;

	w->up = redis_int(reply, 0) > 0;
}

static void look(struct watched *w)
{
	static struct redis_args a; /* one loop per process: kept for its memory */
	struct keys_name up;

	keys_up(&up, w->shard, w->platform->name);
	redis_args_begin(&a);
	redis_arg_str(&a, "EXISTS");
	redis_arg(&a, up.text, up.len);
	if (redis_send(hub_commands(w->janitor->hub, w->shard), &a, on_exists, w) < 0)
		w->up = 0;
}

/* --- jobs no worker came for ---------------------------------------------------------------------------------------------- */

static void on_answered(void *arg, int rc, const enum queue_outcome *outcomes, size_t n)
{
	struct janitor *j = arg;
	size_t done = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		done += outcomes[i] != QUEUE_STALE;
	j->metrics->jobs_overdue += done;
	if (done > 0)
		log_event(LOG_WARN, "janitor.overdue", LOG_INT("jobs", done));
}

static void failure_seal(const struct watched *w, const struct queue_job *job,
	const struct crypt_key *key, struct buf *blob)
{
	struct buf text = BUF_INIT, result = BUF_INIT;
	char ad[SESSION_AD_SIZE];
	char message[128];
	json_t *activity = NULL;

	session_ad(&job->session, SESSION_AD_JOB, ad);
	if (crypt_open(key, ad, job->blob, job->blob_len, &text) == 0)
		activity = json_loadb(text.data, text.len, 0, NULL);
	if (job->started)
		snprintf(message, sizeof message, "%s", err_default_text(ERR_UNKNOWN_OUTCOME));
	else
		snprintf(message, sizeof message, "no worker came for this job within %lld seconds",
			w->janitor->conf->limits_queue_wait_s);
	result_failure(&result, activity, w->platform->name, message);
	session_ad(&job->session, SESSION_AD_MESSAGE, ad);
	crypt_seal(key, ad, result.data, result.len, blob);
	json_decref(activity);
	if (text.data != NULL)
		mem_wipe(text.data, text.len);
	buf_release(&text);
	buf_release(&result);
}

static void on_overdue(void *arg, int rc, const struct queue_job *jobs, size_t n)
{
	struct watched *w = arg;
	const struct queue_ref q = {w->shard, w->platform->name, NULL};
	struct queue_finish *f;
	struct crypt_key key;
	struct buf blob = BUF_INIT;

	if (rc < 0 || n == 0 ||
		keyring_platform(w->janitor->keyring, w->platform->name, &key, NULL) < 0)
		return;
	f = queue_finish_new(&q);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&blob);
		failure_seal(w, &jobs[i], &key, &blob);
		queue_finish_item(f, &jobs[i].session, jobs[i].id, jobs[i].token,
			jobs[i].started ? QUEUE_MARKED : 0);
		queue_finish_result(f, &blob);
	}
	/* Not sent, or not answered: the next look finds them again. */
	(void)queue_finish_send(f, hub_commands(w->janitor->hub, w->shard), w->janitor->conf,
		on_answered, w->janitor);
	queue_finish_free(f);
	buf_release(&blob);
	crypt_key_wipe(&key);
}

static void overdue_look(struct watched *w)
{
	const struct queue_ref q = {w->shard, w->platform->name, NULL};

	(void)queue_overdue(hub_commands(w->janitor->hub, w->shard), &q,
		w->janitor->conf->limits_queue_wait_s * 1000, OVERDUE_MAX, on_overdue, w);
}

/* --- sessions whose time is over ------------------------------------------------------------------------------------------- */

static void on_expired(void *arg, int rc)
{
	struct janitor *j = arg;

	if (rc <= 0)
		return;
	j->metrics->sessions_expired += (unsigned long long)rc;
	log_event(LOG_DEBUG, "janitor.expired", LOG_INT("sessions", rc));
}

static void on_tick(uv_timer_t *timer)
{
	CAST(janitor, j, timer->data, JANITOR_MAGIC);

	j->tick++;
	for (size_t i = 0; i < j->n; i++) {
		if (!j->watched[i].platform->loaded ||
			strcmp(j->watched[i].platform->name, REGISTRY_DISPATCHER) == 0)
			continue;
		look(&j->watched[i]);
		if (j->tick % OVERDUE_TICKS == 0)
			overdue_look(&j->watched[i]);
	}
	for (unsigned s = 0; j->tick % EXPIRE_TICKS == 0 && s < hub_shards(j->hub); s++)
		(void)session_end_expired(hub_commands(j->hub, s), s, EXPIRE_MAX, on_expired, j);
}

/* --- life --------------------------------------------------------------------------------------------------------------------- */

struct janitor *janitor_open(uv_loop_t *loop, const struct conf *c, const struct registry *r,
	struct hub *hub, const struct keyring *keyring, struct metrics *metrics)
{
	struct janitor *j = mem_alloc(sizeof *j);
	unsigned shards = hub_shards(hub);

	j->magic = JANITOR_MAGIC;
	j->conf = c;
	j->registry = r;
	j->hub = hub;
	j->keyring = keyring;
	j->metrics = metrics;
	j->n = registry_count(r) * shards;
	j->watched = mem_array(j->n, sizeof *j->watched);
	for (size_t i = 0; i < j->n; i++)
		j->watched[i] = (struct watched){
			j, registry_at(r, i / shards), (unsigned)(i % shards), 0};
	uv_timer_init(loop, &j->timer);
	j->timer.data = j;
	uv_timer_start(&j->timer, on_tick, 50, TICK_MS);
	return j;
}

static void on_closed(uv_handle_t *h)
{
	CAST(janitor, j, h->data, JANITOR_MAGIC);

	mem_free(j->watched);
	mem_free(j);
}

void janitor_close(struct janitor **jp)
{
	struct janitor *j = *jp;

	*jp = NULL;
	if (j != NULL)
		uv_close((uv_handle_t *)&j->timer, on_closed);
}
