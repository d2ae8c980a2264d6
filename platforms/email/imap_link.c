/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap_link.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_server.h"
#include "platforms/email/email_wire.h"
#include "platforms/email/imap.h"
#include "platforms/email/imap_reason.h"
#include "platforms/email/imap_write.h"
#include "platforms/platform.h"

#define LINK_MAGIC 0x696c6e6bu
/* One line: a SEARCH that finds 100,000 mails has 700,000 bytes. */
#define LINE_BYTES ((size_t)4 << 20)

enum link_state {
	CONNECTING,
	READY,      /* no command runs */
	RUNNING,    /* one does: answers are due */
	IDLE_ASKED, /* IDLE went out, "+" is due */
	IDLING,     /* "+" came */
	ENDING,     /* DONE or NOOP went out: an answer is due that nobody waits for */
	DOWN
};

struct request {
	struct imap_write write;
	struct imap_link_calls calls;
	size_t sent, n_paused; /* of `write`: bytes, pauses */
};

struct imap_link {
	unsigned magic;
	struct psession *ps;
	const struct email_server *server;
	const struct imap_settings *settings;
	struct imap_link_events ev;
	struct email_wire *wire;
	struct imap_parse parse;
	enum link_state state;
	unsigned capabilities;
	int listening, no_idle, paused;
	unsigned tag;
	struct platform_timer *timer;
	uint64_t heard_ms; /* when the server said something, or was asked something */
	struct request running, next;
	int waiting;     /* `next` is for the end of what runs */
	int forgotten;   /* `running` is */
	int busy, freed; /* as in email_wire */
};

static void on_timer(void *arg);

/* --- life and death --------------------------------------------------------------------------------------------- */

static void release(struct imap_link *l)
{
	imap_parse_release(&l->parse);
	imap_write_release(&l->running.write);
	imap_write_release(&l->next.write);
	l->magic = 0;
	mem_free(l);
}

static void say_goodbye(struct imap_link *l)
{
	char text[64];
	int n;

	if (l->state != READY && l->state != IDLING)
		return;
	n = snprintf(text, sizeof text, "%sS%u LOGOUT\r\n", l->state == IDLING ? "DONE\r\n" : "",
		++l->tag);
	email_wire_write(l->wire, text, (size_t)n);
}

void imap_link_free(struct imap_link **link)
{
	struct imap_link *l = *link;

	*link = NULL;
	if (l == NULL)
		return;
	say_goodbye(l);
	email_wire_free(&l->wire);
	platform_timer_free(&l->timer);
	l->state = DOWN;
	l->freed = 1;
	if (l->busy == 0)
		release(l);
}

static void enter(struct imap_link *l)
{
	l->busy++;
}

static int leave(struct imap_link *l)
{
	l->busy--;
	if (!l->freed)
		return 0;
	if (l->busy == 0)
		release(l);
	return 1;
}

/* A command's end; its callbacks are forgotten before they are used, for they may run the next. */
static void end_command(struct request *q, const struct imap_parse_response *r, const struct err *e)
{
	struct imap_link_calls calls = q->calls;

	q->calls = (struct imap_link_calls){0};
	if (calls.done != NULL)
		calls.done(calls.arg, r, e);
}

static void go_down(struct imap_link *l, const struct err *why)
{
	struct err copy = *why;

	l->state = DOWN;
	email_wire_free(&l->wire);
	platform_timer_free(&l->timer);
	enter(l);
	end_command(&l->running, NULL, &copy);
	if (!l->freed && l->waiting)
		end_command(&l->next, NULL, &copy);
	if (!l->freed)
		l->ev.down(l->ev.arg, &copy);
	leave(l);
}

/* --- deadlines -------------------------------------------------------------------------------------------------- */

static uint64_t patience_ms(const struct imap_link *l)
{
	switch (l->state) {
	case IDLING:
		return l->settings->idle_ms;
	case READY:
		return l->settings->poll_ms;
	default:
		return l->settings->timeout_ms;
	}
}

/* Counts from now; called at each change of state. */
static void set_timer(struct imap_link *l)
{
	platform_timer_free(&l->timer);
	l->heard_ms = platform_now_ms();
	if (l->paused || l->state == CONNECTING || l->state == DOWN ||
		(l->state == READY && !l->listening))
		return;
	l->timer = psession_timer(l->ps, patience_ms(l), on_timer, l);
}

static void set_state(struct imap_link *l, enum link_state state)
{
	l->state = state;
	set_timer(l);
}

/* --- sending ---------------------------------------------------------------------------------------------------- */

/* Up to the next synchronising literal, or to the end; the tag goes into the same packet. */
static void send_part(struct imap_link *l)
{
	struct request *q = &l->running;
	const struct imap_write *w = &q->write;
	size_t end = q->n_paused < w->n_pauses ? w->pauses[q->n_paused++] : w->out.len;
	struct buf line = BUF_INIT;

	if (q->sent == 0)
		buf_printf(&line, "S%u ", ++l->tag);
	buf_add(&line, w->out.data + q->sent, end - q->sent);
	email_wire_write(l->wire, line.data, line.len);
	buf_release(&line);
	q->sent = end;
}

static void send_tagged(struct imap_link *l, const char *rest)
{
	char text[64];
	int n = snprintf(text, sizeof text, "S%u %s", ++l->tag, rest);

	email_wire_write(l->wire, text, (size_t)n);
}

static void start_command(struct imap_link *l)
{
	imap_write_release(&l->running.write);
	l->running = l->next;
	l->next = (struct request){0};
	l->waiting = 0;
	set_state(l, RUNNING);
	send_part(l);
}

static void end_idle(struct imap_link *l)
{
	set_state(l, ENDING);
	email_wire_write(l->wire, "DONE\r\n", strlen("DONE\r\n"));
}

/* Nothing runs: what is there to do? */
static void settle(struct imap_link *l)
{
	if (l->waiting) {
		start_command(l);
	} else if (l->listening && (l->capabilities & IMAP_LINK_IDLE) && !l->no_idle) {
		set_state(l, IDLE_ASKED);
		send_tagged(l, "IDLE\r\n");
	} else {
		set_state(l, READY);
	}
}

void imap_link_run(struct imap_link *l, struct imap_write *w, const struct imap_link_calls *calls)
{
	assert(!l->waiting && l->state != CONNECTING && l->state != DOWN);
	l->next = (struct request){.write = *w, .calls = *calls};
	*w = (struct imap_write){.literal_plus = w->literal_plus};
	l->waiting = 1;
	if (l->state == READY)
		start_command(l);
	else if (l->state == IDLING)
		end_idle(l);
}

void imap_link_forget(struct imap_link *l)
{
	if (l->waiting) { /* it has not been sent */
		imap_write_release(&l->next.write);
		l->next = (struct request){0};
		l->waiting = 0;
		return;
	}
	l->running.calls = (struct imap_link_calls){0};
	l->forgotten = 1;
	imap_link_pause(l, 0);
	set_timer(l);
}

void imap_link_listen(struct imap_link *l, int listening)
{
	if (l->listening == listening)
		return;
	l->listening = listening;
	if (l->state == READY)
		settle(l);
	else if (l->state == IDLING && !listening)
		end_idle(l);
}

void imap_link_pause(struct imap_link *l, int paused)
{
	if (l->paused == paused || l->wire == NULL)
		return;
	l->paused = paused;
	email_wire_pause(l->wire, paused);
	set_timer(l);
}

unsigned imap_link_has(const struct imap_link *l)
{
	return l->capabilities;
}

int imap_link_explain(const struct imap_link *l, const struct imap_parse_response *r, struct err *e)
{
	return imap_reason_explain(email_server_name(l->server), r, e);
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

static void read_capabilities(struct imap_link *l, struct imap_parse_cursor c)
{
	static const struct {
		const char *name;
		unsigned flag;
	} known[] = {{"IDLE", IMAP_LINK_IDLE}, {"MOVE", IMAP_LINK_MOVE},
		{"UIDPLUS", IMAP_LINK_UIDPLUS}, {"LITERAL+", IMAP_LINK_LITERAL_PLUS},
		{"LITERAL-", IMAP_LINK_LITERAL_PLUS}, {"ESEARCH", IMAP_LINK_ESEARCH},
		{"SPECIAL-USE", IMAP_LINK_SPECIAL_USE}, {"LIST-EXTENDED", IMAP_LINK_LIST_EXTENDED}};
	struct imap_parse_token t;

	l->capabilities = 0;
	while (imap_parse_token_next(&c, &t) == IMAP_TOKEN_ATOM)
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			if (imap_parse_token_is(&t, known[i].name))
				l->capabilities |= known[i].flag;
}

static void on_untagged(struct imap_link *l, const struct imap_parse_response *r)
{
	const struct imap_link_calls *calls = &l->running.calls;

	if (r->status == IMAP_PARSE_BYE) {
		struct err e;
		imap_link_explain(l, r, &e);
		go_down(l, &e);
		return;
	}
	if (r->status == IMAP_PARSE_DATA && strcmp(r->name, "CAPABILITY") == 0) {
		read_capabilities(l, r->data);
		return;
	}
	/* What a forgotten command still brings is not news; these two are in any case. */
	if (l->forgotten && strcmp(r->name, "EXISTS") != 0 && strcmp(r->name, "EXPUNGE") != 0)
		return;
	if (calls->data != NULL && calls->data(calls->arg, r))
		return;
	if (!l->freed)
		l->ev.data(l->ev.arg, r);
}

static void on_continue(struct imap_link *l)
{
	if (l->state == IDLE_ASKED) {
		set_state(l, IDLING);
		if (l->waiting || !l->listening)
			end_idle(l);
	} else if (l->state == RUNNING && l->running.sent < l->running.write.out.len) {
		send_part(l);
	} else {
		struct err e;
		err_set(&e, ERR_REMOTE, "%s: the server asked for more than there is",
			email_server_name(l->server));
		go_down(l, &e);
	}
}

static void on_tagged(struct imap_link *l, const struct imap_parse_response *r)
{
	char tag[16];

	snprintf(tag, sizeof tag, "S%u", l->tag);
	if (strcmp(tag, r->tag) != 0 || l->state == READY || l->state == IDLING) {
		struct err e;
		err_set(&e, ERR_REMOTE, "%s: the server answered what was not asked",
			email_server_name(l->server));
		go_down(l, &e);
		return;
	}
	if (l->state != RUNNING) {
		/* A refusal of IDLE is remembered; its end as we asked for is nothing to talk about. */
		l->no_idle |= l->state == IDLE_ASKED;
		settle(l);
		return;
	}
	set_state(l, READY);
	l->forgotten = 0;
	end_command(&l->running, r, NULL);
	if (!l->freed && l->state == READY)
		settle(l);
}

static void on_response(struct imap_link *l, const struct imap_parse_response *r)
{
	switch (r->kind) {
	case IMAP_PARSE_UNTAGGED:
		on_untagged(l, r);
		break;
	case IMAP_PARSE_CONTINUE:
		on_continue(l);
		break;
	case IMAP_PARSE_TAGGED:
		on_tagged(l, r);
		break;
	}
}

static void on_bytes(void *arg, const char *bytes, size_t len)
{
	CAST(imap_link, l, arg, LINK_MAGIC);
	struct imap_parse_response r;
	struct err e;
	int rc = 1;

	imap_parse_add(&l->parse, bytes, len);
	l->heard_ms = platform_now_ms();
	enter(l);
	while (rc > 0 && l->state != DOWN) {
		rc = imap_parse_next(&l->parse, &r, &e);
		if (rc > 0)
			on_response(l, &r);
	}
	if (rc < 0) {
		err_prefix(&e, "%s", email_server_name(l->server));
		go_down(l, &e);
	}
	leave(l);
}

/* --- the connection --------------------------------------------------------------------------------------------- */

static void on_capability(void *arg, const struct imap_parse_response *r, const struct err *e)
{
	CAST(imap_link, l, arg, LINK_MAGIC);

	UNUSED(e);
	if (r != NULL)
		l->ev.up(l->ev.arg);
}

static void on_up(void *arg)
{
	CAST(imap_link, l, arg, LINK_MAGIC);
	const struct imap_link_calls calls = {.done = on_capability, .arg = l};
	struct imap_write w = {0};

	l->state = READY;
	imap_write_add(&w, "CAPABILITY\r\n");
	imap_link_run(l, &w, &calls);
}

static void on_down(void *arg, const struct err *why)
{
	CAST(imap_link, l, arg, LINK_MAGIC);

	go_down(l, why);
}

static void on_timer(void *arg)
{
	CAST(imap_link, l, arg, LINK_MAGIC);
	uint64_t patience = patience_ms(l), silent = platform_now_ms() - l->heard_ms;
	struct err e;

	l->timer = NULL;
	if (l->state == IDLING) {
		end_idle(l);
	} else if (l->state == READY) {
		set_state(l, ENDING);
		send_tagged(l, "NOOP\r\n");
	} else if (silent < patience && !l->forgotten) {
		l->timer = psession_timer(l->ps, patience - silent, on_timer, l);
	} else {
		err_set(&e, ERR_TIMEOUT, "%s: the server did not answer in time",
			email_server_name(l->server));
		go_down(l, &e);
	}
}

struct imap_link *imap_link_new(struct psession *ps, const struct email_server *server,
	const struct imap_settings *settings, const struct imap_link_events *ev)
{
	const struct email_wire_events events = {.up = on_up, .bytes = on_bytes, .down = on_down};
	const struct imap_parse_limits limits = {
		.line_bytes = LINE_BYTES, .literal_bytes = settings->max_bytes};
	struct imap_link *l = mem_alloc(sizeof *l);
	struct email_wire_events with_arg = events;

	l->magic = LINK_MAGIC;
	l->ps = ps;
	l->server = server;
	l->settings = settings;
	l->ev = *ev;
	l->no_idle = settings->no_idle;
	imap_parse_init(&l->parse, &limits);
	with_arg.arg = l;
	l->wire = email_wire_new(ps, server, &with_arg);
	return l;
}
