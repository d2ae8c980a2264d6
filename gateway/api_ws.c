/* SPDX-License-Identifier: MIT */
/* api_ws - a WebSocket: the session behind it. Each text frame goes to the dispatcher, each reply, result and message leaves
 * as one frame of its own.
 *
 * A socket on any path begins a session, which ends with it; one on BASE/SID resumes a session and leaves it to its
 * time to live. Frames do not wait for each other: they are on their way to Redis on one connection, so their replies
 * come in their order. Results come on another one, and may be faster than the confirmation: then they are held
 * until it is out. What a slow client does not take waits in the outbox. */
#include <string.h>
#include <utlist.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/redis.h"
#include "gateway/api_priv.h"
#include "gateway/dispatcher.h"
#include "gateway/follow.h"
#include "gateway/ws.h"
#include "gateway/ws_handshake.h"

/* More queued than this: messages wait in the outbox, and jobs at the client. */
#define QUEUE_BYTES 65536
/* Frames that may be on their way to Redis at the same time, and their bytes. */
#define ASKS_MAX  32
#define ASK_BYTES 1048576
#define PING_MS   20000
#define SILENT_MS 10000

/* A frame on its way. */
struct ask {
	struct socket *socket;
	struct dispatch *dispatch; /* NULL: it got no further, `refused` is the answer */
	struct replies refused;
	size_t len;
	struct ask *prev, *next;
};

/* What came before the confirmation of its job, or behind such a one. */
struct held {
	char token[QUEUE_TOKEN_SIZE];
	struct buf text;
	struct held *prev, *next;
};

struct socket {
	struct parked parked; /* `x` is NULL once there is a socket */
	struct follow follow;
	struct ws *ws; /* NULL before the handshake's answer is out, and after the end */
	struct ws_answer answer;
	char sid[SESSION_ID_LEN + 1];
	unsigned char salt[CRYPT_SALT_SIZE];
	int own;            /* the session began with the socket */
	int asked;          /* some frame went to the dispatcher: the session may exist */
	int ending;         /* closing: what the client sends now is not looked at */
	struct ask *asks;   /* in the order they came */
	struct held *helds; /* in the order they came */
	size_t n_asks;
	size_t ask_bytes, held_bytes;
	size_t n_unfinished; /* confirmed here, and no result seen yet */
};

static struct socket *socket_of(struct parked *p)
{
	return CONTAINER_OF(p, struct socket, parked);
}

static struct socket *of_waiter(struct waiter *w)
{
	return socket_of(CONTAINER_OF(w, struct parked, waiter));
}

static struct socket *of_follow(struct follow *f)
{
	return CONTAINER_OF(f, struct socket, follow);
}

static void socket_release(struct parked *p)
{
	struct socket *s = socket_of(p);

	mem_wipe(s->salt, sizeof s->salt);
	mem_free(s);
}

/* --- the end ------------------------------------------------------------------------------------------------------------ */

/* Closes in good order: what has been answered is sent before. */
static void socket_close(struct socket *s, enum ws_code code, const char *reason)
{
	s->ending = 1;
	if (s->ws != NULL)
		ws_close(s->ws, code, reason);
}

static void on_session_ended(void *arg, int rc)
{
	struct socket *s = arg;

	UNUSED(rc); /* Redis away: the session ends when its time is over */
	(void)parked_settle(&s->parked);
}

/* Not before the last frame is answered: the first of them may just be creating the session. */
static void session_leave(struct socket *s)
{
	struct api *api = s->parked.api;

	if (s->own && s->asked && s->asks == NULL &&
		session_end(hub_commands(api->parts.hub, s->parked.session.shard),
			&s->parked.session, on_session_ended, s) == 0)
		s->parked.pending++;
}

/* There is no socket any more. */
static void socket_over(struct socket *s, const char *why)
{
	struct parked *p = &s->parked;
	struct api *api = p->api;
	struct held *h, *next;

	DL_FOREACH_SAFE (s->helds, h, next) {
		buf_release(&h->text);
		mem_free(h);
	}
	s->helds = NULL;
	s->ws = NULL;
	s->ending = 1;
	api->n_sockets--;
	api->parts.metrics->sockets_closed++;
	log_event(LOG_DEBUG, "ws.closed", LOG_STR("session", p->session.h), LOG_STR("why", why));
	session_leave(s);
	parked_finish(p);
}

static void on_gone(void *arg, const char *why)
{
	socket_over(arg, why);
}

/* At a shutdown confirmed jobs get their results as long as the gateway waits for them. */
static void drain_look(struct socket *s)
{
	if (s->parked.api->draining && s->asks == NULL && s->helds == NULL && s->n_unfinished == 0)
		socket_close(s, WS_GOING_AWAY, "shutting down");
}

static void on_drain(struct parked *p)
{
	struct socket *s = socket_of(p);

	if (p->x != NULL)
		return; /* the handshake's answer is a moment away */
	s->ending = 1;
	if (p->api->draining == 1) {
		drain_look(s);
	} else if (s->ws != NULL) {
		ws_free(&s->ws, WS_GOING_AWAY);
		socket_over(s, "shutdown");
	}
}

/* --- to the client ------------------------------------------------------------------------------------------------------- */

static int token_is(const struct held *h, const char *token)
{
	return strcmp(h->token, token) == 0;
}

/* Is the job whose result this is still to be confirmed? */
static int is_early(const struct socket *s, const struct held *h)
{
	const struct ask *a;

	DL_FOREACH (s->asks, a) {
		const char(*tokens)[QUEUE_TOKEN_SIZE];
		size_t n = a->dispatch != NULL ? dispatch_tokens(a->dispatch, &tokens) : 0;

		for (size_t i = 0; i < n; i++)
			if (token_is(h, tokens[i]))
				return 1;
	}
	return 0;
}

static void held_send(struct socket *s, struct held *h)
{
	if (!token_is(h, "-") && s->n_unfinished > 0)
		s->n_unfinished--;
	ws_send(s->ws, buf_str(&h->text), h->text.len);
	buf_release(&h->text);
}

static void helds_release(struct socket *s)
{
	struct held *h;

	while ((h = s->helds) != NULL && !is_early(s, h)) {
		DL_DELETE(s->helds, h);
		s->held_bytes -= h->text.len;
		held_send(s, h);
		mem_free(h);
	}
}

static void on_write(
	struct follow *f, const struct outbox_entry *entry, const char *text, size_t len)
{
	struct socket *s = of_follow(f);
	struct held now = {.text = BUF_INIT};
	struct held *kept;

	if (text == NULL || s->ws == NULL || entry->token_len >= sizeof now.token)
		return;
	memcpy(now.token, entry->token, entry->token_len);
	buf_add(&now.text, text, len);
	if (s->helds == NULL && (outbox_entry_is_message(entry) || !is_early(s, &now))) {
		held_send(s, &now);
		drain_look(s);
		return;
	}
	kept = mem_alloc(sizeof *kept);
	*kept = now;
	DL_APPEND(s->helds, kept);
	s->held_bytes += len;
}

static int has_room(struct follow *f)
{
	struct socket *s = of_follow(f);

	return s->ws != NULL && ws_queued(s->ws) <= QUEUE_BYTES && s->held_bytes <= QUEUE_BYTES;
}

/* Before the outbox has to turn anything away. */
static void bound_look(struct socket *s)
{
	long long bound = s->parked.api->parts.conf->limits_outbox;

	if (s->follow.missed < bound - bound / 4)
		return;
	log_event(LOG_WARN, "ws.slow", LOG_STR("session", s->parked.session.h),
		LOG_INT("messages", s->follow.missed));
	socket_close(s, WS_TRY_LATER, "messages were not taken: the outbox is full");
}

static void on_message(
	struct waiter *w, const struct outbox_entry *entry, const char *text, size_t len)
{
	struct socket *s = of_waiter(w);

	follow_message(&s->follow, entry, text, len);
	bound_look(s);
}

static void on_read_failed(struct follow *f, int rc)
{
	struct socket *s = of_follow(f);

	/* The first frame of a session of one's own may not have got through. */
	if (rc == -(int)ERR_NO_SESSION && !s->parked.dormant)
		socket_close(s, WS_NORMAL, "the session has ended");
}

static void on_ready(struct waiter *w)
{
	(void)follow_ready(&of_waiter(w)->follow);
}

static void on_ended(struct waiter *w)
{
	socket_close(of_waiter(w), WS_NORMAL, "the session has ended");
}

/* --- from the client ------------------------------------------------------------------------------------------------------ */

static void throttle(struct socket *s)
{
	if (s->ws != NULL)
		ws_pause(s->ws, s->n_asks >= ASKS_MAX || s->ask_bytes >= ASK_BYTES ||
					ws_queued(s->ws) > QUEUE_BYTES);
}

static void on_drained(void *arg)
{
	struct socket *s = arg;

	throttle(s);
	follow_resume(&s->follow);
}

static void replies_send(struct socket *s, const struct replies *r)
{
	size_t from = 0;

	s->parked.api->parts.metrics->replies += r->n;
	for (size_t i = 0; i < r->n && s->ws != NULL; i++) {
		ws_send(s->ws, r->text.data + from, r->ends[i] - from);
		from = r->ends[i];
	}
}

static void ask_end(struct ask *a)
{
	struct socket *s = a->socket;

	DL_DELETE(s->asks, a);
	s->n_asks--;
	s->ask_bytes -= a->len;
	replies_release(&a->refused);
	mem_free(a);
}

/* Those at the head that got no further can be answered. */
static void refused_send(struct socket *s)
{
	while (s->asks != NULL && s->asks->dispatch == NULL) {
		replies_send(s, &s->asks->refused);
		ask_end(s->asks);
	}
}

static void asks_settle(struct socket *s)
{
	helds_release(s);
	throttle(s);
	drain_look(s);
}

static void on_dispatched(void *arg, int rc, unsigned retry_ms, const struct replies *r)
{
	struct ask *a = arg;
	struct socket *s = a->socket;
	const char(*tokens)[QUEUE_TOKEN_SIZE];
	size_t n = rc == 0 ? dispatch_tokens(a->dispatch, &tokens) : 0;

	UNUSED(retry_ms);
	assert(a == s->asks); /* one connection answers in its order */
	for (size_t i = 0; i < n; i++) {
		size_t confirmed = (size_t)dispatch_confirmed(a->dispatch, i);

		s->n_unfinished += confirmed;
		s->parked.api->parts.metrics->jobs += confirmed;
	}
	s->parked.api->parts.metrics->jobs += n;
	s->parked.dormant = s->parked.dormant && rc < 0;
	replies_send(s, r);
	ask_end(a);
	refused_send(s);
	if (s->parked.finished)
		session_leave(s);
	if (parked_settle(&s->parked))
		return;
	asks_settle(s);
	if (rc == -(int)ERR_NO_SESSION)
		socket_close(s, WS_NORMAL, "the session has ended");
	else if (rc == 0)
		follow_resume(&s->follow); /* the first read may have come before the session */
}

static void on_text(void *arg, const char *text, size_t len)
{
	struct socket *s = arg;
	struct parked *p = &s->parked;
	struct ask *a;
	struct dispatch_request req = {
		.session = p->session,
		.sid = s->sid,
		.create = s->own && p->dormant,
		.salt = s->salt,
		.body = text,
		.len = len,
	};

	if (s->ending)
		return;
	a = mem_alloc(sizeof *a);
	a->socket = s;
	a->len = len;
	req.refused = &a->refused;
	DL_APPEND(s->asks, a);
	s->n_asks++;
	s->ask_bytes += len;
	if (dispatcher_start(p->api->parts.dispatcher, &req, on_dispatched, a, &a->dispatch) == 0)
		p->pending++;
	if (!s->asked && delivery_attach(p->api->parts.delivery, &p->session, &p->waiter))
		on_ready(&p->waiter);
	s->asked = 1;
	refused_send(s);
	asks_settle(s);
}

/* --- the handshake -------------------------------------------------------------------------------------------------------- */

static const struct ws_options *options_of(struct api *api)
{
	static struct ws_options options = {
		.ping_ms = PING_MS,
		.silent_ms = SILENT_MS,
		.text = on_text,
		.drained = on_drained,
		.gone = on_gone,
	};

	options.frame_bytes = (size_t)api->parts.conf->limits_ws_frame_bytes;
	options.message_bytes = (size_t)api->parts.conf->limits_ws_message_bytes;
	return &options;
}

static void on_upgraded(struct exchange *x, int fd, const void *early, size_t len)
{
	struct parked *p = x->owner;
	struct socket *s = socket_of(p);
	struct api *api = p->api;

	p->x = NULL;
	s->ws = ws_open(api->parts.loop, fd, options_of(api), s);
	if (s->ws == NULL) {
		parked_finish(p);
		return;
	}
	api->n_sockets++;
	api->parts.metrics->sockets_opened++;
	log_event(LOG_DEBUG, "ws.open", LOG_STR("session", p->session.h),
		LOG_STR("kind", s->own ? "new" : "resumed"));
	if (!s->own && delivery_attach(api->parts.delivery, &p->session, &p->waiter))
		on_ready(&p->waiter);
	s->asked = !s->own;
	ws_start(s->ws, early, len);
	if (api->draining)
		on_drain(p);
}

static void handshake_refuse(struct socket *s, int code, const char *detail)
{
	struct exchange *x = s->parked.x;

	s->parked.x = NULL;
	if (x != NULL)
		api_problem(s->parked.api, x, code, detail);
	parked_finish(&s->parked);
}

static void handshake_accept(struct socket *s)
{
	const struct http_header headers[] = {
		{"Upgrade", "websocket"},
		{"Sec-WebSocket-Accept", s->answer.accept},
		{"Sec-WebSocket-Protocol", s->answer.protocol},
		{NULL, NULL},
	};

	s->parked.x->upgraded = on_upgraded;
	if (exchange_upgrade(s->parked.x, headers) < 0)
		handshake_refuse(s, ERR_INVALID, "a WebSocket needs HTTP/1.1");
}

/* Is there such a session? Its salt is needed anyway. */
static void on_salt(void *arg, int rc, const void *salt, size_t len)
{
	struct socket *s = arg;

	if (parked_settle(&s->parked))
		return;
	if (rc == 0 && len != sizeof s->salt)
		rc = -(int)ERR_NO_SESSION;
	if (rc < 0) {
		handshake_refuse(s, rc, NULL);
		return;
	}
	memcpy(s->salt, salt, len);
	handshake_accept(s);
}

static void resume(struct socket *s)
{
	struct parked *p = &s->parked;

	if (session_salt(
		    hub_commands(p->api->parts.hub, p->session.shard), &p->session, on_salt, s) < 0)
		handshake_refuse(s, ERR_REDIS, NULL);
	else
		p->pending++;
}

/* BASE/SID and nothing behind it, or the header; any other path begins a session. */
static const char *sid_named(const struct api *api, struct exchange *x)
{
	const char *rest = api_below_base(api, x->path);

	if (rest != NULL && *rest == '/' && strlen(rest + 1) == SESSION_ID_LEN &&
		strchr(rest + 1, '/') == NULL)
		return rest + 1;
	return api_bearer(x);
}

static int offer_check(struct api *api, struct exchange *x, struct ws_answer *answer)
{
	static const struct http_header version[] = {{"Sec-WebSocket-Version", "13"}, {NULL, NULL}};
	const struct ws_offer offer = {
		.connection = exchange_header(x, "Connection"),
		.version = exchange_header(x, "Sec-WebSocket-Version"),
		.key = exchange_header(x, "Sec-WebSocket-Key"),
		.protocol = exchange_header(x, "Sec-WebSocket-Protocol"),
	};
	struct err e;
	int rc = ws_handshake(&offer, answer, &e);

	if (rc < 0)
		api_problem_with(api, x, rc, e.text, rc == -(int)ERR_UPGRADE ? version : NULL);
	return rc;
}

/* Which problem forbids another socket now; 0: none. */
static int admission(struct api *api, const struct session_ref *s)
{
	if (api->draining)
		return ERR_DRAINING;
	if (api->n_sockets >= (size_t)api->parts.conf->limits_connections)
		return ERR_SESSIONS_FULL;
	/* Said now, a client tries again by itself; a socket without a queue would be of no use to it. */
	return redis_is_up(hub_commands(api->parts.hub, s->shard)) &&
			       redis_is_up(hub_subscriber(api->parts.hub, s->shard))
		       ? 0
		       : ERR_REDIS;
}

/* The session named, or a new one. */
static int session_choose(struct api *api, struct api_call *call, char sid[SESSION_ID_LEN + 1])
{
	call->sid = sid_named(api, call->x);
	call->sid_len = call->sid != NULL ? strlen(call->sid) : SESSION_ID_LEN;
	if (call->sid == NULL)
		session_id_new(sid);
	else if (call->sid_len == SESSION_ID_LEN)
		memcpy(sid, call->sid, SESSION_ID_LEN);
	return session_ref_init(&call->session, sid, call->sid_len, hub_shards(api->parts.hub));
}

void api_ws(struct api *api, struct api_call *call)
{
	char sid[SESSION_ID_LEN + 1] = "";
	char after[OUTBOX_CURSOR_SIZE];
	struct ws_answer answer;
	struct socket *s;
	int code;

	if (offer_check(api, call->x, &answer) < 0)
		return;
	if (session_choose(api, call, sid) < 0) {
		api_problem(api, call->x, ERR_NO_SESSION, NULL);
		return;
	}
	if (api_query_cursor(call->x->query, "after", after) < 0) {
		api_problem(api, call->x, ERR_INVALID, "after has to be a cursor");
		return;
	}
	code = admission(api, &call->session);
	if (code != 0) {
		api_problem(api, call->x, code, NULL);
		return;
	}
	s = mem_alloc(sizeof *s);
	s->answer = answer;
	memcpy(s->sid, sid, sizeof sid);
	s->own = call->sid == NULL;
	parked_open(&s->parked, api, call);
	s->parked.waiter = (struct waiter){
		.ready = on_ready, .message = on_message, .ended = on_ended};
	s->parked.drain = on_drain;
	s->parked.release = socket_release;
	s->parked.dormant = s->own;
	s->follow = (struct follow){.parked = &s->parked,
		.eager = s->own,
		.room = has_room,
		.write = on_write,
		.failed = on_read_failed};
	follow_from(&s->follow, after);
	if (s->own) {
		crypt_random(s->salt, sizeof s->salt);
		handshake_accept(s);
	} else {
		resume(s);
	}
}
