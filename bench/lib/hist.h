/* SPDX-License-Identifier: MIT */
/* hist - a latency histogram with log-linear buckets.
 *
 * Every power of two is cut into 128 equal buckets, so a quantile is right to within 0.8 percent
 * whatever its size, adding is a shift and an increment, and nothing is allocated while
 * measuring. It knows no unit: what goes in as nanoseconds comes out as nanoseconds. */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 7
#define HIST_BUCKETS  ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

/* Zero-initialise before first use. */
struct hist {
	uint64_t count;
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t value);
/* The value that `q` (0..1) of all values do not exceed: the middle of its bucket, never above
 * the largest value seen. 0 while empty. */
uint64_t hist_quantile(const struct hist *h, double q);

#endif
