/* SPDX-License-Identifier: MIT */
#include "platforms/email/smtp_link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/curl_loop.h"
#include "core/http.h"
#include "core/mem.h"
#include "platforms/email/email_server.h"
#include "platforms/platform.h"

#define SMTP_LINK_MAGIC 0x736d6c6bu
#define READ_BYTES      4096
#define CHUNK_BYTES     ((size_t)64 << 10) /* of a mail, at a time */
#define CHUNKS_PER_TURN 16                 /* then others get their turn of the loop */
#define COMMAND_SIZE    512                /* RFC 5321, 4.5.3.1.4 */
#define NEXT_TURN_MS    1
#define MAIL_PATIENCE   4

enum link_state { CONNECTING, UP, FAILED, DOWN };

/* How far a mail is. */
enum mail_state { MAIL_NONE, MAIL_BYTES, MAIL_DOT, MAIL_OUT };

struct smtp_link {
	unsigned magic;
	struct psession *ps;
	const struct email_server *server;
	struct smtp_link_events ev;
	unsigned timeout_ms;
	struct curl_loop *curl; /* its own: libcurl closes what idles beside another connection */
	CURL *easy;
	struct email_server_call call;
	enum link_state state;
	curl_socket_t fd;
	struct platform_watch *watch;
	int events;                       /* what `watch` waits for */
	struct platform_timer *deadline;  /* runs while the server owes something */
	struct platform_timer *next_turn; /* reading or writing goes on, or `down` comes */
	int busy;                         /* a callback runs: the memory stays until it returns */
	int freed;
	int broken; /* nothing can be sent any more */
	int pipelining, size;
	unsigned long long max_size;
	/* What libcurl was given and did not take has to be given again unchanged, so `out` is not touched until it
	 * is gone; meanwhile commands go to `queued`. */
	struct buf out, queued;
	size_t out_done;
	unsigned owed; /* replies */
	const struct buf *mail;
	size_t mail_done;
	enum mail_state mail_state;
	struct smtp_reply reply;
	struct err why; /* FAILED */
};

static void on_ready(void *arg, int status, int events);
static void on_next_turn(void *arg);
static void on_deadline(void *arg);

/* --- life -------------------------------------------------------------------------------------------------------- */

/* Best effort: a server that is not told closes by itself (RFC 5321, 4.1.1.10). */
static void say_quit(struct smtp_link *l)
{
	size_t n;

	if (l->state == UP && l->owed == 0 && l->out.len == 0)
		curl_easy_send(l->easy, "QUIT\r\n", 6, &n);
}

static void disconnect(struct smtp_link *l)
{
	platform_watch_free(&l->watch);
	platform_timer_free(&l->deadline);
	platform_timer_free(&l->next_turn);
	if (l->easy != NULL) {
		curl_loop_remove(l->curl, l->easy);
		curl_easy_cleanup(l->easy);
		l->easy = NULL;
	}
	curl_loop_free(l->curl);
	l->curl = NULL;
}

void smtp_link_free(struct smtp_link **link)
{
	struct smtp_link *l = *link;

	*link = NULL;
	if (l == NULL)
		return;
	if (!l->freed) {
		say_quit(l);
		disconnect(l);
	}
	l->state = DOWN;
	l->freed = 1;
	if (l->busy)
		return;
	buf_release(&l->out);
	buf_release(&l->queued);
	smtp_reply_release(&l->reply);
	l->magic = 0;
	mem_free(l);
}

/* Around each callback; leave() frees what the callback has freed, and tells so with 1. */
static void enter(struct smtp_link *l)
{
	l->busy++;
}

static int leave(struct smtp_link *l)
{
	l->busy--;
	if (!l->freed)
		return 0;
	if (l->busy == 0)
		smtp_link_free(&l);
	return 1;
}

static void continue_later(struct smtp_link *l)
{
	if (l->next_turn == NULL)
		l->next_turn = psession_timer(l->ps, NEXT_TURN_MS, on_next_turn, l);
}

/* `down` follows in the next turn of the loop. */
static void fail(struct smtp_link *l, enum err_code code, const char *what)
{
	if (l->state == FAILED || l->state == DOWN)
		return;
	l->state = FAILED;
	err_set(&l->why, code, "%s: %s", email_server_name(l->server), what);
	platform_watch_free(&l->watch);
	platform_timer_free(&l->deadline);
	continue_later(l);
}

static void lose(struct smtp_link *l)
{
	fail(l, ERR_REMOTE, "the connection was lost");
}

static void go_down(struct smtp_link *l)
{
	l->state = DOWN;
	enter(l);
	l->ev.down(l->ev.arg, &l->why);
	leave(l);
}

/* Begins anew with each sign of progress; ends with the last debt. */
static void restart_deadline(struct smtp_link *l)
{
	uint64_t ms = l->timeout_ms;

	platform_timer_free(&l->deadline);
	if (l->state != UP || (l->owed == 0 && l->out.len == 0))
		return;
	if (l->mail_state == MAIL_OUT)
		ms *= MAIL_PATIENCE;
	l->deadline = psession_timer(l->ps, ms, on_deadline, l);
}

static void on_deadline(void *arg)
{
	CAST(smtp_link, l, arg, SMTP_LINK_MAGIC);

	l->deadline = NULL;
	fail(l, ERR_TIMEOUT, "the server did not answer in time");
}

static void update_watch(struct smtp_link *l)
{
	const int events = UV_READABLE | (l->out.len > 0 ? UV_WRITABLE : 0);

	if (l->state != UP || (l->watch != NULL && events == l->events))
		return;
	platform_watch_free(&l->watch);
	l->events = events;
	l->watch = psession_watch(l->ps, (int)l->fd, events, on_ready, l);
	if (l->watch == NULL)
		fail(l, ERR_BUSY, "no more connections can be watched");
}

/* --- out --------------------------------------------------------------------------------------------------------- */

/* The next piece of the mail, a dot put before those that begin a line. */
static void take_mail(struct smtp_link *l)
{
	const char *from = l->mail->data + l->mail_done, *end = from;
	const char *stop = from + MIN(CHUNK_BYTES, l->mail->len - l->mail_done);

	while (from < stop) {
		if (*from == '.' && (l->mail_done == 0 || from[-1] == '\n'))
			buf_add_char(&l->out, '.');
		end = memchr(from, '\n', (size_t)(stop - from));
		end = end != NULL ? end + 1 : stop;
		buf_add(&l->out, from, (size_t)(end - from));
		l->mail_done += (size_t)(end - from);
		from = end;
	}
}

/* Fills `out`, which is empty; it stays so when there is nothing to send. The dot goes alone: what is lost before it is
 * handed over was surely not sent. */
static void refill(struct smtp_link *l)
{
	l->out_done = 0;
	buf_clear(&l->out);
	if (l->mail_state == MAIL_BYTES && l->mail_done < l->mail->len) {
		take_mail(l);
	} else if (l->mail_state == MAIL_BYTES) {
		buf_add_str(&l->out, ".\r\n");
		l->mail_state = MAIL_DOT;
	} else if (l->queued.len > 0) {
		struct buf empty = l->out;
		l->out = l->queued;
		l->queued = empty;
	}
}

static void flush(struct smtp_link *l)
{
	for (int i = 0; l->state == UP; i++) {
		size_t n = 0;
		CURLcode rc;
		if (l->out_done == l->out.len)
			refill(l);
		if (l->out.len == 0)
			break;
		if (i == CHUNKS_PER_TURN) {
			continue_later(l);
			break;
		}
		if (l->mail_state == MAIL_DOT)
			l->mail_state = MAIL_OUT;
		rc = curl_easy_send(
			l->easy, l->out.data + l->out_done, l->out.len - l->out_done, &n);
		if (rc == CURLE_AGAIN)
			break;
		if (rc != CURLE_OK) {
			/* What the server said before it closed is worth more than that it closed. */
			l->broken = 1;
			continue_later(l);
			return;
		}
		l->out_done += n;
		restart_deadline(l);
	}
	update_watch(l);
}

void smtp_link_command(struct smtp_link *l, const char *fmt, ...)
{
	char line[COMMAND_SIZE];
	va_list ap;
	int n;

	if (l->state != UP)
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	assert(n > 0 && (size_t)n < sizeof line && strpbrk(line, "\r\n") == NULL);
	buf_add(&l->queued, line, (size_t)n);
	buf_add_str(&l->queued, "\r\n");
	if (l->owed++ == 0)
		l->mail_state = MAIL_NONE;
	restart_deadline(l);
	flush(l);
}

void smtp_link_mail(struct smtp_link *l, const struct buf *mail)
{
	if (l->state != UP)
		return;
	l->mail = mail;
	l->mail_done = 0;
	l->mail_state = MAIL_BYTES;
	l->owed++;
	restart_deadline(l);
	flush(l);
}

int smtp_link_is_mail_out(const struct smtp_link *l)
{
	return l->mail_state == MAIL_OUT;
}

/* --- in ---------------------------------------------------------------------------------------------------------- */

/* 1: stop, the link is freed or failed. */
static int take_reply(struct smtp_link *l)
{
	if (l->owed == 0) { /* 421 before it closes what idles */
		lose(l);
		return 1;
	}
	l->owed--;
	enter(l);
	l->ev.reply(l->ev.arg, &l->reply);
	if (leave(l))
		return 1;
	restart_deadline(l);
	return l->state != UP;
}

/* 1: stop, as above. */
static int take_bytes(struct smtp_link *l, const char *bytes, size_t len)
{
	while (len > 0) {
		size_t used = 0;
		int rc = smtp_reply_read(&l->reply, bytes, len, &used);
		if (rc < 0) {
			fail(l, ERR_REMOTE, "the server does not speak SMTP");
			return 1;
		}
		if (rc > 0 && take_reply(l))
			return 1;
		bytes += used;
		len -= used;
	}
	return 0;
}

/* Until nothing is left, also in the TLS layer, where no poll would tell of it. Little comes, so no turn is too long:
 * but for a hostile server, which gets the next turn for more. */
static void pump(struct smtp_link *l)
{
	char bytes[READ_BYTES];

	for (int i = 0; l->state == UP; i++) {
		size_t n = 0;
		CURLcode rc;
		if (i == CHUNKS_PER_TURN) {
			continue_later(l);
			return;
		}
		rc = curl_easy_recv(l->easy, bytes, sizeof bytes, &n);
		if (rc == CURLE_AGAIN)
			return;
		if (rc != CURLE_OK || n == 0) {
			lose(l);
			return;
		}
		if (take_bytes(l, bytes, n))
			return;
	}
}

static void on_ready(void *arg, int status, int events)
{
	CAST(smtp_link, l, arg, SMTP_LINK_MAGIC);

	if (status < 0) {
		lose(l);
		return;
	}
	enter(l);
	if (events & UV_READABLE)
		pump(l);
	if (!l->freed && (events & UV_WRITABLE))
		flush(l);
	leave(l);
}

static void on_next_turn(void *arg)
{
	CAST(smtp_link, l, arg, SMTP_LINK_MAGIC);

	l->next_turn = NULL;
	if (l->state == FAILED) {
		go_down(l);
		return;
	}
	enter(l);
	pump(l);
	if (!l->freed && l->broken)
		lose(l);
	if (!l->freed)
		flush(l);
	leave(l);
}

/* --- connecting -------------------------------------------------------------------------------------------------- */

/* A line of the dialogue that libcurl leads: what EHLO tells (RFC 5321, 4.1.1.1). What was said before STARTTLS does
 * not count (RFC 3207, 4.2). */
static void on_line(void *arg, const char *line, size_t len)
{
	CAST(smtp_link, l, arg, SMTP_LINK_MAGIC);
	char word[64];

	if (len > 3 && memcmp(line, "220", 3) == 0) {
		l->pipelining = l->size = 0;
		l->max_size = 0;
	}
	if (len < 5 || memcmp(line, "250", 3) != 0)
		return;
	snprintf(word, sizeof word, "%.*s", (int)MIN(len - 4, sizeof word - 1), line + 4);
	if (strcasecmp(word, "PIPELINING") == 0)
		l->pipelining = 1;
	if (strncasecmp(word, "SIZE", 4) == 0 && (word[4] == '\0' || word[4] == ' ')) {
		l->size = 1;
		l->max_size = strtoull(word + 4, NULL, 10);
	}
}

static void on_connected(void *arg, CURL *easy, CURLcode rc)
{
	CAST(smtp_link, l, arg, SMTP_LINK_MAGIC);

	if (email_server_explain(l->server, &l->call, easy, rc, &l->why) < 0) {
		go_down(l);
		return;
	}
	l->state = UP;
	if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &l->fd) != CURLE_OK ||
		l->fd == CURL_SOCKET_BAD) {
		lose(l);
		return;
	}
	update_watch(l);
	enter(l);
	l->ev.up(l->ev.arg);
	leave(l);
}

struct smtp_link *smtp_link_new(struct psession *ps, const struct email_server *server,
	unsigned timeout_ms, const struct smtp_link_events *events)
{
	struct smtp_link *l = mem_alloc(sizeof *l);

	l->magic = SMTP_LINK_MAGIC;
	l->ps = ps;
	l->server = server;
	l->ev = *events;
	l->timeout_ms = timeout_ms;
	l->fd = CURL_SOCKET_BAD;
	l->curl = curl_loop_new(http_client_loop(psession_http(ps)));
	l->easy = curl_easy_init();
	assert(l->easy != NULL);
	email_server_prepare(server, psession_outbound(ps), NULL, &l->call, l->easy);
	l->call.line = on_line;
	l->call.arg = l;
	curl_easy_setopt(l->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_loop_add_kept(l->curl, l->easy, on_connected, l);
	return l;
}

int smtp_link_has_pipelining(const struct smtp_link *l)
{
	return l->pipelining;
}

int smtp_link_has_size(const struct smtp_link *l)
{
	return l->size;
}

unsigned long long smtp_link_max_size(const struct smtp_link *l)
{
	return l->max_size;
}
