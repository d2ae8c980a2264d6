/* SPDX-License-Identifier: MIT */
/* xmpp_caps - what this client is and can do: as disco#info (XEP-0030), and as a hash of that in presences (XEP-0115).
 *
 * By the hash others see at once that receipts, corrections and chat states are understood here, and ask for the list only
 * if they have never seen it. One table is behind both, so that they agree. Pure, but for the hash, which is worked out once;
 * on the loop only. */
#ifndef PLATFORMS_XMPP_CAPS_H
#define PLATFORMS_XMPP_CAPS_H

#include <strophe.h>

#include "core/base.h"

/* How the program calls itself. */
#define XMPP_CAPS_NAME "Sockethub"
/* A SHA-1 in base64, and its NUL. */
#define XMPP_CAPS_HASH_SIZE 29

/* Adds the hash to an available presence. */
void xmpp_caps_add(xmpp_stanza_t *presence);
/* Adds identity and features to the <query/> of an answer. */
void xmpp_caps_describe(xmpp_stanza_t *query);
/* 1 when `node` is the one that xmpp_caps_add() names: it is described as no node is. NULL is none. */
int xmpp_caps_is_node(const char *node);
/* The verification string (XEP-0115, 5.1) of one identity, "category/type/lang/name", and of `n` features in any order. */
void xmpp_caps_hash(
	const char *identity, const char *const *features, size_t n, char out[XMPP_CAPS_HASH_SIZE]);

#endif
