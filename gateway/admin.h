/* SPDX-License-Identifier: MIT */
/* admin - what the operator's monitoring asks: GET /metrics, in the text format of Prometheus. On an address of its own, never
 * public. */
#ifndef GATEWAY_ADMIN_H
#define GATEWAY_ADMIN_H

struct admin;
struct delivery;
struct exchange;
struct metrics;

/* Both KEPT until admin_free(). GIVES. */
struct admin *admin_new(const struct metrics *m, const struct delivery *d);
void admin_free(struct admin *a);
/* An exchange_handler_fn. */
void admin_request(void *admin, struct exchange *x);

#endif
