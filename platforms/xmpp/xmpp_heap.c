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
/* libstrophe writes down each stanza that comes, for a log that nobody keeps: into a block of this size first, then into one
 * that is large enough. */
#define LOG_FIRST 1024

/* Stands before each block; keeps the alignment of malloc(). */
union head {
	size_t size;
	max_align_t align;
};

/* Of this thread, since its last xmpp_heap_begin(). The loop builds stanzas in the same memory, and is not judged. */
static _Thread_local struct xmpp_heap *reading;

/* Of all contexts together. */
static atomic_size_t all_used;

static void count_more(struct xmpp_heap *h, size_t n)
{
	atomic_fetch_add_explicit(&h->used, n, memory_order_relaxed);
	atomic_fetch_add_explicit(&all_used, n, memory_order_relaxed);
}

static void count_less(struct xmpp_heap *h, size_t n)
{
	atomic_fetch_sub_explicit(&h->used, n, memory_order_relaxed);
	atomic_fetch_sub_explicit(&all_used, n, memory_order_relaxed);
}

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
	count_more(h, sizeof *head + size);
	return head + 1;
}

static void heap_free(void *p, void *userdata)
{
	CAST(xmpp_heap, h, userdata, MAGIC);
	union head *head = p;

	if (p == NULL)
		return;
	head--;
	count_less(h, sizeof *head + head->size);
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
	size_t old = p != NULL ? head[-1].size : 0;

	/* It does without. */
	if (old == LOG_FIRST && size > TEXT_MAX)
		return NULL;
	if (reading == h && (size > TEXT_MAX || (size > SMALL_TEXT && is_too_slow(h))))
		h->exceeded = 1;
	if (size > TEXT_MAX || (reading == h && h->exceeded))
		return NULL;
	if (p == NULL)
		return heap_alloc(size, userdata);
	head = mem_realloc(head - 1, sizeof *head + size);
	head->size = size;
	if (size > old)
		count_more(h, size - old);
	else
		count_less(h, old - size);
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

static int is_too_large(struct xmpp_heap *h)
{
	size_t used = xmpp_heap_used(h);

	return used > XMPP_HEAP_MAX ||
	       (used > XMPP_HEAP_SHARE &&
		       atomic_load_explicit(&all_used, memory_order_relaxed) > XMPP_HEAP_ALL);
}

int xmpp_heap_is_exceeded(struct xmpp_heap *h)
{
	return h->exceeded || is_too_large(h) || is_too_slow(h);
}
