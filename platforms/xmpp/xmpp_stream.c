/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_stream.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platforms/xmpp/xmpp_ack.h"
#include "platforms/xmpp/xmpp_fd.h"
#include "platforms/xmpp/xmpp_login_account.h"
#include "platforms/xmpp/xmpp_meter.h"
#include "platforms/xmpp/xmpp_reason.h"

/* While something is going on, libstrophe wants to be called now and then: for its time-outs, and because decrypted
 * bytes may wait inside the TLS library, where poll() does not see them. */
#define ACTIVE_POLL_MS 100
#define ACTIVE_ROUNDS  8
/* xmpp_run_once() reads at most 4096 bytes; a TLS record has 16384, and what is left of one may lie before another. */
#define READS      8
#define SEND_BATCH 16
/* Until the server has opened its side, only the XML declaration and the stream tag may come, with the features perhaps
 * behind: this is where a document type could be declared, and it is too short to do harm. */
#define OPENING_MAX (16u << 10)
#define LOGIN_MAX   (256u << 10)

struct stream {
	const struct xmpp_stream_options *o;
	const struct xmpp_stream_host *host;
	const char *name; /* of the server, for texts */
	int direct_tls;
	xmpp_conn_t *conn;
	struct xmpp_login *login;
	int fd;        /* -1: none yet */
	int connected; /* TCP */
	int opening;   /* our stream tag is sent, the server's did not come */
	int online, leaving, ended;
	int queued;  /* libstrophe has something that it did not try to write yet */
	int writing; /* it has tried, and the socket takes no more for now */
	int more;    /* the host may have more to send */
	int quiet;   /* rounds since something came */
	struct xmpp_meter meter;
	xmpp_stanza_t *batch[832]; /* came, but libstrophe still has its reference */
	size_t n_batch;
	char problem[160]; /* with the certificate, or of the TLS library */
	struct err err;
};

/* The callbacks for sockets and certificates have no argument of ours; a thread has one stream. */
static _Thread_local struct stream *current;

static void fail(struct stream *s, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void fail(struct stream *s, enum err_code code, const char *fmt, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list ap;

	s->ended = 1;
	if (s->err.code != ERR_NONE)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_set(&s->err, code, "%s", text);
}

/* What the server did will not do, and in the resumed session it might do so again. (Before the log-in nobody knows who
 * that was.) */
static void refuse(struct stream *s, const char *what)
{
	fail(s, ERR_REMOTE, "%s %s", s->name, what);
	if (s->online)
		xmpp_sm_clear(s->o->sm);
}

static void check_cost(struct stream *s)
{
	uint64_t max = s->online ? XMPP_STREAM_STANZA_MAX : s->opening ? OPENING_MAX : LOGIN_MAX;
	const char *complaint;

	if (!s->connected || s->ended)
		return;
	/* libstrophe would wait for more of it. */
	if (s->opening && !xmpp_conn_is_secured(s->conn) && xmpp_meter_is_no_xml(&s->meter))
		complaint = "does not speak XMPP here";
	else
		complaint = xmpp_meter_complaint(&s->meter, max);
	if (complaint != NULL)
		refuse(s, complaint);
}

/* --- what comes ------------------------------------------------------------------------------------------------------- */

static void hand_over(struct stream *s)
{
	uint64_t number = s->o->sm->came - s->n_batch;

	for (size_t i = 0; i < s->n_batch; i++)
		s->host->stanza(s->host->arg, s->batch[i], ++number);
	s->n_batch = 0;
}

static void note_taken(struct stream *s)
{
	xmpp_sm_took(s->o->sm, s->host->taken(s->host->arg));
}

static void read_management(struct stream *s, xmpp_stanza_t *stanza)
{
	const char *complaint;

	note_taken(s);
	complaint = s->leaving ? NULL : xmpp_ack_read(s->o->sm, s->conn, stanza);
	s->queued = 1;
	if (complaint != NULL)
		refuse(s, complaint);
}

static void read_stanza(struct stream *s, xmpp_stanza_t *stanza)
{
	const char *name = xmpp_stanza_get_name(stanza), *ns = xmpp_stanza_get_ns(stanza);

	if (name == NULL)
		return;
	if (ns != NULL && strcmp(ns, XMPP_NS_SM) == 0) {
		read_management(s, stanza);
	} else if (ns != NULL && strcmp(ns, XMPP_NS_STREAMS) == 0 && strcmp(name, "error") == 0) {
		s->ended = 1;
		xmpp_reason_stream(stanza, s->name, &s->err);
	} else if ((ns == NULL || strcmp(ns, XMPP_NS_CLIENT) == 0) &&
		   (strcmp(name, "message") == 0 || strcmp(name, "presence") == 0 ||
			   strcmp(name, "iq") == 0)) {
		/* libstrophe drops its reference when we are back from xmpp_run_once(); until then the tree is not ours
		 * alone. 4096 bytes have room for 819 times "<iq/>"; more come only out of a declared entity. */
		if (s->n_batch == ARRAY_LEN(s->batch)) {
			refuse(s, "sent too many stanzas at once");
		} else {
			s->batch[s->n_batch++] = xmpp_stanza_clone(stanza);
			s->o->sm->came++;
		}
	}
}

static void go_online(struct stream *s)
{
	s->online = 1;
	s->more = 1; /* what a former stream left */
	s->host->online(
		s->host->arg, xmpp_login_full_jid(s->login), xmpp_login_is_resumed(s->login));
	if (xmpp_login_is_resumed(s->login))
		xmpp_ack_resend(s->o->sm, s->conn);
	xmpp_ack_ask(s->o->sm, s->conn);
	s->queued = 1;
}

/* At once: libstrophe may call back again before it comes back. */
static void note_failed_login(struct stream *s)
{
	const struct err *e = xmpp_login_error(s->login);

	if (e->code != ERR_NONE && !s->ended) {
		s->ended = 1;
		s->err = *e;
	}
}

static int on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *arg)
{
	struct stream *s = arg;

	UNUSED(conn);
	check_cost(s);
	xmpp_meter_begin(&s->meter);
	if (!s->ended && xmpp_meter_is_too_deep(stanza))
		refuse(s, "sent a stanza that is nested too deeply");
	if (s->ended)
		return 1;
	if (s->online) {
		read_stanza(s, stanza);
		return 1;
	}
	xmpp_login_read(s->login, stanza);
	/* A password was proved, perhaps: that is our work. */
	xmpp_meter_begin(&s->meter);
	s->queued = 1;
	note_failed_login(s);
	if (xmpp_login_is_done(s->login))
		go_online(s);
	return 1;
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
	xmpp_stream_error_t *stream_error, void *arg)
{
	struct stream *s = arg;

	UNUSED(conn);
	UNUSED(stream_error);
	if (event == XMPP_CONN_RAW_CONNECT) {
		s->connected = 1;
	} else if (event == XMPP_CONN_CONNECT) {
		s->opening = 0;
		xmpp_login_opened(s->login);
		note_failed_login(s);
	} else if (!s->connected) {
		fail(s, ERR_CONNECT, "could not connect to %s: %s", s->name,
			error != 0 ? strerror(error) : "refused");
	} else if (s->leaving) {
		fail(s, ERR_CANCELLED, "disconnected");
	} else {
		fail(s, ERR_REMOTE,
			s->online ? "the connection to %s was lost"
				  : "%s closed the connection during the log-in",
			s->name);
	}
}

/* --- connecting -------------------------------------------------------------------------------------------------------- */

static int on_socket(xmpp_conn_t *conn, void *socket)
{
	struct stream *s = current;
	int *fd = socket, one = 1;

	*fd = xmpp_fd_reserve(*fd);
	if (*fd < 0) {
		fail(s, ERR_BUSY, "too many open descriptors in this worker");
		return -1;
	}
	s->fd = *fd;
	s->host->socket(s->host->arg, s->fd);
	xmpp_meter_init(&s->meter, s->fd, s->o->heap);
	/* Best effort: without them a dead connection is noticed later, and small stanzas wait for others. */
	xmpp_sockopt_cb_keepalive(conn, socket);
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return 0;
}

static int on_bad_certificate(const xmpp_tlscert_t *cert, const char *const why)
{
	UNUSED(cert);
	snprintf(current->problem, sizeof current->problem, "%s", why);
	return 0;
}

/* The handler is set only while the handshake lasts: at other times libstrophe would log all that is sent and received,
 * and what it could not parse, without its end. "error:0A000102:SSL routines::unsupported protocol" */
static void on_log(void *arg, xmpp_log_level_t level, const char *area, const char *text)
{
	struct stream *s = arg;

	UNUSED(level);
	if (strcmp(area, "tls") != 0 || strncmp(text, "error:", 6) != 0 || s->problem[0] != '\0')
		return;
	for (int colons = 0; colons < 4 && text != NULL; colons++)
		text = strchr(text, ':') != NULL ? strchr(text, ':') + 1 : NULL;
	if (text != NULL)
		snprintf(s->problem, sizeof s->problem, "%s", text);
}

static void open_stream(struct stream *s)
{
	s->opening = 1;
	xmpp_meter_begin(&s->meter);
	xmpp_conn_open_stream_default(s->conn);
	s->queued = 1;
}

static void start_tls(struct stream *s)
{
	int rc;

	*s->o->log = (xmpp_log_t){on_log, s};
	rc = xmpp_conn_tls_start(s->conn);
	s->o->log->handler = NULL;
	if (rc != 0)
		fail(s, ERR_TLS, "no encrypted connection to %s: %s", s->name,
			s->problem[0] != '\0' ? s->problem : "the handshake was broken off");
	else
		open_stream(s);
}

static void advance_login(struct stream *s)
{
	switch (xmpp_login_next(s->login)) {
	case XMPP_LOGIN_TLS:
		start_tls(s);
		break;
	case XMPP_LOGIN_STREAM:
		open_stream(s);
		break;
	case XMPP_LOGIN_WAIT:
		break;
	}
}

/* --- the rounds ---------------------------------------------------------------------------------------------------------- */

static void leave(struct stream *s)
{
	if (s->leaving)
		return;
	s->leaving = 1;
	if (!s->online) {
		fail(s, ERR_CANCELLED, "disconnected");
		return;
	}
	/* A stream that was closed in order can not be resumed (XEP-0198, 5). libstrophe waits for the server to close its
	 * side, too, for two seconds at most. */
	note_taken(s);
	xmpp_ack_end(s->o->sm, s->conn);
	xmpp_sm_clear(s->o->sm);
	xmpp_disconnect(s->conn);
	s->queued = 1;
}

/* A question that could not be answered when it came. */
static void answer(struct stream *s)
{
	if (!s->online || s->leaving || s->writing || !s->o->sm->owed)
		return;
	note_taken(s);
	if (xmpp_ack_answer(s->o->sm, s->conn))
		s->queued = 1;
}

/* Only when libstrophe has written all: so what waits, waits where it is bounded. */
static void send_some(struct stream *s)
{
	xmpp_stanza_t *stanza = NULL;
	int n = 0;

	if (!s->online || s->leaving || s->writing)
		return;
	while (n < SEND_BATCH && (stanza = s->host->next(s->host->arg)) != NULL) {
		char *text = NULL;
		size_t len;
		int rc = xmpp_stanza_to_text(stanza, &text, &len);

		xmpp_stanza_release(stanza);
		n++;
		if (rc != 0)
			continue; /* nameless, or longer than any server takes */
		xmpp_send_raw(s->conn, text, len);
		xmpp_sm_sent(s->o->sm, text);
	}
	s->more = n == SEND_BATCH;
	if (n == 0)
		return;
	xmpp_ack_ask(s->o->sm, s->conn);
	s->queued = 1;
}

static int is_ready(const struct stream *s, short events)
{
	struct pollfd p = {.fd = s->fd, .events = events};

	return poll(&p, 1, 0) > 0;
}

static void run(struct stream *s, int reading)
{
	int was_connected = s->connected;

	for (int left = reading ? READS : 1; (left > 0 || s->queued) && !s->ended; left--) {
		s->queued = 0;
		xmpp_run_once(s->o->ctx, 0);
		hand_over(s);
		if (!s->ended && s->connected && !was_connected) {
			was_connected = 1;
			if (s->direct_tls)
				start_tls(s);
			else
				open_stream(s);
		}
		if (!s->ended)
			advance_login(s);
		check_cost(s);
		if (reading && s->host->wish(s->host->arg) == XMPP_STREAM_HOLD)
			break;
	}
	s->writing = !s->ended && s->connected && !is_ready(s, POLLOUT);
}

/* Why a connect() failed is told once, and libstrophe would not pass it on. */
static void note_failed_connect(struct stream *s)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0)
		fail(s, ERR_CONNECT, "could not connect to %s: %s", s->name, strerror(error));
}

static int patience_ms(const struct stream *s, enum xmpp_stream_wish wish)
{
	if (s->queued || (s->more && !s->writing))
		return 0;
	if (wish == XMPP_STREAM_HOLD)
		return -1;
	return !s->online || s->leaving || s->quiet < ACTIVE_ROUNDS ? ACTIVE_POLL_MS : -1;
}

/* Until something is to be done: 1, or 0 when the server has to wait. */
static int wait_for_work(struct stream *s, enum xmpp_stream_wish wish)
{
	struct pollfd fds[2] = {{.fd = s->host->wake_fd, .events = POLLIN}, {.fd = s->fd}};
	int failed;
	uint64_t count;

	if (!s->connected || s->writing)
		fds[1].events |= POLLOUT;
	if (s->connected && wish != XMPP_STREAM_HOLD)
		fds[1].events |= POLLIN;
	if (poll(fds, 2, patience_ms(s, wish)) < 0 && errno != EINTR)
		fail(s, ERR_INTERNAL, "poll failed");
	if (fds[0].revents != 0 && read(s->host->wake_fd, &count, sizeof count) < 0 &&
		errno != EAGAIN)
		fail(s, ERR_INTERNAL, "an eventfd failed");
	if (!s->connected && fds[1].revents != 0)
		note_failed_connect(s);
	if ((fds[1].revents & POLLOUT) != 0)
		s->writing = 0;
	failed = (fds[1].revents & (POLLHUP | POLLERR)) != 0;
	s->quiet = failed || (fds[1].revents & POLLIN) != 0 ? 0 : s->quiet + 1;
	return wish != XMPP_STREAM_HOLD || failed;
}

static void round_of(struct stream *s)
{
	enum xmpp_stream_wish wish = s->host->wish(s->host->arg);

	if (wish == XMPP_STREAM_END)
		leave(s);
	if (s->ended || !wait_for_work(s, wish) || s->ended)
		return;
	if (s->connected)
		xmpp_meter_rest(&s->meter);
	check_cost(s);
	answer(s);
	send_some(s);
	run(s, s->connected && s->quiet < ACTIVE_ROUNDS);
}

/* Ours is the only stream of the context, so that xmpp_run_once() has this one to look after. */
static int open_connection(struct stream *s, const struct xmpp_resolve_address *address)
{
	char ip[INET6_ADDRSTRLEN + 16];
	unsigned port = ntohs(address->sa.ss_family == AF_INET
				      ? ((const struct sockaddr_in *)&address->sa)->sin_port
				      : ((const struct sockaddr_in6 *)&address->sa)->sin6_port);

	if (getnameinfo((const struct sockaddr *)&address->sa, sizeof address->sa, ip, sizeof ip,
		    NULL, 0, NI_NUMERICHOST) != 0)
		return err_set(&s->err, ERR_INTERNAL, "an address without a text");
	s->conn = xmpp_conn_new(s->o->ctx);
	xmpp_conn_set_flags(s->conn,
		XMPP_CONN_FLAG_DISABLE_SM | (s->o->insecure ? XMPP_CONN_FLAG_TRUST_TLS : 0));
	if (s->o->ca_file != NULL)
		xmpp_conn_set_cafile(s->conn, s->o->ca_file);
	xmpp_conn_set_jid(s->conn, s->o->account->jid);
	xmpp_conn_set_sockopt_callback(s->conn, on_socket);
	xmpp_conn_set_certfail_handler(s->conn, on_bad_certificate);
	xmpp_handler_add(s->conn, on_stanza, NULL, NULL, NULL, s);
	s->login = xmpp_login_new(s->conn, s->o->account, s->o->sm);
	errno = 0;
	if (xmpp_connect_raw(s->conn, ip, (unsigned short)port, on_event, s) != 0) {
		if (errno == EMFILE || errno == ENFILE)
			fail(s, ERR_BUSY, "too many open descriptors in this worker");
		else
			fail(s, ERR_CONNECT, "could not connect to %s: %s", s->name,
				errno != 0 ? strerror(errno) : "no route");
	}
	return s->err.code != ERR_NONE ? -(int)s->err.code : 0;
}

int xmpp_stream_run(const struct xmpp_stream_options *o, const struct xmpp_resolve_address *address,
	const struct xmpp_stream_host *host, struct err *e)
{
	struct stream s = {.o = o, .host = host, .name = o->account->domain, .fd = -1};

	s.direct_tls = address->direct_tls;
	current = &s;
	xmpp_sm_connected(o->sm);
	if (open_connection(&s, address) == 0)
		while (!s.ended)
			round_of(&s);
	hand_over(&s);
	if (s.conn != NULL)
		xmpp_conn_release(s.conn);
	host->socket(host->arg, -1);
	xmpp_fd_release(s.fd);
	xmpp_login_free(&s.login);
	current = NULL;
	*e = s.err;
	return -(int)e->code;
}
