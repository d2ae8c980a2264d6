/* SPDX-License-Identifier: MIT */
/* xmpp_resolve - from the domain of an account to the addresses where its server may be.
 *
 * SRV records of the domain (RFC 6120, 3.2; XEP-0368 for TLS from the first byte), else the domain itself. Only addresses
 * that the operator's rule allows come out. xmpp_resolve() blocks as long as the name servers make it wait: it is for the
 * thread of a link. What reads and orders the records is pure. */
#ifndef PLATFORMS_XMPP_RESOLVE_H
#define PLATFORMS_XMPP_RESOLVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/err.h"

/* More records and addresses than these are left aside. */
#define XMPP_RESOLVE_SRV_MAX     16
#define XMPP_RESOLVE_ADDRESS_MAX 16

struct xmpp_resolve_query {
	const char *domain; /* of the JID */
	const char *
		host; /* NULL: SRV records of the domain, unless `port` is given; then the domain */
	unsigned port;  /* 0: the record's, else 5222, or 5223 with direct TLS */
	int direct_tls; /* only services that speak TLS from the first byte */
	int (*allows)(void *arg, const struct sockaddr *sa); /* the operator's rule */
	void *arg;
};

struct xmpp_resolve_address {
	struct sockaddr_storage sa; /* with the port */
	int direct_tls;
};

struct xmpp_resolve_result {
	struct xmpp_resolve_address at[XMPP_RESOLVE_ADDRESS_MAX]; /* in the order to try them */
	size_t n;
};

struct xmpp_resolve_srv {
	uint16_t priority, weight, port;
	int direct_tls;
	char target[256]; /* without the last dot; "" means: the service is not offered */
};

struct xmpp_resolve_srvs {
	struct xmpp_resolve_srv at[XMPP_RESOLVE_SRV_MAX];
	size_t n;
};

/* Blocks. 0 and at least one address; ERR_RESOLVE, or ERR_BLOCKED when there are addresses but no allowed one. */
int xmpp_resolve(
	const struct xmpp_resolve_query *q, struct xmpp_resolve_result *out, struct err *e);

/* Appends the SRV records for `name` in an answer of the DNS (RFC 1035, 4; RFC 2782), as long as there is room. Aliases
 * of `name` within the answer are followed as resolvers send them: records of other owners count, too, for the server was
 * asked for nothing else. 0, or -1 when the message is malformed; what was read before stays. */
int xmpp_resolve_parse(
	const unsigned char *answer, size_t len, int direct_tls, struct xmpp_resolve_srvs *out);
/* Puts the records in the order to try them: by priority, and at random by weight within one (RFC 2782). `random`
 * returns a number from 0 to `max`. Records that say that there is no service go. */
void xmpp_resolve_order(struct xmpp_resolve_srvs *srvs, uint32_t (*random)(uint32_t max));

#endif
