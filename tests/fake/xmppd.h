/* SPDX-License-Identifier: MIT */
/* xmppd (fake) - a server that says what a script tells it to, for XMPP streams that no real server would open.
 *
 * It listens on a free port of 127.0.0.1, on a thread of its own, and takes one connection after the other: each has the
 * steps up to the next XMPPD_CLOSE. It understands nothing; it waits for pieces of text. */
#ifndef TESTS_FAKE_XMPPD_H
#define TESTS_FAKE_XMPPD_H

#include <stddef.h>

struct xmppd;

enum xmppd_what {
	XMPPD_END,    /* ends the script */
	XMPPD_EXPECT, /* reads until `text` has come */
	XMPPD_SEND,   /* `text`, `n` times (0 is 1); a peer that goes away ends the connection */
	XMPPD_TLS,    /* the server's side of a handshake */
	XMPPD_HANG,   /* reads, and does nothing until the peer goes away or xmppd_free() */
	XMPPD_DEAF,   /* does nothing until xmppd_free() */
	XMPPD_CLOSE   /* closes; the next steps are for the next connection */
};

struct xmppd_step {
	enum xmppd_what what;
	const char *text;
	size_t n;
};

/* `steps` is KEPT. `folder` has cert.pem and key.pem. GIVES; aborts when it can not. */
struct xmppd *xmppd_new(const struct xmppd_step *steps, const char *folder);
/* Ends the thread and frees. What it hangs in is broken off. */
void xmppd_free(struct xmppd *d);
unsigned xmppd_port(const struct xmppd *d);
/* How often `text` came so far, in all connections, decrypted. */
int xmppd_count(struct xmppd *d, const char *text);

#endif
