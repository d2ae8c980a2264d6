/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_pool.h"

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_server.h"
#include "platforms/email/imap.h"
#include "platforms/platform.h"

#define LINK_MAGIC 0x656c6e6bu
#define MAX_LINKS  20 /* the schema's bound of the setting `links` */

struct link {
	unsigned magic;
	struct email_pool *pool;
	struct imap *im;  /* NULL: the place is free */
	int was_online;   /* a connection that was and is not any more gets no new work */
	uint64_t used_ms; /* when it was given out last */
	struct platform_timer *timer; /* looks whether it is used */
};

struct email_pool {
	struct email_account *account;
	struct link links[MAX_LINKS];
};

struct email_pool *email_pool_new(struct email_account *a)
{
	struct email_pool *pool = mem_alloc(sizeof *pool);

	pool->account = a;
	return pool;
}

static void link_close(struct link *l)
{
	platform_timer_free(&l->timer);
	imap_free(&l->im);
	l->was_online = 0;
}

void email_pool_free(struct email_pool *pool)
{
	for (size_t i = 0; i < ARRAY_LEN(pool->links); i++)
		link_close(&pool->links[i]);
	mem_free(pool);
}

static uint64_t now_ms(const struct email_pool *pool)
{
	return uv_now(email_account_loop(pool->account));
}

static void link_wait(struct link *l, uint64_t ms);

static void on_timer(void *arg)
{
	CAST(link, l, arg, LINK_MAGIC);
	const unsigned timeout = email_account_limits(l->pool->account)->idle_timeout_ms;
	uint64_t unused = now_ms(l->pool) - l->used_ms;

	l->timer = NULL;
	if (!imap_is_idle(l->im))
		l->used_ms = now_ms(l->pool);
	else if (unused >= timeout) {
		link_close(l);
		return;
	}
	link_wait(l, imap_is_idle(l->im) ? timeout - unused : timeout);
}

static void link_wait(struct link *l, uint64_t ms)
{
	/* Not at once, even with a timeout of 0: a job's next operation may come in the callback of its last. */
	l->timer = psession_timer(
		email_account_psession(l->pool->account), MAX(ms, 50), on_timer, l);
}

static void on_online(void *arg)
{
	CAST(link, l, arg, LINK_MAGIC);

	l->was_online = 1;
}

static void on_offline(void *arg, const struct err *why)
{
	CAST(link, l, arg, LINK_MAGIC);

	struct err e;

	email_server_log(email_account_imap(l->pool->account, &e),
		email_account_psession(l->pool->account), "email.offline", why);
	link_close(l);
}

static void link_open(struct email_pool *pool, struct link *l, const struct email_server *server)
{
	const struct email_limits *limits = email_account_limits(pool->account);
	const struct imap_settings settings = {
		.timeout_ms = limits->timeout_ms, .max_bytes = limits->max_message_bytes + 65536};
	const struct imap_events events = {.online = on_online, .offline = on_offline, .arg = l};

	l->magic = LINK_MAGIC;
	l->pool = pool;
	l->im = imap_new(email_account_psession(pool->account), server, &settings, &events);
	link_wait(l, limits->idle_timeout_ms);
}

/* The better of two open connections. */
static struct link *better(struct link *a, struct link *b)
{
	if (a == NULL || imap_is_idle(a->im) != imap_is_idle(b->im))
		return a == NULL || imap_is_idle(b->im) ? b : a;
	return b->used_ms < a->used_ms ? b : a;
}

struct imap *email_pool_get(struct email_pool *pool, struct err *e)
{
	const struct email_server *server = email_account_imap(pool->account, e);
	struct link *best = NULL, *unused = NULL;

	if (server == NULL)
		return NULL;
	for (size_t i = 0; i < email_account_limits(pool->account)->links; i++) {
		struct link *l = &pool->links[i];

		if (l->im == NULL)
			unused = l;
		else if (!l->was_online || imap_is_online(l->im))
			best = better(best, l);
	}
	if (best == NULL && unused == NULL) {
		err_set(e, ERR_REMOTE, "the connections to the server were lost; try again");
		return NULL;
	}
	if (best == NULL || (unused != NULL && !imap_is_idle(best->im))) {
		best = unused;
		link_open(pool, best, server);
	}
	best->used_ms = now_ms(pool);
	return best->im;
}
