/* SPDX-License-Identifier: MIT */
/* xmpp_script - steps of tests/fake/xmppd.h for the beginning of a stream, up to the session. */
#ifndef TESTS_UNIT_XMPP_SCRIPT_H
#define TESTS_UNIT_XMPP_SCRIPT_H

#include "tests/fake/xmppd.h"

#define EXPECT(t)                  \
	{                          \
		XMPPD_EXPECT, t, 0 \
	}
#define SEND(t)                  \
	{                        \
		XMPPD_SEND, t, 0 \
	}
#define TIMES(m, t)              \
	{                        \
		XMPPD_SEND, t, m \
	}
#define TLS                        \
	{                          \
		XMPPD_TLS, NULL, 0 \
	}
#define HANG                        \
	{                           \
		XMPPD_HANG, NULL, 0 \
	}
#define DEAF                        \
	{                           \
		XMPPD_DEAF, NULL, 0 \
	}
#define CLOSE                        \
	{                            \
		XMPPD_CLOSE, NULL, 0 \
	}
#define END                        \
	{                          \
		XMPPD_END, NULL, 0 \
	}

#define HEADER                                                                     \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" \
	"http://etherx.jabber.org/streams' id='1' from='localhost' version='1.0'>"
#define FEATURES(f) "<stream:features>" f "</stream:features>"
#define STARTTLS    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
#define PROCEED     "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define SASL_NS     "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
#define PLAIN       "<mechanisms " SASL_NS "><mechanism>PLAIN</mechanism></mechanisms>"
#define BIND        "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
#define SM          "<sm xmlns='urn:xmpp:sm:3'/>"
#define BOUND_TO(jid)                                                                             \
	"<iq type='result' id='sh-bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>" jid \
	"</jid></bind></iq>"
#define BOUND   BOUND_TO("ann@localhost/x")
#define SCRAM   "<mechanisms " SASL_NS "><mechanism>SCRAM-SHA-1</mechanism></mechanisms>"
#define ENABLED "<enabled xmlns='urn:xmpp:sm:3' id='s1' resume='true'/>"

#define OPEN    EXPECT("<stream:stream"), EXPECT(">"), SEND(HEADER)
#define SECURE  OPEN, SEND(FEATURES(STARTTLS)), EXPECT("<starttls"), SEND(PROCEED), TLS
#define AUTH \
	SECURE, OPEN, SEND(FEATURES(PLAIN)), EXPECT("</auth>"), SEND("<success " SASL_NS "/>"), OPEN
#define SESSION AUTH, SEND(FEATURES(BIND)), EXPECT("</iq>"), SEND(BOUND)
#define MANAGED                                                                         \
	AUTH, SEND(FEATURES(BIND SM)), EXPECT("</iq>"), SEND(BOUND), EXPECT("<enable"), \
		SEND(ENABLED)
#define RESUME                                                                                  \
	SECURE, OPEN, SEND(FEATURES(PLAIN)), EXPECT("</auth>"), SEND("<success " SASL_NS "/>"), \
		OPEN, SEND(FEATURES(BIND SM)), EXPECT("<resume"), EXPECT(">")

#endif
