/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_maildrop.h"

#include <utlist.h>

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_server.h"
#include "platforms/platform.h"

#define MAILDROP_MAGIC 0x6d647270u
#define MAX_TURNS      100

struct email_maildrop_turn {
	struct email_maildrop *maildrop;
	email_maildrop_fn *fn; /* NULL: nobody wants to know any more */
	void *arg;
	struct email_maildrop_turn *prev, *next;
};

struct email_maildrop {
	unsigned magic;
	struct email_account *account;
	struct email_maildrop_turn *turns; /* the first has the session */
	size_t n_turns;
	struct pop_link *link; /* NULL: none, or it was lost */
	int listed;            /* the first one's turn has begun */
	int quitting;          /* its session is being ended in order */
};

struct email_maildrop *email_maildrop_new(struct email_account *a)
{
	struct email_maildrop *m = mem_alloc(sizeof *m);

	m->magic = MAILDROP_MAGIC;
	m->account = a;
	return m;
}

static void turn_free(struct email_maildrop_turn *turn)
{
	DL_DELETE(turn->maildrop->turns, turn);
	turn->maildrop->n_turns--;
	mem_free(turn);
}

void email_maildrop_free(struct email_maildrop *m)
{
	pop_link_free(&m->link);
	while (m->turns != NULL)
		turn_free(m->turns);
	mem_free(m);
}

/* --- the session of the first in line --------------------------------------------------------------------------------- */

static void session_open(struct email_maildrop *m);

/* The first one's turn is over: forget it before `fn`, which may ask for another turn. */
static void first_over(struct email_maildrop *m, const struct err *e)
{
	struct email_maildrop_turn *turn = m->turns;
	email_maildrop_fn *fn = turn->fn;
	void *arg = turn->arg;

	turn_free(turn);
	m->listed = m->quitting = 0;
	pop_link_free(&m->link);
	if (m->turns != NULL)
		session_open(m);
	if (fn != NULL)
		fn(arg, NULL, e);
}

static void on_listed(void *arg, const struct pop_link_result *r, const struct err *e)
{
	CAST(email_maildrop, m, arg, MAILDROP_MAGIC);
	struct err why = *e;

	if (e->code != ERR_NONE) {
		first_over(m, &why);
		return;
	}
	m->listed = 1;
	m->turns->fn(m->turns->arg, r, e);
}

/* Before the listing and while quitting an operation is under way, whose `done` comes first and tells of the failure. */
static void on_offline(void *arg, const struct err *why)
{
	CAST(email_maildrop, m, arg, MAILDROP_MAGIC);

	struct err e;

	email_server_log(email_account_pop(m->account, &e), email_account_psession(m->account),
		"email.offline", why);
	pop_link_free(&m->link);
}

static void session_open(struct email_maildrop *m)
{
	const struct pop_link_settings settings = {
		.timeout_ms = email_account_limits(m->account)->timeout_ms};
	const struct pop_link_events events = {.offline = on_offline, .arg = m};
	struct err e;
	const struct email_server *server = email_account_pop(m->account, &e);

	assert(server != NULL); /* email_maildrop_ask() has looked */
	m->link = pop_link_new(email_account_psession(m->account), server, &settings, &events);
	pop_link_list(m->link, on_listed, m);
}

/* --- turns -------------------------------------------------------------------------------------------------------------- */

struct email_maildrop_turn *email_maildrop_ask(
	struct email_maildrop *m, email_maildrop_fn *fn, void *arg, struct err *e)
{
	struct email_maildrop_turn *turn;

	if (email_account_pop(m->account, e) == NULL)
		return NULL;
	if (m->n_turns >= MAX_TURNS) {
		err_set(e, ERR_BUSY, "too many jobs wait for the mailbox, try again later");
		return NULL;
	}
	turn = mem_alloc(sizeof *turn);
	turn->maildrop = m;
	turn->fn = fn;
	turn->arg = arg;
	DL_APPEND(m->turns, turn);
	if (m->n_turns++ == 0)
		session_open(m);
	return turn;
}

struct pop_link *email_maildrop_link(const struct email_maildrop_turn *turn)
{
	const struct email_maildrop *m = turn->maildrop;

	return m->turns == turn && m->listed && !m->quitting ? m->link : NULL;
}

void email_maildrop_end(struct email_maildrop_turn **tp)
{
	struct email_maildrop_turn *turn = *tp;
	struct email_maildrop *m;

	*tp = NULL;
	if (turn == NULL)
		return;
	m = turn->maildrop;
	turn->fn = NULL;
	if (m->turns != turn)
		turn_free(turn);
	else if (!m->quitting)
		first_over(m, &(struct err){.code = ERR_NONE});
}

static void on_quit(void *arg, const struct pop_link_result *r, const struct err *e)
{
	CAST(email_maildrop, m, arg, MAILDROP_MAGIC);
	struct err why = *e;

	UNUSED(r);
	first_over(m, &why);
}

void email_maildrop_commit(struct email_maildrop_turn *turn, email_maildrop_fn *done, void *arg)
{
	struct email_maildrop *m = turn->maildrop;

	assert(m->turns == turn && m->listed && !m->quitting);
	turn->fn = done;
	turn->arg = arg;
	if (m->link == NULL) {
		first_over(m, &(struct err){.code = ERR_REMOTE,
				      .text = "the connection to the server was lost"});
		return;
	}
	m->quitting = 1;
	pop_link_quit(m->link, on_quit, m);
}
