/* SPDX-License-Identifier: MIT */
/* xmpp_expat - keeps an attribute of a foreign namespace from being taken for one of the stanza's own, and trees flat.
 *
 * libstrophe (0.12) drops the prefixes of attributes: in <message from='bob@a' xmlns:x='urn:x' x:from='ann@a'> the second
 * `from` replaces the first. Servers stamp `from` but pass foreign attributes on, so anybody could speak as anybody, the own
 * server included. There is no setting against it, and when a stanza comes to us it is too late; so the one function by
 * which libstrophe tells expat where to report elements, XML_SetElementHandler(), is defined here once more, and what it
 * registers is a filter before libstrophe's. A program that links this file has it instead of expat's; xmpp_read.c sees to
 * it that all do. Elements below a depth that nobody needs are left out there, too: libstrophe goes through a tree by
 * recursion, and a stack has an end. What was that deep is refused by xmpp_meter. */
#ifndef PLATFORMS_XMPP_EXPAT_H
#define PLATFORMS_XMPP_EXPAT_H

#include "core/err.h"

/* Elements within elements, the stream's own counted: what is below is left out. */
#define XMPP_EXPAT_DEPTH_MAX 128

/* How many tags were read on this thread so far. */
unsigned long xmpp_expat_tags(void);
/* Tries whether the filter works with the libraries at hand. Once, before the first connection and the first thread, after
 * xmpp_initialize(). ERR_INTERNAL: it does not, and XMPP must not be spoken. */
int xmpp_expat_check(struct err *e);

#endif
