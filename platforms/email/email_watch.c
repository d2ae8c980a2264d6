/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_watch.h"

#include "core/mem.h"
#include "platforms/email/email_account.h"
#include "platforms/email/email_batch.h"
#include "platforms/email/email_find.h"
#include "platforms/email/email_mail.h"
#include "platforms/email/email_retry.h"
#include "platforms/email/email_server.h"
#include "platforms/platform.h"

#define WATCH_MAGIC 0x65776174u
#define CHUNK       20 /* mails that are fetched in one command: bounds what is in memory */

struct email_watch {
	unsigned magic;
	struct email_account *account;
	char *folder;
	struct email_watch_events events;
	enum email_watch_state state;
	struct imap *im;    /* NULL: between two attempts */
	struct imap_op *op; /* looking, searching or fetching */
	struct email_batch *batch;
	struct platform_timer *timer; /* the next attempt */
	struct email_retry retry;
	uint32_t uid_validity, last_uid; /* the position; 0: none yet */
	uint32_t chunk_end; /* the last UID of those that are being fetched; 0: none are */
	size_t missing;     /* of these; a server that sends more would fill memory */
	int whole;          /* they are fetched with bodies */
	int news;           /* something came meanwhile: look again */
	int renumbered;     /* the folder has another UIDVALIDITY than the position had */
};

static void connect_now(struct email_watch *w);
static void check(struct email_watch *w);

/* --- the connection ------------------------------------------------------------------------------------------------- */

static void disconnect(struct email_watch *w)
{
	platform_timer_free(&w->timer);
	imap_cancel(&w->op);
	imap_free(&w->im);
	email_batch_free(&w->batch);
	w->chunk_end = 0;
	w->news = 0;
}

static void state_set(struct email_watch *w, enum email_watch_state state, const struct err *why)
{
	if (w->state == state)
		return;
	w->state = state;
	w->events.state(w->events.arg, state, why);
}

static void on_timer(void *arg)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);

	w->timer = NULL;
	connect_now(w);
}

/* Mails that came but were not told of are fetched again: the position is what counts. */
static void lost(struct email_watch *w, const struct err *cause)
{
	const struct err why = *cause;
	struct err e;
	unsigned pause;

	disconnect(w);
	pause = email_retry_next(&w->retry, email_account_limits(w->account), &why,
		uv_now(email_account_loop(w->account)));
	/* Whoever waits for the first connection learns at once that there is none. */
	if (pause == 0 || w->state == EMAIL_WATCH_CONNECTING) {
		state_set(w, EMAIL_WATCH_FAILED, &why);
		return;
	}
	w->timer = psession_timer(email_account_psession(w->account), pause, on_timer, w);
	email_server_log(email_account_imap(w->account, &e), email_account_psession(w->account),
		"email.lost", &why);
	state_set(w, EMAIL_WATCH_RECONNECTING, &why);
}

static void on_offline(void *arg, const struct err *why)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);

	lost(w, why);
}

static void on_watch_over(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);

	UNUSED(r);
	lost(w, e);
}

/* --- new mails ------------------------------------------------------------------------------------------------------- */

/* A connection that is lost at each look, maybe by the mail it finds, is one that does not come back. */
static void settled(struct email_watch *w)
{
	w->retry = (struct email_retry){0};
}

static void chunk_over(struct email_watch *w)
{
	settled(w);
	/* Mails that were gone before they could be fetched are behind us, too. */
	w->last_uid = MAX(w->last_uid, w->chunk_end);
	w->chunk_end = 0;
	email_batch_free(&w->batch);
	w->news = 1; /* there may be more than one chunk */
	check(w);
}

static void on_message(void *arg, json_t *message)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);
	json_int_t uid = json_integer_value(
		json_object_get(json_object_get(message, "object"), "uid"));

	w->last_uid = MAX(w->last_uid, (uint32_t)uid);
	w->events.message(w->events.arg, message);
}

static void on_drained(void *arg)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);

	if (w->op == NULL)
		chunk_over(w);
}

static void on_mail(void *arg, struct imap_mail *mail)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);
	const struct imap_where where = {w->folder, w->uid_validity};

	if (mail->uid <= w->last_uid || w->missing == 0)
		return;
	w->missing--;
	email_mail_add(w->batch, email_account_limits(w->account), &where, mail, w->whole);
}

static void on_mails(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);

	UNUSED(r);
	w->op = NULL;
	if (e->code != ERR_NONE)
		lost(w, e);
	else if (email_batch_waiting(w->batch) == 0)
		chunk_over(w);
}

static void chunk_ask(struct email_watch *w, const uint32_t *uids, size_t n)
{
	const struct email_batch_events events = {on_message, on_drained, w};
	const struct imap_calls calls = {.mail = on_mail, .done = on_mails, .arg = w};
	struct imap_range ranges[CHUNK];
	struct imap_fetch fetch = {.where = {w->folder, w->uid_validity}, .ranges = ranges};

	w->whole = w->events.wants_bodies(w->events.arg);
	fetch.what = w->whole ? IMAP_FETCH_WHOLE : IMAP_FETCH_HEADERS;
	fetch.max_bytes = w->whole ? email_mail_share(email_account_limits(w->account), n)
				   : EMAIL_MAIL_HEADER_BYTES;
	fetch.n_ranges = email_find_ranges(uids, n, ranges);
	w->chunk_end = uids[n - 1];
	w->missing = n;
	w->batch = email_batch_new(email_account_loop(w->account), &events);
	w->op = imap_fetch(w->im, &fetch, &calls);
}

static void on_found(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);
	size_t first = 0;

	w->op = NULL;
	if (e->code != ERR_NONE) {
		lost(w, e);
		return;
	}
	/* Asked for 8:*, a server whose last mail has 5 names that one (RFC 9051, 6.4.8). */
	while (first < r->n_uids && r->uids[first] <= w->last_uid)
		first++;
	if (first < r->n_uids) {
		chunk_ask(w, r->uids + first, MIN(r->n_uids - first, CHUNK));
	} else {
		settled(w);
		check(w);
	}
}

/* Looks for mails behind the position, when there is reason to and nothing under way. */
static void check(struct email_watch *w)
{
	const struct imap_calls calls = {.done = on_found, .arg = w};
	const struct imap_search search = {
		.where = {w->folder, w->uid_validity}, .uids = {w->last_uid + 1, 0}};

	if (w->state != EMAIL_WATCH_ONLINE || !w->news || w->op != NULL || w->chunk_end != 0)
		return;
	w->news = 0;
	w->op = imap_search(w->im, &search, &calls);
}

static void on_news(void *arg, const struct imap_news *news)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);

	if (news->kind != IMAP_NEWS_EXISTS)
		return;
	w->news = 1;
	check(w);
}

/* --- coming online --------------------------------------------------------------------------------------------------- */

/* The search for what came while we were away begins first, because the observer may free the watch. */
static void online(struct email_watch *w)
{
	struct err note = {.code = ERR_NONE};

	if (w->renumbered)
		err_set(&note, ERR_CONFLICT, "the folder was renumbered");
	w->renumbered = 0;
	w->state = EMAIL_WATCH_ONLINE;
	w->news = 1;
	check(w);
	w->events.state(w->events.arg, w->state, &note);
}

static void on_newest(void *arg, struct imap_mail *mail)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);

	w->last_uid = MAX(w->last_uid, mail->uid);
}

static void on_newest_done(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);

	UNUSED(r);
	w->op = NULL;
	if (e->code != ERR_NONE)
		lost(w, e);
	else
		online(w);
}

/* A server that does not say which UID comes next: the one after the newest. */
static void newest_ask(struct email_watch *w)
{
	const struct imap_calls calls = {.mail = on_newest, .done = on_newest_done, .arg = w};
	const struct imap_fetch fetch = {
		.where = {w->folder, w->uid_validity}, .count = 1, .what = IMAP_FETCH_FLAGS};

	w->op = imap_fetch(w->im, &fetch, &calls);
}

static void on_look(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(email_watch, w, arg, WATCH_MAGIC);

	w->op = NULL;
	if (e->code != ERR_NONE) {
		lost(w, e);
		return;
	}
	if (r->folder->uid_validity == w->uid_validity && w->uid_validity != 0) {
		online(w);
		return;
	}
	/* The first time, or another folder took the name: what was before can not be told apart from what is new. */
	w->renumbered = w->uid_validity != 0;
	w->uid_validity = r->folder->uid_validity;
	w->last_uid = r->folder->uid_next > 0 ? r->folder->uid_next - 1 : 0;
	if (r->folder->uid_next == 0 && r->folder->exists > 0)
		newest_ask(w);
	else
		online(w);
}

static void connect_now(struct email_watch *w)
{
	const struct email_limits *limits = email_account_limits(w->account);
	const struct imap_settings settings = {.timeout_ms = limits->timeout_ms,
		.idle_ms = limits->idle_refresh_ms,
		.poll_ms = limits->poll_interval_ms,
		.no_idle = limits->no_idle,
		.max_bytes = limits->max_message_bytes + EMAIL_MAIL_HEADER_BYTES};
	const struct imap_events events = {.news = on_news, .offline = on_offline, .arg = w};
	const struct imap_calls look = {.done = on_look, .arg = w};
	const struct imap_calls watching = {.done = on_watch_over, .arg = w};
	const struct imap_where where = {w->folder, 0};
	struct err e;
	const struct email_server *server = email_account_imap(w->account, &e);

	assert(server != NULL); /* email_place_read() has looked, and credentials do not change */
	w->im = imap_new(email_account_psession(w->account), server, &settings, &events);
	w->op = imap_look(w->im, &where, &look);
	imap_watch(w->im, &where, &watching);
}

/* --- life cycle ------------------------------------------------------------------------------------------------------- */

struct email_watch *email_watch_new(struct email_account *a, const char *folder,
	const json_t *position, const struct email_watch_events *events)
{
	struct email_watch *w = mem_alloc(sizeof *w);

	w->magic = WATCH_MAGIC;
	w->account = a;
	w->folder = mem_strdup(folder);
	w->events = *events;
	w->uid_validity = (uint32_t)json_integer_value(json_object_get(position, "uidValidity"));
	w->last_uid = (uint32_t)json_integer_value(json_object_get(position, "lastUid"));
	/* Who has a position was online: a server that is away comes back. */
	w->state = w->uid_validity != 0 ? EMAIL_WATCH_RECONNECTING : EMAIL_WATCH_CONNECTING;
	connect_now(w);
	return w;
}

void email_watch_free(struct email_watch **wp)
{
	struct email_watch *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	disconnect(w);
	mem_free(w->folder);
	mem_free(w);
}

json_t *email_watch_position(const struct email_watch *w)
{
	if (w->uid_validity == 0)
		return json_null();
	return json_pack("{sIsI}", "uidValidity", (json_int_t)w->uid_validity, "lastUid",
		(json_int_t)w->last_uid);
}
