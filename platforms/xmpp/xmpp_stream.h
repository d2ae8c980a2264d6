/* SPDX-License-Identifier: MIT */
/* xmpp_stream - one connection to one address, from connect() until the stream has ended.
 *
 * The driver of libstrophe and of xmpp_login: it waits, lets libstrophe read and write a little at a time, and looks in
 * between whether the server asks too much (bytes, memory, CPU time, depth of one stanza). Blocks, on the thread of a
 * link; what it needs of the link, and whether to go on, it asks through xmpp_stream_host. */
#ifndef PLATFORMS_XMPP_STREAM_H
#define PLATFORMS_XMPP_STREAM_H

#include "platforms/xmpp/xmpp_heap.h"
#include "platforms/xmpp/xmpp_login.h"
#include "platforms/xmpp/xmpp_resolve.h"
#include "platforms/xmpp/xmpp_sm.h"

/* The longest stanza, in bytes on the wire, encryption included: that is a roster. */
#define XMPP_STREAM_STANZA_MAX (4u << 20)

enum xmpp_stream_wish {
	XMPP_STREAM_GO,
	XMPP_STREAM_HOLD, /* read no more for now; wake_fd tells when to ask again */
	XMPP_STREAM_END   /* say good-bye and end */
};

/* All are called on the thread that called xmpp_stream_run(). */
struct xmpp_stream_host {
	enum xmpp_stream_wish (*wish)(void *arg);
	/* The next stanza to send; NULL: none. Asked only while the stream is up. GIVES. */
	xmpp_stanza_t *(*next)(void *arg);
	/* The socket that shutdown() may be called on from another thread; -1: no more. It stays reserved till then. */
	void (*socket)(void *arg, int fd);
	void (*online)(void *arg, const char *full_jid, int resumed);
	/* TAKES. Nobody else has a reference. `number`: as xmpp_sm counts them. */
	void (*stanza)(void *arg, xmpp_stanza_t *stanza, uint64_t number);
	/* The number of the last one that the server need not keep any more, nor those before it; 0: none. */
	uint64_t (*taken)(void *arg);
	void *arg;
	int wake_fd; /* an eventfd: written to when the answer of wish(), next() or taken() has changed */
};

struct xmpp_stream_options {
	xmpp_ctx_t *ctx;
	struct xmpp_heap *heap; /* of ctx */
	xmpp_log_t *log;        /* of ctx; the handler is set and reset here */
	struct xmpp_sm *sm;     /* resumed from, and kept for the next time */
	const struct xmpp_login_account *account;
	const char *ca_file; /* NULL: none beside the system's */
	int insecure;
};

/* Runs until the stream has ended and returns why, < 0: ERR_CONNECT when it did not come to a connection (then another
 * address may do), ERR_CANCELLED when the host wished it, ERR_TLS, ERR_AUTH, ERR_CONFLICT, ERR_REMOTE, ERR_BUSY. */
int xmpp_stream_run(const struct xmpp_stream_options *o, const struct xmpp_resolve_address *address,
	const struct xmpp_stream_host *host, struct err *e);

#endif
