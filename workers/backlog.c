/* SPDX-License-Identifier: MIT */
#include "workers/backlog.h"

#include <assert.h>
#include <utlist.h>

#include "core/mem.h"

/* AHEAD: to be set, when the generation of the mark that it replaces is gone. */
enum mark { MARK_NONE, MARK_AHEAD, MARK_SET };

struct backlog_source {
	struct backlog *backlog; /* NULL: the instance is gone */
	size_t of[2];            /* bytes of each generation: they do not leave in their order */
	unsigned generation;     /* that of what is added */
	enum mark mark;
	int held;
	backlog_held_fn *held_fn;
	backlog_gone_fn *gone_fn;
	void *arg;
	struct backlog_source *prev, *next; /* in backlog.held */
};

static size_t waiting(const struct backlog_source *s)
{
	return s->of[0] + s->of[1];
}

static int is_too_much(const struct backlog_source *s)
{
	return waiting(s) > BACKLOG_SOURCE_MAX ||
	       (s->backlog->bytes > BACKLOG_ALL_MAX && waiting(s) > BACKLOG_SMALL_SHARE);
}

/* Half of each bound, so that it does not go to and fro with every message. */
static int is_little(const struct backlog_source *s)
{
	return waiting(s) <= BACKLOG_SMALL_SHARE / 2 ||
	       (waiting(s) <= BACKLOG_SOURCE_MAX / 2 && s->backlog->bytes <= BACKLOG_ALL_MAX / 2);
}

struct backlog_source *backlog_source_new(
	struct backlog *b, backlog_held_fn *held, backlog_gone_fn *gone, void *arg)
{
	struct backlog_source *s = mem_alloc(sizeof *s);

	*s = (struct backlog_source){.backlog = b, .held_fn = held, .gone_fn = gone, .arg = arg};
	return s;
}

void backlog_source_free(struct backlog_source **sp)
{
	struct backlog_source *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	if (s->held)
		DL_DELETE(s->backlog->held, s);
	s->backlog = NULL;
	s->mark = MARK_NONE;
	if (waiting(s) == 0)
		mem_free(s);
}

unsigned backlog_generation(const struct backlog_source *s)
{
	return s != NULL ? s->generation : 0;
}

/* 1: the marked ones are gone. */
static int mark_advance(struct backlog_source *s)
{
	if (s->mark == MARK_AHEAD && s->of[!s->generation] == 0) {
		s->generation = !s->generation;
		s->mark = MARK_SET;
	}
	if (s->mark != MARK_SET || s->of[!s->generation] > 0)
		return 0;
	s->mark = MARK_NONE;
	return 1;
}

int backlog_mark(struct backlog_source *s)
{
	s->mark = MARK_AHEAD;
	return mark_advance(s);
}

void backlog_unmark(struct backlog_source *s)
{
	s->mark = MARK_NONE;
}

void backlog_add(struct backlog *b, struct backlog_source *s, unsigned generation, size_t n)
{
	b->bytes += n;
	if (s == NULL)
		return;
	s->of[generation] += n;
	if (s->backlog == NULL || s->held || !is_too_much(s))
		return;
	s->held = 1;
	DL_APPEND(b->held, s);
	s->held_fn(s->arg, 1);
}

void backlog_source_forget(struct backlog_source *s, unsigned generation, size_t n)
{
	if (s == NULL)
		return;
	assert(s->of[generation] >= n);
	s->of[generation] -= n;
	if (waiting(s) == 0 && s->backlog == NULL)
		mem_free(s);
}

void backlog_remove(struct backlog *b, struct backlog_source *s, unsigned generation, size_t n)
{
	struct backlog_source *held, *next;
	/* One without an instance may be freed with the last of its bytes; it has no mark. */
	int marked = s != NULL && s->mark != MARK_NONE;

	assert(b->bytes >= n);
	b->bytes -= n;
	backlog_source_forget(s, generation, n);
	DL_FOREACH_SAFE (b->held, held, next) {
		if (!is_little(held))
			continue;
		held->held = 0;
		DL_DELETE(b->held, held);
		held->held_fn(held->arg, 0);
	}
	if (marked && mark_advance(s))
		s->gone_fn(s->arg);
}
