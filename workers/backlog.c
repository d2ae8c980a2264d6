/* SPDX-License-Identifier: MIT */
#include "workers/backlog.h"

#include <assert.h>
#include <utlist.h>

#include "core/mem.h"

struct backlog_source {
	struct backlog *backlog; /* NULL: the instance is gone */
	size_t bytes;
	int held;
	backlog_fn *fn;
	void *arg;
	struct backlog_source *prev, *next; /* in backlog.held */
};

static int is_too_much(const struct backlog_source *s)
{
	return s->bytes > BACKLOG_SOURCE_MAX ||
	       (s->backlog->bytes > BACKLOG_ALL_MAX && s->bytes > BACKLOG_SMALL_SHARE);
}

/* Half of each bound, so that it does not go to and fro with every message. */
static int is_little(const struct backlog_source *s)
{
	return s->bytes <= BACKLOG_SMALL_SHARE / 2 ||
	       (s->bytes <= BACKLOG_SOURCE_MAX / 2 && s->backlog->bytes <= BACKLOG_ALL_MAX / 2);
}

struct backlog_source *backlog_source_new(struct backlog *b, backlog_fn *fn, void *arg)
{
	struct backlog_source *s = mem_alloc(sizeof *s);

	*s = (struct backlog_source){.backlog = b, .fn = fn, .arg = arg};
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
	if (s->bytes == 0)
		mem_free(s);
}

void backlog_add(struct backlog *b, struct backlog_source *s, size_t n)
{
	b->bytes += n;
	if (s == NULL)
		return;
	s->bytes += n;
	if (s->backlog == NULL || s->held || !is_too_much(s))
		return;
	s->held = 1;
	DL_APPEND(b->held, s);
	s->fn(s->arg, 1);
}

void backlog_source_forget(struct backlog_source *s, size_t n)
{
	if (s == NULL)
		return;
	assert(s->bytes >= n);
	s->bytes -= n;
	if (s->bytes == 0 && s->backlog == NULL)
		mem_free(s);
}

void backlog_remove(struct backlog *b, struct backlog_source *s, size_t n)
{
	struct backlog_source *held, *next;

	assert(b->bytes >= n);
	b->bytes -= n;
	backlog_source_forget(s, n);
	DL_FOREACH_SAFE (b->held, held, next) {
		if (!is_little(held))
			continue;
		held->held = 0;
		DL_DELETE(b->held, held);
		held->fn(held->arg, 0);
	}
}
