/* SPDX-License-Identifier: MIT */
#include "workers/census.h"

#include <utlist.h>

#include "core/hub.h"
#include "core/keys.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/redis_args.h"
#include "workers/instance.h"
#include "workers/listener.h"
#include "workers/worker.h"

struct question {
	struct worker *worker;
	struct session_ref session;
};

static void on_exists(void *arg, const struct redisReply *reply)
{
	struct question q = *(struct question *)arg;

	mem_free(arg);
	/* Without an answer nothing is known, and the next subscription asks again. The listener is gone when the worker ends. */
	if (reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0 &&
		q.worker->listener != NULL)
		listener_session_gone(q.worker->listener, &q.session);
}

void census_ask(struct worker *w, const struct session_ref *s)
{
	static struct redis_args a; /* one loop per process: kept for its memory */
	struct question *q = mem_alloc(sizeof *q);
	struct keys_name key;

	*q = (struct question){w, *s};
	keys_session(&key, s->shard, s->h);
	redis_args_begin(&a);
	redis_arg_str(&a, "EXISTS");
	redis_arg(&a, key.text, key.len);
	if (redis_send(hub_commands(w->hub, s->shard), &a, on_exists, q) < 0)
		mem_free(q);
}

void census_take(struct worker *w, unsigned shard)
{
	const struct instance *in;
	const struct attached *a;

	for (in = instances_first(w->instances); in != NULL; in = in->next)
		DL_FOREACH (in->attached, a)
			if (a->session.shard == shard)
				census_ask(w, &a->session);
}
