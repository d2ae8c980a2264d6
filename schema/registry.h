/* SPDX-License-Identifier: MIT */
/* registry - the platforms and verbs there are, from the schema files alone.
 *
 * schema/verbs.json has the verbs that platforms share, schema/platforms/NAME.json one platform each: its verbs, its
 * credentials, its settings. verbs.local.json and platforms.local/NAME.json beside them may only add. Everything is
 * compiled once, here; docs/schema.md describes the files. Used by the gateway, and by workers for their settings. */
#ifndef SCHEMA_REGISTRY_H
#define SCHEMA_REGISTRY_H

#include <jansson.h>

#include "core/base.h"

struct err;
struct schema;
struct registry;

/* Internal verbs are a platform of their own, that cannot be switched off. */
#define REGISTRY_DISPATCHER "dispatcher"
#define REGISTRY_NAME_MAX   32

struct registry_verb {
	const char *name;
	const struct schema *general; /* from verbs.json; NULL: none */
	const struct schema *own;     /* the platform's addition; NULL: none */
};

struct registry_platform {
	const char *name;
	int loaded; /* named in the configuration (the dispatcher always is) */
	const struct registry_verb *verbs;
	size_t n_verbs;
	const struct schema *credentials; /* for the `object` of `set`; NULL: takes none */
	const json_t *document;           /* the file */
	const json_t
		*settings; /* of the configuration, completed with defaults; {} when not loaded */
};

/* Reads `dir` and checks `configured` (the configuration's `platforms`) against it. < 0: ERR_CONFIG, naming file and place.
 * `configured` is borrowed. GIVES in `*out`. */
int registry_load(const char *dir, const json_t *configured, struct registry **out, struct err *e);
void registry_free(struct registry *r);

size_t registry_count(const struct registry *r);
const struct registry_platform *registry_at(const struct registry *r, size_t i);
/* NULL when there is none. */
const struct registry_platform *registry_find(const struct registry *r, const char *name);
const struct registry_verb *registry_verb(const struct registry_platform *p, const char *name);
/* {"verbs": verbs.json, "platforms": {NAME: file...}}, of the loaded platforms. Borrowed. */
const json_t *registry_document(const struct registry *r);

#endif
