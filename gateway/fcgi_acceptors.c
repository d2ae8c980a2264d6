/* SPDX-License-Identifier: MIT */
#include "gateway/fcgi_acceptors.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "core/err.h"
#include "core/log.h"
#include "core/mem.h"

#define ACCEPTOR_MAGIC 0xacce9701u
#define STACK_BYTES    (128 * 1024)
#define CHUNK_BYTES    (16 * 1024)
#define DROP_BYTES_MAX \
	(16 * 1024 *   \
		1024)     /* of a body that is too large: read this much for the sake of the peer */
#define LIST_MAX       64 /* requests read ahead of the loop: bounds the memory of bodies */
#define LATE_MAX       1024 /* connections one thread still takes when draining */
#define SHORTAGE_MS    100
#define ROLE_RESPONDER 1 /* FastCGI specification, section 8 */

struct acceptor {
	unsigned magic;
	struct fcgi_acceptors *owner;
	uv_thread_t thread;
	int epoll_fd;
	int is_short; /* out of descriptors or memory; the shortage is logged once */
	unsigned n_late;
	/* Under the owner's mutex: the connection being read, or -1. */
	int fd;
	uint64_t since_ms;
};

struct fcgi_acceptors {
	struct fcgi_acceptors_options options;
	int stop_fd; /* an eventfd, readable from drain or close on */
	atomic_int is_closing;
	atomic_uint n_listening;
	uv_mutex_t mutex;
	uv_cond_t room;
	/* Under the mutex: */
	struct fcgi_request *first;
	struct fcgi_request **last;
	size_t n_list;
	unsigned n_threads; /* started; set before any use from elsewhere */
	struct acceptor threads[];
};

static uint64_t now_ms(void)
{
	return uv_hrtime() / 1000000;
}

void fcgi_request_free(struct fcgi_request *r)
{
	if (r == NULL)
		return;
	if (r->fd >= 0)
		close(r->fd);
	cgi_request_release(&r->cgi);
	buf_release(&r->body);
	mem_free(r);
}

/* --- reading one request ----------------------------------------------------------------------------------------- */

/* Reads to the end of FCGI_STDIN, whatever CONTENT_LENGTH says: FastCGI frames the body itself. Returns how much came.
 */
static size_t read_body(FCGX_Stream *in, size_t max, struct buf *body)
{
	char dropped[CHUNK_BYTES];
	size_t total = 0;

	for (int n = 1; n > 0 && total <= max; total += (size_t)n) {
		n = FCGX_GetStr(buf_reserve(body, CHUNK_BYTES), CHUNK_BYTES, in);
		buf_added(body, (size_t)n);
	}
	if (total == 0 || total > max)
		buf_release(body); /* a parked GET keeps no buffer */
	if (total <= max)
		return total;
	for (int n = 1; n > 0 && total < DROP_BYTES_MAX; total += (size_t)n)
		n = FCGX_GetStr(dropped, sizeof(dropped), in);
	return total;
}

/* NULL when the connection broke or did not speak FastCGI. */
static struct fcgi_request *read_request(FCGX_Request *fcgx, size_t body_bytes)
{
	struct fcgi_request *r = mem_alloc(sizeof(*r));

	r->fd = -1;
	r->id = (unsigned)fcgx->requestId;
	r->is_responder = fcgx->role == ROLE_RESPONDER;
	r->refused = cgi_request_init(&r->cgi, fcgx->envp);
	size_t len = read_body(fcgx->in, body_bytes, &r->body);
	if (FCGX_GetError(fcgx->in) != 0) {
		fcgi_request_free(r);
		return NULL;
	}
	if (len > body_bytes)
		r->refused = 413;
	else if (r->cgi.content_length >= 0 && (size_t)r->cgi.content_length != len)
		r->refused = 400; /* cut short on its way: half a job is none */
	return r;
}

/* libfcgi works on a duplicate of the descriptor, so that whatever it closes, and whenever, ours stays ours. A request
 * that has a connection already is what libfcgi expects after FCGI_KEEP_CONN; so it does not accept(), which would
 * wait two seconds for a silent peer and could only be ended for the whole process and for good. Detached: it closes
 * without lingering. The listening socket -1 makes it fail instead of waiting for another peer. */
static struct fcgi_request *read_connection(int fd, size_t body_bytes)
{
	struct fcgi_request *r = NULL;
	FCGX_Request fcgx;

	FCGX_InitRequest(&fcgx, -1, FCGI_FAIL_ACCEPT_ON_INTR);
	fcgx.ipcFd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	fcgx.keepConnection = 1;
	FCGX_Detach(&fcgx);
	if (fcgx.ipcFd >= 0 && FCGX_Accept_r(&fcgx) == 0)
		r = read_request(&fcgx, body_bytes);
	FCGX_Free(&fcgx, 1);
	return r;
}

/* --- the threads ------------------------------------------------------------------------------------------------- */

static void note_connection(struct acceptor *t, int fd)
{
	uv_mutex_lock(&t->owner->mutex);
	t->fd = fd;
	t->since_ms = now_ms();
	if (fd >= 0 && atomic_load(&t->owner->is_closing))
		shutdown(fd, SHUT_RDWR);
	uv_mutex_unlock(&t->owner->mutex);
}

static void hand_over(struct fcgi_acceptors *a, struct fcgi_request *r)
{
	int is_first = 0;

	uv_mutex_lock(&a->mutex);
	while (a->n_list >= LIST_MAX && !atomic_load(&a->is_closing))
		uv_cond_wait(&a->room, &a->mutex);
	is_first = a->n_list++ == 0;
	*a->last = r;
	a->last = &r->next;
	uv_mutex_unlock(&a->mutex);
	if (is_first)
		a->options.wake(a->options.arg);
}

static void serve(struct acceptor *t, int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* refused for unix sockets */
	note_connection(t, fd);
	struct fcgi_request *r = read_connection(fd, t->owner->options.body_bytes);
	note_connection(t, -1);
	if (r == NULL) {
		log_event(LOG_DEBUG, "fcgi.incomplete", LOG_INT("fd", fd));
		close(fd);
		return;
	}
	r->fd = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	hand_over(t->owner, r);
}

/* Out of descriptors or memory: the connection stays in the backlog, so waiting is all there is to do. */
static void wait_out_shortage(struct acceptor *t, int sys)
{
	if (!t->is_short)
		log_event(LOG_WARN, "fcgi.accept", LOG_STR("why", strerror(sys)));
	t->is_short = 1;
	uv_sleep(SHORTAGE_MS);
}

/* -1: nothing this time. */
static int accept_one(struct acceptor *t)
{
	int fd = accept4(t->owner->options.listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		t->is_short = 0;
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		wait_out_shortage(t, errno);
	return fd;
}

/* The next connection, or -1 when the thread shall end. */
static int next_connection(struct acceptor *t)
{
	struct fcgi_acceptors *a = t->owner;

	for (;;) {
		struct epoll_event events[2];
		int is_stopped = 0, is_waiting = 0;
		int n = epoll_wait(t->epoll_fd, events, ARRAY_LEN(events), -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == a->stop_fd)
				is_stopped = 1;
			else
				is_waiting = 1;
		}
		if (is_stopped && (atomic_load(&a->is_closing) || t->n_late++ >= LATE_MAX))
			return -1;
		int fd = is_waiting || is_stopped ? accept_one(t) : -1;
		if (fd >= 0)
			return fd;
		if (is_stopped)
			return -1;
	}
}

static void acceptor_main(void *arg)
{
	CAST(acceptor, t, arg, ACCEPTOR_MAGIC);
	int fd;

	while ((fd = next_connection(t)) >= 0)
		serve(t, fd);
	/* The last one out closes the door, so that the web server turns to another gateway. */
	if (atomic_fetch_sub(&t->owner->n_listening, 1) == 1) {
		close(t->owner->options.listen_fd);
		t->owner->options.listen_fd = -1;
	}
}

/* --- life cycle -------------------------------------------------------------------------------------------------- */

/* EPOLLEXCLUSIVE: a connection wakes one thread, not all. */
static int watch_sockets(struct acceptor *t)
{
	struct epoll_event on_listen = {
		.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = t->owner->options.listen_fd};
	struct epoll_event on_stop = {.events = EPOLLIN, .data.fd = t->owner->stop_fd};

	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll_fd < 0 ||
		epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, on_listen.data.fd, &on_listen) != 0 ||
		epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, on_stop.data.fd, &on_stop) != 0)
		return -1;
	return 0;
}

static int start_thread(struct fcgi_acceptors *a, struct err *e)
{
	const uv_thread_options_t options = {
		.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
	struct acceptor *t = &a->threads[a->n_threads];

	*t = (struct acceptor){.magic = ACCEPTOR_MAGIC, .owner = a, .epoll_fd = -1, .fd = -1};
	if (watch_sockets(t) != 0) {
		int sys = errno;
		if (t->epoll_fd >= 0)
			close(t->epoll_fd);
		return err_set_sys(e, ERR_INTERNAL, sys, "cannot watch the FastCGI socket");
	}
	atomic_fetch_add(&a->n_listening, 1);
	int rc = uv_thread_create_ex(&t->thread, &options, acceptor_main, t);
	if (rc != 0) {
		atomic_fetch_sub(&a->n_listening, 1);
		close(t->epoll_fd);
		return err_set(e, ERR_INTERNAL, "cannot start a thread: %s", uv_strerror(rc));
	}
	a->n_threads++;
	return 0;
}

/* Signals belong to the loop: its thread alone shall be interrupted. */
static int start_threads(struct fcgi_acceptors *a, struct err *e)
{
	sigset_t all, before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < a->options.threads && rc == 0; i++)
		rc = start_thread(a, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct fcgi_acceptors *fcgi_acceptors_open(
	const struct fcgi_acceptors_options *options, struct err *e)
{
	struct fcgi_acceptors *a = mem_alloc(sizeof(*a) + options->threads * sizeof(a->threads[0]));

	a->options = *options;
	a->last = &a->first;
	atomic_init(&a->is_closing, 0);
	/* One for this function: a thread that ends early does not close what the next one needs. */
	atomic_init(&a->n_listening, 1);
	uv_mutex_init(&a->mutex);
	uv_cond_init(&a->room);
	FCGX_Init(); /* ignores SIGPIPE and takes SIGUSR1, unless they are handled already */
	a->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int flags = fcntl(options->listen_fd, F_GETFL);
	int rc = 0;
	if (a->stop_fd < 0 || flags < 0 ||
		fcntl(options->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		rc = err_set_sys(e, ERR_INTERNAL, errno, "cannot use the FastCGI socket");
	if (rc == 0)
		rc = start_threads(a, e);
	if (atomic_fetch_sub(&a->n_listening, 1) == 1 && options->listen_fd >= 0)
		close(options->listen_fd);
	if (rc != 0)
		fcgi_acceptors_close(&a);
	return a;
}

struct fcgi_request *fcgi_acceptors_take(struct fcgi_acceptors *a)
{
	uv_mutex_lock(&a->mutex);
	struct fcgi_request *list = a->first;
	a->first = NULL;
	a->last = &a->first;
	a->n_list = 0;
	uv_cond_broadcast(&a->room);
	uv_mutex_unlock(&a->mutex);
	return list;
}

static void cut_off(struct fcgi_acceptors *a, uint64_t before_ms)
{
	uv_mutex_lock(&a->mutex);
	for (unsigned i = 0; i < a->n_threads; i++) {
		struct acceptor *t = &a->threads[i];
		if (t->fd >= 0 && t->since_ms <= before_ms)
			shutdown(t->fd, SHUT_RDWR);
	}
	uv_mutex_unlock(&a->mutex);
}

void fcgi_acceptors_check(struct fcgi_acceptors *a, uint64_t now)
{
	if (now > FCGI_READ_MS)
		cut_off(a, now - FCGI_READ_MS);
}

void fcgi_acceptors_drain(struct fcgi_acceptors *a)
{
	eventfd_write(a->stop_fd, 1);
}

void fcgi_acceptors_close(struct fcgi_acceptors **ap)
{
	struct fcgi_acceptors *a = *ap;

	*ap = NULL;
	atomic_store(&a->is_closing, 1);
	if (a->stop_fd >= 0)
		eventfd_write(a->stop_fd, 1);
	cut_off(a, UINT64_MAX);
	uv_mutex_lock(&a->mutex);
	uv_cond_broadcast(&a->room);
	uv_mutex_unlock(&a->mutex);
	for (unsigned i = 0; i < a->n_threads; i++) {
		uv_thread_join(&a->threads[i].thread);
		close(a->threads[i].epoll_fd);
	}
	for (struct fcgi_request *r = a->first, *next; r != NULL; r = next) {
		next = r->next;
		fcgi_request_free(r);
	}
	if (a->stop_fd >= 0)
		close(a->stop_fd);
	uv_cond_destroy(&a->room);
	uv_mutex_destroy(&a->mutex);
	mem_free(a);
}
