/* SPDX-License-Identifier: MIT */
/* ws_handshake - what makes a request a WebSocket's opening handshake, and what the answer has to say (RFC 6455
 * section 4.2). Pure: looks at header values, knows no connection and no session.
 *
 * SHA-1, which the RFC prescribes and nothing here relies on for secrecy, comes from OpenSSL's libcrypto: libcurl
 * brings it into the process anyway, and libsodium has none. */
#ifndef GATEWAY_WS_HANDSHAKE_H
#define GATEWAY_WS_HANDSHAKE_H

#include "core/base.h"

struct err;

/* The subprotocol a client has to offer, in any case; it is answered in the client's own spelling. */
#define WS_PROTOCOL "sockethub"
/* Base64 of a SHA-1, and a NUL. */
#define WS_ACCEPT_SIZE 29

/* Header values as they came; NULL: absent. */
struct ws_offer {
	const char *connection;
	const char *version;  /* Sec-WebSocket-Version */
	const char *key;      /* Sec-WebSocket-Key */
	const char *protocol; /* Sec-WebSocket-Protocol */
};

struct ws_answer {
	char accept[WS_ACCEPT_SIZE];       /* Sec-WebSocket-Accept */
	char protocol[sizeof WS_PROTOCOL]; /* Sec-WebSocket-Protocol */
};

/* Does this Upgrade header (NULL: absent) name websocket? */
int ws_handshake_wanted(const char *upgrade);
/* Checks the offer of a GET that wants to be a WebSocket. 0 and `out` is filled, or < 0 with a sentence: ERR_INVALID,
 * ERR_UPGRADE (another version; the answer has to name ours, section 4.2.2). */
int ws_handshake(const struct ws_offer *offer, struct ws_answer *out, struct err *e);

#endif
