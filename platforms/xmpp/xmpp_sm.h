/* SPDX-License-Identifier: MIT */
/* xmpp_sm - what both sides of a stream have counted, and what the other has not acknowledged (XEP-0198).
 *
 * libstrophe has stream management of its own. It is not used: after a resumption that failed it goes on with the old
 * counts, so that acknowledgements are never understood and everything is sent a second time at the next resumption; it
 * forgets the session when a reconnection fails before the log-in; and a server can crash it with <resumed/>. Here a
 * stanza that was not acknowledged is sent again in the resumed session, where the server's count tells which it has, and
 * never in a new one: nothing arrives twice. What came is acknowledged when it was taken, not when it was read: should this
 * process die before, the server still has it. Pure; the texts lie in a libstrophe context's memory. */
#ifndef PLATFORMS_XMPP_SM_H
#define PLATFORMS_XMPP_SM_H

#include <stdint.h>
#include <strophe.h>

struct xmpp_sm_item;

struct xmpp_sm {
	xmpp_ctx_t *ctx;
	int counting;   /* sent stanzas are counted: from <enable/> on */
	int enabled;    /* the server agreed */
	char *id;       /* to resume with; NULL: this session can not be resumed */
	char *full_jid; /* of the session with this id */
	uint32_t acked; /* of ours */
	int asked;      /* <r/> was sent and not answered */
	/* Stanzas that came, counted through all sessions: so none is mistaken for one of another. */
	uint64_t came;
	uint64_t base;      /* that came before <enabled/> */
	uint64_t taken;     /* those that the server need not keep any more */
	uint64_t confirmed; /* to the server, in an <a/> or <resume/> */
	int owed;           /* <r/> came, and is answered when all is taken that */
	uint64_t owed_for;  /* had come by then */
	struct xmpp_sm_item *first, *last;
	uint32_t n_unacked;
};

/* `ctx` is KEPT: the allocator. */
void xmpp_sm_init(struct xmpp_sm *sm, xmpp_ctx_t *ctx);
/* Forgets everything but what is counted through all sessions: this one is over. */
void xmpp_sm_clear(struct xmpp_sm *sm);
/* <enable/> is being sent in a new session bound to `full_jid`. */
void xmpp_sm_begin(struct xmpp_sm *sm, const char *full_jid);
/* <enabled/> came; `id` NULL: without resumption. */
void xmpp_sm_enabled(struct xmpp_sm *sm, const char *id);
/* A stream begins, and with it neither side has a question open. */
void xmpp_sm_connected(struct xmpp_sm *sm);
/* The session is about to be resumed. The `h` for that is all that came: it is in this process's memory, and the server would
 * send again what the sessions will be told anyway. No `h` may be less from then on. */
uint32_t xmpp_sm_resume(struct xmpp_sm *sm);
/* The first `n` of what came are taken, or more are known to be. */
void xmpp_sm_took(struct xmpp_sm *sm, uint64_t n);
/* What is taken is being confirmed: the `h` for <a/>, modulo 2^32. */
uint32_t xmpp_sm_confirm(struct xmpp_sm *sm);
/* A stanza was sent; TAKES the text (of ctx). */
void xmpp_sm_sent(struct xmpp_sm *sm, char *text);
/* The server has handled `h` of our stanzas, modulo 2^32. -1 when that is more than were sent, or `h` is no number. */
int xmpp_sm_acked(struct xmpp_sm *sm, const char *h);
/* Calls `fn` for each text that is not acknowledged, the oldest first. */
void xmpp_sm_each(const struct xmpp_sm *sm, void (*fn)(void *arg, const char *text), void *arg);

#endif
