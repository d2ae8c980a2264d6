/* SPDX-License-Identifier: MIT */
/* hello_ws - a bare WebSocket server on the gateway's libraries: libmicrohttpd upgrades, wslay sends each text frame
 * back, libuv watches both. Each is used as its documentation shows. The ceiling of the WebSocket figures; it has no session, no
 * check of anything, no bounds, and only ever runs on a benchmark's own machine. */
#include <errno.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <uv.h>
#include <wslay/wslay.h>

#include "bench/lib/addr.h"
#include "bench/lib/opt.h"
#include "core/err.h"
#include "core/mem.h"

#define CONNECTIONS_MAX 20000u
#define POOL_BYTES      4096u

struct hello {
	uv_loop_t loop;
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	uv_prepare_t prepare;
	uv_timer_t again;
	int kick; /* something was done to a connection outside of MHD_run() */
};

struct peer {
	struct hello *hello;
	struct MHD_UpgradeResponseHandle *urh;
	wslay_event_context_ptr codec;
	uv_poll_t poll;
	int fd;
	const char *early;
	size_t early_len;
};

/* --- frames ------------------------------------------------------------------------------------------------------------- */

static ssize_t on_recv(wslay_event_context_ptr codec, uint8_t *to, size_t len, int flags, void *arg)
{
	struct peer *p = arg;
	ssize_t n;

	UNUSED(flags);
	if (p->early_len > 0) {
		n = (ssize_t)MIN(len, p->early_len);
		memcpy(to, p->early, (size_t)n);
		p->early += n;
		p->early_len -= (size_t)n;
		return n;
	}
	n = recv(p->fd, to, len, 0);
	if (n > 0)
		return n;
	wslay_event_set_error(codec,
		n < 0 && errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t on_send(
	wslay_event_context_ptr codec, const uint8_t *bytes, size_t len, int flags, void *arg)
{
	struct peer *p = arg;
	ssize_t n = send(
		p->fd, bytes, len, MSG_NOSIGNAL | ((flags & WSLAY_MSG_MORE) != 0 ? MSG_MORE : 0));

	if (n < 0)
		wslay_event_set_error(
			codec, errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return n;
}

static void on_message(
	wslay_event_context_ptr codec, const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
	const struct wslay_event_msg back = {
		.opcode = message->opcode, .msg = message->msg, .msg_length = message->msg_length};

	UNUSED(arg);
	if (!wslay_is_ctrl_frame(message->opcode))
		wslay_event_queue_msg(codec, &back);
}

/* --- connections -------------------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
	struct peer *p = h->data;

	wslay_event_context_free(p->codec);
	MHD_upgrade_action(p->urh, MHD_UPGRADE_ACTION_CLOSE);
	p->hello->kick = 1;
	mem_free(p);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void serve(struct peer *p)
{
	int broken = wslay_event_recv(p->codec) < 0 || wslay_event_send(p->codec) < 0;
	int events = (wslay_event_want_read(p->codec) ? UV_READABLE : 0) |
		     (wslay_event_want_write(p->codec) ? UV_WRITABLE : 0);

	if (broken || events == 0)
		uv_close((uv_handle_t *)&p->poll, on_closed);
	else
		uv_poll_start(&p->poll, events, on_ready);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	UNUSED(status);
	UNUSED(events);
	serve(poll->data);
}

static void on_upgraded(void *cls, struct MHD_Connection *connection, void *con_cls,
	const char *early, size_t len, MHD_socket fd, struct MHD_UpgradeResponseHandle *urh)
{
	static const struct wslay_event_callbacks callbacks = {.recv_callback = on_recv,
		.send_callback = on_send,
		.on_msg_recv_callback = on_message};
	struct peer *p = mem_alloc(sizeof *p);
	int on = 1;

	UNUSED(connection);
	UNUSED(con_cls);
	p->hello = cls;
	p->urh = urh;
	p->fd = fd;
	p->early = early;
	p->early_len = len;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (wslay_event_context_server_init(&p->codec, &callbacks, p) != 0)
		abort();
	uv_poll_init(&p->hello->loop, &p->poll, fd);
	p->poll.data = p;
	serve(p);
}

/* RFC 6455 section 4.2.2, item 5.4. */
static void accept_make(const char *key, char out[32])
{
	unsigned char digest[20];
	char text[100];

	snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL);
	sodium_bin2base64(out, 32, digest, sizeof digest, sodium_base64_VARIANT_ORIGINAL);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
	const char *method, const char *version, const char *data, size_t *data_size,
	void **con_cls)
{
	const char *key = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Sec-WebSocket-Key");
	struct MHD_Response *answer;
	enum MHD_Result rc;
	char accept[32];

	UNUSED(url);
	UNUSED(method);
	UNUSED(version);
	UNUSED(data);
	UNUSED(data_size);
	if (key == NULL || strlen(key) > 40)
		return MHD_NO;
	if (*con_cls == NULL) {
		*con_cls = cls;
		return MHD_YES;
	}
	accept_make(key, accept);
	answer = MHD_create_response_for_upgrade(on_upgraded, cls);
	MHD_add_response_header(answer, "Upgrade", "websocket");
	MHD_add_response_header(answer, "Sec-WebSocket-Accept", accept);
	MHD_add_response_header(answer, "Sec-WebSocket-Protocol", "sockethub");
	rc = MHD_queue_response(c, MHD_HTTP_SWITCHING_PROTOCOLS, answer);
	MHD_destroy_response(answer);
	return rc;
}

/* --- the loop ------------------------------------------------------------------------------------------------------------- */

static void run(struct hello *h)
{
	h->kick = 0;
	MHD_run(h->daemon);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	UNUSED(status);
	UNUSED(events);
	run(poll->data);
}

static void on_again(uv_timer_t *timer)
{
	run(timer->data);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct hello *h = prepare->data;
	MHD_UNSIGNED_LONG_LONG ms = 0;

	if (h->kick || MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		uv_timer_start(&h->again, on_again, h->kick ? 0 : ms, 0);
	else
		uv_timer_stop(&h->again);
}

static int start(struct hello *h, const struct addr *a)
{
	h->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG, 0,
		NULL, NULL, on_request, h, MHD_OPTION_SOCK_ADDR, &a->u.any,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)POOL_BYTES, MHD_OPTION_END);
	if (h->daemon == NULL)
		return -1;
	uv_loop_init(&h->loop);
	uv_poll_init(&h->loop, &h->poll,
		MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
	uv_prepare_init(&h->loop, &h->prepare);
	uv_timer_init(&h->loop, &h->again);
	h->poll.data = h->prepare.data = h->again.data = h;
	uv_poll_start(&h->poll, UV_READABLE, on_poll);
	uv_prepare_start(&h->prepare, on_prepare);
	return 0;
}

int main(int argc, char **argv)
{
	static struct hello h;
	const char *listen_at = "127.0.0.1:0";
	const struct opt opts[] = {
		{"listen", OPT_TEXT, &listen_at,
			"ADDR  127.0.0.1:PORT; port 0 (default): a free one, printed"},
		{NULL, OPT_FLAG, NULL, NULL}};
	struct rlimit files = {CONNECTIONS_MAX + 100, CONNECTIONS_MAX + 100};
	struct addr a;
	struct err e;

	opt_read("hello_ws - a WebSocket server that says what it hears; runs until killed.", opts,
		argc, argv);
	if (addr_parse(&a, listen_at, &e) < 0) {
		fprintf(stderr, "hello_ws: %s\n", e.text);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files); /* best effort: fewer files, fewer clients */
	if (start(&h, &a) < 0) {
		fprintf(stderr, "hello_ws: cannot listen at %s\n", listen_at);
		return 2;
	}
	printf("127.0.0.1:%u\n",
		(unsigned)MHD_get_daemon_info(h.daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	uv_run(&h.loop, UV_RUN_DEFAULT);
	return 0;
}
