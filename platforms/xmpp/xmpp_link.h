/* SPDX-License-Identifier: MIT */
/* xmpp_link - the XMPP stream of one account, on a thread of its own.
 *
 * libstrophe blocks while it looks up names and shakes hands for TLS, and waits with select(); so each link has a libstrophe
 * context and a thread with a small stack to itself, and trades stanzas with the worker's loop through two queues and an
 * eventfd. A watchdog ends what takes too long. The link opens a stream once when told to, and says how that went; when to
 * try again, and what the stanzas mean, is xmpp_account's business. A stanza is acknowledged when it was told and
 * psession_when_taken() has said that what was sent for it is taken: should the worker die before, the server has it still.
 * All functions and events are the loop's: none blocks, none is called from the thread. */
#ifndef PLATFORMS_XMPP_LINK_H
#define PLATFORMS_XMPP_LINK_H

#include <strophe.h>

#include "core/err.h"

struct psession;
struct xmpp_link;

struct xmpp_link_options {
	const char *jid; /* bare, or full to ask for that resource */
	const char *password;
	/* NULL: SRV look-up of the JID's domain (RFC 6120, 3.2; XEP-0368) unless there is a port, then the domain itself */
	const char *host;
	unsigned port;       /* 0: the SRV record's, else 5222, or 5223 with direct TLS */
	int direct_tls;      /* TLS from the first byte (XEP-0368) instead of STARTTLS */
	const char *ca_file; /* NULL: the system's certificate authorities; else these, too */
	int insecure;        /* certificates are not checked: the operator said so */
	unsigned connect_timeout_ms; /* until the stream is up, look-ups and handshakes included */
};

struct xmpp_link_events {
	/* The stream is up and bound to `full_jid`. `resumed`: it is the former one, nothing was lost (XEP-0198, 5); else it is
	 * new: presence and rooms are to be announced again. */
	void (*online)(void *arg, const char *full_jid, int resumed);
	/* A message, presence or iq came; borrowed for the call. Stanzas of one stream come in their order, between its
	 * online and its offline. */
	void (*stanza)(void *arg, const xmpp_stanza_t *stanza);
	/* The stream is gone, or could not be opened. ERR_RESOLVE, ERR_BLOCKED, ERR_CONNECT, ERR_TLS, ERR_AUTH, ERR_CONFLICT
	 * (another client took the resource), ERR_TIMEOUT, ERR_REMOTE, ERR_BUSY (no room for another socket in this worker),
	 * ERR_CANCELLED (after xmpp_link_disconnect()). May free the link, as the others may. */
	void (*offline)(void *arg, const struct err *why);
	void *arg;
};

/* Starts the thread, not the stream. `ps` is KEPT (for its watch, its outbound rule and its log), the options are copied and
 * the password is wiped with the link. < 0: ERR_BUSY when there can be no more threads or descriptors, ERR_INVALID when the
 * JID is no account's. GIVES in `*out`. The first call sets up what is process-wide; SSL_CERT_FILE, SSL_CERT_DIR and SIGPIPE
 * are the caller's to set, before there are threads. */
int xmpp_link_new(struct psession *ps, const struct xmpp_link_options *o,
	const struct xmpp_link_events *events, struct xmpp_link **out, struct err *e);
/* Says good-bye if the stream is up and returns at once: the thread frees the rest when it has come back from wherever it
 * is. No event follows. Sets NULL; NULL is legal. */
void xmpp_link_free(struct xmpp_link **link);
/* Opens the stream; online or offline follows. A former stream is resumed where the server still has it. Not while one is
 * up or being opened. */
void xmpp_link_connect(struct xmpp_link *link);
/* Ends the stream in order, or the attempt; offline follows, within three seconds. Does nothing when there is neither. A
 * later xmpp_link_connect() opens a new one, without resuming. */
void xmpp_link_disconnect(struct xmpp_link *link);
/* Queues a stanza; TAKES. Dropped when no stream is up: see offline. What was queued and not acknowledged when a stream
 * broke is sent again if it is resumed (each once: the server says what it has), and dropped if not. */
void xmpp_link_send(struct xmpp_link *link, xmpp_stanza_t *stanza);
/* For xmpp_stanza_new(): a stanza is a plain tree, the context only its allocator, so it may be built on the loop. Nothing
 * else may be done with it, and what was built and not sent is released before the link is freed. Borrowed. */
xmpp_ctx_t *xmpp_link_ctx(struct xmpp_link *link);

#endif
