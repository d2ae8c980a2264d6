/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap.h"

#include <string.h>

#include "core/mem.h"
#include "platforms/email/email_server.h"
#include "platforms/email/imap_op.h"
#include "platforms/email/imap_select.h"
#include "platforms/platform.h"

#define IMAP_MAGIC   0x696d6170u
#define NEXT_TURN_MS 1
#define MIN_BYTES    ((size_t)96 << 10)

enum imap_state { CONNECTING, ONLINE, OFFLINE };

/* What the command that runs is for. */
enum phase { NOTHING, SELECTING, REFRESHING, STEPPING };

struct imap {
	unsigned magic;
	struct psession *ps;
	const struct email_server *server;
	struct imap_settings settings;
	struct imap_events ev;
	struct imap_link *link;
	enum imap_state state;
	struct err why; /* OFFLINE */
	struct platform_timer *timer;
	/* operations: the first is the one that runs, if one does */
	struct imap_op *first;
	struct imap_op *graveyard;
	enum phase phase;
	struct imap_select select;
	/* what is watched */
	char *watched; /* NULL: nothing */
	uint32_t watched_validity;
	struct imap_calls watcher;
	int told;        /* that there may be something new */
	int busy, freed; /* a callback runs: the memory stays until it returns */
};

static void pump(struct imap *im);

/* --- operations ------------------------------------------------------------------------------------------------- */

static void on_next_turn(void *arg);

static void next_turn(struct imap *im)
{
	if (im->timer == NULL)
		im->timer = psession_timer(im->ps, NEXT_TURN_MS, on_next_turn, im);
}

static void bury(struct imap *im, struct imap_op *op)
{
	struct imap_op **at = &im->first;

	while (*at != op)
		at = &(*at)->next;
	*at = op->next;
	op->gone = 1;
	op->next = im->graveyard;
	im->graveyard = op;
}

static void append(struct imap *im, struct imap_op *op)
{
	struct imap_op **at = &im->first;

	while (*at != NULL)
		at = &(*at)->next;
	op->im = im;
	*at = op;
}

struct imap_op *imap_op_queue(struct imap *im, struct imap_op *op)
{
	append(im, op);
	if (op == im->first)
		next_turn(im);
	return op;
}

/* A response may have several literals, and one byte more than wanted is asked for. */
size_t imap_op_max_bytes(const struct imap *im)
{
	return im->settings.max_bytes - 1;
}

unsigned imap_op_has(const struct imap_op *op)
{
	return imap_link_has(op->im->link);
}

const struct imap_folder *imap_op_folder(const struct imap_op *op)
{
	return &op->im->select.folder;
}

/* The end of an operation. `e` NULL: it succeeded. */
static void finish(struct imap *im, struct imap_op *op, const struct err *e)
{
	static const struct err none;

	if (op->ready)
		op->result.folder = &im->select.folder;
	im->phase = NOTHING;
	bury(im, op);
	op->calls.done(op->calls.arg, &op->result, e != NULL ? e : &none);
}

/* The folder of `op` is selected, and for what it wants to do. */
static int is_selected(const struct imap *im, const struct imap_op *op)
{
	return imap_select_is(&im->select, op->folder) &&
	       (op->kind->need != IMAP_OP_WRITE || im->select.for_writing);
}

static int check_folder(const struct imap *im, const struct imap_op *op, struct err *e)
{
	return imap_select_check(&im->select, op->uid_validity, op->kind->need == IMAP_OP_WRITE, e);
}

static void forget_folder(struct imap *im)
{
	imap_select_clear(&im->select);
	im->told = 0;
}

/* --- callbacks -------------------------------------------------------------------------------------------------- */

static void empty_graveyard(struct imap *im)
{
	while (im->graveyard != NULL) {
		struct imap_op *op = im->graveyard;
		im->graveyard = op->next;
		imap_op_free(op);
	}
}

static void release(struct imap *im)
{
	while (im->first != NULL)
		bury(im, im->first);
	empty_graveyard(im);
	forget_folder(im);
	mem_free(im->watched);
	im->magic = 0;
	mem_free(im);
}

static void enter(struct imap *im)
{
	im->busy++;
}

/* 1 when the callback has freed it: only the caller may still hold the memory, if it entered, too. */
static int leave(struct imap *im)
{
	int freed = im->freed;

	if (--im->busy > 0)
		return freed;
	if (freed)
		release(im);
	else
		empty_graveyard(im);
	return freed;
}

/* --- running ---------------------------------------------------------------------------------------------------- */

static int on_op_data(void *arg, const struct imap_parse_response *r);
static void on_op_done(void *arg, const struct imap_parse_response *r, const struct err *e);

static void command(struct imap *im, enum phase phase, struct imap_write *w)
{
	const struct imap_link_calls calls = {.data = on_op_data, .done = on_op_done, .arg = im};

	im->phase = phase;
	imap_link_run(im->link, w, &calls);
}

/* The command that makes the folder ready for `op`; 0: none is needed. */
static int write_select(struct imap *im, struct imap_op *op, struct imap_write *w, struct err *e)
{
	if (is_selected(im, op)) {
		im->phase = REFRESHING;
		if (op->kind->need != IMAP_OP_FRESH)
			return 0;
		imap_write_add(w, "NOOP");
	} else {
		im->phase = SELECTING;
		forget_folder(im);
		imap_link_listen(im->link, 0);
		imap_select_begin(&im->select, op->folder, op->kind->need == IMAP_OP_WRITE);
		imap_write_add(w, im->select.for_writing ? "SELECT " : "EXAMINE ");
		imap_write_mailbox(w, op->folder);
	}
	return imap_write_end(w, e) < 0 ? -1 : 1;
}

static int get_ready(struct imap *im, struct imap_op *op, struct imap_write *w, struct err *e)
{
	int rc;

	if (op->ready || op->kind->need == IMAP_OP_NO_FOLDER)
		return 0;
	rc = write_select(im, op, w, e);
	if (rc < 0)
		forget_folder(im);
	if (rc != 0)
		return rc;
	op->ready = 1;
	return check_folder(im, op, e) < 0 ? -1 : 0;
}

/* The first operation's next command, or its end. */
static void run(struct imap *im, struct imap_op *op)
{
	struct imap_write w = {
		.literal_plus = (imap_link_has(im->link) & IMAP_LINK_LITERAL_PLUS) != 0};
	struct err e;
	int rc = get_ready(im, op, &w, &e);

	if (rc == 0) {
		im->phase = STEPPING;
		rc = op->kind->step(op, &w, &e);
	}
	if (rc > 0)
		command(im, im->phase, &w);
	else
		finish(im, op, rc < 0 ? &e : NULL);
	imap_write_release(&w);
}

static void explain(struct imap *im, const struct imap_op *op, const struct imap_parse_response *r,
	struct err *e)
{
	const char *folder = im->phase == STEPPING && op->to != NULL ? op->to : op->folder;
	char name[120];

	imap_link_explain(im->link, r, e);
	if (folder == NULL)
		return;
	email_server_text(name, sizeof name, folder, strlen(folder));
	err_prefix(e, "folder %s", name);
}

static void on_selected(struct imap *im, struct imap_op *op, const struct imap_parse_response *r)
{
	struct err e;

	imap_select_note(&im->select, r);
	op->ready = 1;
	if (check_folder(im, op, &e) < 0)
		finish(im, op, &e);
}

static void on_op_done(void *arg, const struct imap_parse_response *r, const struct err *e)
{
	CAST(imap, im, arg, IMAP_MAGIC);
	struct imap_op *op = im->first;
	struct err no;

	UNUSED(e);
	if (r == NULL) /* on_down() follows */
		return;
	enter(im);
	if (r->status != IMAP_PARSE_OK) {
		explain(im, op, r, &no);
		if (im->phase == SELECTING)
			forget_folder(im);
		finish(im, op, &no);
	} else if (im->phase == STEPPING) {
		if (op->kind->ok != NULL)
			op->kind->ok(op, r);
		op->step++;
	} else {
		on_selected(im, op, r);
	}
	im->phase = NOTHING;
	pump(im);
	leave(im);
}

static int on_op_data(void *arg, const struct imap_parse_response *r)
{
	CAST(imap, im, arg, IMAP_MAGIC);
	struct imap_op *op = im->first;
	int claimed;

	if (im->phase == SELECTING) {
		imap_select_note(&im->select, r);
		return 1;
	}
	if (im->phase != STEPPING || op->kind->data == NULL)
		return 0;
	enter(im);
	claimed = op->kind->data(op, r);
	return leave(im) || claimed;
}

/* --- news ------------------------------------------------------------------------------------------------------- */

static int is_watching(const struct imap *im)
{
	return im->watched != NULL && imap_select_is(&im->select, im->watched);
}

static void tell(struct imap *im, const struct imap_news *news)
{
	if (im->ev.news != NULL && is_watching(im))
		im->ev.news(im->ev.arg, news);
}

static void tell_flags(struct imap *im, const struct imap_parse_response *r)
{
	struct imap_news news = {.kind = IMAP_NEWS_FLAGS, .n = r->number};
	struct imap_parse_data_fetch d;

	if (imap_parse_data_fetch(r->data, &d) < 0 || !d.has_flags)
		return;
	news.uid = d.uid;
	news.flags = d.flags.flags;
	tell(im, &news);
}

static void on_data(void *arg, const struct imap_parse_response *r)
{
	CAST(imap, im, arg, IMAP_MAGIC);
	struct imap_news news = {.n = r->number};

	enter(im);
	imap_select_note(&im->select, r);
	if (r->status != IMAP_PARSE_DATA) {
		leave(im);
		return;
	}
	if (strcmp(r->name, "EXISTS") == 0) {
		news.kind = IMAP_NEWS_EXISTS;
		tell(im, &news);
	} else if (strcmp(r->name, "EXPUNGE") == 0) {
		news.kind = IMAP_NEWS_EXPUNGE;
		tell(im, &news);
	} else if (strcmp(r->name, "FETCH") == 0) {
		tell_flags(im, r);
	}
	leave(im);
}

static void end_watch(struct imap *im, const struct err *e)
{
	static const struct imap_result nothing;
	struct imap_calls calls = im->watcher;

	if (im->watched == NULL)
		return;
	mem_free(im->watched);
	im->watched = NULL;
	im->watcher = (struct imap_calls){0};
	if (calls.done != NULL)
		calls.done(calls.arg, &nothing, e);
}

static void on_watch_selected(void *arg, const struct imap_result *r, const struct err *e)
{
	CAST(imap, im, arg, IMAP_MAGIC);

	UNUSED(r);
	if (e->code != ERR_NONE && im->state != OFFLINE)
		end_watch(im, e);
}

static int nothing_to_do(struct imap_op *op, struct imap_write *w, struct err *e)
{
	UNUSED(op);
	UNUSED(w);
	UNUSED(e);
	return 0;
}

/* No operation is queued: back to the watched folder, and listen there. */
static void watch(struct imap *im)
{
	static const struct imap_op_kind kind = {
		.what = "IDLE", .need = IMAP_OP_READ, .step = nothing_to_do};
	const struct imap_where where = {im->watched, im->watched_validity};
	const struct imap_calls calls = {.done = on_watch_selected, .arg = im};
	struct imap_news news = {.kind = IMAP_NEWS_EXISTS, .n = im->select.folder.exists};
	struct err e;

	if (im->watched == NULL) {
		imap_link_listen(im->link, 0);
	} else if (!is_watching(im)) {
		append(im, imap_op_new(&kind, &where, &calls));
	} else if (imap_select_check(&im->select, im->watched_validity, 0, &e) < 0) {
		imap_link_listen(im->link, 0);
		end_watch(im, &e);
	} else {
		imap_link_listen(im->link, 1);
		if (!im->told) {
			im->told = 1;
			tell(im, &news);
		}
	}
}

/* Does what can be done now, until a command is under way. */
static void pump(struct imap *im)
{
	while (!im->freed && im->state == ONLINE && im->phase == NOTHING) {
		if (im->first == NULL)
			watch(im);
		if (im->freed || im->first == NULL)
			return;
		run(im, im->first);
	}
}

/* --- life and death --------------------------------------------------------------------------------------------- */

void imap_free(struct imap **imp)
{
	struct imap *im = *imp;

	*imp = NULL;
	if (im == NULL)
		return;
	imap_link_free(&im->link);
	platform_timer_free(&im->timer);
	im->state = OFFLINE;
	im->freed = 1;
	if (im->busy == 0)
		release(im);
}

static void on_up(void *arg)
{
	CAST(imap, im, arg, IMAP_MAGIC);

	enter(im);
	im->state = ONLINE;
	if (im->ev.online != NULL)
		im->ev.online(im->ev.arg);
	pump(im);
	leave(im);
}

static void fail_all(struct imap *im)
{
	while (!im->freed && im->first != NULL)
		finish(im, im->first, &im->why);
}

static void on_down(void *arg, const struct err *why)
{
	CAST(imap, im, arg, IMAP_MAGIC);

	enter(im);
	im->state = OFFLINE;
	im->why = *why;
	imap_link_free(&im->link);
	fail_all(im);
	if (!im->freed)
		end_watch(im, &im->why);
	if (!im->freed)
		im->ev.offline(im->ev.arg, &im->why);
	leave(im);
}

static void on_next_turn(void *arg)
{
	CAST(imap, im, arg, IMAP_MAGIC);

	im->timer = NULL;
	enter(im);
	if (im->state == OFFLINE)
		fail_all(im);
	pump(im);
	leave(im);
}

static void fill_in(struct imap_settings *s)
{
	if (s->timeout_ms == 0)
		s->timeout_ms = 30000;
	if (s->idle_ms == 0)
		s->idle_ms = 29 * 60 * 1000;
	if (s->poll_ms == 0)
		s->poll_ms = 60000;
	if (s->max_bytes == 0)
		s->max_bytes = (size_t)64 << 20;
	s->max_bytes = MIN(MAX(s->max_bytes, MIN_BYTES), INT32_MAX);
}

struct imap *imap_new(struct psession *ps, const struct email_server *server,
	const struct imap_settings *settings, const struct imap_events *events)
{
	struct imap *im = mem_alloc(sizeof *im);
	const struct imap_link_events ev = {
		.up = on_up, .data = on_data, .down = on_down, .arg = im};

	im->magic = IMAP_MAGIC;
	im->ps = ps;
	im->server = server;
	im->settings = *settings;
	fill_in(&im->settings);
	im->ev = *events;
	im->link = imap_link_new(ps, server, &im->settings, &ev);
	return im;
}

int imap_is_online(const struct imap *im)
{
	return im->state == ONLINE;
}

int imap_is_idle(const struct imap *im)
{
	return im->first == NULL;
}

void imap_pause(struct imap *im, int paused)
{
	if (im->link != NULL)
		imap_link_pause(im->link, paused);
}

void imap_cancel(struct imap_op **opp)
{
	struct imap_op *op = *opp;
	struct imap *im;

	*opp = NULL;
	if (op == NULL || op->gone)
		return;
	im = op->im;
	enter(im);
	if (op == im->first && im->phase != NOTHING) {
		/* Which folder is selected is not known before the server has answered. */
		if (im->phase == SELECTING)
			forget_folder(im);
		imap_link_forget(im->link);
		im->phase = NOTHING;
		next_turn(im);
	}
	bury(im, op);
	leave(im);
}

void imap_watch(struct imap *im, const struct imap_where *where, const struct imap_calls *calls)
{
	mem_free(im->watched);
	im->watched = where != NULL ? mem_strdup(where->folder) : NULL;
	im->watched_validity = where != NULL ? where->uid_validity : 0;
	im->watcher = where != NULL ? *calls : (struct imap_calls){0};
	im->told = 0;
	next_turn(im);
}
