/* SPDX-License-Identifier: MIT */
/* xmpp_fence - how to know that the server has what it does not answer.
 *
 * Messages and presences have no answer, but a server handles a client's stanzas in order (RFC 6120, 10.1): the answer to
 * a ping (XEP-0199) behind them, whatever it is, tells that they were taken; a refusal would have come before it. One ping
 * is on its way at a time: it stands for all that was sent before it, the next one for what came meanwhile. */
#ifndef PLATFORMS_XMPP_FENCE_H
#define PLATFORMS_XMPP_FENCE_H

#include "platforms/xmpp/xmpp_account.h"

/* What was just sent is confirmed by calling `fn`, with what xmpp_fence_passed() reads. `id` answers it, too (a bounce).
 * TAKES `data`. Borrowed until answered. */
struct xmpp_request *xmpp_fence_add(
	struct xmpp_account *a, const char *id, struct job *job, xmpp_request_fn *fn, void *data);
/* The stream is back: a ping whose time was over while it was away has left those behind it without one. */
void xmpp_fence_resume(struct xmpp_account *a);
/* In such a `fn`: 1 when the server has it. Else `e` says why not. */
int xmpp_fence_passed(const xmpp_stanza_t *answer, const struct err *e);
/* For verbs that only have to know this much: answers the job with {}. As above. */
struct xmpp_request *xmpp_fence_job(struct xmpp_account *a, const char *id, struct job *job);

#endif
