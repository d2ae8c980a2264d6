/* SPDX-License-Identifier: MIT */
/* credentials - reads the `set` job in its three classic forms (docs/protocol.md) and checks what it holds. Pure. */
#ifndef GATEWAY_CREDENTIALS_H
#define GATEWAY_CREDENTIALS_H

#include <jansson.h>

#include "core/base.h"

struct classic_job;
struct err;
struct registry;
struct registry_platform;

struct credentials {
	const struct registry_platform *platform;
	/* {address: {"objectType":"credentials", ...}, ...}: one entry, in the oldest form several. Owned. */
	json_t *entries;
};

/* 0, or < 0 with the sentence for the client in `e`. Release it with json_decref(c->entries). */
int credentials_read(const struct registry *r, const struct classic_job *job, struct credentials *c,
	struct err *e);

#endif
