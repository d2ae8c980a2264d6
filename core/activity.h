/* SPDX-License-Identifier: MIT */
/* activity - the one neutral form in which jobs and messages travel between gateway and platforms.
 *
 *   {"actor":{"address":"ann@example.org","name":"Ann"}, "platform":"email", "verb":"send", "rid":7,
 *    "target":[{"address":"bob@example.org"}], "object":{"text":"hello"}, ...}
 *
 * `target` is always an array of objects and `object` always an object: the dispatcher normalises. A job has a
 * `rid`; a result repeats it and adds `status` and, on failure, `message`; an unsolicited message has neither.
 * The wire dialects live in the gateway; this file knows no protocol. Values are jansson's, borrowed unless said. */
#ifndef CORE_ACTIVITY_H
#define CORE_ACTIVITY_H

#include <jansson.h>

#include "core/base.h"

/* Accessors that never fail: "" or NULL when the member is absent or of another type. */
const char *activity_verb(const json_t *a);
const char *activity_actor_address(const json_t *a);
const json_t *activity_actor(const json_t *a);
/* The n-th target, NULL beyond the end. */
const json_t *activity_target(const json_t *a, size_t n);
size_t activity_target_count(const json_t *a);
/* The n-th target's address, NULL when there is none. */
const char *activity_target_address(const json_t *a, size_t n);
/* Never NULL: an empty object when the job has none. */
const json_t *activity_object(const json_t *a);
/* A string, integer or boolean of `object`, or the fallback when absent or of another type. */
const char *activity_object_string(const json_t *a, const char *key, const char *fallback);
json_int_t activity_object_integer(const json_t *a, const char *key, json_int_t fallback);
int activity_object_boolean(const json_t *a, const char *key, int fallback);

/* A new unsolicited message: TAKES `actor`, `target` and `object` (NULL: [] and {}). GIVES. The member order is
 * the classic one: actor, target, status, verb, object; the listener appends `platform`. */
json_t *activity_message(const char *verb, json_t *actor, json_t *target, json_t *object);

#endif
