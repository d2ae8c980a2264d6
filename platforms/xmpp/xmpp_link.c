/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_link.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/outbound.h"
#include "platforms/platform.h"
#include "platforms/xmpp/xmpp_fd.h"
#include "platforms/xmpp/xmpp_login_account.h"
#include "platforms/xmpp/xmpp_process.h"
#include "platforms/xmpp/xmpp_stream.h"

#define MAGIC 0x786c6e6bu
/* libstrophe writes, copies and frees trees by recursion, no deeper than xmpp_expat lets them be. It is address space;
 * memory is what is touched, some 30 KiB. */
#define STACK_SIZE (2u << 20)
/* With so much waiting for the loop, no more is read. */
#define INBOX_MAX_NOTES 500
#define INBOX_MAX_BYTES (2u << 20)
/* So many notes are told in one go: then others have their turn, and the watch may rest (platform.h). */
#define NOTES_AT_ONCE 5
/* For an end in order, before the socket is shut down; libstrophe itself gives up after two seconds. */
#define END_MS 3000

enum state { IDLE, OPENING, ONLINE, ENDING };

/* What the thread has to tell. */
struct note {
	struct note *next;
	unsigned attempt;
	enum { NOTE_ONLINE, NOTE_STANZA, NOTE_OFFLINE } what;
	xmpp_stanza_t *stanza;
	uint64_t number; /* of the stanza, as xmpp_sm counts them */
	char *full_jid;
	int resumed;
	struct err why;
};

struct out {
	struct out *next;
	xmpp_stanza_t *stanza;
};

struct xmpp_link {
	unsigned magic;
	/* For the life of the link. */
	struct xmpp_login_account account;
	char *host, *ca_file;
	unsigned port, timeout_ms;
	int direct_tls, insecure;
	struct xmpp_heap heap;
	xmpp_log_t log;
	xmpp_ctx_t *ctx;
	int wake_fd, ready_fd; /* eventfds: for the thread, for the loop */

	/* The loop's. */
	struct psession *ps;
	struct xmpp_link_events events;
	struct platform_watch *watch;
	struct platform_timer *timer;
	enum state state;
	unsigned attempt; /* notes of others are out of date */
	uint64_t told;    /* the number of the last stanza that was */
	uint64_t asked;   /* whether what was sent because of those up to here is taken */
	int asking;       /* and not answered yet */

	/* The thread's. */
	struct xmpp_sm sm;
	unsigned running; /* the attempt it is at */

	/* Both, under the mutex. */
	pthread_mutex_t mutex;
	const struct outbound
		*outbound; /* NULL: the account is gone, and the rule perhaps with it */
	unsigned wanted;   /* the attempt that shall be up; 0: none */
	int forget;        /* what could be resumed is not to be */
	int quit;
	int refs; /* the loop, the thread, and whoever is in a callback */
	int socket;
	struct note *inbox, **inbox_end;
	unsigned n_inbox;
	struct out *outbox, **outbox_end;
	uint64_t taken; /* the number of the last stanza that the server need not keep */
};

/* --- shared ----------------------------------------------------------------------------------------------------------- */

static void signal_fd(int fd)
{
	uint64_t one = 1;

	/* Fails only when the counter is full: then the signal is there already. */
	if (write(fd, &one, sizeof one) < 0)
		return;
}

static void note_free(struct note *n)
{
	if (n->stanza != NULL)
		xmpp_stanza_release(n->stanza);
	mem_free(n->full_jid);
	mem_free(n);
}

static void drop_outbox(struct xmpp_link *link)
{
	struct out *out, *next;

	for (out = link->outbox; out != NULL; out = next) {
		next = out->next;
		xmpp_stanza_release(out->stanza);
		mem_free(out);
	}
	link->outbox = NULL;
	link->outbox_end = &link->outbox;
}

static void destroy(struct xmpp_link *link)
{
	struct note *n, *next;

	for (n = link->inbox; n != NULL; n = next) {
		next = n->next;
		note_free(n);
	}
	drop_outbox(link);
	if (link->ctx != NULL) {
		xmpp_sm_clear(&link->sm);
		xmpp_ctx_free(link->ctx);
	}
	if (link->wake_fd >= 0)
		close(link->wake_fd);
	if (link->ready_fd >= 0)
		close(link->ready_fd);
	xmpp_login_account_release(&link->account);
	mem_free(link->host);
	mem_free(link->ca_file);
	pthread_mutex_destroy(&link->mutex);
	link->magic = 0;
	mem_free(link);
}

static void unref(struct xmpp_link *link)
{
	int left;

	pthread_mutex_lock(&link->mutex);
	left = --link->refs;
	pthread_mutex_unlock(&link->mutex);
	if (left == 0)
		destroy(link);
}

/* --- the thread --------------------------------------------------------------------------------------------------------- */

static void post(struct xmpp_link *link, struct note *n)
{
	int first;

	n->attempt = link->running;
	pthread_mutex_lock(&link->mutex);
	first = link->inbox == NULL;
	*link->inbox_end = n;
	link->inbox_end = &n->next;
	link->n_inbox++;
	pthread_mutex_unlock(&link->mutex);
	if (first)
		signal_fd(link->ready_fd);
}

static enum xmpp_stream_wish wish(void *arg)
{
	CAST(xmpp_link, link, arg, MAGIC);
	enum xmpp_stream_wish answer = XMPP_STREAM_GO;

	pthread_mutex_lock(&link->mutex);
	if (link->wanted != link->running)
		answer = XMPP_STREAM_END;
	else if (link->n_inbox >= INBOX_MAX_NOTES ||
		 (link->n_inbox > 0 && xmpp_heap_used(&link->heap) > INBOX_MAX_BYTES))
		answer = XMPP_STREAM_HOLD;
	pthread_mutex_unlock(&link->mutex);
	return answer;
}

static xmpp_stanza_t *next_stanza(void *arg)
{
	CAST(xmpp_link, link, arg, MAGIC);
	xmpp_stanza_t *stanza = NULL;
	struct out *out;

	pthread_mutex_lock(&link->mutex);
	out = link->outbox;
	if (out != NULL) {
		link->outbox = out->next;
		if (link->outbox == NULL)
			link->outbox_end = &link->outbox;
		stanza = out->stanza;
	}
	pthread_mutex_unlock(&link->mutex);
	mem_free(out);
	return stanza;
}

static void set_socket(void *arg, int fd)
{
	CAST(xmpp_link, link, arg, MAGIC);

	pthread_mutex_lock(&link->mutex);
	link->socket = fd;
	pthread_mutex_unlock(&link->mutex);
}

static void post_online(void *arg, const char *full_jid, int resumed)
{
	CAST(xmpp_link, link, arg, MAGIC);
	struct note *n = mem_alloc(sizeof *n);

	/* What waited for a stream that is no more was not for this one. */
	if (!resumed) {
		pthread_mutex_lock(&link->mutex);
		drop_outbox(link);
		pthread_mutex_unlock(&link->mutex);
	}
	n->what = NOTE_ONLINE;
	n->full_jid = mem_strdup(full_jid);
	n->resumed = resumed;
	post(link, n);
}

static void post_stanza(void *arg, xmpp_stanza_t *stanza, uint64_t number)
{
	CAST(xmpp_link, link, arg, MAGIC);
	struct note *n = mem_alloc(sizeof *n);

	n->what = NOTE_STANZA;
	n->stanza = stanza;
	n->number = number;
	post(link, n);
}

static uint64_t taken(void *arg)
{
	CAST(xmpp_link, link, arg, MAGIC);
	uint64_t number;

	pthread_mutex_lock(&link->mutex);
	number = link->taken;
	pthread_mutex_unlock(&link->mutex);
	return number;
}

static int allows(void *arg, const struct sockaddr *sa)
{
	CAST(xmpp_link, link, arg, MAGIC);
	int yes;

	pthread_mutex_lock(&link->mutex);
	yes = link->outbound != NULL && outbound_allows(link->outbound, sa);
	pthread_mutex_unlock(&link->mutex);
	return yes;
}

static int open_stream(struct xmpp_link *link, struct err *e)
{
	struct xmpp_resolve_query query = {
		link->account.domain, link->host, link->port, link->direct_tls, allows, link};
	struct xmpp_stream_options options = {link->ctx, &link->heap, &link->log, &link->sm,
		&link->account, link->ca_file, link->insecure};
	struct xmpp_stream_host host = {wish, next_stanza, set_socket, post_online, post_stanza,
		taken, link, link->wake_fd};
	struct xmpp_resolve_result result;
	int rc = xmpp_resolve(&query, &result, e);

	for (size_t i = 0; rc == 0 && i < result.n; i++) {
		rc = xmpp_stream_run(&options, &result.at[i], &host, e);
		if (rc == -ERR_CONNECT && i + 1 < result.n)
			rc = 0;
	}
	return rc;
}

/* Waits for something to do. 0: the link is freed. */
static int next_attempt(struct xmpp_link *link)
{
	unsigned last = link->running;
	uint64_t count;

	for (;;) {
		struct pollfd p = {.fd = link->wake_fd, .events = POLLIN};
		int quit;

		pthread_mutex_lock(&link->mutex);
		quit = link->quit;
		link->running = link->wanted;
		if (link->forget)
			xmpp_sm_clear(&link->sm);
		link->forget = 0;
		pthread_mutex_unlock(&link->mutex);
		if (quit)
			return 0;
		if (link->running != 0 && link->running != last)
			return 1;
		if (poll(&p, 1, -1) > 0 && read(link->wake_fd, &count, sizeof count) < 0)
			continue;
	}
}

static void *run(void *arg)
{
	CAST(xmpp_link, link, arg, MAGIC);

	pthread_setname_np(pthread_self(), "xmpp-link");
	while (next_attempt(link)) {
		struct note *n = mem_alloc(sizeof *n);

		n->what = NOTE_OFFLINE;
		open_stream(link, &n->why);
		post(link, n);
	}
	unref(link);
	OPENSSL_thread_stop();
	xmpp_process_thread_ends();
	return NULL;
}

/* --- the loop ------------------------------------------------------------------------------------------------------------- */

/* What the thread has not noticed is told without it, and what it will say of this attempt comes too late. */
static void go_offline(struct xmpp_link *link, const struct err *why)
{
	platform_timer_free(&link->timer);
	link->state = IDLE;
	link->attempt++;
	link->events.offline(link->events.arg, why);
}

/* Ends the attempt; `hard`: whatever it hangs in. The number is reserved as long as it is known here, so that it can not
 * be somebody else's socket. */
static void stop(struct xmpp_link *link, int hard)
{
	pthread_mutex_lock(&link->mutex);
	link->wanted = 0;
	if (hard && link->socket >= 0)
		shutdown(link->socket, SHUT_RDWR);
	pthread_mutex_unlock(&link->mutex);
	signal_fd(link->wake_fd);
}

static void on_deadline(void *arg)
{
	CAST(xmpp_link, link, arg, MAGIC);
	struct err e;

	link->timer = NULL;
	stop(link, 1);
	if (link->state == ENDING)
		err_set(&e, ERR_CANCELLED, "disconnected");
	else
		err_set(&e, ERR_TIMEOUT, "the connection to %s was not up in time",
			link->account.domain);
	go_offline(link, &e);
}

static void tell(struct xmpp_link *link, const struct note *n)
{
	if (n->attempt != link->attempt)
		return;
	if (n->what == NOTE_ONLINE && link->state == OPENING) {
		platform_timer_free(&link->timer);
		link->state = ONLINE;
		link->events.online(link->events.arg, n->full_jid, n->resumed);
	} else if (n->what == NOTE_STANZA && link->state == ONLINE) {
		link->told = n->number;
		link->events.stanza(link->events.arg, n->stanza);
	} else if (n->what == NOTE_OFFLINE) {
		go_offline(link, &n->why);
	}
}

/* The first of the inbox, no more than NOTES_AT_ONCE. */
static struct note *take_notes(struct xmpp_link *link)
{
	struct note *first = link->inbox, **end = &link->inbox;

	for (unsigned i = 0; i < NOTES_AT_ONCE && *end != NULL; i++) {
		end = &(*end)->next;
		link->n_inbox--;
	}
	link->inbox = *end;
	*end = NULL;
	if (link->inbox == NULL)
		link->inbox_end = &link->inbox;
	return first;
}

static void ask_whether_taken(struct xmpp_link *link);

static void on_taken(void *arg)
{
	CAST(xmpp_link, link, arg, MAGIC);

	link->asking = 0;
	pthread_mutex_lock(&link->mutex);
	link->taken = link->asked;
	pthread_mutex_unlock(&link->mutex);
	signal_fd(link->wake_fd);
	ask_whether_taken(link);
}

/* Then the thread may acknowledge what was told by now. */
static void ask_whether_taken(struct xmpp_link *link)
{
	if (link->asking || link->asked == link->told)
		return;
	link->asking = 1;
	link->asked = link->told;
	psession_when_taken(link->ps, on_taken, link);
}

static void on_ready(void *arg, int status, int events)
{
	CAST(xmpp_link, link, arg, MAGIC);
	struct note *n, *next;
	uint64_t count;

	UNUSED(status);
	UNUSED(events);
	if (read(link->ready_fd, &count, sizeof count) < 0)
		return;
	pthread_mutex_lock(&link->mutex);
	n = take_notes(link);
	if (link->inbox != NULL)
		signal_fd(link->ready_fd);
	link->refs++; /* a callback may free the link */
	pthread_mutex_unlock(&link->mutex);
	for (; n != NULL; n = next) {
		next = n->next;
		tell(link, n);
		note_free(n);
	}
	if (!link->quit)
		ask_whether_taken(link);
	/* The thread may have stopped reading. */
	signal_fd(link->wake_fd);
	unref(link);
}

/* --- for the account -------------------------------------------------------------------------------------------------------- */

static int start_thread(struct xmpp_link *link, struct err *e)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	link->wake_fd = xmpp_fd_event();
	link->ready_fd = xmpp_fd_event();
	if (link->wake_fd < 0 || link->ready_fd < 0)
		return err_set(e, ERR_BUSY, "too many open descriptors in this worker");
	link->refs = 2;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	xmpp_process_thread_begins();
	rc = pthread_create(&thread, &attr, run, link);
	if (rc != 0)
		xmpp_process_thread_ends();
	pthread_attr_destroy(&attr);
	return rc == 0 ? 0 : err_set_sys(e, ERR_BUSY, rc, "too many XMPP accounts in this worker");
}

int xmpp_link_new(struct psession *ps, const struct xmpp_link_options *o,
	const struct xmpp_link_events *events, struct xmpp_link **out, struct err *e)
{
	struct xmpp_link *link = mem_alloc(sizeof *link);

	xmpp_process_setup();
	link->magic = MAGIC;
	link->ps = ps;
	link->events = *events;
	link->outbound = psession_outbound(ps);
	link->host = mem_strdup(o->host);
	link->ca_file = mem_strdup(o->ca_file);
	link->port = o->port;
	link->timeout_ms = o->connect_timeout_ms;
	link->direct_tls = o->direct_tls;
	link->insecure = o->insecure;
	link->wake_fd = link->ready_fd = link->socket = -1;
	link->inbox_end = &link->inbox;
	link->outbox_end = &link->outbox;
	pthread_mutex_init(&link->mutex, NULL);
	xmpp_heap_init(&link->heap);
	link->ctx = xmpp_ctx_new(&link->heap.mem, &link->log);
	xmpp_sm_init(&link->sm, link->ctx);
	if (xmpp_login_account_init(&link->account, o->jid, o->password, e) < 0 ||
		start_thread(link, e) < 0) {
		destroy(link);
		return -(int)e->code;
	}
	link->watch = psession_watch(ps, link->ready_fd, UV_READABLE, on_ready, link);
	if (link->watch == NULL) {
		xmpp_link_free(&link);
		return err_set(e, ERR_BUSY, "too many open descriptors in this worker");
	}
	*out = link;
	return 0;
}

void xmpp_link_free(struct xmpp_link **lp)
{
	struct xmpp_link *link = *lp;

	*lp = NULL;
	if (link == NULL)
		return;
	platform_watch_free(&link->watch);
	platform_timer_free(&link->timer);
	if (link->asking)
		psession_when_taken(link->ps, NULL, NULL);
	pthread_mutex_lock(&link->mutex);
	link->quit = 1;
	link->outbound = NULL;
	pthread_mutex_unlock(&link->mutex);
	stop(link, link->state == OPENING);
	link->state = IDLE;
	link->attempt++;
	unref(link);
}

void xmpp_link_connect(struct xmpp_link *link)
{
	assert(link->state == IDLE);
	link->state = OPENING;
	if (++link->attempt == 0)
		link->attempt = 1;
	link->timer = psession_timer(link->ps, link->timeout_ms, on_deadline, link);
	pthread_mutex_lock(&link->mutex);
	link->wanted = link->attempt;
	pthread_mutex_unlock(&link->mutex);
	signal_fd(link->wake_fd);
}

void xmpp_link_disconnect(struct xmpp_link *link)
{
	int hard = link->state == OPENING;

	if (link->state == IDLE || link->state == ENDING)
		return;
	platform_timer_free(&link->timer);
	link->state = ENDING;
	link->timer = psession_timer(link->ps, END_MS, on_deadline, link);
	pthread_mutex_lock(&link->mutex);
	link->forget = 1;
	pthread_mutex_unlock(&link->mutex);
	stop(link, hard);
}

void xmpp_link_send(struct xmpp_link *link, xmpp_stanza_t *stanza)
{
	struct out *out;

	if (link->state != ONLINE) {
		xmpp_stanza_release(stanza);
		return;
	}
	out = mem_alloc(sizeof *out);
	out->stanza = stanza;
	pthread_mutex_lock(&link->mutex);
	*link->outbox_end = out;
	link->outbox_end = &out->next;
	pthread_mutex_unlock(&link->mutex);
	signal_fd(link->wake_fd);
}

xmpp_ctx_t *xmpp_link_ctx(struct xmpp_link *link)
{
	return link->ctx;
}
