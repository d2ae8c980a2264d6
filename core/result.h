/* SPDX-License-Identifier: MIT */
/* result - the text of what a platform answers and sends, as it is kept in an outbox.
 *
 * The neutral form, whose member order is the classic dialect's: the classic front hands the text on as it is, without
 * parsing it again. Pure. */
#ifndef CORE_RESULT_H
#define CORE_RESULT_H

#include <jansson.h>

#include "core/buf.h"

/* Appends the final result of the job `activity`: {actor, platform, verb, rid, target, status:true, object}. `object`
 * may be NULL: {}. Example: docs/protocol.md. */
void result_success(
	struct buf *out, const json_t *activity, const char *platform, const json_t *object);
/* The same for a failure: {..., message, status:false, object:{}}. */
void result_failure(
	struct buf *out, const json_t *activity, const char *platform, const char *message);
/* Appends an unsolicited message: its members as the platform made them, then `platform`. */
void result_message(struct buf *out, const json_t *message, const char *platform);

#endif
