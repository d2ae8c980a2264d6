/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_wire.h"

#include "core/buf.h"
#include "core/curl_loop.h"
#include "core/err.h"
#include "core/http.h"
#include "core/mem.h"
#include "platforms/email/email_server.h"
#include "platforms/platform.h"

#define WIRE_MAGIC 0x77697265u
/* One TLS record. */
#define READ_BYTES ((size_t)16 << 10)
/* Reads per turn of the loop: others get theirs in between. */
#define READS_PER_TURN 32
#define NEXT_TURN_MS   1
#define LOGIN_MS       60000L

enum wire_state { CONNECTING, UP, FAILED, DOWN };

struct email_wire {
	unsigned magic;
	struct psession *ps;
	const struct email_server *server;
	struct email_wire_events ev;
	struct curl_loop *curl;
	CURL *easy;
	struct email_server_call call;
	enum wire_state state;
	curl_socket_t fd;
	struct platform_watch *watch;
	struct platform_timer *timer; /* for what has to come from the loop: reading on, `down` */
	int events;                   /* what `watch` waits for */
	int paused;
	int busy; /* a callback runs: the memory stays until it returns */
	int freed;
	int broken; /* nothing can be sent any more; what the server said before is worth reading */
	/* What OpenSSL was given and did not take has to be given again at the same address, so `out` is not touched
	 * until it is gone; meanwhile more goes to `queued`. */
	struct buf out, queued;
	size_t out_done;
	struct err why; /* FAILED */
};

static void on_ready(void *arg, int status, int events);
static void on_next_turn(void *arg);

static void disconnect(struct email_wire *w)
{
	platform_watch_free(&w->watch);
	platform_timer_free(&w->timer);
	if (w->easy != NULL) {
		curl_loop_remove(w->curl, w->easy);
		curl_easy_cleanup(w->easy);
		w->easy = NULL;
	}
	curl_loop_free(w->curl);
	w->curl = NULL;
	w->events = 0;
}

void email_wire_free(struct email_wire **wire)
{
	struct email_wire *w = *wire;

	*wire = NULL;
	if (w == NULL)
		return;
	disconnect(w);
	w->state = DOWN;
	w->freed = 1;
	if (w->busy)
		return;
	buf_release(&w->out);
	buf_release(&w->queued);
	w->magic = 0;
	mem_free(w);
}

/* Around each callback; leave() frees what a callback has freed and tells so with 1. */
static void enter(struct email_wire *w)
{
	w->busy++;
}

static int leave(struct email_wire *w)
{
	w->busy--;
	if (!w->freed)
		return 0;
	if (w->busy == 0)
		email_wire_free(&w);
	return 1;
}

static void next_turn(struct email_wire *w)
{
	if (w->timer == NULL)
		w->timer = psession_timer(w->ps, NEXT_TURN_MS, on_next_turn, w);
}

static void watch(struct email_wire *w)
{
	int events = w->state != UP
			     ? 0
			     : (w->paused ? 0 : UV_READABLE) |
				       (!w->broken && email_wire_left(w) > 0 ? UV_WRITABLE : 0);

	if (events == w->events)
		return;
	platform_watch_free(&w->watch);
	w->events = events;
	if (events == 0)
		return;
	w->watch = psession_watch(w->ps, (int)w->fd, events, on_ready, w);
	if (w->watch == NULL) {
		w->events = 0;
		w->state = FAILED;
		err_set(&w->why, ERR_BUSY, "%s: no more connections can be watched",
			email_server_name(w->server));
		next_turn(w);
	}
}

/* `down` follows in the next turn: this may be called from within email_wire_write(). */
static void fail(struct email_wire *w, const struct err *why)
{
	w->state = FAILED;
	w->why = *why;
	watch(w);
	next_turn(w);
}

static void lost(struct email_wire *w)
{
	struct err e;

	err_set(&e, ERR_REMOTE, "%s: the connection was lost", email_server_name(w->server));
	fail(w, &e);
}

static void go_down(struct email_wire *w)
{
	w->state = DOWN;
	enter(w);
	w->ev.down(w->ev.arg, &w->why);
	leave(w);
}

/* --- the socket ------------------------------------------------------------------------------------------------- */

/* `out` is gone: what was queued behind it follows. */
static void refill(struct email_wire *w)
{
	struct buf empty = w->out;

	w->out_done = 0;
	buf_clear(&empty);
	w->out = w->queued;
	w->queued = empty;
}

/* 1: some bytes went out. */
static int flush(struct email_wire *w)
{
	int sent = 0;

	while (w->state == UP && !w->broken && email_wire_left(w) > 0) {
		size_t n = 0;
		CURLcode rc = curl_easy_send(
			w->easy, w->out.data + w->out_done, w->out.len - w->out_done, &n);
		if (rc == CURLE_AGAIN)
			break;
		if (rc != CURLE_OK) {
			w->broken = 1;
			next_turn(w);
			break;
		}
		sent |= n > 0;
		w->out_done += n;
		if (w->out_done == w->out.len)
			refill(w);
	}
	watch(w);
	return sent;
}

/* Until nothing is left, also in the TLS layer, where no poll would tell of it. */
static void pump(struct email_wire *w)
{
	char bytes[READ_BYTES];

	for (int i = 0; w->state == UP && !w->paused; i++) {
		size_t n = 0;
		CURLcode rc;
		if (i == READS_PER_TURN) {
			next_turn(w);
			return;
		}
		rc = curl_easy_recv(w->easy, bytes, sizeof bytes, &n);
		if (rc == CURLE_AGAIN)
			return;
		if (rc != CURLE_OK || n == 0) {
			lost(w);
			return;
		}
		enter(w);
		w->ev.bytes(w->ev.arg, bytes, n);
		if (leave(w))
			return;
	}
}

static void on_ready(void *arg, int status, int events)
{
	CAST(email_wire, w, arg, WIRE_MAGIC);

	if (status < 0) {
		lost(w);
		return;
	}
	enter(w);
	if ((events & UV_WRITABLE) && flush(w) && w->ev.sent != NULL)
		w->ev.sent(w->ev.arg);
	if (events & UV_READABLE)
		pump(w);
	leave(w);
}

static void on_next_turn(void *arg)
{
	CAST(email_wire, w, arg, WIRE_MAGIC);

	w->timer = NULL;
	if (w->state == FAILED) {
		go_down(w);
		return;
	}
	enter(w);
	pump(w);
	if (w->state == UP && w->broken)
		lost(w);
	leave(w);
}

/* --- connecting ------------------------------------------------------------------------------------------------- */

static void prepare(struct email_wire *w);

/* 1: the server has no SASL, and is asked again without. */
static int again(struct email_wire *w, CURLcode rc)
{
	if (!email_server_learn(w->server, &w->call, rc))
		return 0;
	curl_loop_remove(w->curl, w->easy);
	curl_easy_cleanup(w->easy);
	prepare(w);
	return 1;
}

static void on_line(void *arg, const char *line, size_t len)
{
	CAST(email_wire, w, arg, WIRE_MAGIC);

	if (w->ev.line != NULL)
		w->ev.line(w->ev.arg, line, len);
}

static void on_connected(void *arg, CURL *easy, CURLcode rc)
{
	CAST(email_wire, w, arg, WIRE_MAGIC);

	if (again(w, rc))
		return;
	if (email_server_explain(w->server, &w->call, easy, rc, &w->why) < 0) {
		email_server_remember(w->server, &w->why);
		go_down(w);
		return;
	}
	email_server_forget_login(easy);
	if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &w->fd) != CURLE_OK ||
		w->fd == CURL_SOCKET_BAD) {
		lost(w);
		return;
	}
	w->state = UP;
	watch(w);
	enter(w);
	w->ev.up(w->ev.arg);
	if (leave(w))
		return;
	next_turn(w); /* bytes may be in the TLS layer already */
}

static void prepare(struct email_wire *w)
{
	w->easy = curl_easy_init();
	assert(w->easy != NULL);
	email_server_prepare(w->server, psession_outbound(w->ps), &w->call, w->easy);
	w->call.line = on_line;
	w->call.arg = w;
	curl_easy_setopt(w->easy, CURLOPT_CONNECT_ONLY, 1L);
	/* A server that says something now and then, but never lets us in. */
	curl_easy_setopt(w->easy, CURLOPT_TIMEOUT_MS, LOGIN_MS);
	curl_loop_add_kept(w->curl, w->easy, on_connected, w);
}

struct email_wire *email_wire_new(
	struct psession *ps, const struct email_server *server, const struct email_wire_events *ev)
{
	struct email_wire *w = mem_alloc(sizeof *w);
	struct err refusal;

	w->magic = WIRE_MAGIC;
	w->ps = ps;
	w->server = server;
	w->ev = *ev;
	w->fd = CURL_SOCKET_BAD;
	if (email_server_recall(server, &refusal) < 0) {
		fail(w, &refusal);
		return w;
	}
	w->curl = curl_loop_new(http_client_loop(psession_http(ps)));
	prepare(w);
	return w;
}

void email_wire_write(struct email_wire *w, const void *bytes, size_t len)
{
	if (w->state != UP)
		return;
	buf_add(w->out.len > 0 ? &w->queued : &w->out, bytes, len);
	flush(w);
}

size_t email_wire_left(const struct email_wire *w)
{
	return w->out.len - w->out_done + w->queued.len;
}

void email_wire_pause(struct email_wire *w, int paused)
{
	if (w->paused == paused)
		return;
	w->paused = paused;
	if (w->state != UP)
		return;
	watch(w);
	if (!paused)
		next_turn(w);
}
