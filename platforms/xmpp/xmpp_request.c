/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_request.h"

#include <string.h>
#include <utlist.h>

#include "core/mem.h"
#include "platforms/platform.h"

#define REQUESTS_MAGIC 0x78727173u
/* Deadlines are looked at this often: half a minute is not measured by the millisecond. */
#define SWEEP_MS 500

struct xmpp_requests {
	unsigned magic;
	struct psession *ps;
	struct xmpp_account *account;
	struct platform_timer *sweep; /* NULL while nothing waits */
	struct xmpp_request
		*list; /* in the order of the deadlines, as all wait for the same time */
	uint64_t serial, timeout_ms;
	size_t max, weight;
};

static void unlink_request(struct xmpp_requests *rs, struct xmpp_request *r)
{
	DL_DELETE(rs->list, r);
	rs->weight -= r->weight;
}

static void request_free(struct xmpp_request *r)
{
	mem_free(r->id);
	mem_free(r->to);
	mem_free(r->fence);
	mem_free(r->data);
	mem_free(r);
}

void xmpp_requests_settle(struct xmpp_requests *rs, struct xmpp_request *r,
	const xmpp_stanza_t *answer, const struct err *e)
{
	unlink_request(rs, r);
	r->fn(rs->account, r, answer, e);
	request_free(r);
}

static int waits_for(const struct xmpp_request *r, const char *id)
{
	return strcmp(r->id, id) == 0 || (r->fence != NULL && strcmp(r->fence, id) == 0);
}

/* --- deadlines ------------------------------------------------------------------------------------------------------ */

static void on_sweep(void *arg)
{
	CAST(xmpp_requests, rs, arg, REQUESTS_MAGIC);
	uint64_t now = platform_now_ms();
	struct err e;

	rs->sweep = NULL;
	err_set(&e, ERR_TIMEOUT, "the server did not answer in time");
	while (rs->list != NULL && rs->list->deadline_ms <= now)
		xmpp_requests_settle(rs, rs->list, NULL, &e);
	if (rs->list != NULL && rs->sweep == NULL)
		rs->sweep = psession_timer(rs->ps, SWEEP_MS, on_sweep, rs);
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

struct xmpp_requests *xmpp_requests_new(
	struct psession *ps, struct xmpp_account *a, size_t max, uint64_t timeout_ms)
{
	struct xmpp_requests *rs = mem_alloc(sizeof *rs);

	rs->magic = REQUESTS_MAGIC;
	rs->ps = ps;
	rs->account = a;
	rs->max = max;
	rs->timeout_ms = timeout_ms;
	return rs;
}

void xmpp_requests_free(struct xmpp_requests **rsp)
{
	struct xmpp_requests *rs = *rsp;
	struct xmpp_request *r, *next;

	*rsp = NULL;
	if (rs == NULL)
		return;
	platform_timer_free(&rs->sweep);
	DL_FOREACH_SAFE (rs->list, r, next)
		request_free(r);
	mem_free(rs);
}

int xmpp_requests_room(const struct xmpp_requests *rs, size_t n, struct err *e)
{
	if (rs->weight + n <= rs->max)
		return 0;
	return err_set(e, ERR_BUSY,
		"%zu messages and requests of this account wait for the server, %zu may: try again "
		"later",
		rs->weight, rs->max);
}

void xmpp_requests_weigh(struct xmpp_requests *rs, struct xmpp_request *r, size_t n)
{
	rs->weight = rs->weight - r->weight + n;
	r->weight = n;
}

struct xmpp_request *xmpp_requests_add(
	struct xmpp_requests *rs, const char *id, struct job *job, xmpp_request_fn *fn, void *data)
{
	struct xmpp_request *r = mem_alloc(sizeof *r);

	r->id = mem_strdup(id);
	r->job = job;
	r->fn = fn;
	r->data = data;
	r->serial = ++rs->serial;
	r->deadline_ms = platform_now_ms() + rs->timeout_ms;
	DL_APPEND(rs->list, r);
	r->weight = job != NULL;
	rs->weight += r->weight;
	if (rs->sweep == NULL)
		rs->sweep = psession_timer(rs->ps, SWEEP_MS, on_sweep, rs);
	return r;
}

/* The next that was there when the answer came: answering one job may start another, that asks the same. */
static struct xmpp_request *next_waiting(
	const struct xmpp_requests *rs, const char *id, uint64_t until)
{
	struct xmpp_request *r;

	DL_FOREACH (rs->list, r)
		if (r->serial <= until && (id == NULL || waits_for(r, id)))
			return r;
	return NULL;
}

size_t xmpp_requests_answer(
	struct xmpp_requests *rs, const char *id, const xmpp_stanza_t *answer, const struct err *e)
{
	uint64_t until = rs->serial;
	struct xmpp_request *r;
	size_t n = 0;

	while ((r = next_waiting(rs, id, until)) != NULL) {
		xmpp_requests_settle(rs, r, answer, e);
		n++;
	}
	return n;
}

struct xmpp_request *xmpp_requests_find(const struct xmpp_requests *rs, const char *id)
{
	struct xmpp_request *r;

	DL_FOREACH (rs->list, r)
		if (strcmp(r->id, id) == 0)
			return r;
	return NULL;
}

struct xmpp_request *xmpp_requests_next(const struct xmpp_request *r)
{
	struct xmpp_request *next = r->next;

	while (next != NULL && strcmp(next->id, r->id) != 0)
		next = next->next;
	return next;
}

size_t xmpp_requests_fence(struct xmpp_requests *rs, const char *id)
{
	struct xmpp_request *r;
	size_t n = 0;

	DL_FOREACH (rs->list, r)
		if (r->wants_fence && r->fence == NULL) {
			r->fence = mem_strdup(id);
			n++;
		}
	return n;
}

void xmpp_requests_fail(struct xmpp_requests *rs, const struct err *e)
{
	xmpp_requests_answer(rs, NULL, NULL, e);
}

void xmpp_requests_cancel(struct xmpp_requests *rs, const struct job *job)
{
	struct xmpp_request *r, *next;

	DL_FOREACH_SAFE (rs->list, r, next)
		if (r->job == job) {
			unlink_request(rs, r);
			request_free(r);
		}
}
