/* SPDX-License-Identifier: MIT */
#include "bench/lib/hist.h"
#include "core/base.h"

#define SUB_COUNT (1u << HIST_SUB_BITS)

/* Values below SUB_COUNT have a bucket each; from there on every power of two has SUB_COUNT of
 * them. */
static unsigned index_of(uint64_t value)
{
	if (value < SUB_COUNT)
		return (unsigned)value;
	unsigned shift = (63 - HIST_SUB_BITS) - (unsigned)__builtin_clzll(value);
	return ((shift + 1) << HIST_SUB_BITS) + (unsigned)((value >> shift) & (SUB_COUNT - 1));
}

static uint64_t middle_of(unsigned index)
{
	if (index < SUB_COUNT)
		return index;
	unsigned shift = (index >> HIST_SUB_BITS) - 1;
	uint64_t low = (uint64_t)(SUB_COUNT + (index & (SUB_COUNT - 1))) << shift;
	return low + ((1ull << shift) >> 1);
}

void hist_add(struct hist *h, uint64_t value)
{
	h->bucket[index_of(value)]++;
	h->count++;
	h->max = MAX(h->max, value);
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	uint64_t seen = 0;
	for (unsigned i = 0; i < HIST_BUCKETS && h->count > 0; i++) {
		seen += h->bucket[i];
		if (seen > 0 && (double)seen >= q * (double)h->count)
			return MIN(middle_of(i), h->max);
	}
	return 0;
}
