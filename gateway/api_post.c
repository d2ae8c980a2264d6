/* SPDX-License-Identifier: MIT */
/* api_post - POST: a request's jobs to the dispatcher, its replies to the client; with ?wait=S also the results.
 *
 * To miss no result, the session's channel is subscribed before the jobs are queued. A result that is handed over in the answer is
 * taken out of the outbox once the transport has the answer; if the client left before, it stays there. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/mem.h"
#include "core/redis.h"
#include "gateway/api_priv.h"
#include "gateway/dispatcher.h"

/* A result the request waits for. */
struct awaited {
	char token[QUEUE_TOKEN_SIZE];
	char cursor[OUTBOX_CURSOR_SIZE]; /* "" until it has come */
	struct buf text;
};

struct post {
	struct parked parked;
	char sid[SESSION_ID_LEN + 1];
	int created;
	struct dispatch *dispatch; /* NULL: not started, or answered */
	int started;
	long wait_s;
	struct buf
		replies; /* "[...", without the closing bracket, once the dispatcher has answered */
	struct awaited *awaited;
	size_t n_awaited;
	size_t n_missing; /* confirmed and not yet here; valid once `replies` is filled */
	int reading;      /* the outbox is being read for what came before we were live */
	char read_to[OUTBOX_CURSOR_SIZE];
};

static struct post *post_of(struct waiter *w)
{
	return CONTAINER_OF(CONTAINER_OF(w, struct parked, waiter), struct post, parked);
}

static void post_release(struct parked *p)
{
	struct post *post = CONTAINER_OF(p, struct post, parked);

	for (size_t i = 0; i < post->n_awaited; i++)
		buf_release(&post->awaited[i].text);
	mem_free(post->awaited);
	buf_release(&post->replies);
	mem_free(post);
}

static void post_refuse(struct post *post, int code, unsigned retry_ms)
{
	struct exchange *x = post->parked.x;
	struct api *api = post->parked.api;

	if (x != NULL && (code == -(int)ERR_RATE || code == -(int)ERR_OUTBOX_FULL ||
				 err_http_status(code) == 503))
		api_problem_retry(api, x, code, retry_ms);
	else if (x != NULL)
		api_problem(api, x, code,
			code == -(int)ERR_TOO_LARGE ? "too many jobs in one request" : NULL);
	post->parked.x = NULL;
	parked_finish(&post->parked);
}

/* --- the answer ---------------------------------------------------------------------------------------------------------- */

/* What to forget once the answer is out; outlives the post. */
struct handed {
	struct api *api;
	struct session_ref session;
	size_t n;
	char cursors[][OUTBOX_CURSOR_SIZE];
};

static void on_sent(void *arg, int ok)
{
	struct handed *h = arg;

	if (ok)
		outbox_forget(hub_commands(h->api->parts.hub, h->session.shard), &h->session,
			(const char(*)[OUTBOX_CURSOR_SIZE])h->cursors, h->n);
	mem_free(h);
}

static void results_add(struct post *post)
{
	struct parked *p = &post->parked;
	struct handed *h;
	size_t n = 0;

	if (post->n_awaited == 0)
		return;
	h = mem_alloc(sizeof *h + post->n_awaited * sizeof h->cursors[0]);
	for (size_t i = 0; i < post->n_awaited; i++) {
		struct awaited *a = &post->awaited[i];

		if (*a->cursor == '\0')
			continue;
		buf_add_char(&post->replies, ',');
		buf_add(&post->replies, a->text.data, a->text.len);
		memcpy(h->cursors[n++], a->cursor, sizeof a->cursor);
	}
	h->api = p->api;
	h->session = p->session;
	h->n = n;
	p->api->parts.metrics->waited += n;
	if (n == 0) {
		mem_free(h);
		return;
	}
	p->x->sent = on_sent;
	p->x->sent_arg = h;
}

static void post_answer(struct post *post)
{
	struct parked *p = &post->parked;
	struct exchange *x = p->x;
	char location[512];
	struct http_header extra[3] = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};

	if (post->created) {
		const char *base = p->api->parts.conf->base;
		snprintf(location, sizeof location, "%s/%s", strcmp(base, "/") == 0 ? "" : base,
			post->sid);
		extra[0] = (struct http_header){"Location", location};
		extra[1] = (struct http_header){"Sockethub-Session", post->sid};
	}
	results_add(post);
	buf_add_char(&post->replies, ']');
	p->x = NULL;
	api_answer(p->api, x, 200, "application/json", extra, &post->replies);
	parked_finish(p);
}

/* --- results --------------------------------------------------------------------------------------------------------------- */

/* Keeps a result that is waited for; it may come before the dispatcher's own answer does. */
static void result_take(
	struct post *post, const struct outbox_entry *entry, const char *text, size_t len)
{
	for (size_t i = 0; i < post->n_awaited; i++) {
		struct awaited *a = &post->awaited[i];

		if (*a->cursor != '\0' || strlen(a->token) != entry->token_len ||
			memcmp(a->token, entry->token, entry->token_len) != 0)
			continue;
		memcpy(a->cursor, entry->cursor, sizeof a->cursor);
		buf_add(&a->text, text, len);
		post->n_missing--;
		return;
	}
}

static int is_complete(const struct post *post)
{
	return post->replies.len > 0 && post->n_missing == 0;
}

static void on_message(
	struct waiter *w, const struct outbox_entry *entry, const char *text, size_t len)
{
	struct post *post = post_of(w);

	if (text == NULL || outbox_entry_is_message(entry))
		return;
	result_take(post, entry, text, len);
	if (is_complete(post))
		post_answer(post);
}

static void catch_up(struct post *post);

static void on_read(void *arg, int rc, const struct outbox_entry *entries, size_t n)
{
	struct post *post = arg;
	struct buf text = BUF_INIT;

	post->reading = 0;
	if (parked_settle(&post->parked))
		return;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		memcpy(post->read_to, entries[i].cursor, sizeof post->read_to);
		if (outbox_entry_is_message(&entries[i]))
			continue;
		buf_clear(&text);
		if (delivery_open_entry(post->parked.api->parts.delivery, &post->parked.session,
			    &entries[i], &text) != NULL)
			result_take(post, &entries[i], buf_str(&text), text.len);
	}
	buf_release(&text);
	if (is_complete(post))
		post_answer(post);
	else if (rc == 0 && n > 0)
		catch_up(post);
}

/* The subscription was made anew while we waited: results may have come in between. */
static void catch_up(struct post *post)
{
	struct parked *p = &post->parked;
	struct outbox_read read = {
		.session = p->session,
		.after = post->read_to,
		.ack = "",
		.limit = API_LIMIT_MAX,
		.max_bytes = API_PAGE_BYTES,
	};

	if (outbox_read(hub_commands(p->api->parts.hub, p->session.shard), p->api->parts.conf,
		    &read, on_read, post) < 0)
		return;
	post->reading = 1;
	p->pending++;
}

/* --- the request --------------------------------------------------------------------------------------------------------------- */

static void confirmed_count(struct api *api, const struct dispatch *dispatch)
{
	const char(*tokens)[QUEUE_TOKEN_SIZE];
	size_t n = dispatch_tokens(dispatch, &tokens);

	for (size_t i = 0; i < n; i++)
		api->parts.metrics->jobs += (unsigned)dispatch_confirmed(dispatch, i);
}

static void on_dispatched(void *arg, int rc, unsigned retry_ms, const struct replies *r)
{
	struct post *post = arg;
	struct dispatch *dispatch = post->dispatch;
	size_t from = 0;

	post->dispatch = NULL;
	confirmed_count(post->parked.api, dispatch);
	if (parked_settle(&post->parked))
		return;
	if (rc < 0) {
		post_refuse(post, rc, retry_ms);
		return;
	}
	post->parked.api->parts.metrics->replies += r->n;
	buf_reserve(&post->replies, r->text.len + r->n + 2);
	for (size_t i = 0; i < r->n; i++) {
		buf_add_char(&post->replies, i == 0 ? '[' : ',');
		buf_add(&post->replies, r->text.data + from, r->ends[i] - from);
		from = r->ends[i];
	}
	/* Only confirmed jobs have a result to come. */
	for (size_t i = 0; i < post->n_awaited; i++)
		if (!dispatch_confirmed(dispatch, i) && *post->awaited[i].cursor == '\0')
			post->n_missing--;
	if (post->n_missing == 0 || post->wait_s == 0 || post->parked.api->draining)
		post_answer(post);
}

static void body_release(struct exchange *x)
{
	if (x->body.data != NULL)
		mem_wipe(x->body.data, x->body.len);
	buf_release(&x->body);
}

static void awaited_fill(struct post *post)
{
	const char(*tokens)[QUEUE_TOKEN_SIZE];

	post->n_awaited = dispatch_tokens(post->dispatch, &tokens);
	post->n_missing = post->n_awaited;
	post->awaited = mem_array(post->n_awaited, sizeof *post->awaited);
	for (size_t i = 0; i < post->n_awaited; i++)
		memcpy(post->awaited[i].token, tokens[i], QUEUE_TOKEN_SIZE);
}

static void start(struct post *post)
{
	struct parked *p = &post->parked;
	const struct dispatch_request req = {
		.session = p->session,
		.sid = post->sid,
		.create = post->created,
		.body = buf_str(&p->x->body),
		.len = p->x->body.len,
	};
	int rc = dispatcher_start(
		p->api->parts.dispatcher, &req, on_dispatched, post, &post->dispatch);

	body_release(p->x); /* it may hold a password, and a parked request should be small */
	if (rc < 0) {
		post_refuse(post, rc, 1000);
		return;
	}
	post->started = 1;
	p->pending++;
	if (post->wait_s > 0)
		awaited_fill(post);
}

static void on_ready(struct waiter *w)
{
	struct post *post = post_of(w);

	if (!post->started)
		start(post);
	else if (!post->reading)
		catch_up(post);
}

static void on_ended(struct waiter *w)
{
	struct post *post = post_of(w);

	if (post->replies.len > 0)
		post_answer(post);
}

static void give_what_is_there(struct parked *p)
{
	struct post *post = CONTAINER_OF(p, struct post, parked);

	if (post->replies.len > 0)
		post_answer(post);
	else if (!post->started)
		post_refuse(post, p->api->draining ? -(int)ERR_DRAINING : -(int)ERR_REDIS, 1000);
	/* else the dispatcher's answer is on its way and ends the request */
	else
		post->wait_s = 0;
}

static void on_timeout(uv_timer_t *timer)
{
	give_what_is_there(timer->data);
}

static int is_json(struct exchange *x)
{
	const char *type = exchange_header(x, "Content-Type");
	size_t len = type != NULL ? strcspn(type, "; \t") : 0;

	if (len == strlen("application/json") && strncasecmp(type, "application/json", len) == 0)
		return 1;
	return len > 17 && strncasecmp(type, "application/", 12) == 0 &&
	       strncasecmp(type + len - 5, "+json", 5) == 0;
}

void api_post(struct api *api, struct api_call *call)
{
	struct exchange *x = call->x;
	struct post *post;
	long wait_s;

	if (!is_json(x)) {
		api_problem(api, x, ERR_MEDIA_TYPE, NULL);
		return;
	}
	if (api_query_number(x->query, "wait", API_WAIT_MAX_S, 0, &wait_s) < 0) {
		api_problem(api, x, ERR_INVALID, "wait has to be a whole number of seconds");
		return;
	}
	post = mem_alloc(sizeof *post);
	post->created = call->sid == NULL;
	if (post->created) {
		session_id_new(post->sid);
		(void)session_ref_init(
			&call->session, post->sid, SESSION_ID_LEN, hub_shards(api->parts.hub));
	} else {
		memcpy(post->sid, call->sid, SESSION_ID_LEN);
	}
	post->wait_s = wait_s;
	parked_open(&post->parked, api, call);
	post->parked.waiter = (struct waiter){
		.ready = on_ready, .message = on_message, .ended = on_ended};
	post->parked.drain = give_what_is_there;
	post->parked.release = post_release;
	if (wait_s == 0) {
		start(post);
	} else if (!redis_is_up(hub_subscriber(api->parts.hub, call->session.shard))) {
		post_refuse(post, -(int)ERR_REDIS, 1000);
	} else {
		uv_timer_start(&post->parked.timer, on_timeout, (uint64_t)wait_s * 1000, 0);
		if (delivery_attach(
			    api->parts.delivery, &post->parked.session, &post->parked.waiter))
			start(post);
	}
}
