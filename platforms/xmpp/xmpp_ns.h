/* SPDX-License-Identifier: MIT */
/* xmpp_ns - the XML namespaces that the mapping reads and writes, beside those that <strophe.h> names already. */
#ifndef PLATFORMS_XMPP_NS_H
#define PLATFORMS_XMPP_NS_H

#include <strophe.h>

#define XMPP_NS_CAPS       "http://jabber.org/protocol/caps"       /* XEP-0115 */
#define XMPP_NS_CARBONS    "urn:xmpp:carbons:2"                    /* XEP-0280 */
#define XMPP_NS_CHATSTATES "http://jabber.org/protocol/chatstates" /* XEP-0085 */
#define XMPP_NS_CONFERENCE "jabber:x:conference"                   /* XEP-0249 */
#define XMPP_NS_CORRECT    "urn:xmpp:message-correct:0"            /* XEP-0308 */
#define XMPP_NS_DATA       "jabber:x:data"                         /* XEP-0004 */
#define XMPP_NS_DELAY      "urn:xmpp:delay"                        /* XEP-0203 */
#define XMPP_NS_FORWARD    "urn:xmpp:forward:0"                    /* XEP-0297 */
#define XMPP_NS_HINTS      "urn:xmpp:hints"                        /* XEP-0334 */
#define XMPP_NS_MAM        "urn:xmpp:mam:2"                        /* XEP-0313 */
#define XMPP_NS_MARKERS    "urn:xmpp:chat-markers:0"               /* XEP-0333 */
#define XMPP_NS_MUC        "http://jabber.org/protocol/muc"        /* XEP-0045 */
#define XMPP_NS_MUC_USER   "http://jabber.org/protocol/muc#user"   /* XEP-0045 */
#define XMPP_NS_PING       "urn:xmpp:ping"                         /* XEP-0199 */
#define XMPP_NS_RECEIPTS   "urn:xmpp:receipts"                     /* XEP-0184 */
#define XMPP_NS_RSM        "http://jabber.org/protocol/rsm"        /* XEP-0059 */
#define XMPP_NS_STANZA_ID  "urn:xmpp:sid:0"                        /* XEP-0359 */
#define XMPP_NS_TIME       "urn:xmpp:time"                         /* XEP-0202 */
#define XMPP_NS_VERSION    "jabber:iq:version"                     /* XEP-0092 */

#endif
