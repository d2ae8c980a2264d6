/* SPDX-License-Identifier: MIT */
#include "platforms/email/smtp_link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "platforms/email/email_server.h"
#include "platforms/email/email_wire.h"
#include "platforms/platform.h"

#define SMTP_LINK_MAGIC 0x736d6c6bu
#define CHUNK_BYTES     ((size_t)64 << 10) /* of a mail, at a time */
#define CHUNKS_PER_TURN 16                 /* then others get their turn of the loop */
#define COMMAND_SIZE    512                /* RFC 5321, 4.5.3.1.4 */
#define NEXT_TURN_MS    1
#define MAIL_PATIENCE   4

/* How far a mail is. */
enum mail_state { MAIL_NONE, MAIL_BYTES, MAIL_OUT };

struct smtp_link {
	unsigned magic;
	struct psession *ps;
	const struct email_server *server;
	struct smtp_link_events ev;
	unsigned timeout_ms;
	struct email_wire *wire;
	int is_up;
	struct platform_timer *deadline;  /* runs while the server owes something */
	struct platform_timer *next_turn; /* the mail goes on */
	int busy, freed;                  /* as in email_wire */
	int pipelining, size;
	unsigned long long max_size;
	unsigned owed; /* replies */
	const struct buf *mail;
	size_t mail_done;
	enum mail_state mail_state;
	struct smtp_reply reply;
};

static void on_next_turn(void *arg);
static void on_deadline(void *arg);

/* --- life -------------------------------------------------------------------------------------------------------- */

/* Best effort: a server that is not told closes by itself (RFC 5321, 4.1.1.10). */
static void say_quit(struct smtp_link *l)
{
	if (l->is_up && l->owed == 0 && email_wire_left(l->wire) == 0)
		email_wire_write(l->wire, "QUIT\r\n", strlen("QUIT\r\n"));
}

static void disconnect(struct smtp_link *l)
{
	l->is_up = 0;
	email_wire_free(&l->wire);
	platform_timer_free(&l->deadline);
	platform_timer_free(&l->next_turn);
}

static void release(struct smtp_link *l)
{
	smtp_reply_release(&l->reply);
	l->magic = 0;
	mem_free(l);
}

void smtp_link_free(struct smtp_link **link)
{
	struct smtp_link *l = *link;

	*link = NULL;
	if (l == NULL)
		return;
	say_quit(l);
	disconnect(l);
	l->freed = 1;
	if (l->busy == 0)
		release(l);
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
		release(l);
	return 1;
}

static void go_down(struct smtp_link *l, const struct err *why)
{
	struct err copy = *why;

	disconnect(l);
	enter(l);
	l->ev.down(l->ev.arg, &copy);
	leave(l);
}

static void fail(struct smtp_link *l, enum err_code code, const char *what)
{
	struct err e;

	err_set(&e, code, "%s: %s", email_server_name(l->server), what);
	go_down(l, &e);
}

/* Begins anew with each sign of progress; ends with the last debt. */
static void restart_deadline(struct smtp_link *l)
{
	uint64_t ms = l->timeout_ms;

	platform_timer_free(&l->deadline);
	if (!l->is_up || (l->owed == 0 && email_wire_left(l->wire) == 0))
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

/* --- out --------------------------------------------------------------------------------------------------------- */

/* The next piece of the mail, a dot before those that begin a line. */
static void send_piece(struct smtp_link *l)
{
	const char *from = l->mail->data + l->mail_done, *end;
	const char *stop = from + MIN(CHUNK_BYTES, l->mail->len - l->mail_done);
	struct buf piece = BUF_INIT;

	while (from < stop) {
		if (*from == '.' && (l->mail_done == 0 || from[-1] == '\n'))
			buf_add_char(&piece, '.');
		end = memchr(from, '\n', (size_t)(stop - from));
		end = end != NULL ? end + 1 : stop;
		buf_add(&piece, from, (size_t)(end - from));
		l->mail_done += (size_t)(end - from);
		from = end;
	}
	email_wire_write(l->wire, piece.data, piece.len);
	buf_release(&piece);
}

/* As much of the mail as the socket takes. The dot goes alone, when all before it is gone: what is lost before it is
 * handed over was surely not sent. */
static void send_mail(struct smtp_link *l)
{
	for (int i = 0; l->mail_state == MAIL_BYTES && email_wire_left(l->wire) == 0; i++) {
		if (i == CHUNKS_PER_TURN) {
			if (l->next_turn == NULL)
				l->next_turn = psession_timer(l->ps, NEXT_TURN_MS, on_next_turn, l);
			break;
		}
		if (l->mail_done < l->mail->len) {
			send_piece(l);
		} else {
			l->mail_state = MAIL_OUT;
			email_wire_write(l->wire, ".\r\n", 3);
		}
	}
	restart_deadline(l);
}

static void on_next_turn(void *arg)
{
	CAST(smtp_link, l, arg, SMTP_LINK_MAGIC);

	l->next_turn = NULL;
	send_mail(l);
}

static void on_sent(void *arg)
{
	CAST(smtp_link, l, arg, SMTP_LINK_MAGIC);

	send_mail(l);
}

void smtp_link_command(struct smtp_link *l, const char *fmt, ...)
{
	char line[COMMAND_SIZE + 2];
	va_list ap;
	int n;

	if (!l->is_up)
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, COMMAND_SIZE, fmt, ap);
	va_end(ap);
	assert(n > 0 && n < COMMAND_SIZE && strpbrk(line, "\r\n") == NULL);
	memcpy(line + n, "\r\n", 2);
	if (l->owed++ == 0)
		l->mail_state = MAIL_NONE;
	email_wire_write(l->wire, line, (size_t)n + 2);
	restart_deadline(l);
}

void smtp_link_mail(struct smtp_link *l, const struct buf *mail)
{
	if (!l->is_up)
		return;
	l->mail = mail;
	l->mail_done = 0;
	l->mail_state = MAIL_BYTES;
	l->owed++;
	send_mail(l);
}

int smtp_link_is_mail_out(const struct smtp_link *l)
{
	return l->mail_state == MAIL_OUT;
}

/* --- in ---------------------------------------------------------------------------------------------------------- */

static void take_reply(struct smtp_link *l)
{
	if (l->owed == 0) { /* 421 before it closes what idles */
		fail(l, ERR_REMOTE, "the connection was lost");
		return;
	}
	l->owed--;
	l->ev.reply(l->ev.arg, &l->reply);
	if (!l->freed)
		restart_deadline(l);
}

static void on_bytes(void *arg, const char *bytes, size_t len)
{
	CAST(smtp_link, l, arg, SMTP_LINK_MAGIC);

	enter(l);
	while (len > 0 && l->is_up) {
		size_t used = 0;
		int rc = smtp_reply_read(&l->reply, bytes, len, &used);
		if (rc < 0)
			fail(l, ERR_REMOTE, "the server does not speak SMTP");
		else if (rc > 0)
			take_reply(l);
		bytes += used;
		len -= used;
	}
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

static void on_up(void *arg)
{
	CAST(smtp_link, l, arg, SMTP_LINK_MAGIC);

	l->is_up = 1;
	l->ev.up(l->ev.arg);
}

static void on_down(void *arg, const struct err *why)
{
	CAST(smtp_link, l, arg, SMTP_LINK_MAGIC);

	go_down(l, why);
}

struct smtp_link *smtp_link_new(struct psession *ps, const struct email_server *server,
	unsigned timeout_ms, const struct smtp_link_events *events)
{
	struct smtp_link *l = mem_alloc(sizeof *l);
	const struct email_wire_events ev = {.up = on_up,
		.bytes = on_bytes,
		.sent = on_sent,
		.line = on_line,
		.down = on_down,
		.arg = l};

	l->magic = SMTP_LINK_MAGIC;
	l->ps = ps;
	l->server = server;
	l->ev = *events;
	l->timeout_ms = timeout_ms;
	l->wire = email_wire_new(ps, server, &ev);
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
