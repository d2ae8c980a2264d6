/* SPDX-License-Identifier: MIT */
/* load - closed-loop load over HTTP/1.1 or FastCGI: N connections, one request outstanding on
 * each, latency of every one.
 *
 * It shares the machine's cores with what it measures, so a request costs two or three system
 * calls and no allocation. Every answer is checked: what was not answered as it should be is an
 * error, and an error is a non-zero exit. Read bench/lib/client.h next; bench/park.c is for
 * clients that wait. */
#include "bench/lib/body.h"
#include "bench/lib/client.h"
#include "bench/lib/clock.h"
#include "bench/lib/fault.h"
#include "bench/lib/hist.h"
#include "bench/lib/opt.h"
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

#define RETRY_NS NS_PER_MS /* full backlogs and broken connections are tried again at this pace */
#define SETUP_NS (30 * NS_PER_S)
#define GRACE_NS (15 * NS_PER_S) /* for what is outstanding at the end; above the longest wait=10 */

enum state { SLOT_NEW, SLOT_OPENING, SLOT_READY, SLOT_ASKED, SLOT_DONE };

struct slot {
	struct client client; /* first: a client event is turned back into its slot */
	struct load *load;
	struct buf head;
	enum state state;
	int retry; /* the request could not even be sent yet */
	uint64_t first_rid;
	uint64_t sent_ns;
};

struct load {
	/* what was asked for */
	const char *http, *fastcgi, *mode, *path, *base, *secret, *job, *expect, *check;
	unsigned connections, jobs, count;
	double seconds, warmup, wait;
	int keep, one_session;

	struct loop loop;
	struct body body;
	struct session_opener opener;
	struct slot *slots;
	unsigned n_opening, n_active, n_retry;
	uint64_t next_rid, start_ns, warm_ns, stop_ns, last_ns, retried_ns;
	unsigned long sent, answered, in_window, backlog_waits;
	struct fault fault;
	struct hist hist;
};

static void retry_later(struct slot *s)
{
	s->retry = 1;
	s->load->n_retry++;
}

/* Sends what the slot's state calls for, or puts it off. */
static void put(struct slot *s)
{
	struct load *l = s->load;
	const struct buf *head = &s->head, *tail = &l->body.bytes;
	if (s->state == SLOT_OPENING) {
		head = &l->opener.head;
		tail = &l->opener.body.bytes;
		body_number(&l->opener.body, s->first_rid);
	} else {
		body_number(&l->body, s->first_rid);
	}
	int rc = client_send(&s->client, head, tail);
	if (rc == -EAGAIN)
		l->backlog_waits++;
	else if (rc < 0)
		fault_note(&l->fault, strerror(-rc), NULL);
	if (rc < 0)
		retry_later(s);
}

static void take_rids(struct slot *s, unsigned n)
{
	s->first_rid = s->load->next_rid;
	s->load->next_rid += n;
}

static void ask(struct slot *s, uint64_t now)
{
	struct load *l = s->load;
	if (now >= l->stop_ns || (l->count > 0 && l->sent >= l->count)) {
		s->state = SLOT_DONE;
		l->n_active--;
		return;
	}
	s->state = SLOT_ASKED;
	s->sent_ns = now;
	l->sent++;
	take_rids(s, l->body.n_rids);
	put(s);
}

static const char *wrong(const struct load *l, const struct slot *s, const struct answer *a)
{
	if (a->status < 200 || a->status > 299)
		return "not a success";
	if (l->expect != NULL && memmem(a->body, a->body_len, l->expect, strlen(l->expect)) == NULL)
		return "the expected text is missing";
	if (strcmp(l->check, "replies") == 0)
		return reply_check(a->body, a->body_len, s->first_rid, l->body.n_rids);
	return NULL;
}

static void on_reply(struct slot *s, const struct answer *a)
{
	struct load *l = s->load;
	uint64_t now = clock_ns();
	const char *problem = wrong(l, s, a);
	l->last_ns = now;
	if (problem != NULL) {
		fault_note(&l->fault, problem, a);
	} else {
		l->answered++;
		if (now >= l->warm_ns && now <= l->stop_ns) {
			l->in_window++;
			hist_add(&l->hist, now - s->sent_ns);
		}
	}
	ask(s, now);
}

/* One slot's session is open: make its head, or everybody's when there is one session for all. */
static void on_opened(struct slot *s, const struct answer *a)
{
	struct load *l = s->load;
	char path[SESSION_PATH_SIZE];
	const char *problem = session_opened(path, a, s->first_rid);
	l->n_opening--;
	s->state = SLOT_READY;
	if (problem != NULL) {
		fault_note(&l->fault, problem, a);
		return;
	}
	char full[SESSION_PATH_SIZE + 32];
	snprintf(full, sizeof(full), "%s?wait=%g", path, l->wait);
	const struct wire_request r = {.method = "POST",
		.path = full,
		.base = l->base,
		.body_len = l->body.len,
		.keep = l->keep};
	for (unsigned i = 0; i < l->connections; i++) {
		struct slot *to = l->one_session ? &l->slots[i] : s;
		buf_clear(&to->head);
		l->loop.wire->head(&to->head, &r);
		if (!l->one_session)
			break;
	}
}

static void on_event(struct client *c, enum client_event ev, const struct answer *a)
{
	struct slot *s = CONTAINER_OF(c, struct slot, client);
	if (ev == CLIENT_FAILED) {
		fault_note(&s->load->fault, c->problem, NULL);
		if (s->state == SLOT_OPENING)
			retry_later(s);
		else if (s->state ==
			 SLOT_ASKED) /* its jobs are lost: go on with others, at the retry's pace */
			retry_later(s);
	} else if (s->state == SLOT_OPENING) {
		on_opened(s, a);
	} else {
		on_reply(s, a);
	}
}

static void retry(struct load *l)
{
	uint64_t now = clock_ns();
	if (l->n_retry == 0 || now - l->retried_ns < RETRY_NS)
		return;
	l->retried_ns = now;
	l->n_retry = 0;
	for (unsigned i = 0; i < l->connections; i++) {
		struct slot *s = &l->slots[i];
		if (!s->retry)
			continue;
		s->retry = 0;
		if (s->state == SLOT_ASKED && now >= l->stop_ns)
			ask(s, now);
		else
			put(s);
	}
}

/* One round of events and retries. */
static void turn(struct load *l)
{
	loop_run(&l->loop, l->n_retry > 0 ? 1 : 100);
	retry(l);
}

static int open_sessions(struct load *l, struct err *e)
{
	if (session_opener_init(&l->opener, &l->loop, l->base, l->secret, e) < 0)
		return -1;
	l->n_opening = l->one_session ? 1 : l->connections;
	for (unsigned i = 0; i < (l->one_session ? 1 : l->connections); i++) {
		l->slots[i].state = SLOT_OPENING;
		take_rids(&l->slots[i], 1);
		put(&l->slots[i]);
	}
	uint64_t until = clock_ns() + SETUP_NS;
	while (l->n_opening > 0 && l->fault.count == 0 && clock_ns() < until)
		turn(l);
	if (l->fault.count > 0)
		return err_set(e, ERR_REMOTE, "opening sessions: %s", l->fault.first);
	if (l->n_opening > 0)
		return err_set(e, ERR_TIMEOUT, "%u sessions not open in time", l->n_opening);
	return 0;
}

static void fixed_heads(struct load *l)
{
	const struct wire_request r = {.method = strcmp(l->mode, "get") == 0 ? "GET" : "POST",
		.path = l->path,
		.base = l->base,
		.body_len = l->body.len,
		.keep = l->keep};
	for (unsigned i = 0; i < l->connections; i++)
		l->loop.wire->head(&l->slots[i].head, &r);
}

static void measure(struct load *l)
{
	l->start_ns = clock_ns();
	l->warm_ns = l->start_ns + (uint64_t)(l->warmup * 1e9);
	l->stop_ns = l->warm_ns + (uint64_t)(l->seconds * 1e9);
	l->n_active = l->connections;
	for (unsigned i = 0; i < l->connections; i++)
		ask(&l->slots[i], l->start_ns);
	while (l->n_active > 0 && clock_ns() < l->stop_ns + GRACE_NS)
		turn(l);
}

static double cpu_us(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Returns the exit status. */
static int report(const struct load *l, double cpu)
{
	uint64_t end = l->count > 0 ? MIN(l->last_ns, l->stop_ns) : l->stop_ns;
	double window = end > l->warm_ns ? (double)(end - l->warm_ns) / 1e9 : 0;
	double per_s = window > 0 ? (double)l->in_window / window : 0;
	unsigned long lost = l->sent - l->answered;
	printf("{\"requests_per_s\":%.1f,\"jobs_per_s\":%.1f,", per_s, per_s * l->jobs);
	printf("\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,",
		(double)hist_quantile(&l->hist, 0.5) / 1e3,
		(double)hist_quantile(&l->hist, 0.9) / 1e3,
		(double)hist_quantile(&l->hist, 0.99) / 1e3, (double)l->hist.max / 1e3);
	printf("\"sent\":%lu,\"answered\":%lu,\"lost\":%lu,\"errors\":%lu,", l->sent, l->answered,
		lost, l->fault.count);
	printf("\"connects\":%lu,\"backlog_waits\":%lu,\"cpu_us_per_request\":%.2f}\n",
		l->loop.connects, l->backlog_waits, l->sent > 0 ? cpu / (double)l->sent : 0);
	if (l->fault.count > 0)
		fprintf(stderr, "load: first of %lu errors: %s\n", l->fault.count, l->fault.first);
	else if (lost > 0)
		fprintf(stderr, "load: %lu requests were never answered\n", lost);
	return l->fault.count > 0 || lost > 0 || l->in_window == 0;
}

static int prepare(struct load *l, struct err *e)
{
	if ((l->http == NULL) == (l->fastcgi == NULL))
		return err_set(e, ERR_INVALID, "one of --http and --fastcgi is needed");
	int session = strcmp(l->mode, "session") == 0, get = strcmp(l->mode, "get") == 0;
	if (!session && !get && strcmp(l->mode, "post") != 0)
		return err_set(e, ERR_INVALID, "--mode %s: not session, post or get", l->mode);
	if (l->check == NULL)
		l->check = session ? "replies" : "status";
	if (strcmp(l->check, "replies") != 0 && strcmp(l->check, "status") != 0)
		return err_set(e, ERR_INVALID, "--check %s: not replies or status", l->check);
	if (l->connections == 0 || l->jobs == 0 || (l->count == 0 && l->seconds <= 0))
		return err_set(e, ERR_INVALID, "nothing to do");
	l->loop.wire = l->http != NULL ? &wire_http : &wire_fcgi;
	l->keep = l->keep || l->http != NULL;
	l->loop.keep = l->keep;
	if (addr_parse(&l->loop.addr, l->http != NULL ? l->http : l->fastcgi, e) < 0)
		return -1;
	if (body_init(&l->body, get ? "" : l->job, get ? 1 : l->jobs, l->loop.wire, e) < 0)
		return -1;
	if (l->body.n_rids == 0 && strcmp(l->check, "replies") == 0)
		return err_set(e, ERR_INVALID, "--check replies needs @RID@ in the job");
	l->slots = mem_array(l->connections, sizeof(*l->slots));
	loop_init(&l->loop);
	for (unsigned i = 0; i < l->connections; i++) {
		l->slots[i].load = l;
		client_init(&l->slots[i].client, &l->loop, on_event);
	}
	l->next_rid = BODY_FIRST_RID;
	if (l->count > 0)
		l->warmup = 0;
	fixed_heads(l);
	return session ? open_sessions(l, e) : 0;
}

static void release(struct load *l)
{
	for (unsigned i = 0; i < l->connections && l->slots != NULL; i++) {
		client_close(&l->slots[i].client);
		buf_release(&l->slots[i].head);
	}
	mem_free(l->slots);
	session_opener_release(&l->opener);
	body_release(&l->body);
	loop_release(&l->loop);
}

int main(int argc, char **argv)
{
	static struct load l = {.mode = "session",
		.path = "/",
		.base = "/sockethub",
		.secret = "bench",
		.job = BODY_ECHO_JOB,
		.connections = 1,
		.jobs = 1,
		.seconds = 5,
		.warmup = 0.5,
		.wait = 10};
	const struct opt opts[] = {
		{"http", OPT_TEXT, &l.http, "ADDR     server: 127.0.0.1:PORT or unix:PATH"},
		{"fastcgi", OPT_TEXT, &l.fastcgi, "ADDR     responder: the same forms"},
		{"keep", OPT_FLAG, &l.keep,
			"         FastCGI: FCGI_KEEP_CONN instead of a connection a request"},
		{"mode", OPT_TEXT, &l.mode,
			"WORD     session (default): register, then POST jobs there;\n"
			"                           post, get: a fixed --path"},
		{"path", OPT_TEXT, &l.path, "PATH     for post and get"},
		{"base", OPT_TEXT, &l.base, "PATH     where the gateway is mounted (/sockethub)"},
		{"secret", OPT_TEXT, &l.secret, "TEXT     to register with (bench)"},
		{"job", OPT_TEXT, &l.job,
			"JSON     one job; @RID@ becomes a running number (a dummy echo)"},
		{"jobs", OPT_COUNT, &l.jobs, "N        jobs in one request (1)"},
		{"wait", OPT_SECONDS, &l.wait, "S        the wait= of session mode (10)"},
		{"check", OPT_TEXT, &l.check,
			"WORD     replies: every job confirmed and answered once;\n"
			"                           status: any 2xx"},
		{"expect", OPT_TEXT, &l.expect, "TEXT     has to be in every body"},
		{"connections", OPT_COUNT, &l.connections, "N        connections (1)"},
		{"one-session", OPT_FLAG, &l.one_session, "         one session for all of them"},
		{"seconds", OPT_SECONDS, &l.seconds, "S        to measure for (5)"},
		{"warmup", OPT_SECONDS, &l.warmup, "S        before that, not counted (0.5)"},
		{"count", OPT_COUNT, &l.count,
			"N        requests to stop after, without a warm-up (0: no limit)"},
		{NULL, OPT_FLAG, NULL, NULL}};
	opt_read("load - closed-loop load over HTTP or FastCGI; prints one JSON object. Exit "
		 "status 0: every\n"
		 "request was answered as it should be; 1: not so; 2: could not start.",
		opts, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	struct err e = {0};
	int status = 2;
	if (prepare(&l, &e) < 0) {
		fprintf(stderr, "load: %s\n", e.text);
	} else {
		double before = cpu_us();
		measure(&l);
		status = report(&l, cpu_us() - before);
	}
	release(&l);
	return status;
}
