/* SPDX-License-Identifier: MIT */
/* outbound - which addresses a platform may connect to.
 *
 * Anything that is not globally reachable (private, loopback, link-local, multicast, documentation, ... of the IANA
 * special-purpose registries, RFC 6890, also inside IPv4-mapped, NAT64 and 6to4 addresses) is refused after name
 * resolution, unless the operator's `outbound.allow` names it. Pure: this file opens nothing. */
#ifndef CORE_OUTBOUND_H
#define CORE_OUTBOUND_H

#include <sys/socket.h>

#include "core/base.h"

struct err;
struct outbound;

/* `allow` holds `n` entries "10.1.0.0/16", "::1", "fd00::/8"; "any" allows everything. GIVES in `*out`, or
 * < 0 (ERR_CONFIG, naming the entry). */
int outbound_new(const char *const *allow, size_t n, struct outbound **out, struct err *e);
void outbound_free(struct outbound *o);
/* 1 when a connection to `sa` (AF_INET, AF_INET6; others are refused) is allowed. */
int outbound_allows(const struct outbound *o, const struct sockaddr *sa);

#endif
