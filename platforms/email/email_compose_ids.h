/* SPDX-License-Identifier: MIT */
/* email_compose_ids - message ids that a client gives for In-Reply-To, References and Message-ID (RFC 5322, 3.6.4).
 *
 * Stricter than the RFC's obsolete forms: printable ASCII, no white space, one "@" or more, no brackets within. Pure. */
#ifndef PLATFORMS_EMAIL_EMAIL_COMPOSE_IDS_H
#define PLATFORMS_EMAIL_EMAIL_COMPOSE_IDS_H

#include <jansson.h>

#include "core/buf.h"

struct err;

/* Appends "<a@b> <c@d>" from a string with ids that white space separates, or an array of such strings; the brackets
 * may be missing. NULL or null appends nothing. `what` is for the error text. ERR_INVALID, also for more than `max`. */
int email_compose_ids_read(
	const json_t *value, const char *what, size_t max, struct buf *out, struct err *e);

#endif
