/* SPDX-License-Identifier: MIT */
#include "core/activity.h"

/* json_*_value() of NULL or of another type give NULL or 0, so none of the accessors has to ask first. */

const char *activity_verb(const json_t *a)
{
	const char *verb = json_string_value(json_object_get(a, "verb"));

	return verb != NULL ? verb : "";
}

const json_t *activity_actor(const json_t *a)
{
	return json_object_get(a, "actor");
}

const char *activity_actor_address(const json_t *a)
{
	const char *address = json_string_value(json_object_get(activity_actor(a), "address"));

	return address != NULL ? address : "";
}

const json_t *activity_target(const json_t *a, size_t n)
{
	return json_array_get(json_object_get(a, "target"), n);
}

size_t activity_target_count(const json_t *a)
{
	return json_array_size(json_object_get(a, "target"));
}

const char *activity_target_address(const json_t *a, size_t n)
{
	return json_string_value(json_object_get(activity_target(a, n), "address"));
}

const json_t *activity_object(const json_t *a)
{
	static json_t *empty; /* one for the life of the process; readers get it const */
	const json_t *object = json_object_get(a, "object");

	if (json_is_object(object))
		return object;
	if (empty == NULL)
		empty = json_object();
	return empty;
}

const char *activity_object_string(const json_t *a, const char *key, const char *fallback)
{
	const char *s = json_string_value(json_object_get(activity_object(a), key));

	return s != NULL ? s : fallback;
}

json_int_t activity_object_integer(const json_t *a, const char *key, json_int_t fallback)
{
	const json_t *v = json_object_get(activity_object(a), key);

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

int activity_object_boolean(const json_t *a, const char *key, int fallback)
{
	const json_t *v = json_object_get(activity_object(a), key);

	return json_is_boolean(v) ? json_is_true(v) : fallback;
}

json_t *activity_message(const char *verb, json_t *actor, json_t *target, json_t *object)
{
	json_t *m = json_object();

	json_object_set_new(m, "actor", actor != NULL ? actor : json_object());
	json_object_set_new(m, "target", target != NULL ? target : json_array());
	json_object_set_new(m, "status", json_true());
	json_object_set_new(m, "verb", json_string(verb));
	json_object_set_new(m, "object", object != NULL ? object : json_object());
	return m;
}
