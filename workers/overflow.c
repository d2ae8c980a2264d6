/* SPDX-License-Identifier: MIT */
#include "workers/overflow.h"

#include <string.h>
#include <uthash.h>

#include "core/mem.h"

struct overflow {
	struct session_ref session;
	uint64_t until_ms;
	size_t dropped;
	UT_hash_handle hh;
};

int overflow_refused(struct overflow **list, const struct session_ref *s, uint64_t now_ms)
{
	struct overflow *o;

	if (overflow_drops(*list, s))
		return 0;
	o = mem_alloc(sizeof *o);
	o->session = *s;
	o->until_ms = now_ms + OVERFLOW_MS;
	HASH_ADD_KEYPTR(hh, *list, o->session.h, strlen(o->session.h), o);
	return 1;
}

int overflow_drops(struct overflow *list, const struct session_ref *s)
{
	struct overflow *o;

	HASH_FIND(hh, list, s->h, strlen(s->h), o);
	if (o == NULL)
		return 0;
	o->dropped++;
	return 1;
}

static void forget(struct overflow **list, struct overflow *o)
{
	HASH_DEL(*list, o);
	mem_free(o);
}

void overflow_sweep(struct overflow **list, uint64_t now_ms, overflow_fn *fn, void *arg)
{
	struct overflow *o, *next;

	HASH_ITER (hh, *list, o, next) {
		if (o->until_ms > now_ms)
			return; /* they are in the order of their times */
		if (o->dropped > 0)
			fn(arg, &o->session, o->dropped);
		forget(list, o);
	}
}

void overflow_clear(struct overflow **list)
{
	struct overflow *o, *next;

	HASH_ITER (hh, *list, o, next)
		forget(list, o);
}
