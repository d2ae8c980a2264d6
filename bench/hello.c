/* SPDX-License-Identifier: MIT */
/* hello - the ceiling for HTTP: the least that a libmicrohttpd server in an external epoll loop
 * can do.
 *
 * One thread, one prepared answer for everything. It can also suspend and resume each request
 * once, which is what waiting for a worker costs, or park every GET until a POST comes, which is
 * what a waiting client costs. */
#include "bench/lib/addr.h"
#include "bench/lib/opt.h"
#include "core/base.h"
#include "core/err.h"
#include "core/mem.h"
#include <limits.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define CONNECTIONS_MAX 20000u

/* Suspended connections, in the order in which they came. */
struct waiting {
	struct MHD_Connection **list;
	unsigned n;
};

struct hello {
	const char *listen;
	unsigned bytes, pool;
	int suspend, park;

	struct MHD_Response *answer;
	struct waiting parked, ready; /* ready: to be resumed by the loop, outside of MHD_run() */
};

/* What a request's *con_cls points to says how far it has come; no request owns memory. */
static char reading, released;

static void wait_in(struct waiting *w, struct MHD_Connection *c)
{
	assert(w->n < CONNECTIONS_MAX);
	MHD_suspend_connection(c);
	w->list[w->n++] = c;
}

static void release_parked(struct hello *h)
{
	memcpy(h->ready.list + h->ready.n, h->parked.list, h->parked.n * sizeof(*h->parked.list));
	h->ready.n += h->parked.n;
	h->parked.n = 0;
}

/* https://www.gnu.org/software/libmicrohttpd/manual: MHD_AccessHandlerCallback */
static enum MHD_Result handle(void *cls, struct MHD_Connection *c, const char *url,
	const char *method, const char *version, const char *data, size_t *data_size,
	void **con_cls)
{
	struct hello *h = cls;
	UNUSED(url);
	UNUSED(version);
	UNUSED(data);
	if (*con_cls == NULL) {
		*con_cls = &reading;
		return MHD_YES;
	}
	if (*data_size > 0) {
		*data_size = 0;
		return MHD_YES;
	}
	if (*con_cls == &reading && (h->suspend || h->park)) {
		int get = strcmp(method, "GET") == 0;
		*con_cls = &released;
		if (h->suspend || get) {
			wait_in(h->park && get ? &h->parked : &h->ready, c);
			return MHD_YES;
		}
		release_parked(h);
	}
	return MHD_queue_response(c, MHD_HTTP_OK, h->answer);
}

static struct MHD_Response *make_answer(unsigned bytes)
{
	static const char begin[] = "[{\"rid\":1,\"status\":true,\"text\":\"", end[] = "\"}]";
	size_t frame = sizeof(begin) - 1 + sizeof(end) - 1;
	size_t len = MAX(bytes, frame);
	char *text = mem_alloc(len + 1);
	memset(text, 'x', len);
	memcpy(text, begin, sizeof(begin) - 1);
	memcpy(text + len - (sizeof(end) - 1), end, sizeof(end) - 1);
	struct MHD_Response *r = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_COPY);
	mem_free(text);
	assert(r != NULL);
	MHD_add_response_header(r, "Content-Type", "application/json");
	return r;
}

static void serve(struct hello *h, struct MHD_Daemon *d)
{
	int efd = MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	for (;;) {
		MHD_UNSIGNED_LONG_LONG ms;
		int wait = -1;
		/* MHD_get_timeout() does not count connections resumed outside of MHD_run() */
		if (h->ready.n > 0)
			wait = 0;
		else if (MHD_get_timeout(d, &ms) == MHD_YES)
			wait = (int)MIN(ms, (MHD_UNSIGNED_LONG_LONG)INT_MAX);
		for (unsigned i = 0; i < h->ready.n; i++)
			MHD_resume_connection(h->ready.list[i]);
		h->ready.n = 0;
		struct pollfd p = {efd, POLLIN, 0};
		if (wait != 0)
			poll(&p, 1, wait);
		MHD_run(d);
	}
}

static struct MHD_Daemon *start(struct hello *h, const struct addr *a)
{
	const struct MHD_OptionItem pool[] = {
		{h->pool > 0 ? MHD_OPTION_CONNECTION_MEMORY_LIMIT : MHD_OPTION_END,
			(intptr_t)h->pool, NULL},
		{MHD_OPTION_END, 0, NULL}};
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
		NULL, NULL, handle, h, MHD_OPTION_SOCK_ADDR, &a->u.any, MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS_MAX, MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
}

int main(int argc, char **argv)
{
	struct hello h = {.listen = "127.0.0.1:0", .bytes = 250};
	const struct opt opts[] = {
		{"listen", OPT_TEXT, &h.listen,
			"ADDR  127.0.0.1:PORT; port 0 (default): a free one, printed"},
		{"bytes", OPT_COUNT, &h.bytes, "N     length of the answer's body (250)"},
		{"pool", OPT_COUNT, &h.pool, "N     memory limit of a connection (the library's)"},
		{"suspend", OPT_FLAG, &h.suspend, "      suspend and resume each request once"},
		{"park", OPT_FLAG, &h.park, "      keep every GET waiting until a POST comes"},
		{NULL, OPT_FLAG, NULL, NULL}};
	opt_read("hello - a libmicrohttpd server that says the same to everybody; runs until "
		 "killed.",
		opts, argc, argv);
	struct err e;
	struct addr a;
	if (addr_parse(&a, h.listen, &e) < 0) {
		fprintf(stderr, "hello: %s\n", e.text);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	struct rlimit files = {CONNECTIONS_MAX + 100, CONNECTIONS_MAX + 100};
	setrlimit(RLIMIT_NOFILE, &files); /* best effort: fewer files, fewer clients */
	h.parked.list = mem_array(CONNECTIONS_MAX, sizeof(*h.parked.list));
	h.ready.list = mem_array(CONNECTIONS_MAX, sizeof(*h.ready.list));
	h.answer = make_answer(h.bytes);
	struct MHD_Daemon *d = start(&h, &a);
	if (d == NULL) {
		fprintf(stderr, "hello: cannot listen at %s\n", h.listen);
		return 2;
	}
	printf("127.0.0.1:%u\n", (unsigned)MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	serve(&h, d);
}
