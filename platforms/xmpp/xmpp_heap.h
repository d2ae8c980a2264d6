/* SPDX-License-Identifier: MIT */
/* xmpp_heap - the memory of one libstrophe context: counted, bounded, wiped when it is freed.
 *
 * libstrophe builds a tree of whatever the server sends and has no limit of its own. Its allocator is the one place where
 * that can be seen, so what is in use is counted here; who reads from the server asks in between whether it is too much.
 * An allocation can not be refused (libstrophe would crash), but growing can: that is the text of an element, which
 * libstrophe appends to in quadratic time. Any thread; knows no stanza. */
#ifndef PLATFORMS_XMPP_HEAP_H
#define PLATFORMS_XMPP_HEAP_H

#include <stdatomic.h>
#include <stdint.h>
#include <strophe.h>

struct xmpp_heap {
	unsigned magic;
	xmpp_mem_t mem; /* for xmpp_ctx_new(); valid as long as the heap */
	atomic_size_t used;
	/* Of the thread that reads. */
	int exceeded;
	uint64_t cpu_start_ns;
};

/* Bytes that a context may have in use, stanzas in both directions. A tree takes about twenty times the bytes that it was on
 * the wire: a roster of 10,000 contacts fits. When all contexts together have more than XMPP_HEAP_ALL, none may have more
 * than XMPP_HEAP_SHARE: so a few may need much, and many hostile servers get no further. */
#define XMPP_HEAP_MAX   (64u << 20)
#define XMPP_HEAP_SHARE (8u << 20)
#define XMPP_HEAP_ALL   (512u << 20)
/* CPU time that the reading of one stanza may take, in milliseconds. */
#define XMPP_HEAP_CPU_MAX_MS 5000u

void xmpp_heap_init(struct xmpp_heap *h);
/* The calling thread, always the same, begins to read a stanza: its CPU time counts from here. */
void xmpp_heap_begin(struct xmpp_heap *h);
/* On the same thread: 1 when the bounds were passed since xmpp_heap_begin(): read no more. */
int xmpp_heap_is_exceeded(struct xmpp_heap *h);
/* Bytes in use now. */
size_t xmpp_heap_used(struct xmpp_heap *h);

#endif
