/* SPDX-License-Identifier: MIT */
/* api_poll - GET BASE/SID: the long poll; and DELETE BASE/SID.
 *
 * Subscribes, then reads, then parks: a message between the two is seen either way. Messages of one turn of the loop leave in one
 * answer. */
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/hub.h"
#include "core/mem.h"
#include "core/redis.h"
#include "core/stream_id.h"
#include "core/turn.h"
#include "gateway/api_priv.h"

struct poll {
	struct parked parked;
	long limit;
	int reading;
	int again; /* read once more: the subscription is younger than the reading under way */
	int read;  /* the outbox has been read, and held nothing */
	int live; /* the same, since the last subscription: nothing lies between `after` and live messages */
	size_t n;                       /* messages collected */
	struct buf messages;            /* their texts, with commas */
	char after[OUTBOX_CURSOR_SIZE]; /* what the client has */
	char cursor
		[OUTBOX_CURSOR_SIZE]; /* of the last message collected; `after` while there is none */
	struct turn_task answer;
};

static struct poll *poll_of(struct waiter *w)
{
	return CONTAINER_OF(CONTAINER_OF(w, struct parked, waiter), struct poll, parked);
}

static void poll_release(struct parked *p)
{
	struct poll *poll = CONTAINER_OF(p, struct poll, parked);

	turn_cancel(&poll->answer);
	buf_release(&poll->messages);
	mem_free(poll);
}

static void poll_refuse(struct poll *poll, int code)
{
	struct exchange *x = poll->parked.x;

	poll->parked.x = NULL;
	if (x != NULL)
		api_problem(poll->parked.api, x, code, NULL);
	parked_finish(&poll->parked);
}

static void poll_answer(void *arg)
{
	struct poll *poll = arg;
	struct exchange *x = poll->parked.x;
	struct buf body = BUF_INIT;

	poll->parked.x = NULL;
	if (x != NULL) {
		buf_reserve(&body, poll->messages.len + 64);
		buf_printf(&body, "{\"cursor\":\"%s\",\"messages\":[",
			*poll->cursor != '\0' ? poll->cursor : "0-0");
		buf_add(&body, poll->messages.data, poll->messages.len);
		buf_add_str(&body, "]}");
		poll->parked.api->parts.metrics->messages += poll->n;
		api_answer(poll->parked.api, x, 200, "application/json", NULL, &body);
	}
	parked_finish(&poll->parked);
}

static void collect(
	struct poll *poll, const struct outbox_entry *entry, const char *text, size_t len)
{
	if (stream_id_compare(entry->cursor, poll->cursor) <= 0 || poll->n >= (size_t)poll->limit)
		return;
	memcpy(poll->cursor, entry->cursor, sizeof poll->cursor);
	if (text == NULL)
		return;
	if (poll->n++ > 0)
		buf_add_char(&poll->messages, ',');
	buf_add(&poll->messages, text, len);
}

/* While the outbox is being read, what comes live is in it or comes after it: it is collected last. */
static void on_message(
	struct waiter *w, const struct outbox_entry *entry, const char *text, size_t len)
{
	struct poll *poll = poll_of(w);

	collect(poll, entry, text, len);
	if (poll->live && poll->n > 0)
		turn_queue(poll->parked.api->parts.loop, TURN_WORK, &poll->answer);
}

static void forget_collected(struct poll *poll)
{
	poll->n = 0;
	buf_clear(&poll->messages);
	memcpy(poll->cursor, poll->after, sizeof poll->cursor);
}

static void read_outbox(struct poll *poll);

static void on_read(void *arg, int rc, const struct outbox_entry *entries, size_t n)
{
	struct poll *poll = arg;
	struct parked *p = &poll->parked;
	struct buf text = BUF_INIT;

	poll->reading = 0;
	if (parked_settle(p))
		return;
	if (poll->again && n == 0) {
		poll->again = 0;
		read_outbox(poll);
		return;
	}
	/* Parked already, and time is left: on_ready() follows when the connection is back. */
	if (rc == -(int)ERR_REDIS && poll->read && !p->api->draining &&
		uv_is_active((uv_handle_t *)&p->timer))
		return;
	if (rc < 0) {
		poll_refuse(poll, rc);
		return;
	}
	poll->read = poll->live = 1;
	if (n > 0) /* the live ones stay in the outbox for the next poll */
		forget_collected(poll);
	for (size_t i = 0; i < n; i++) {
		const char *opened;

		buf_clear(&text);
		opened = delivery_open_entry(
			p->api->parts.delivery, &p->session, &entries[i], &text);
		collect(poll, &entries[i], opened, text.len);
	}
	buf_release(&text);
	/* With a timer running there is still time to wait. */
	if (poll->n > 0 || n > 0 || p->api->draining || !uv_is_active((uv_handle_t *)&p->timer))
		poll_answer(poll);
}

static void read_outbox(struct poll *poll)
{
	struct parked *p = &poll->parked;
	const struct outbox_read read = {
		.session = p->session,
		.after = poll->after,
		.ack = poll->after,
		.limit = (unsigned)poll->limit,
		.max_bytes = API_PAGE_BYTES,
	};

	if (outbox_read(hub_commands(p->api->parts.hub, p->session.shard), p->api->parts.conf,
		    &read, on_read, poll) < 0) {
		/* Parked already: it is read again when the connection is back. */
		if (!poll->read)
			poll_refuse(poll, -(int)ERR_REDIS);
		return;
	}
	poll->reading = 1;
	p->pending++;
}

static void on_ready(struct waiter *w)
{
	struct poll *poll = poll_of(w);

	/* Messages may have come while nobody listened: what comes live has to wait for them. */
	poll->live = 0;
	if (!poll->reading)
		read_outbox(poll);
	else
		poll->again = 1;
}

static void on_ended(struct waiter *w)
{
	poll_refuse(poll_of(w), -(int)ERR_NO_SESSION);
}

static void on_timeout(uv_timer_t *timer)
{
	struct parked *p = timer->data;
	struct poll *poll = CONTAINER_OF(p, struct poll, parked);

	if (poll->read && !poll->live)
		forget_collected(poll);
	if (poll->read)
		poll_answer(poll);
	else if (!poll->reading)
		poll_refuse(poll,
			-(int)ERR_REDIS); /* the subscription could not be made in all that time */
}

static void on_drain(struct parked *p)
{
	on_timeout(&p->timer);
}

static int query_read(struct poll *poll, const char *query, long *wait_s, const char **why)
{
	*why = "after has to be a cursor";
	if (api_query_cursor(query, "after", poll->after) < 0)
		return -(int)ERR_INVALID;
	*why = "wait has to be a whole number of seconds";
	if (api_query_number(query, "wait", API_WAIT_MAX_S, API_WAIT_DEFAULT_S, wait_s) < 0)
		return -(int)ERR_INVALID;
	*why = "limit has to be a whole number, at least 1";
	if (api_query_number(query, "limit", API_LIMIT_MAX, API_LIMIT_DEFAULT, &poll->limit) < 0 ||
		poll->limit == 0)
		return -(int)ERR_INVALID;
	memcpy(poll->cursor, poll->after, sizeof poll->cursor);
	return 0;
}

void api_poll(struct api *api, struct api_call *call)
{
	struct poll *poll = mem_alloc(sizeof *poll);
	struct parked *p = &poll->parked;
	const char *why;
	long wait_s;
	int rc = query_read(poll, call->x->query, &wait_s, &why);

	if (rc < 0 || !api_accepts(exchange_header(call->x, "Accept"), "application/json")) {
		mem_free(poll);
		api_problem(api, call->x, rc < 0 ? ERR_INVALID : ERR_NOT_ACCEPTABLE,
			rc < 0 ? why : NULL);
		return;
	}
	parked_open(p, api, call);
	p->waiter = (struct waiter){.ready = on_ready, .message = on_message, .ended = on_ended};
	p->drain = on_drain;
	p->release = poll_release;
	poll->answer = (struct turn_task){.fn = poll_answer, .arg = poll};
	if (wait_s == 0 || api->draining) {
		read_outbox(poll);
		return;
	}
	if (!redis_is_up(hub_subscriber(api->parts.hub, p->session.shard))) {
		poll_refuse(poll, -(int)ERR_REDIS);
		return;
	}
	uv_timer_start(&p->timer, on_timeout, (uint64_t)wait_s * 1000, 0);
	if (delivery_attach(api->parts.delivery, &p->session, &p->waiter))
		read_outbox(poll);
}

/* --- DELETE --------------------------------------------------------------------------------------------------------------- */

static void delete_release(struct parked *p)
{
	mem_free(p);
}

static void on_deleted(void *arg, int rc)
{
	struct parked *p = arg;
	struct exchange *x = p->x;
	struct buf none = BUF_INIT;

	if (parked_settle(p))
		return;
	p->x = NULL;
	if (rc > 0)
		api_answer(p->api, x, 204, NULL, NULL, &none);
	else
		api_problem(p->api, x, rc < 0 ? rc : -(int)ERR_NO_SESSION, NULL);
	parked_finish(p);
}

static void delete_drain(struct parked *p)
{
	UNUSED(p); /* Redis answers in a moment */
}

void api_delete(struct api *api, struct api_call *call)
{
	struct parked *p = mem_alloc(sizeof *p);

	parked_open(p, api, call);
	p->drain = delete_drain;
	p->release = delete_release;
	if (session_end(hub_commands(api->parts.hub, p->session.shard), &p->session, on_deleted,
		    p) < 0) {
		p->x = NULL;
		api_problem(api, call->x, ERR_REDIS, NULL);
		parked_finish(p);
		return;
	}
	p->pending++;
}
