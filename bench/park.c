/* SPDX-License-Identifier: MIT */
/* park - thousands of clients that wait: what each costs in memory, and how fast a message
 * reaches it.
 *
 * Opens N sessions, leaves a long poll or an event stream waiting on each, weighs the server's
 * processes, then posts one dummy echo to every session and checks that each client receives its
 * own message, once. Latency is from posting a job to its message at the waiting client. Read
 * bench/lib/client.h next; bench/load.c is for clients that ask. */
#include "bench/lib/body.h"
#include "bench/lib/client.h"
#include "bench/lib/clock.h"
#include "bench/lib/fault.h"
#include "bench/lib/hist.h"
#include "bench/lib/opt.h"
#include "bench/lib/proc.h"
#include "bench/lib/reply.h"
#include "bench/lib/session.h"
#include "bench/lib/wire.h"
#include "core/err.h"
#include "core/mem.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Sessions being opened, or clients being sent to wait, at a time: not a test of backlogs. */
#define WINDOW        64u
#define SETUP_NS      (60 * NS_PER_S)
#define DELIVER_NS    (60 * NS_PER_S)
#define SETTLE_MS     100
#define SETTLE_ROUNDS 100
#define QUIET_ROUNDS  3
#define QUIET_CPU_MS  10 /* one tick in SETTLE_MS: a server's own timers */

enum state { WAITER_NEW, WAITER_OPENING, WAITER_OPEN, WAITER_PARKED, WAITER_SERVED };

struct waiter {
	struct client client; /* first */
	struct park *park;
	char *path;
	enum state state;
	int head_seen;
	uint64_t rid;
	uint64_t posted_ns;
};

struct poster {
	struct client client; /* first */
	struct park *park;
	struct buf head;
	unsigned to; /* index of the waiter whose job is on its way */
	int active, retry;
};

struct park {
	/* what was asked for */
	const char *http, *fastcgi, *base, *secret, *kind, *plain, *pids;
	unsigned clients, posters;
	double wait;
	int reuse;

	struct loop loop;
	struct session_opener opener;
	struct body job, none;
	struct waiter *waiters;
	struct poster *poster;
	unsigned n_opening, n_open, n_heads, n_posted, n_served, next;
	int stream, delivering;
	struct fault fault;
	struct hist hist;
	struct proc procs[PROC_MAX];
	int n_procs;
	struct proc_use before[PROC_MAX], opened[PROC_MAX], parked[PROC_MAX];
	double open_s, park_s, deliver_s;
};

/* --- opening --- */

static void open_one(struct waiter *w)
{
	struct park *p = w->park;
	w->state = WAITER_OPENING;
	body_number(&p->opener.body, w->rid);
	int rc = client_send(&w->client, &p->opener.head, &p->opener.body.bytes);
	if (rc == 0)
		return;
	w->state = WAITER_NEW;
	if (rc != -EAGAIN)
		fault_note(&p->fault, strerror(-rc), NULL);
}

static void on_opened(struct waiter *w, const struct answer *a)
{
	char path[SESSION_PATH_SIZE];
	const char *problem = session_opened(path, a, w->rid);
	if (problem != NULL) {
		fault_note(&w->park->fault, problem, a);
		return;
	}
	w->path = mem_strdup(path);
	w->state = WAITER_OPEN;
	w->park->n_open++;
	if (!w->park->reuse)
		client_close(&w->client);
}

static int open_all(struct park *p, struct err *e)
{
	uint64_t start = clock_ns();
	unsigned from = 0;
	while (p->n_open < p->clients && p->fault.count == 0) {
		unsigned busy = 0;
		while (from < p->clients && p->waiters[from].state >= WAITER_OPEN)
			from++;
		for (unsigned i = from; i < p->clients && busy < WINDOW; i++) {
			if (p->waiters[i].state == WAITER_NEW)
				open_one(&p->waiters[i]);
			busy += p->waiters[i].state < WAITER_OPEN;
		}
		loop_run(&p->loop, 1);
		if (clock_ns() - start > SETUP_NS)
			return err_set(e, ERR_TIMEOUT, "%u of %u sessions open after a minute",
				p->n_open, p->clients);
	}
	p->open_s = (double)(clock_ns() - start) / 1e9;
	return p->fault.count > 0 ? err_set(e, ERR_REMOTE, "opening sessions: %s", p->fault.first)
				  : 0;
}

/* --- waiting --- */

static int park_one(struct waiter *w, struct buf *head)
{
	struct park *p = w->park;
	char path[SESSION_PATH_SIZE + 32];
	if (p->plain != NULL)
		snprintf(path, sizeof(path), "%s", p->plain);
	else if (p->stream)
		snprintf(path, sizeof(path), "%s/stream", w->path);
	else
		snprintf(path, sizeof(path), "%s?wait=%g", w->path, p->wait);
	const struct wire_request r = {.method = "GET",
		.path = path,
		.base = p->base,
		.accept = p->stream ? "text/event-stream" : NULL,
		.keep = p->loop.keep};
	buf_clear(head);
	p->loop.wire->head(head, &r);
	w->client.stream = p->stream;
	int rc = client_send(&w->client, head, &p->none.bytes);
	if (rc == 0)
		w->state = WAITER_PARKED;
	else if (rc != -EAGAIN)
		fault_note(&p->fault, strerror(-rc), NULL);
	return rc;
}

/* Until `heads` clients have seen the beginning of their stream and the server has nothing more
 * to do. */
static int settle(struct park *p, unsigned heads, struct err *e)
{
	long last = 0;
	int quiet = 0;
	for (int i = 0; i < SETTLE_ROUNDS && quiet < QUIET_ROUNDS; i++) {
		uint64_t until = clock_ns() + SETTLE_MS * NS_PER_MS;
		while (clock_ns() < until)
			loop_run(&p->loop, 10);
		long cpu = 0;
		for (int k = 0; k < p->n_procs; k++) {
			struct proc_use u;
			if (proc_read(&u, &p->procs[k], e) < 0)
				return -1;
			cpu += u.cpu_ms;
		}
		quiet = p->n_heads >= heads && cpu - last <= QUIET_CPU_MS * MAX(p->n_procs, 1)
				? quiet + 1
				: 0;
		last = cpu;
	}
	return quiet == QUIET_ROUNDS ? 0
				     : err_set(e, ERR_TIMEOUT, "the server does not come to rest");
}

/* Until the requests of waiters [from, to) have reached the server; so its backlog sets the
 * pace. */
static int wait_taken(struct park *p, unsigned from, unsigned to, uint64_t until)
{
	while (from < to && p->fault.count == 0) {
		if (!client_unsent(&p->waiters[from].client)) {
			from++;
			continue;
		}
		loop_run(&p->loop, 1);
		if (clock_ns() > until)
			return -1;
	}
	return 0;
}

static int park_all(struct park *p, struct err *e)
{
	uint64_t start = clock_ns(), until = start + SETUP_NS;
	struct buf head = BUF_INIT;
	int rc = 0;
	for (unsigned i = 0; i < p->clients && rc == 0 && p->fault.count == 0;) {
		if (park_one(&p->waiters[i], &head) < 0)
			loop_run(&p->loop, 1);
		else if (++i % WINDOW == 0 || i == p->clients)
			rc = wait_taken(p, (i - 1) / WINDOW * WINDOW, i, until);
		if (clock_ns() > until)
			rc = -1;
	}
	buf_release(&head);
	if (p->fault.count > 0)
		return err_set(e, ERR_REMOTE, "waiting: %s", p->fault.first);
	if (rc < 0)
		return err_set(e, ERR_TIMEOUT,
			"the server has not taken all waiting clients after a minute");
	rc = settle(p, p->stream ? p->clients : 0, e);
	p->park_s = (double)(clock_ns() - start) / 1e9;
	return rc;
}

/* --- delivering --- */

static void served(struct waiter *w)
{
	struct park *p = w->park;
	w->state = WAITER_SERVED;
	hist_add(&p->hist, clock_ns() - w->posted_ns);
	p->n_served++;
}

/* All that the client has received so far. Only its own message may be there, once. */
static void on_message(struct waiter *w, const struct answer *a, int complete)
{
	struct park *p = w->park;
	const char *at = a->body, *end = a->body + a->body_len;
	const char *list = p->stream ? at : memmem(at, a->body_len, "\"messages\"", 10);
	struct reply r;
	unsigned n = 0;
	if (a->status != 200 || list == NULL) {
		fault_note(&p->fault, "a waiting client was not answered with messages", a);
		return;
	}
	while (reply_next(&r, &list, end) > 0) {
		if (r.rid != w->rid || r.confirm || !r.ok || ++n > 1) {
			fault_note(&p->fault,
				"a waiting client got a message that is not its own, or twice", a);
			return;
		}
	}
	if (n == 1 && w->state == WAITER_PARKED)
		served(w);
	else if (complete)
		fault_note(&p->fault, "a waiting client was answered without its message", a);
}

static void on_waiter(struct client *c, enum client_event ev, const struct answer *a)
{
	struct waiter *w = CONTAINER_OF(c, struct waiter, client);
	struct park *p = w->park;
	if (ev == CLIENT_FAILED) {
		fault_note(&p->fault, c->problem, NULL);
	} else if (w->state == WAITER_OPENING) {
		on_opened(w, a);
	} else if (!p->delivering && ev == CLIENT_ANSWER) {
		fault_note(&p->fault, "answered before anything was posted", a);
	} else if (p->plain != NULL) {
		if (a->status == 200)
			served(w);
		else
			fault_note(&p->fault, "not answered with 200", a);
	} else {
		p->n_heads += !w->head_seen;
		w->head_seen = 1;
		on_message(w, a, ev == CLIENT_ANSWER);
	}
}

static void post_to(struct poster *po)
{
	struct park *p = po->park;
	struct waiter *w = &p->waiters[po->to];
	const char *path = p->plain != NULL ? p->plain : w->path;
	const struct wire_request r = {.method = "POST",
		.path = path,
		.base = p->base,
		.body_len = p->job.len,
		.keep = p->loop.keep};
	buf_clear(&po->head);
	p->loop.wire->head(&po->head, &r);
	body_number(&p->job, w->rid);
	if (w->posted_ns == 0)
		w->posted_ns = clock_ns();
	int rc = client_send(&po->client, &po->head, &p->job.bytes);
	po->retry = rc == -EAGAIN;
	if (rc < 0 && rc != -EAGAIN)
		fault_note(&p->fault, strerror(-rc), NULL);
}

static void post_next(struct poster *po)
{
	struct park *p = po->park;
	po->active = p->next < (p->plain != NULL ? 1 : p->clients);
	if (!po->active)
		return;
	po->to = p->next++;
	for (unsigned i = 0; p->plain != NULL && i < p->clients; i++)
		p->waiters[i].posted_ns = clock_ns(); /* one post wakes all */
	post_to(po);
}

static void on_poster(struct client *c, enum client_event ev, const struct answer *a)
{
	struct poster *po = CONTAINER_OF(c, struct poster, client);
	struct park *p = po->park;
	if (ev == CLIENT_FAILED) {
		fault_note(&p->fault, c->problem, NULL);
		return;
	}
	const char *at = a->body;
	struct reply r = {0};
	int confirmed = p->plain != NULL ||
			(reply_next(&r, &at, a->body + a->body_len) > 0 && r.confirm && r.ok &&
				r.rid == p->waiters[po->to].rid);
	if (a->status != 200 || !confirmed)
		fault_note(&p->fault, "a posted job was not confirmed", a);
	p->n_posted++;
	post_next(po);
}

static void deliver_all(struct park *p)
{
	uint64_t start = clock_ns();
	p->delivering = 1;
	for (unsigned i = 0; i < p->posters; i++)
		post_next(&p->poster[i]);
	while (p->n_served < p->clients && p->fault.count == 0 && clock_ns() - start < DELIVER_NS) {
		int again = 0;
		for (unsigned i = 0; i < p->posters; i++) {
			if (p->poster[i].retry)
				post_to(&p->poster[i]);
			again |= p->poster[i].retry;
		}
		loop_run(&p->loop, again ? 1 : 100);
	}
	p->deliver_s = (double)(clock_ns() - start) / 1e9;
	if (p->n_served < p->clients && p->fault.count == 0)
		fault_note(&p->fault, "a client did not get its message within a minute", NULL);
}

/* --- the whole --- */

static int weigh(struct park *p, struct proc_use *to, struct err *e)
{
	for (int i = 0; i < p->n_procs; i++)
		if (proc_read(&to[i], &p->procs[i], e) < 0)
			return -1;
	return 0;
}

static int run(struct park *p, struct err *e)
{
	if (weigh(p, p->before, e) < 0)
		return -1;
	if (p->plain == NULL && open_all(p, e) < 0)
		return -1;
	if (settle(p, 0, e) < 0 || weigh(p, p->opened, e) < 0 || park_all(p, e) < 0 ||
		weigh(p, p->parked, e) < 0)
		return -1;
	deliver_all(p);
	return 0;
}

static int report(const struct park *p)
{
	printf("{\"clients\":%u,\"served\":%u,\"errors\":%lu,\"open_s\":%.3f,\"park_s\":%.3f,"
	       "\"deliver_s\":%.3f,",
		p->clients, p->n_served, p->fault.count, p->open_s, p->park_s, p->deliver_s);
	printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"memory\":{",
		(double)hist_quantile(&p->hist, 0.5) / 1e3,
		(double)hist_quantile(&p->hist, 0.99) / 1e3, (double)p->hist.max / 1e3);
	for (int i = 0; i < p->n_procs; i++) {
		const struct proc_use *b = &p->before[i], *o = &p->opened[i], *k = &p->parked[i];
		printf("%s\"%s\":{\"pss_kb\":[%ld,%ld,%ld],\"rss_kb\":[%ld,%ld,%ld],\"kb_per_"
		       "client\":%.2f}",
			i > 0 ? "," : "", p->procs[i].name, b->pss_kb, o->pss_kb, k->pss_kb,
			b->rss_kb, o->rss_kb, k->rss_kb,
			(double)(k->pss_kb - b->pss_kb) / p->clients);
	}
	printf("}}\n");
	if (p->fault.count > 0)
		fprintf(stderr, "park: first of %lu errors: %s\n", p->fault.count, p->fault.first);
	return p->fault.count > 0 || p->n_served != p->clients;
}

static int prepare(struct park *p, struct err *e)
{
	if ((p->http == NULL) == (p->fastcgi == NULL))
		return err_set(e, ERR_INVALID, "one of --http and --fastcgi is needed");
	if (p->clients == 0 || p->posters == 0)
		return err_set(e, ERR_INVALID, "nothing to do");
	p->stream = strcmp(p->kind, "stream") == 0;
	if (!p->stream && strcmp(p->kind, "poll") != 0)
		return err_set(e, ERR_INVALID, "--kind %s: not poll or stream", p->kind);
	struct rlimit files = {p->clients + p->posters + 50, p->clients + p->posters + 50};
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_set_sys(e, ERR_INVALID, errno, "%u open files", p->clients);
	p->n_procs = proc_parse(p->procs, p->pids, e);
	if (p->n_procs < 0)
		return -1;
	p->loop.wire = p->http != NULL ? &wire_http : &wire_fcgi;
	p->loop.keep = p->http != NULL;
	if (addr_parse(&p->loop.addr, p->http != NULL ? p->http : p->fastcgi, e) < 0)
		return -1;
	loop_init(&p->loop);
	if (body_init(&p->job, BODY_ECHO_JOB, 1, p->loop.wire, e) < 0 ||
		body_init(&p->none, "", 1, p->loop.wire, e) < 0)
		return -1;
	if (session_opener_init(&p->opener, &p->loop, p->base, p->secret, e) < 0)
		return -1;
	p->waiters = mem_array(p->clients, sizeof(*p->waiters));
	p->poster = mem_array(p->posters, sizeof(*p->poster));
	for (unsigned i = 0; i < p->clients; i++) {
		client_init(&p->waiters[i].client, &p->loop, on_waiter);
		p->waiters[i].park = p;
		p->waiters[i].rid = BODY_FIRST_RID + i;
	}
	for (unsigned i = 0; i < p->posters; i++) {
		client_init(&p->poster[i].client, &p->loop, on_poster);
		p->poster[i].park = p;
	}
	return 0;
}

static void release(struct park *p)
{
	for (unsigned i = 0; i < p->clients && p->waiters != NULL; i++) {
		client_close(&p->waiters[i].client);
		mem_free(p->waiters[i].path);
	}
	for (unsigned i = 0; i < p->posters && p->poster != NULL; i++) {
		client_close(&p->poster[i].client);
		buf_release(&p->poster[i].head);
	}
	mem_free(p->waiters);
	mem_free(p->poster);
	session_opener_release(&p->opener);
	body_release(&p->job);
	body_release(&p->none);
	loop_release(&p->loop);
}

int main(int argc, char **argv)
{
	static struct park p = {.base = "/sockethub",
		.secret = "bench",
		.kind = "poll",
		.clients = 1000,
		.posters = 16,
		.wait = 60};
	const struct opt opts[] = {
		{"http", OPT_TEXT, &p.http, "ADDR  server: 127.0.0.1:PORT or unix:PATH"},
		{"fastcgi", OPT_TEXT, &p.fastcgi, "ADDR  responder: the same forms"},
		{"base", OPT_TEXT, &p.base, "PATH  where the gateway is mounted (/sockethub)"},
		{"secret", OPT_TEXT, &p.secret, "TEXT  to register with (bench)"},
		{"clients", OPT_COUNT, &p.clients, "N     clients that wait (1000)"},
		{"kind", OPT_TEXT, &p.kind, "WORD  poll (default) or stream"},
		{"wait", OPT_SECONDS, &p.wait, "S     of a poll (60)"},
		{"reuse", OPT_FLAG, &p.reuse,
			"      HTTP: wait on the connection that opened the session"},
		{"posters", OPT_COUNT, &p.posters, "N     connections that post (16)"},
		{"pids", OPT_TEXT, &p.pids, "LIST  processes to weigh: gateway=12,worker=13"},
		{"plain", OPT_TEXT, &p.plain,
			"PATH  no sessions: GET this to wait, one POST to it answers all (hello "
			"--park)"},
		{NULL, OPT_FLAG, NULL, NULL}};
	opt_read("park - clients that wait, over HTTP or FastCGI; prints one JSON object. Memory "
		 "is in kB: before,\n"
		 "with sessions open, with all clients waiting. Exit status 0: each client got its "
		 "message.",
		opts, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	struct err e = {0};
	int status = 2;
	if (prepare(&p, &e) < 0 || run(&p, &e) < 0)
		fprintf(stderr, "park: %s\n", e.text);
	else
		status = report(&p);
	release(&p);
	return status;
}
