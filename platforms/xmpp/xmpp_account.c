/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_account.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_contact.h"
#include "platforms/xmpp/xmpp_entry.h"
#include "platforms/xmpp/xmpp_fence.h"
#include "platforms/xmpp/xmpp_inbox.h"
#include "platforms/xmpp/xmpp_jid.h"
#include "platforms/xmpp/xmpp_map.h"
#include "platforms/xmpp/xmpp_presence.h"
#include "platforms/xmpp/xmpp_refusal.h"
#include "platforms/xmpp/xmpp_write_iq.h"

#define ACCOUNT_MAGIC  0x786d7070u
#define FIRST_PAUSE_MS 1000
/* A stream that was up for reconnect_max_s, or for this long if that is less, has lasted. */
#define LASTED_MAX_S 60

/* --- what the files of this folder share ------------------------------------------------------------------------------ */

struct xmpp_account *xmpp_account_of(void *state)
{
	CAST(xmpp_account, a, state, ACCOUNT_MAGIC);
	return a;
}

const char *xmpp_account_actor(const struct xmpp_account *a)
{
	return psession_actor(a->ps);
}

json_int_t xmpp_account_setting(const struct xmpp_account *a, const char *name)
{
	return json_integer_value(json_object_get(a->settings, name));
}

static uint64_t random_bits(void)
{
	uint64_t n;

	/* The kernel's pool is filled by the time that users log in, and then 8 bytes never fail. */
	if (getrandom(&n, sizeof n, 0) != sizeof n)
		abort();
	return n;
}

void xmpp_account_id(struct xmpp_account *a, char out[XMPP_ACCOUNT_ID_SIZE])
{
	snprintf(out, XMPP_ACCOUNT_ID_SIZE, "%016llx-%llu", (unsigned long long)a->id_prefix,
		(unsigned long long)++a->id_count);
}

void xmpp_account_send(struct xmpp_account *a, xmpp_stanza_t *stanza)
{
	xmpp_link_send(a->link, stanza);
}

struct xmpp_request *xmpp_account_ask(struct xmpp_account *a, xmpp_stanza_t *iq, const char *to,
	struct job *job, xmpp_request_fn *fn)
{
	struct xmpp_request *r = xmpp_requests_add(
		a->requests, xmpp_stanza_get_id(iq), job, fn, NULL);

	r->to = mem_strdup(to);
	xmpp_link_send(a->link, iq);
	return r;
}

void xmpp_account_tell(struct xmpp_account *a, json_t *message)
{
	psession_send(a->ps, message);
}

void xmpp_account_tell_all(struct psession *ps, const json_t *messages)
{
	json_t *message;
	size_t i;

	json_array_foreach ((json_t *)messages, i, message)
		psession_send(ps, json_incref(message));
}

void xmpp_account_keep(struct xmpp_account *a)
{
	const char *resource = xmpp_jid_find_resource(a->login.jid);

	psession_keep(a->ps, json_pack("{sssOso}", "resource", resource, "presence", a->presence,
				     "rooms", xmpp_rooms_kept(a->rooms)));
}

/* --- the end for good --------------------------------------------------------------------------------------------------- */

/* Jobs that wait for the server are answered by what they know; what is left fails with `why`. */
static void gone(struct xmpp_account *a, const struct err *why)
{
	struct err lost;

	a->state = XMPP_ACCOUNT_GONE;
	platform_timer_free(&a->retry);
	platform_timer_free(&a->reenter);
	err_set(&lost, ERR_REMOTE, "the connection was lost before the server answered");
	xmpp_requests_fail(a->requests, &lost);
	psession_keep(a->ps, NULL);
	psession_broken(a->ps, why);
}

/* The message `connect`, which tells how the stream fares. TAKES `object`. */
static void tell_status(
	struct xmpp_account *a, const char *status, json_t *object, const struct err *why)
{
	json_object_set_new(object, "objectType", json_string("connect"));
	json_object_set_new(object, "status", json_string(status));
	if (why != NULL) {
		json_object_set_new(object, "condition", json_string(err_token((int)why->code)));
		json_object_set_new(object, "text", json_string(why->text));
	}
	xmpp_account_tell(
		a, activity_message("connect", xmpp_map_person(xmpp_account_actor(a), NULL),
			   xmpp_map_to(xmpp_account_actor(a)), object));
}

/* It was up once, and will not be again. When another client took the resource, one error says so. */
static void give_up(struct xmpp_account *a, const struct err *why)
{
	struct err e = *why;

	if (why->code == ERR_CONFLICT)
		xmpp_account_tell(a, xmpp_map_error(xmpp_account_actor(a), NULL, why, "conflict"));
	else
		tell_status(a, "failed", json_object(), why);
	xmpp_account_tell(a, xmpp_map_close(xmpp_account_actor(a)));
	err_prefix(&e, "the connection of %s was lost", a->full_jid);
	gone(a, &e);
}

/* --- lost, and back -------------------------------------------------------------------------------------------------------- */

static void on_retry(void *arg)
{
	CAST(xmpp_account, a, arg, ACCOUNT_MAGIC);

	a->retry = NULL;
	a->state = XMPP_ACCOUNT_RECONNECTING;
	xmpp_link_connect(a->link);
}

/* Between half of the pause and all of it: a server that restarts shall not see everybody at the same moment. */
static void wait_for_retry(struct xmpp_account *a)
{
	uint64_t pause = (uint64_t)xmpp_account_setting(a, "reconnect_max_s") * 1000;

	if (a->attempts < 12)
		pause = MIN(pause, (uint64_t)FIRST_PAUSE_MS << a->attempts);
	a->attempts++;
	a->state = XMPP_ACCOUNT_WAITING;
	a->retry = psession_timer(a->ps, pause / 2 + random_bits() % (pause / 2 + 1), on_retry, a);
}

static void begin_waiting(struct xmpp_account *a)
{
	a->attempts = 0;
	a->lost_at_ms = platform_now_ms();
}

/* A server may let us in and then fail at once, each time: one that is ill, or sends what is over our bounds. Only a stream that
 * has lasted begins the pauses and the patience anew. */
static int has_lasted(const struct xmpp_account *a)
{
	uint64_t max_s = (uint64_t)xmpp_account_setting(a, "reconnect_max_s");

	return a->lost_at_ms == 0 ||
	       platform_now_ms() - a->online_at_ms >= MIN(max_s, LASTED_MAX_S) * 1000;
}

/* What another attempt would not change. */
static int is_final(const struct err *why)
{
	return why->code == ERR_AUTH || why->code == ERR_CONFLICT || why->code == ERR_BLOCKED ||
	       why->code == ERR_INVALID;
}

static void on_offline(void *arg, const struct err *why)
{
	CAST(xmpp_account, a, arg, ACCOUNT_MAGIC);
	uint64_t patience = (uint64_t)xmpp_account_setting(a, "give_up_s") * 1000;
	struct err e = *why;

	if (a->state == XMPP_ACCOUNT_GONE)
		return;
	psession_log(a->ps, LOG_INFO, "xmpp.offline", why->text);
	if (why->code == ERR_AUTH)
		xmpp_refusal_note(&a->login, why);
	if (a->state == XMPP_ACCOUNT_CONNECTING) {
		err_prefix(&e, "failed connecting %s ", a->login.jid);
		gone(a, &e);
		return;
	}
	if (a->state == XMPP_ACCOUNT_ONLINE && has_lasted(a))
		begin_waiting(a);
	if (is_final(why) || platform_now_ms() - a->lost_at_ms >= patience) {
		give_up(a, why);
		return;
	}
	if (a->state == XMPP_ACCOUNT_ONLINE) {
		psession_unready(a->ps);
		tell_status(a, "reconnecting", json_object(), why);
	}
	wait_for_retry(a);
}

static void on_ignored(struct xmpp_account *a, struct xmpp_request *r, const xmpp_stanza_t *answer,
	const struct err *e)
{
	UNUSED(a);
	UNUSED(r);
	UNUSED(answer);
	UNUSED(e);
}

/* A stream begins with nothing: a server forgets all but the roster. The roster is asked for first, which makes the account
 * one that is told of changes and of requests for subscription (RFC 6121, 2.2). */
static void announce(struct xmpp_account *a)
{
	char id[XMPP_ACCOUNT_ID_SIZE];

	xmpp_contact_refresh(a);
	xmpp_account_id(a, id);
	/* A server without carbons refuses them: then there are none. */
	xmpp_account_ask(
		a, xmpp_write_iq_carbons(xmpp_link_ctx(a->link), id), NULL, NULL, on_ignored);
	xmpp_presence_announce(a);
	xmpp_entry_enter_all(a);
}

static json_t *online_object(const struct xmpp_account *a, int resumed)
{
	json_t *object = json_pack("{sssb}", "address", a->full_jid, "resumed", resumed);

	if (a->restored)
		json_object_set_new(object, "restored", json_true());
	return object;
}

static void on_online(void *arg, const char *full_jid, int resumed)
{
	CAST(xmpp_account, a, arg, ACCOUNT_MAGIC);
	int first = a->state == XMPP_ACCOUNT_CONNECTING;
	struct err lost;

	psession_log(a->ps, LOG_INFO, "xmpp.online", resumed ? "resumed" : "new stream");
	mem_free(a->full_jid);
	a->full_jid = mem_strdup(full_jid);
	if (!resumed) {
		err_set(&lost, ERR_REMOTE, "the connection was lost before the server answered");
		xmpp_requests_fail(a->requests, &lost);
	}
	a->state = XMPP_ACCOUNT_ONLINE;
	a->online_at_ms = platform_now_ms();
	if (!first)
		tell_status(a, "online", online_object(a, resumed), NULL);
	a->restored = 0;
	if (resumed)
		xmpp_fence_resume(a);
	else
		announce(a);
	xmpp_account_keep(a);
	psession_ready(a->ps);
}

static void on_stanza(void *arg, const xmpp_stanza_t *stanza)
{
	CAST(xmpp_account, a, arg, ACCOUNT_MAGIC);

	if (a->state != XMPP_ACCOUNT_GONE)
		xmpp_inbox_take(a, stanza);
}

/* --- the verbs about the stream ------------------------------------------------------------------------------------------- */

/* Held until there is a stream, so there is one. */
void xmpp_account_run_connect(void *state, struct job *job)
{
	struct xmpp_account *a = xmpp_account_of(state);

	job_done(job, json_pack("{ssss}", "objectType", "connect", "address", a->full_jid));
}

void xmpp_account_run_disconnect(void *state, struct job *job)
{
	struct xmpp_account *a = xmpp_account_of(state);
	struct err e;

	if (a->state == XMPP_ACCOUNT_ONLINE) {
		xmpp_account_tell(a, xmpp_map_close(xmpp_account_actor(a)));
		xmpp_link_disconnect(a->link);
	}
	job_done(job, NULL);
	if (a->state == XMPP_ACCOUNT_GONE)
		return;
	err_set(&e, ERR_CANCELLED, "the connection of %s was ended by a disconnect", a->full_jid);
	gone(a, &e);
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static int check_refusal(const struct xmpp_account *a, struct err *e)
{
	return xmpp_refusal_check(&a->login, e) < 0
		       ? err_prefix(e, "failed connecting %s ", a->login.jid)
		       : 0;
}

static int link_open(struct xmpp_account *a, struct err *e)
{
	const struct xmpp_link_options o = {
		.jid = a->login.jid,
		.password = a->login.password,
		.host = a->login.host,
		.port = a->login.port,
		.direct_tls = a->login.tls,
		.ca_file = json_string_value(json_object_get(a->settings, "ca_file")),
		.insecure = json_is_false(json_object_get(a->settings, "verify")),
		.connect_timeout_ms = (unsigned)xmpp_account_setting(a, "connect_timeout_s") * 1000,
	};
	const struct xmpp_link_events events = {on_online, on_stanza, on_offline, a};

	return xmpp_link_new(a->ps, &o, &events, &a->link, e);
}

/* What the former worker of this account left. */
static void restore(struct xmpp_account *a, const json_t *kept)
{
	json_t *presence = json_object_get(kept, "presence");

	if (json_is_object(presence)) {
		json_decref(a->presence);
		a->presence = json_deep_copy(presence);
	}
	xmpp_entry_restore(a, json_object_get(kept, "rooms"));
	a->restored = 1;
	a->state = XMPP_ACCOUNT_RECONNECTING;
	begin_waiting(a);
}

int xmpp_account_open(struct psession *ps, const json_t *settings, void **state, struct err *e)
{
	struct xmpp_account *a = mem_alloc(sizeof *a);
	const json_t *kept = psession_kept(ps);

	a->magic = ACCOUNT_MAGIC;
	a->ps = ps;
	a->settings = settings;
	a->id_prefix = random_bits();
	a->roster = json_object();
	a->presence = json_object();
	a->rooms = xmpp_rooms_new((size_t)xmpp_account_setting(a, "rooms_max"),
		(size_t)xmpp_account_setting(a, "occupants_max"));
	a->requests = xmpp_requests_new(ps, a, (size_t)xmpp_account_setting(a, "pending_max"),
		(uint64_t)xmpp_account_setting(a, "request_timeout_s") * 1000);
	if (xmpp_credentials_read(&a->login, psession_credentials(ps),
		    json_string_value(json_object_get(kept, "resource")), e) < 0 ||
		check_refusal(a, e) < 0 || link_open(a, e) < 0) {
		xmpp_account_close(a);
		return -(int)e->code;
	}
	a->full_jid = mem_strdup(a->login.jid);
	if (kept != NULL)
		restore(a, kept);
	*state = a;
	xmpp_link_connect(a->link);
	return 0;
}

void xmpp_account_cancel(void *state, struct job *job)
{
	struct xmpp_account *a = xmpp_account_of(state);

	xmpp_requests_cancel(a->requests, job);
	xmpp_entry_cancelled(a);
}

void xmpp_account_close(void *state)
{
	struct xmpp_account *a = xmpp_account_of(state);

	platform_timer_free(&a->retry);
	platform_timer_free(&a->reenter);
	xmpp_link_free(&a->link);
	xmpp_requests_free(&a->requests);
	xmpp_rooms_free(&a->rooms);
	xmpp_credentials_release(&a->login);
	json_decref(a->roster);
	json_decref(a->presence);
	mem_free(a->full_jid);
	mem_free(a);
}
