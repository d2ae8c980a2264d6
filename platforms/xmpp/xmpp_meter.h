/* SPDX-License-Identifier: MIT */
/* xmpp_meter - what a server costs while it sends one stanza: bytes, memory, CPU time, depth.
 *
 * libstrophe hides the bytes behind TLS, and tells of a stanza when it is complete. The bytes are counted where TCP does;
 * the rest in xmpp_heap. Belongs to the thread that reads. */
#ifndef PLATFORMS_XMPP_METER_H
#define PLATFORMS_XMPP_METER_H

#include <stdint.h>
#include <strophe.h>

struct xmpp_heap;

struct xmpp_meter {
	int fd;
	struct xmpp_heap *heap;
	uint64_t mark; /* bytes that were read when the stanza began */
	/* ... when the last tag was complete, and how many there were by then: xmpp_expat_tags() */
	uint64_t tag_mark;
	unsigned long tags;
};

/* `fd` is a TCP socket of this process; both are KEPT. */
void xmpp_meter_init(struct xmpp_meter *m, int fd, struct xmpp_heap *heap);
/* A stanza is complete, or something else is expected: all counts from here. */
void xmpp_meter_begin(struct xmpp_meter *m);
/* As xmpp_meter_begin() if nothing was read since: what was spent was not spent on the server's account. */
void xmpp_meter_rest(struct xmpp_meter *m);
/* NULL, or how `max_bytes`, or the bounds of xmpp_heap, were passed: "sent ...". */
const char *xmpp_meter_complaint(struct xmpp_meter *m, uint64_t max_bytes);
/* 1 when the very first bytes of the connection wait in the socket, and are not XML. */
int xmpp_meter_is_no_xml(const struct xmpp_meter *m);
/* 1 when the tree has more levels than anybody needs. */
int xmpp_meter_is_too_deep(xmpp_stanza_t *stanza);

#endif
