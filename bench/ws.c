/* SPDX-License-Identifier: MIT */
/* ws - load over WebSocket: N sockets, each registered, in one of two ways.
 *
 * busy: a closed loop, one job outstanding on each socket; latency of every one from sending the frame to having the
 * result. idle: all sockets are opened and left alone, the server's processes are weighed, then every socket gets one job,
 * a few at a time. Every reply is checked: one confirmation and one result for each job, nothing else. With --plain the
 * server is hello_ws, which answers a frame with the same frame. bench/load.c is the same over HTTP. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/lib/addr.h"
#include "bench/lib/clock.h"
#include "bench/lib/fault.h"
#include "bench/lib/hist.h"
#include "bench/lib/opt.h"
#include "bench/lib/proc.h"
#include "bench/lib/reply.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/mem.h"

#define WINDOW     64u /* handshakes at a time: not a test of backlogs */
#define SETUP_NS   (60 * NS_PER_S)
#define GRACE_NS   (15 * NS_PER_S)
#define SETTLE_MS  1500
#define READ_BYTES 65536
#define FIRST_RID  1000000000ull
#define RID_DIGITS 10

static const char job_text[] =
	"{\"rid\":@RID@,\"platform\":\"dummy\",\"verb\":\"echo\",\"actor\":{\"address\":"
	"\"bench\"},\"object\":{\"text\":\"The quick brown fox jumps over the lazy dog\"}}";

enum state { NEW, CONNECTING, UPGRADING, REGISTERING, READY, ASKED, DONE };

struct sock {
	int fd;
	enum state state;
	int confirmed;
	uint64_t rid;
	uint64_t sent_ns;
	struct buf in; /* what did not come in one read */
};

/* A text frame, masked with zeros, that is sent again and again with another number in it. */
struct frame {
	struct buf bytes;
	size_t rid_at;
};

struct bench {
	const char *http, *mode, *path, *secret, *pids;
	unsigned sockets, window;
	double seconds, warmup;
	int plain;

	struct addr addr;
	int epoll_fd;
	struct sock *list;
	struct frame enrol, job;
	unsigned n_opening, n_open, n_busy, next;
	uint64_t rid, warm_ns, stop_ns;
	unsigned long sent, answered, in_window;
	struct proc procs[PROC_MAX];
	int n_procs;
	struct proc_use before[PROC_MAX], after[PROC_MAX];
	double open_s, deliver_s;
	struct hist hist;
	struct fault fault;
};

/* --- frames ------------------------------------------------------------------------------------------------------------- */

static void frame_make(struct frame *f, const char *text)
{
	const char *mark = strstr(text, "@RID@");
	size_t len = strlen(text) - strlen("@RID@") + RID_DIGITS;

	buf_add_char(&f->bytes, (char)0x81);
	if (len < 126) {
		buf_add_char(&f->bytes, (char)(0x80 | len));
	} else {
		buf_add_char(&f->bytes, (char)(0x80 | 126));
		buf_add_char(&f->bytes, (char)(len >> 8));
		buf_add_char(&f->bytes, (char)len);
	}
	buf_add(&f->bytes, "\0\0\0\0", 4);
	buf_add(&f->bytes, text, (size_t)(mark - text));
	f->rid_at = f->bytes.len;
	buf_add(&f->bytes, "0000000000", RID_DIGITS);
	buf_add_str(&f->bytes, mark + strlen("@RID@"));
}

static void put(struct bench *b, struct sock *s, const void *bytes, size_t len)
{
	if (send(s->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		fault_note(&b->fault, "a frame was not taken whole", NULL);
}

static void frame_send(struct bench *b, struct sock *s, struct frame *f)
{
	char digits[24];

	s->rid = b->rid++;
	s->confirmed = 0;
	s->sent_ns = clock_ns();
	snprintf(digits, sizeof digits, "%010llu", (unsigned long long)s->rid);
	memcpy(f->bytes.data + f->rid_at, digits, RID_DIGITS);
	put(b, s, f->bytes.data, f->bytes.len);
}

/* --- one socket --------------------------------------------------------------------------------------------------------- */

static void ask(struct bench *b, struct sock *s)
{
	s->state = ASKED;
	b->sent++;
	frame_send(b, s, &b->job);
}

/* In idle mode the next socket that has not had its turn. */
static void ask_next(struct bench *b)
{
	if (b->next < b->sockets)
		ask(b, &b->list[b->next++]);
	else
		b->n_busy--;
}

static void finished(struct bench *b, struct sock *s)
{
	uint64_t now = clock_ns();

	b->answered++;
	s->state = READY;
	if (now >= b->warm_ns && now <= b->stop_ns) {
		b->in_window++;
		hist_add(&b->hist, now - s->sent_ns);
	}
	if (strcmp(b->mode, "idle") == 0) {
		ask_next(b);
	} else if (now < b->stop_ns) {
		ask(b, s);
	} else {
		s->state = DONE;
		b->n_busy--;
	}
}

static void opened(struct bench *b, struct sock *s)
{
	s->state = READY;
	b->n_opening--;
	b->n_open++;
}

static void on_text(struct bench *b, struct sock *s, const char *text, size_t len)
{
	const char *at = text;
	struct reply r;

	if (reply_next(&r, &at, text + len) != 1 || r.rid != s->rid || (!r.ok && !b->plain) ||
		(s->state != REGISTERING && s->state != ASKED)) {
		fault_note(&b->fault, "not the reply that was asked for", NULL);
		return;
	}
	if (r.confirm) {
		if (s->confirmed++)
			fault_note(&b->fault, "confirmed twice", NULL);
		return;
	}
	if (!s->confirmed && !b->plain)
		fault_note(&b->fault, "a result before its confirmation", NULL);
	if (s->state == REGISTERING)
		opened(b, s);
	else
		finished(b, s);
}

/* Takes whole frames off the front; returns how many bytes. */
static size_t frames_take(struct bench *b, struct sock *s, const char *bytes, size_t len)
{
	size_t at = 0;

	while (len - at >= 2) {
		const unsigned char *head = (const unsigned char *)bytes + at;
		size_t n = head[1], skip = 2;

		if (n == 126 && len - at >= 4) {
			n = (size_t)head[2] << 8 | head[3];
			skip = 4;
		} else if (n >= 126) {
			break;
		}
		if (len - at < skip + n)
			break;
		if (head[0] == 0x81)
			on_text(b, s, bytes + at + skip, n);
		else if (head[0] == 0x88)
			fault_note(&b->fault, "the server closed", NULL);
		at += skip +
		      n; /* pings are not answered: a run is shorter than the server's patience */
	}
	return at;
}

static size_t handshake_take(struct bench *b, struct sock *s, const char *bytes, size_t len)
{
	const char *end = memmem(bytes, len, "\r\n\r\n", 4);

	if (end == NULL)
		return 0;
	if (strncmp(bytes, "HTTP/1.1 101", 12) != 0)
		fault_note(&b->fault, "the handshake was refused", NULL);
	s->state = REGISTERING;
	if (b->plain)
		opened(b, s);
	else
		frame_send(b, s, &b->enrol);
	return (size_t)(end + 4 - bytes);
}

static void on_bytes(struct bench *b, struct sock *s, const char *bytes, size_t len)
{
	size_t used = 0;

	if (s->in.len > 0) {
		buf_add(&s->in, bytes, len);
		bytes = s->in.data;
		len = s->in.len;
	}
	if (s->state == UPGRADING)
		used = handshake_take(b, s, bytes, len);
	if (s->state != UPGRADING)
		used += frames_take(b, s, bytes + used, len - used);
	if (bytes == s->in.data) {
		buf_consume(&s->in, used);
		if (s->in.len == 0)
			buf_release(&s->in);
	} else if (used < len) {
		buf_add(&s->in, bytes + used, len - used);
	}
}

static void on_readable(struct bench *b, struct sock *s)
{
	static char bytes[READ_BYTES];
	ssize_t n = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n > 0) {
		on_bytes(b, s, bytes, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		fault_note(&b->fault, "the connection broke", NULL);
		epoll_ctl(b->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	}
}

/* --- opening -------------------------------------------------------------------------------------------------------------- */

static void watch(struct bench *b, struct sock *s, int op, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = s};

	epoll_ctl(b->epoll_fd, op, s->fd, &ev);
}

static void on_connected(struct bench *b, struct sock *s)
{
	struct buf head = BUF_INIT;

	buf_printf(&head,
		"GET %s HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		"Sec-WebSocket-Protocol: sockethub\r\n\r\n",
		b->path);
	s->state = UPGRADING;
	watch(b, s, EPOLL_CTL_MOD, EPOLLIN);
	put(b, s, head.data, head.len);
	buf_release(&head);
}

static void turn(struct bench *b, int timeout_ms)
{
	struct epoll_event events[256];
	int n = epoll_wait(b->epoll_fd, events, (int)ARRAY_LEN(events), timeout_ms);

	for (int i = 0; i < n; i++) {
		struct sock *s = events[i].data.ptr;

		if (s->state == CONNECTING)
			on_connected(b, s);
		else
			on_readable(b, s);
	}
}

static int open_all(struct bench *b, struct err *e)
{
	uint64_t began = clock_ns();

	while (b->n_open < b->sockets && b->fault.count == 0 && clock_ns() < began + SETUP_NS) {
		while (b->n_opening < WINDOW && b->n_open + b->n_opening < b->sockets) {
			struct sock *s = &b->list[b->next++];

			s->fd = addr_connect(&b->addr);
			if (s->fd < 0)
				return err_set_sys(e, ERR_CONNECT, -s->fd, "connect");
			s->state = CONNECTING;
			b->n_opening++;
			watch(b, s, EPOLL_CTL_ADD, EPOLLOUT);
		}
		turn(b, 100);
	}
	b->open_s = (double)(clock_ns() - began) / 1e9;
	b->next = 0;
	if (b->fault.count > 0)
		return err_set(e, ERR_REMOTE, "opening: %s", b->fault.first);
	return b->n_open == b->sockets ? 0 : err_set(e, ERR_TIMEOUT, "not all sockets opened");
}

/* --- measuring ------------------------------------------------------------------------------------------------------------ */

static int weigh(struct bench *b, struct proc_use *to, struct err *e)
{
	for (int i = 0; i < b->n_procs; i++)
		if (proc_read(&to[i], &b->procs[i], e) < 0)
			return -1;
	return 0;
}

static void busy(struct bench *b)
{
	uint64_t now = clock_ns();

	b->warm_ns = now + (uint64_t)(b->warmup * 1e9);
	b->stop_ns = b->warm_ns + (uint64_t)(b->seconds * 1e9);
	b->n_busy = b->sockets;
	for (unsigned i = 0; i < b->sockets; i++)
		ask(b, &b->list[i]);
	while (b->n_busy > 0 && clock_ns() < b->stop_ns + GRACE_NS)
		turn(b, 100);
}

static int idle(struct bench *b, struct err *e)
{
	uint64_t until = clock_ns() + SETTLE_MS * NS_PER_MS;

	while (clock_ns() < until)
		turn(b, 50);
	if (weigh(b, b->after, e) < 0)
		return -1;
	b->warm_ns = clock_ns();
	b->stop_ns = b->warm_ns + GRACE_NS;
	b->n_busy = MIN(b->window, b->sockets);
	for (unsigned i = b->n_busy; i > 0; i--)
		ask(b, &b->list[b->next++]);
	while (b->n_busy > 0 && clock_ns() < b->stop_ns)
		turn(b, 100);
	b->deliver_s = (double)(clock_ns() - b->warm_ns) / 1e9;
	return 0;
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Returns the exit status. */
static int report(const struct bench *b)
{
	unsigned long lost = b->sent - b->answered;

	printf("{\"jobs_per_s\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,",
		b->seconds > 0 ? (double)b->in_window / b->seconds : 0,
		(double)hist_quantile(&b->hist, 0.5) / 1e3,
		(double)hist_quantile(&b->hist, 0.99) / 1e3, (double)b->hist.max / 1e3);
	printf("\"sent\":%lu,\"answered\":%lu,\"lost\":%lu,\"errors\":%lu,\"open_s\":%.3f,"
	       "\"deliver_s\":%.3f,"
	       "\"memory\":{",
		b->sent, b->answered, lost, b->fault.count, b->open_s, b->deliver_s);
	for (int i = 0; i < b->n_procs; i++)
		printf("%s\"%s\":{\"kb_per_client\":%.3f}", i > 0 ? "," : "", b->procs[i].name,
			(double)(b->after[i].pss_kb - b->before[i].pss_kb) / b->sockets);
	printf("},\"cpu_us_per_job\":%.2f}\n", b->sent > 0 ? cpu_us() / (double)b->sent : 0);
	if (b->fault.count > 0)
		fprintf(stderr, "ws: first of %lu errors: %s\n", b->fault.count, b->fault.first);
	else if (lost > 0)
		fprintf(stderr, "ws: %lu jobs were never answered\n", lost);
	return b->fault.count > 0 || lost > 0 || b->in_window == 0;
}

static int prepare(struct bench *b, struct err *e)
{
	struct rlimit files = {b->sockets + 100, b->sockets + 100};
	char *enrol = mem_printf("{\"rid\":@RID@,\"platform\":\"dispatcher\",\"verb\":\"register\","
				 "\"object\":{\"secret\":\"%s\"}}",
		b->secret);

	if (strcmp(b->mode, "busy") != 0 && strcmp(b->mode, "idle") != 0)
		return err_set(e, ERR_INVALID, "--mode %s: not busy or idle", b->mode);
	if (b->http == NULL || b->sockets == 0 || b->window == 0)
		return err_set(e, ERR_INVALID, "nothing to do");
	if (addr_parse(&b->addr, b->http, e) < 0)
		return -1;
	b->n_procs = proc_parse(b->procs, b->pids, e);
	if (b->n_procs < 0)
		return -1;
	if (b->sockets > 900 && setrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_set_sys(e, ERR_INVALID, errno, "--sockets %u", b->sockets);
	b->rid = FIRST_RID;
	b->list = mem_array(b->sockets, sizeof *b->list);
	b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	frame_make(&b->enrol, enrol);
	frame_make(&b->job, job_text);
	mem_free(enrol);
	return weigh(b, b->before, e);
}

static void release(struct bench *b)
{
	for (unsigned i = 0; b->list != NULL && i < b->sockets; i++) {
		buf_release(&b->list[i].in);
		if (b->list[i].fd > 0)
			close(b->list[i].fd);
	}
	mem_free(b->list);
	buf_release(&b->enrol.bytes);
	buf_release(&b->job.bytes);
}

int main(int argc, char **argv)
{
	static struct bench b = {.mode = "busy",
		.path = "/sockethub",
		.secret = "bench",
		.sockets = 1,
		.window = 16,
		.seconds = 5,
		.warmup = 0.5};
	const struct opt opts[] = {{"http", OPT_TEXT, &b.http, "ADDR     server: 127.0.0.1:PORT"},
		{"mode", OPT_TEXT, &b.mode, "WORD     busy (default) or idle"},
		{"path", OPT_TEXT, &b.path, "PATH     of the handshake (/sockethub)"},
		{"secret", OPT_TEXT, &b.secret, "TEXT     to register with (bench)"},
		{"plain", OPT_FLAG, &b.plain, "         the server says what it hears: no session"},
		{"sockets", OPT_COUNT, &b.sockets, "N        sockets (1)"},
		{"window", OPT_COUNT, &b.window, "N        idle: jobs at a time afterwards (16)"},
		{"pids", OPT_TEXT, &b.pids, "LIST     NAME=PID,...: processes to weigh"},
		{"seconds", OPT_SECONDS, &b.seconds, "S        busy: to measure for (5)"},
		{"warmup", OPT_SECONDS, &b.warmup, "S        before that, not counted (0.5)"},
		{NULL, OPT_FLAG, NULL, NULL}};
	struct err e = {0};
	int status = 2, rc;

	opt_read("ws - load over WebSocket; prints one JSON object. Exit status 0: every job was\n"
		 "answered as it should be; 1: not so; 2: could not start.",
		opts, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	rc = prepare(&b, &e);
	if (rc == 0)
		rc = open_all(&b, &e);
	if (rc == 0 && strcmp(b.mode, "idle") == 0)
		rc = idle(&b, &e);
	else if (rc == 0)
		busy(&b);
	if (rc < 0)
		fprintf(stderr, "ws: %s\n", e.text);
	else
		status = report(&b);
	release(&b);
	return status;
}
