/* SPDX-License-Identifier: MIT */
#include "platforms/xmpp/xmpp_heap.h"

#include <string.h>
#include <time.h>

#include "core/base.h"
#include "core/mem.h"

#define MAGIC 0x78686561u
/* Texts up to this size are grown without a look at the clock. */
#define SMALL_TEXT (64u << 10)
/* The longest text of one element: a picture in a vCard fits. */
#define TEXT_MAX (1u << 20)

/* Stands before each block; keeps the alignment of malloc(). */
union head {
	size_t size;
	max_align_t align;
};

/* Of this thread, since its last xmpp_heap_begin(). The loop builds stanzas in the same memory, and is not judged. */
static _Thread_local struct xmpp_heap *reading;

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *heap_alloc(size_t size, void *userdata)
{
	CAST(xmpp_heap, h, userdata, MAGIC);
	union head *head = mem_alloc(sizeof *head + size);

	head->size = size;
	atomic_fetch_add_explicit(&h->used, sizeof *head + size, memory_order_relaxed);
	return head + 1;
}

static void heap_free(void *p, void *userdata)
{
	CAST(xmpp_heap, h, userdata, MAGIC);
	union head *head = p;

	if (p == NULL)
		return;
	head--;
	atomic_fetch_sub_explicit(&h->used, sizeof *head + head->size, memory_order_relaxed);
	mem_wipe(head, sizeof *head + head->size);
	mem_free(head);
}

static int is_too_slow(struct xmpp_heap *h)
{
	return thread_cpu_ns() - h->cpu_start_ns > XMPP_HEAP_CPU_MAX_MS * (uint64_t)1000000;
}

/* Only the text of an element grows, byte by byte if the server likes: that has to be malloc's own realloc(), which
 * mostly need not copy. Nothing secret comes this way, for the server sends it. */
static void *heap_realloc(void *p, size_t size, void *userdata)
{
	CAST(xmpp_heap, h, userdata, MAGIC);
	union head *head = p;
	size_t old;

	if (reading == h && (size > TEXT_MAX || (size > SMALL_TEXT && is_too_slow(h))))
		h->exceeded = 1;
	if (size > TEXT_MAX || (reading == h && h->exceeded))
		return NULL;
	if (p == NULL)
		return heap_alloc(size, userdata);
	head--;
	old = head->size;
	head = mem_realloc(head, sizeof *head + size);
	head->size = size;
	atomic_fetch_add_explicit(&h->used, size - old, memory_order_relaxed);
	return head + 1;
}

void xmpp_heap_init(struct xmpp_heap *h)
{
	memset(h, 0, sizeof *h);
	h->magic = MAGIC;
	h->mem = (xmpp_mem_t){heap_alloc, heap_free, heap_realloc, h};
}

void xmpp_heap_begin(struct xmpp_heap *h)
{
	reading = h;
	h->cpu_start_ns = thread_cpu_ns();
	h->exceeded = 0;
}

size_t xmpp_heap_used(struct xmpp_heap *h)
{
	return atomic_load_explicit(&h->used, memory_order_relaxed);
}

int xmpp_heap_is_exceeded(struct xmpp_heap *h)
{
	return h->exceeded || xmpp_heap_used(h) > XMPP_HEAP_MAX || is_too_slow(h);
}
