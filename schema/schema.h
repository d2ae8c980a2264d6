/* SPDX-License-Identifier: MIT */
/* schema - checks JSON values against JSON Schema, drafts 7 and 2020-12.
 *
 * A store holds schema documents by URI; schema_compile() turns one of them, and all it refers
 * to, into a graph that is quick to run. Nothing is fetched from anywhere: a reference leads to
 * a document that was added, to one the store's resolver hands over, or to a built-in
 * metaschema. Knows nothing of platforms, verbs or files. How it works and what it limits:
 * docs/schema.md. Next: schema_store.h. */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include "core/err.h"

#include <jansson.h>

struct schema_store;
struct schema;

enum schema_draft { SCHEMA_DRAFT_7, SCHEMA_DRAFT_2020_12 };

/* Flags of schema_store_new(). */
enum { SCHEMA_ASSERT_FORMAT = 1 << 0 /* `format` decides; without it, it only describes */ };

/* Give-up points of one schema_validate(); a value or schema beyond them gets -ERR_TOO_LARGE. */
#define SCHEMA_MAX_DEPTH  1024    /* schemas inside schemas on the way to one place in the value */
#define SCHEMA_MAX_STEPS  2000000 /* subschemas applied, members looked at, patterns */

#define SCHEMA_WHERE_SIZE 256

/* Why a value is not valid, ready to be shown to a person. Both texts are cut at a character
 * boundary and hold no control characters, though they quote the value. Example: {"/target/0",
 * "Missing required property: id"} */
struct schema_failure {
	char where[SCHEMA_WHERE_SIZE]; /* JSON pointer (RFC 6901); "" is the whole value */
	char why[ERR_TEXT_SIZE];       /* one sentence without a full stop */
};

/* Looks up a document the store does not have. Gives 0 and the document in `*doc` (GIVES), or
 * NULL when there is none; or a negative ERR_* when there is one that cannot be used. `uri` has
 * no fragment. Called by schema_store_add() and schema_compile() only. */
typedef int schema_resolve_fn(void *arg, const char *uri, json_t **doc, struct err *e);

/* An empty store. `default_draft` counts where a schema has no $schema. GIVES, free by
 * schema_store_free(). */
struct schema_store *schema_store_new(enum schema_draft default_draft, unsigned flags) MUST_USE;
/* Also frees every schema compiled from it. NULL is legal. */
void schema_store_free(struct schema_store *store);
/* Set the resolver. KEEPS `fn` and `arg` until schema_store_free(). */
void schema_store_resolver(struct schema_store *store, schema_resolve_fn *fn, void *arg);

/* Add `doc` under `uri` (absolute, or relative and then the base of its references as it stands)
 * and under every $id inside. A deep copy is made: `doc` is borrowed. Fails with ERR_CONFIG when
 * the document is no schema, when a URI is taken already, or when its $schema is unknown (a
 * metaschema of your own comes before its users); the store should not be used further then. */
int schema_store_add(struct schema_store *store, const char *uri, const json_t *doc, struct err *e);

/* The schema at `uri`, which may carry a fragment: "irc.json", "irc.json#/$defs/room",
 * "verbs.json#send". `*out` lives as long as the store and never changes. Fails with ERR_CONFIG
 * (the text names the place in the schema), leaving the store usable. Not to be called while
 * another thread uses the store or its schemas. */
int schema_compile(
	struct schema_store *store, const char *uri, const struct schema **out, struct err *e);

/* Check `value`. Gives 0 when it is valid, -ERR_SCHEMA when not, -ERR_TOO_LARGE when checking
 * took more than the limits above; `f` (may be NULL, which costs less) says why unless the
 * result is 0, then it is untouched. Of several branches of anyOf or oneOf the one that got
 * furthest is reported. A valid value costs no allocation, except arrays over 64 items under
 * uniqueItems and containers over 1024 under unevaluated*. Threads may check with one schema at
 * the same time. */
int schema_validate(const struct schema *schema, const json_t *value, struct schema_failure *f);

#endif
