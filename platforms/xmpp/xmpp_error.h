/* SPDX-License-Identifier: MIT */
/* xmpp_error - what an error stanza says, as a row of core/err.def and a sentence for people.
 *
 * The same condition has another meaning when it refuses a room than when it bounces a message, so the reader says what
 * was tried. The sender's own text, if any, stands behind ours in brackets. RFC 6120, 8.3; XEP-0045, 7.2 and 7.4. */
#ifndef PLATFORMS_XMPP_ERROR_H
#define PLATFORMS_XMPP_ERROR_H

#include <strophe.h>

#include "core/err.h"

enum xmpp_error_about {
	XMPP_ERROR_ABOUT_ANY,     /* a request, a presence */
	XMPP_ERROR_ABOUT_MESSAGE, /* a message to a person */
	XMPP_ERROR_ABOUT_ROOM,    /* a message to, or a request about, a room */
	XMPP_ERROR_ABOUT_JOIN     /* entering a room, changing the nick in it */
};

/* The name of the condition of an error stanza, one of RFC 6120's; "undefined-condition" when there is none or it is not
 * known. Never NULL, static. */
const char *xmpp_error_condition(const xmpp_stanza_t *s);
/* Fills `e` from an error stanza. Returns -e->code: < 0. */
int xmpp_error_read(const xmpp_stanza_t *s, enum xmpp_error_about about, struct err *e);

#endif
