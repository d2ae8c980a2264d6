/* SPDX-License-Identifier: MIT */
/* metrics - what this gateway has counted, for Prometheus (text format 0.0.4). One struct, no locks: one loop. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include "core/buf.h"

struct metrics {
#define METRIC(field, name, text) unsigned long long field;
#include "gateway/metrics.def"
#undef METRIC
};

/* A number that is read when asked for, not counted. */
struct metrics_gauge {
	const char *name;
	const char *text;
	long long value;
};

/* Appends everything. `gauges` holds n rows. */
void metrics_print(
	const struct metrics *m, const struct metrics_gauge *gauges, size_t n, struct buf *out);

#endif
