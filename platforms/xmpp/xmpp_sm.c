/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_sm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

struct xmpp_sm_item {
	struct xmpp_sm_item *next;
	char *text;
};

void xmpp_sm_init(struct xmpp_sm *sm, xmpp_ctx_t *ctx)
{
	memset(sm, 0, sizeof *sm);
	sm->ctx = ctx;
}

static void drop_first(struct xmpp_sm *sm)
{
	struct xmpp_sm_item *item = sm->first;

	sm->first = item->next;
	if (sm->first == NULL)
		sm->last = NULL;
	sm->n_unacked--;
	xmpp_free(sm->ctx, item->text);
	mem_free(item);
}

void xmpp_sm_clear(struct xmpp_sm *sm)
{
	uint64_t came = sm->came, taken = sm->taken;

	while (sm->first != NULL)
		drop_first(sm);
	mem_free(sm->id);
	mem_free(sm->full_jid);
	xmpp_sm_init(sm, sm->ctx);
	sm->came = came;
	sm->taken = taken;
}

void xmpp_sm_begin(struct xmpp_sm *sm, const char *full_jid)
{
	xmpp_sm_clear(sm);
	sm->counting = 1;
	sm->full_jid = mem_strdup(full_jid);
}

void xmpp_sm_enabled(struct xmpp_sm *sm, const char *id)
{
	sm->enabled = 1;
	sm->base = sm->confirmed = sm->came;
	/* What came before is not the business of this session. */
	xmpp_sm_took(sm, sm->base);
	mem_free(sm->id);
	sm->id = mem_strdup(id);
}

void xmpp_sm_connected(struct xmpp_sm *sm)
{
	sm->enabled = 0;
	sm->asked = 0;
	sm->owed = 0;
}

uint32_t xmpp_sm_resume(struct xmpp_sm *sm)
{
	xmpp_sm_took(sm, sm->came);
	return xmpp_sm_confirm(sm);
}

void xmpp_sm_took(struct xmpp_sm *sm, uint64_t n)
{
	sm->taken = MAX(sm->taken, n);
}

uint32_t xmpp_sm_confirm(struct xmpp_sm *sm)
{
	sm->confirmed = sm->taken;
	return (uint32_t)(sm->taken - sm->base);
}

void xmpp_sm_sent(struct xmpp_sm *sm, char *text)
{
	struct xmpp_sm_item *item;

	if (!sm->counting) {
		xmpp_free(sm->ctx, text);
		return;
	}
	item = mem_alloc(sizeof *item);
	item->text = text;
	if (sm->last != NULL)
		sm->last->next = item;
	else
		sm->first = item;
	sm->last = item;
	sm->n_unacked++;
}

int xmpp_sm_acked(struct xmpp_sm *sm, const char *h)
{
	char *end = NULL;
	unsigned long value;
	uint32_t n;

	if (h == NULL || *h < '0' || *h > '9')
		return -1;
	errno = 0;
	value = strtoul(h, &end, 10);
	if (errno != 0 || *end != '\0' || value > UINT32_MAX)
		return -1;
	n = (uint32_t)value - sm->acked;
	if (n > sm->n_unacked)
		return -1;
	sm->acked += n;
	while (n-- > 0)
		drop_first(sm);
	return 0;
}

void xmpp_sm_each(const struct xmpp_sm *sm, void (*fn)(void *arg, const char *text), void *arg)
{
	for (const struct xmpp_sm_item *item = sm->first; item != NULL; item = item->next)
		fn(arg, item->text);
}
