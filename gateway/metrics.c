/* SPDX-License-Identifier: MIT */
#include "gateway/metrics.h"

static void row(
	struct buf *out, const char *name, const char *type, const char *text, long long value)
{
	buf_printf(
		out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, text, name, type, name, value);
}

void metrics_print(
	const struct metrics *m, const struct metrics_gauge *gauges, size_t n, struct buf *out)
{
#define METRIC(field, name, text) row(out, name, "counter", text, (long long)m->field);
#include "gateway/metrics.def"
#undef METRIC
	for (size_t i = 0; i < n; i++)
		row(out, gauges[i].name, "gauge", gauges[i].text, gauges[i].value);
}
