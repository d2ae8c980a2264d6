/* SPDX-License-Identifier: MIT */
#include "gateway/credentials.h"

#include <string.h>

#include "core/activity.h"
#include "core/err.h"
#include "gateway/classic.h"
#include "schema/registry.h"
#include "schema/schema.h"

/* Forms A and B name the platform in the target, form C is sent to the platform itself. */
static int platform_find(const struct registry *r, const struct classic_job *job,
	struct credentials *c, struct err *e)
{
	const char *name = job->platform->name;

	if (strcmp(name, REGISTRY_DISPATCHER) == 0)
		name = json_string_value(
			json_object_get(activity_target(job->activity, 0), "platform"));
	if (name == NULL)
		return err_set(e, ERR_INVALID, "no target platform specified");
	c->platform = registry_find(r, name);
	if (c->platform == NULL || !c->platform->loaded || strcmp(name, REGISTRY_DISPATCHER) == 0)
		return err_set(e, ERR_INVALID, "unable to load platform %s", name);
	if (c->platform->credentials == NULL)
		return err_set(e, ERR_INVALID,
			"platform has to have a schema defined for set operations. cannot validate "
			"request");
	return 0;
}

static int entry_add(struct credentials *c, const char *address, json_t *fields, struct err *e)
{
	struct schema_failure f;
	json_t *entry;

	if (!json_is_object(fields))
		return err_set(
			e, ERR_INVALID, "invalid object format: credentials have to be an object");
	entry = json_copy(fields);
	if (json_object_get(entry, "objectType") == NULL)
		json_object_set_new(entry, "objectType", json_string("credentials"));
	json_object_set_new(c->entries, address, entry);
	if (schema_validate(c->platform->credentials, entry, &f) < 0)
		return err_set(e, ERR_SCHEMA, "invalid object format %s%s%s", f.why,
			*f.where != '\0' ? " at " : "", f.where);
	return 0;
}

/* Form A: a map from address to fields. */
static int map_read(struct credentials *c, json_t *map, struct err *e)
{
	const char *address;
	json_t *fields;

	if (json_object_size(map) == 0)
		return err_set(e, ERR_INVALID, "no credentials specified");
	json_object_foreach (map, address, fields) {
		int rc = entry_add(c, address, fields, e);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Forms B and C: the actor's own. */
static int single_read(struct credentials *c, const json_t *activity, json_t *object, struct err *e)
{
	const char *type = json_string_value(json_object_get(object, "objectType"));
	const char *address = activity_actor_address(activity);

	if (type == NULL)
		return err_set(e, ERR_INVALID,
			"this set object has no object.objectType (ie. \"credentials\"), cannot "
			"process.");
	if (strcmp(type, "credentials") != 0)
		return err_set(e, ERR_INVALID,
			"unknown objectType for this target platform, cannot process");
	if (address == NULL || *address == '\0')
		return err_set(e, ERR_INVALID, "no actor address specified");
	return entry_add(c, address, object, e);
}

int credentials_read(const struct registry *r, const struct classic_job *job, struct credentials *c,
	struct err *e)
{
	json_t *object = json_object_get(job->activity, "object");
	json_t *map = json_object_get(object, "credentials");
	int rc = platform_find(r, job, c, e);

	c->entries = json_object();
	if (rc == 0 && json_is_object(map) && strcmp(job->platform->name, REGISTRY_DISPATCHER) == 0)
		rc = map_read(c, map, e);
	else if (rc == 0)
		rc = single_read(c, job->activity, object, e);
	if (rc < 0) {
		json_decref(c->entries);
		c->entries = NULL;
	}
	return rc;
}
