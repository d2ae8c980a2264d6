/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_account.h"

#include "core/http.h"
#include "core/mem.h"
#include "platforms/email/email_maildrop.h"
#include "platforms/email/email_observe.h"
#include "platforms/email/email_pool.h"
#include "platforms/email/email_send.h"
#include "platforms/email/email_server.h"
#include "platforms/platform.h"

/* A server block, or why there is none. */
struct block {
	struct email_server *server;
	struct err why;
};

struct email_account {
	struct psession *ps;
	struct email_limits limits;
	struct block smtp, imap, pop;
	struct email_send *send; /* NULL without smtp */
	struct email_pool *pool;
	struct email_maildrop *maildrop;
	struct email_observer *observer;
};

/* The configuration is checked against schema/platforms/email.json and complete. */
static json_int_t setting(const json_t *settings, const char *key)
{
	return json_integer_value(json_object_get(settings, key));
}

static void limits_read(struct email_limits *l, const json_t *settings)
{
	l->max_message_bytes = (size_t)setting(settings, "max_message_bytes");
	l->max_fetch_bytes = (size_t)setting(settings, "max_fetch_bytes");
	l->max_text_bytes = (size_t)setting(settings, "max_text_bytes");
	/* Base64 of a multiple of 3 has no padding: pieces of it can be put together as text. */
	l->max_attachment_bytes = (size_t)setting(settings, "max_attachment_bytes") / 3 * 3;
	l->max_per_page = (unsigned)setting(settings, "max_per_page");
	l->links = (unsigned)setting(settings, "links");
	l->folders = (unsigned)setting(settings, "folders");
	l->timeout_ms = (unsigned)setting(settings, "timeout_ms");
	l->idle_timeout_ms = (unsigned)setting(settings, "idle_timeout_s") * 1000;
	l->poll_interval_ms = (unsigned)setting(settings, "poll_interval_s") * 1000;
	l->idle_refresh_ms = (unsigned)setting(settings, "idle_refresh_s") * 1000;
	l->reconnect_max_ms = (unsigned)setting(settings, "reconnect_max_s") * 1000;
	l->give_up_ms = (unsigned)setting(settings, "give_up_s") * 1000;
	l->no_idle = !json_is_true(json_object_get(settings, "idle"));
}

/* `none` is the classic text for credentials that lack the block. */
static void block_read(struct email_account *a, enum email_server_kind kind, struct block *b,
	const char *key, const char *none, const json_t *settings)
{
	const json_t *block = json_object_get(psession_credentials(a->ps), key);

	if (block == NULL)
		err_set(&b->why, ERR_NO_CREDENTIALS, "%s %s", none, psession_actor(a->ps));
	else if (email_server_new(kind, block, settings, &b->server, &b->why) < 0)
		b->server = NULL;
}

struct email_account *email_account_new(struct psession *ps, const json_t *settings)
{
	struct email_account *a = mem_alloc(sizeof *a);

	a->ps = ps;
	limits_read(&a->limits, settings);
	block_read(a, EMAIL_SERVER_SMTP, &a->smtp, "smtp", "no smtp credentials found for address",
		settings);
	block_read(
		a, EMAIL_SERVER_IMAP, &a->imap, "imap", "no imap credentials found for", settings);
	block_read(a, EMAIL_SERVER_POP, &a->pop, "pop", "no pop credentials found for", settings);
	if (a->smtp.server != NULL)
		a->send = email_send_new(ps, a->smtp.server, settings);
	a->pool = email_pool_new(a);
	a->maildrop = email_maildrop_new(a);
	a->observer = email_observer_new(a);
	return a;
}

void email_account_free(struct email_account *a)
{
	email_observer_free(a->observer);
	email_maildrop_free(a->maildrop);
	email_pool_free(a->pool);
	email_send_free(&a->send);
	email_server_free(a->smtp.server);
	email_server_free(a->imap.server);
	email_server_free(a->pop.server);
	mem_free(a);
}

struct psession *email_account_psession(const struct email_account *a)
{
	return a->ps;
}

uv_loop_t *email_account_loop(const struct email_account *a)
{
	return http_client_loop(psession_http(a->ps));
}

const struct email_limits *email_account_limits(const struct email_account *a)
{
	return &a->limits;
}

static const struct email_server *block_server(const struct block *b, struct err *e)
{
	if (b->server == NULL)
		*e = b->why;
	return b->server;
}

const struct email_server *email_account_imap(const struct email_account *a, struct err *e)
{
	return block_server(&a->imap, e);
}

const struct email_server *email_account_pop(const struct email_account *a, struct err *e)
{
	return block_server(&a->pop, e);
}

struct email_send *email_account_send(const struct email_account *a, struct err *e)
{
	return block_server(&a->smtp, e) != NULL ? a->send : NULL;
}

struct email_pool *email_account_pool(const struct email_account *a)
{
	return a->pool;
}

struct email_maildrop *email_account_maildrop(const struct email_account *a)
{
	return a->maildrop;
}

struct email_observer *email_account_observer(const struct email_account *a)
{
	return a->observer;
}
