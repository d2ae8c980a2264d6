/* SPDX-License-Identifier: MIT */
#include "core/sentinel.h"

#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/redis_loop.h"
#include "core/redis_url.h"

#define SENTINEL_MAGIC 0x5E471001u
#define ANSWER_MS      1000 /* one sentinel's time */

struct sentinel {
	unsigned magic;
	uv_loop_t *loop;
	const struct redis_url *url;
	uv_timer_t timer;
	redisAsyncContext *ac; /* to the one that is asked; NULL: none */
	size_t at;             /* its number */
	size_t left;           /* how many are to be asked still */
	sentinel_fn *fn;
	void *arg;
	char why[128];
};

static void ask_next(struct sentinel *s);

static void hang_up(struct sentinel *s)
{
	redisAsyncContext *ac = s->ac;

	uv_timer_stop(&s->timer);
	s->ac = NULL;
	if (ac == NULL)
		return;
	ac->data = NULL; /* its callbacks have nothing more to tell */
	redisAsyncFree(ac);
}

static void failed(struct sentinel *s, const char *why)
{
	snprintf(s->why, sizeof s->why, "%s", why);
	hang_up(s);
	s->at = (s->at + 1) % s->url->n_sentinels;
	if (s->left > 0)
		ask_next(s);
	else
		s->fn(s->arg, NULL, 0, s->why);
}

/* [host, port], or nil for a name it does not know. */
static void on_reply(redisAsyncContext *ac, void *p, void *unused)
{
	struct sentinel *s = ac->data;
	const redisReply *reply = p;
	char host[256];
	int port;

	UNUSED(unused);
	if (s == NULL || reply == NULL)
		return; /* on_disconnect follows */
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		reply->element[0]->type != REDIS_REPLY_STRING ||
		reply->element[1]->type != REDIS_REPLY_STRING) {
		failed(s, reply->type == REDIS_REPLY_ERROR ? reply->str
							   : "it knows no master of that name");
		return;
	}
	snprintf(host, sizeof host, "%s", reply->element[0]->str);
	port = atoi(reply->element[1]->str);
	hang_up(s);
	s->fn(s->arg, host, port, NULL);
}

static void on_connect(const redisAsyncContext *ac, int status)
{
	struct sentinel *s = ac->data;

	if (s == NULL)
		return;
	if (status == REDIS_OK) {
		redisAsyncCommand(s->ac, on_reply, NULL, "SENTINEL get-master-addr-by-name %s",
			s->url->master);
		return;
	}
	s->ac = NULL; /* hiredis frees it */
	failed(s, ac->errstr);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
	struct sentinel *s = ac->data;

	UNUSED(status);
	if (s == NULL)
		return;
	s->ac = NULL;
	failed(s, ac->errstr);
}

static void on_timer(uv_timer_t *timer)
{
	CAST(sentinel, s, timer->data, SENTINEL_MAGIC);
	failed(s, "no answer in time");
}

static void ask_next(struct sentinel *s)
{
	const struct redis_host *h = &s->url->sentinels[s->at];
	redisAsyncContext *ac;

	s->left--;
	ac = redisAsyncConnect(h->host, h->port);
	if (ac == NULL || ac->err != 0) {
		char why[128];

		snprintf(why, sizeof why, "%s", ac != NULL ? ac->errstr : "out of memory");
		if (ac != NULL)
			redisAsyncFree(ac);
		failed(s, why);
		return;
	}
	s->ac = ac;
	ac->data = s;
	redis_loop_attach(s->loop, ac);
	redisAsyncSetConnectCallback(ac, on_connect);
	redisAsyncSetDisconnectCallback(ac, on_disconnect);
	uv_timer_start(&s->timer, on_timer, ANSWER_MS, 0);
}

void sentinel_ask(struct sentinel *s, sentinel_fn *fn, void *arg)
{
	s->fn = fn;
	s->arg = arg;
	s->left = s->url->n_sentinels;
	ask_next(s);
}

struct sentinel *sentinel_new(uv_loop_t *loop, const struct redis_url *url)
{
	struct sentinel *s = mem_alloc(sizeof *s);

	s->magic = SENTINEL_MAGIC;
	s->loop = loop;
	s->url = url;
	uv_timer_init(loop, &s->timer);
	s->timer.data = s;
	return s;
}

static void on_closed(uv_handle_t *h)
{
	CAST(sentinel, s, h->data, SENTINEL_MAGIC);
	mem_free(s);
}

void sentinel_free(struct sentinel **sp)
{
	struct sentinel *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	hang_up(s);
	uv_close((uv_handle_t *)&s->timer, on_closed);
}
