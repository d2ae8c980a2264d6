/* SPDX-License-Identifier: MIT */
/* xmpp_request - what was asked of the server and is not answered yet.
 *
 * A request waits for an answer with its id: that of an iq, of a message that may bounce, or a word of the account's own (a
 * room that is being joined). What has no answer of its own
 * waits for a second id, that of the fence behind it. Each is answered exactly once,
 * by an answer, by its deadline, or by the end of the stream; or it is cancelled with its job. This file reads no stanza. */
#ifndef PLATFORMS_XMPP_REQUEST_H
#define PLATFORMS_XMPP_REQUEST_H

#include <strophe.h>

#include "core/err.h"

struct job;
struct psession;
struct xmpp_account;
struct xmpp_request;
struct xmpp_requests;

/* The answer, or why there is none (`e` != NULL, `answer` may still be there: the error stanza). The request is out of the
 * table already, and freed with its data afterwards. Answers the job, if the request has one. */
typedef void xmpp_request_fn(struct xmpp_account *a, struct xmpp_request *r,
	const xmpp_stanza_t *answer, const struct err *e);

struct xmpp_request {
	char *id;
	char *to; /* who has to answer: see who asks. NULL: the own server, or the job's targets. TAKEN */
	int wants_fence; /* see xmpp_fence */
	char *fence;     /* NULL, or a second id that answers it too */
	struct job *job; /* NULL: the account itself asked */
	void *data;      /* freed with the request by mem_free(); NULL: none */
	xmpp_request_fn *fn;
	size_t weight; /* what it counts for in the bound: stanzas of a job */
	uint64_t serial, deadline_ms;
	struct xmpp_request *prev, *next;
};

/* At most `max` stanzas of jobs at a time; an answer is waited for `timeout_ms`. `a` is handed to the functions; it and `ps`
 * are KEPT. GIVES. */
struct xmpp_requests *xmpp_requests_new(
	struct psession *ps, struct xmpp_account *a, size_t max, uint64_t timeout_ms);
/* Forgets all of them, unanswered. Sets NULL. */
void xmpp_requests_free(struct xmpp_requests **rs);
/* < 0: ERR_BUSY, `n` more stanzas would be too many. To be asked before anything is sent. */
int xmpp_requests_room(const struct xmpp_requests *rs, size_t n, struct err *e);
/* Waits for `id` (copied). TAKES `data`. The request is borrowed until it is answered. */
struct xmpp_request *xmpp_requests_add(
	struct xmpp_requests *rs, const char *id, struct job *job, xmpp_request_fn *fn, void *data);
/* It stands for `n` stanzas; for 1, if it has a job, without this. */
void xmpp_requests_weigh(struct xmpp_requests *rs, struct xmpp_request *r, size_t n);
/* Those that wait for `id` are answered; how many. With `e`: they fail. */
size_t xmpp_requests_answer(
	struct xmpp_requests *rs, const char *id, const xmpp_stanza_t *answer, const struct err *e);
/* The oldest whose own id (not its fence's) is `id`; NULL: none. Borrowed. */
struct xmpp_request *xmpp_requests_find(const struct xmpp_requests *rs, const char *id);
/* The next with the same own id; NULL: none. Borrowed. */
struct xmpp_request *xmpp_requests_next(const struct xmpp_request *r);
/* This one is answered. With `e`: it fails. */
void xmpp_requests_settle(struct xmpp_requests *rs, struct xmpp_request *r,
	const xmpp_stanza_t *answer, const struct err *e);
/* Gives the fence `id` to all that want one and have none; how many. */
size_t xmpp_requests_fence(struct xmpp_requests *rs, const char *id);
/* All of them fail: the stream has ended. */
void xmpp_requests_fail(struct xmpp_requests *rs, const struct err *e);
/* Forgets those of the job, unanswered. */
void xmpp_requests_cancel(struct xmpp_requests *rs, const struct job *job);

#endif
