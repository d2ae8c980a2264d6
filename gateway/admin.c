/* SPDX-License-Identifier: MIT */
#include "gateway/admin.h"

#include <string.h>

#include "core/mem.h"
#include "gateway/delivery.h"
#include "gateway/exchange.h"
#include "gateway/metrics.h"

struct admin {
	const struct metrics *metrics;
	const struct delivery *delivery;
};

struct admin *admin_new(const struct metrics *m, const struct delivery *d)
{
	struct admin *a = mem_alloc(sizeof *a);

	a->metrics = m;
	a->delivery = d;
	return a;
}

void admin_free(struct admin *a)
{
	mem_free(a);
}

void admin_request(void *arg, struct exchange *x)
{
	struct admin *a = arg;
	const struct metrics_gauge gauges[] = {
		{"sockethub_sessions_subscribed",
			"Sessions whose messages this gateway is listening for",
			(long long)delivery_count(a->delivery)},
	};
	const struct http_header text[] = {
		{"Content-Type", "text/plain; version=0.0.4"}, {NULL, NULL}};
	struct buf body = BUF_INIT;
	int known = strcmp(x->path, "/metrics") == 0 &&
		    (x->method == HTTP_GET || x->method == HTTP_HEAD);

	if (known)
		metrics_print(a->metrics, gauges, sizeof gauges / sizeof gauges[0], &body);
	else
		buf_add_str(&body, "GET /metrics\n");
	exchange_respond(x, known ? 200 : 404, text, &body);
}
