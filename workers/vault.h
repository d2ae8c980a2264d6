/* SPDX-License-Identifier: MIT */
/* vault - reads this platform's credentials of one actor in one session, and opens them.
 *
 * They are sealed with a key made of the platform's key and the session's salt: a worker of another platform cannot open them,
 * and nobody can once the session is gone. */
#ifndef WORKERS_VAULT_H
#define WORKERS_VAULT_H

#include <jansson.h>

#include "core/session.h"

struct err;
struct worker;

/* `e->code` ERR_NONE: `credentials` (borrowed) is the object that was set. Else ERR_NO_CREDENTIALS with the classic texts,
 * ERR_SEALED, or ERR_REDIS. */
typedef void vault_fn(void *arg, json_t *credentials, const struct err *e);
/* < 0 (ERR_REDIS): not sent, `fn` is not called. */
int vault_get(
	struct worker *w, const struct session_ref *s, const char *actor, vault_fn *fn, void *arg);

#endif
