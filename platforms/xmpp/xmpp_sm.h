/* SPDX-License-Identifier: MIT */
/* xmpp_sm - what both sides of a stream have counted, and what the other has not acknowledged (XEP-0198).
 *
 * libstrophe has stream management of its own. It is not used: after a resumption that failed it goes on with the old
 * counts, so that acknowledgements are never understood and everything is sent a second time at the next resumption; it
 * forgets the session when a reconnection fails before the log-in; and a server can crash it with <resumed/>. Here a
 * stanza that was not acknowledged is sent again in the resumed session, where the server's count tells which it has, and
 * never in a new one: nothing arrives twice. Pure; the texts lie in a libstrophe context's memory. */
#ifndef PLATFORMS_XMPP_SM_H
#define PLATFORMS_XMPP_SM_H

#include <stdint.h>
#include <strophe.h>

struct xmpp_sm_item;

struct xmpp_sm {
	xmpp_ctx_t *ctx;
	int counting;     /* sent stanzas are counted: from <enable/> on */
	int enabled;      /* the server agreed */
	char *id;         /* to resume with; NULL: this session can not be resumed */
	char *full_jid;   /* of the session with this id */
	uint32_t handled; /* stanzas that came since <enabled/> */
	uint32_t acked;   /* of ours */
	int asked;        /* <r/> was sent and not answered */
	struct xmpp_sm_item *first, *last;
	uint32_t n_unacked;
};

/* `ctx` is KEPT: the allocator. */
void xmpp_sm_init(struct xmpp_sm *sm, xmpp_ctx_t *ctx);
/* Forgets everything: the session is over. */
void xmpp_sm_clear(struct xmpp_sm *sm);
/* <enable/> is being sent in a new session bound to `full_jid`. */
void xmpp_sm_begin(struct xmpp_sm *sm, const char *full_jid);
/* <enabled/> came; `id` NULL: without resumption. */
void xmpp_sm_enabled(struct xmpp_sm *sm, const char *id);
/* A stanza was sent; TAKES the text (of ctx). */
void xmpp_sm_sent(struct xmpp_sm *sm, char *text);
/* The server has handled `h` of our stanzas, modulo 2^32. -1 when that is more than were sent, or `h` is no number. */
int xmpp_sm_acked(struct xmpp_sm *sm, const char *h);
/* Calls `fn` for each text that is not acknowledged, the oldest first. */
void xmpp_sm_each(const struct xmpp_sm *sm, void (*fn)(void *arg, const char *text), void *arg);

#endif
