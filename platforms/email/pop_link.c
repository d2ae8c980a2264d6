/* SPDX-License-Identifier: MIT */
#include "platforms/email/pop_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_server.h"
#include "platforms/email/email_wire.h"
#include "platforms/email/pop_parse.h"
#include "platforms/platform.h"

#define POP_MAGIC   0x706f706cu
#define ENTRY_BYTES 96 /* of a line of UIDL */
/* POP3 can not end a transfer but by closing: so much more than wanted is read and dropped. */
#define DROP_BYTES ((size_t)256 << 20)

enum pop_verb { POP_LIST, POP_UIDL, POP_TOP, POP_RETR, POP_DELE, POP_QUIT };

struct op {
	struct op *next;
	enum pop_verb verb; /* UIDL follows LIST */
	uint32_t number;
	size_t max_bytes;
	pop_link_done_fn *done; /* NULL: forgotten */
	void *arg;
};

enum pop_state { CONNECTING, READY, STATUS, DATA, DOWN };

struct pop_link {
	unsigned magic;
	struct psession *ps;
	const struct email_server *server;
	struct pop_link_settings settings;
	struct pop_link_events ev;
	struct email_wire *wire;
	enum pop_state state;
	struct op *first; /* the one that runs, unless READY */
	struct pop_parse parse;
	struct buf data;
	struct pop_link_entry *entries;
	size_t n_entries, total;
	struct platform_timer *timer;
	uint64_t heard_ms;
	int busy, freed; /* as in email_wire */
};

/* --- life and death --------------------------------------------------------------------------------------------- */

static void release(struct pop_link *l)
{
	while (l->first != NULL) {
		struct op *op = l->first;
		l->first = op->next;
		mem_free(op);
	}
	pop_parse_release(&l->parse);
	buf_release(&l->data);
	mem_free(l->entries);
	l->magic = 0;
	mem_free(l);
}

void pop_link_free(struct pop_link **link)
{
	struct pop_link *l = *link;

	*link = NULL;
	if (l == NULL)
		return;
	email_wire_free(&l->wire);
	platform_timer_free(&l->timer);
	l->state = DOWN;
	l->freed = 1;
	if (l->busy == 0)
		release(l);
}

static void enter(struct pop_link *l)
{
	l->busy++;
}

static void leave(struct pop_link *l)
{
	if (--l->busy == 0 && l->freed)
		release(l);
}

/* The first operation has ended. `e` NULL: well. */
static void finish(struct pop_link *l, struct pop_link_result *r, const struct err *e)
{
	static const struct err none;
	struct pop_link_result nothing = {0};
	struct op *op = l->first;

	l->first = op->next;
	if (op->done != NULL)
		op->done(op->arg, r != NULL ? r : &nothing, e != NULL ? e : &none);
	mem_free(op);
}

/* The connection is gone. Whether a QUIT that was under way has deleted anything is not known. */
static void go_down(struct pop_link *l, const struct err *why)
{
	struct err e = *why, unknown;
	int asked = l->state == STATUS && l->first != NULL && l->first->verb == POP_QUIT;

	l->state = DOWN;
	email_wire_free(&l->wire);
	platform_timer_free(&l->timer);
	enter(l);
	if (asked) {
		err_set(&unknown, ERR_UNKNOWN_OUTCOME,
			"%s, so mails may or may not have been deleted", e.text);
		finish(l, NULL, &unknown);
	}
	while (!l->freed && l->first != NULL)
		finish(l, NULL, &e);
	if (!l->freed)
		l->ev.offline(l->ev.arg, &e);
	leave(l);
}

static void fail(struct pop_link *l, enum err_code code, const char *what)
{
	struct err e;

	err_set(&e, code, "%s: %s", email_server_name(l->server), what);
	go_down(l, &e);
}

/* --- deadlines -------------------------------------------------------------------------------------------------- */

static void on_timer(void *arg)
{
	CAST(pop_link, l, arg, POP_MAGIC);
	uint64_t silent = platform_now_ms() - l->heard_ms;

	l->timer = NULL;
	if (silent < l->settings.timeout_ms)
		l->timer = psession_timer(l->ps, l->settings.timeout_ms - silent, on_timer, l);
	else
		fail(l, ERR_TIMEOUT, "the server did not answer in time");
}

/* --- asking ----------------------------------------------------------------------------------------------------- */

static void send_command(struct pop_link *l)
{
	static const char *const verbs[] = {"LIST", "UIDL", "TOP", "RETR", "DELE", "QUIT"};
	const struct op *op = l->first;
	char text[64];
	int n;

	if (op->verb == POP_TOP)
		n = snprintf(text, sizeof text, "TOP %u 0\r\n", op->number);
	else if (op->number > 0)
		n = snprintf(text, sizeof text, "%s %u\r\n", verbs[op->verb], op->number);
	else
		n = snprintf(text, sizeof text, "%s\r\n", verbs[op->verb]);
	l->state = STATUS;
	pop_parse_begin(&l->parse);
	buf_clear(&l->data);
	l->heard_ms = platform_now_ms();
	platform_timer_free(&l->timer);
	l->timer = psession_timer(l->ps, l->settings.timeout_ms, on_timer, l);
	email_wire_write(l->wire, text, (size_t)n);
}

static void settle(struct pop_link *l)
{
	if (l->freed || l->state == DOWN)
		return;
	l->state = READY;
	platform_timer_free(&l->timer);
	if (l->first != NULL)
		send_command(l);
}

static void queue(struct pop_link *l, struct op op, pop_link_done_fn *done, void *arg)
{
	struct op *copy = mem_alloc(sizeof *copy), **at = &l->first;

	op.done = done;
	op.arg = arg;
	*copy = op;
	while (*at != NULL)
		at = &(*at)->next;
	*at = copy;
	if (l->state == READY)
		send_command(l);
}

void pop_link_list(struct pop_link *l, pop_link_done_fn *done, void *arg)
{
	queue(l,
		(struct op){
			.verb = POP_LIST, .max_bytes = (l->settings.max_mails + 1) * ENTRY_BYTES},
		done, arg);
}

void pop_link_head(
	struct pop_link *l, uint32_t number, size_t max_bytes, pop_link_done_fn *done, void *arg)
{
	queue(l, (struct op){.verb = POP_TOP, .number = number, .max_bytes = max_bytes}, done, arg);
}

void pop_link_mail(
	struct pop_link *l, uint32_t number, size_t max_bytes, pop_link_done_fn *done, void *arg)
{
	queue(l, (struct op){.verb = POP_RETR, .number = number, .max_bytes = max_bytes}, done,
		arg);
}

void pop_link_delete(struct pop_link *l, uint32_t number, pop_link_done_fn *done, void *arg)
{
	queue(l, (struct op){.verb = POP_DELE, .number = number}, done, arg);
}

void pop_link_quit(struct pop_link *l, pop_link_done_fn *done, void *arg)
{
	queue(l, (struct op){.verb = POP_QUIT}, done, arg);
}

void pop_link_forget(struct pop_link *l, void *arg)
{
	for (struct op *op = l->first; op != NULL; op = op->next)
		if (op->arg == arg)
			op->done = NULL;
}

/* --- listing ---------------------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const struct pop_link_entry *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static struct pop_link_entry *entry_of(struct pop_link *l, uint32_t number)
{
	const struct pop_link_entry key = {.number = number};

	if (l->n_entries == 0)
		return NULL;
	return bsearch(&key, l->entries, l->n_entries, sizeof key, by_number);
}

/* RFC 1939, 7: 1 to 70 characters from 0x21 to 0x7E; others are none. */
static void set_uid(struct pop_link_entry *entry, const struct pop_parse_entry *p)
{
	if (p->len >= sizeof entry->uid)
		return;
	for (size_t i = 0; i < p->len; i++)
		if (p->text[i] < '!' || p->text[i] > '~')
			return;
	memcpy(entry->uid, p->text, p->len);
	entry->uid[p->len] = '\0';
}

/* LIST makes the entries. */
static void read_sizes(struct pop_link *l)
{
	const char *at = buf_str(&l->data), *end = at + l->data.len;
	struct pop_parse_entry p;
	size_t cap = 0;

	l->n_entries = l->total = 0;
	while (at < end) {
		if (pop_parse_entry(&at, end, &p) < 0)
			continue;
		l->total++;
		if (l->n_entries == l->settings.max_mails)
			continue;
		if (l->n_entries == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			l->entries = mem_realloc(l->entries, cap * sizeof *l->entries);
		}
		l->entries[l->n_entries++] = (struct pop_link_entry){
			.number = p.number, .size = strtoull(p.text, NULL, 10)};
	}
	if (l->n_entries > 0)
		qsort(l->entries, l->n_entries, sizeof *l->entries, by_number);
}

static void read_uids(struct pop_link *l)
{
	const char *at = buf_str(&l->data), *end = at + l->data.len;
	struct pop_link_entry *entry;
	struct pop_parse_entry p;

	while (at < end)
		if (pop_parse_entry(&at, end, &p) == 0 && (entry = entry_of(l, p.number)) != NULL)
			set_uid(entry, &p);
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

static int is_locked(const char *text)
{
	static const char *const words[] = {
		"[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]", "locked", "in use"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasestr(text, words[i]) != NULL)
			return 1;
	return 0;
}

/* -ERR: there are no codes for what happens after login but in words. */
static void refuse(struct pop_link *l)
{
	static const char *const unknown[] = {
		"unknown", "unrecognized", "not supported", "not implemented", "invalid command"};
	const struct op *op = l->first;
	enum err_code code = op->number > 0 ? ERR_NOT_FOUND : ERR_REMOTE;
	char text[200];
	struct err e;

	email_server_text(
		text, sizeof text, pop_parse_words(&l->parse), strlen(pop_parse_words(&l->parse)));
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		if (strcasestr(text, unknown[i]) != NULL)
			code = ERR_UNSUPPORTED;
	if (is_locked(text))
		code = ERR_BUSY;
	err_set(&e, code, "%s: %s", email_server_name(l->server),
		text[0] != '\0' ? text : "the server refused");
	finish(l, NULL, &e);
}

static void end_list(struct pop_link *l)
{
	struct pop_link_result r = {
		.entries = l->entries, .n_entries = l->n_entries, .total = l->total};

	finish(l, &r, NULL);
	mem_free(l->entries);
	l->entries = NULL;
	l->n_entries = 0;
}

static void end_mail(struct pop_link *l)
{
	struct pop_link_result r = {
		.bytes = &l->data, .truncated = l->parse.seen > l->first->max_bytes};

	finish(l, &r, NULL);
	buf_release(&l->data);
}

/* The data of the first operation is complete. */
static void on_data_end(struct pop_link *l)
{
	struct op *op = l->first;

	if (op->verb == POP_LIST) {
		read_sizes(l);
		op->verb = POP_UIDL;
	} else if (op->verb == POP_UIDL) {
		read_uids(l);
		end_list(l);
	} else {
		end_mail(l);
	}
	settle(l);
}

static void on_quit(struct pop_link *l)
{
	l->state = DOWN;
	email_wire_free(&l->wire);
	platform_timer_free(&l->timer);
	finish(l, NULL, NULL);
}

static void on_status(struct pop_link *l)
{
	enum pop_verb verb = l->first->verb;

	if (!pop_parse_is_ok(&l->parse)) {
		if (verb == POP_UIDL)
			end_list(l); /* without UIDs */
		else
			refuse(l);
		settle(l);
	} else if (verb == POP_QUIT) {
		on_quit(l);
	} else if (verb == POP_DELE) {
		finish(l, NULL, NULL);
		settle(l);
	} else {
		l->state = DATA;
	}
}

static void read_status(struct pop_link *l, const char **bytes, size_t *len)
{
	int rc = pop_parse_status(&l->parse, bytes, len);

	if (rc < 0)
		fail(l, ERR_TOO_LARGE, "the server sent a longer line than is accepted");
	else if (rc > 0)
		on_status(l);
}

static void read_data(struct pop_link *l, const char **bytes, size_t *len)
{
	size_t max = l->first->max_bytes;
	int rc = pop_parse_data(&l->parse, bytes, len, &l->data, max);

	if (rc > 0)
		on_data_end(l);
	else if (l->parse.seen > max + DROP_BYTES)
		fail(l, ERR_TOO_LARGE, "the server sent more than is accepted");
}

static void on_bytes(void *arg, const char *bytes, size_t len)
{
	CAST(pop_link, l, arg, POP_MAGIC);

	l->heard_ms = platform_now_ms();
	enter(l);
	while (len > 0 && l->state != DOWN) {
		if (l->state == STATUS)
			read_status(l, &bytes, &len);
		else if (l->state == DATA)
			read_data(l, &bytes, &len);
		else
			fail(l, ERR_REMOTE, "the server answered what was not asked");
	}
	leave(l);
}

/* --- the connection --------------------------------------------------------------------------------------------- */

static void on_up(void *arg)
{
	CAST(pop_link, l, arg, POP_MAGIC);

	enter(l);
	l->state = READY;
	if (l->ev.online != NULL)
		l->ev.online(l->ev.arg);
	if (l->state == READY)
		settle(l);
	leave(l);
}

static void on_down(void *arg, const struct err *why)
{
	CAST(pop_link, l, arg, POP_MAGIC);

	go_down(l, why);
}

struct pop_link *pop_link_new(struct psession *ps, const struct email_server *server,
	const struct pop_link_settings *settings, const struct pop_link_events *events)
{
	struct pop_link *l = mem_alloc(sizeof *l);
	const struct email_wire_events ev = {
		.up = on_up, .bytes = on_bytes, .down = on_down, .arg = l};

	l->magic = POP_MAGIC;
	l->ps = ps;
	l->server = server;
	l->settings = *settings;
	if (l->settings.timeout_ms == 0)
		l->settings.timeout_ms = 30000;
	if (l->settings.max_mails == 0)
		l->settings.max_mails = 100000;
	l->ev = *events;
	l->wire = email_wire_new(ps, server, &ev);
	return l;
}
