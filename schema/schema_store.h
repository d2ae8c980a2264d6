/* SPDX-License-Identifier: MIT */
/* schema_store - documents, scanned into resources (one per $id) and locations (one per subschema).
 *
 * schema_store.c finds documents and follows URIs, schema_scan.c registers what is in them,
 * schema_meta.c has the metaschemas. Nothing here runs. Next: schema_node.h. */
#ifndef SCHEMA_SCHEMA_STORE_H
#define SCHEMA_SCHEMA_STORE_H

#include "schema/schema.h"
#include "schema/schema_map.h"
#include "schema/schema_pattern.h"

#include <stdatomic.h>
#include <stdbool.h>

struct location;
struct node;

enum vocabulary {
	VOCAB_CORE = 1 << 0,
	VOCAB_APPLICATOR = 1 << 1,
	VOCAB_UNEVALUATED = 1 << 2,
	VOCAB_VALIDATION = 1 << 3,
	VOCAB_FORMAT = 1 << 4, /* format-annotation or format-assertion */
	VOCAB_OTHER = 1 << 5,  /* meta-data and content: describe, never decide */
	VOCAB_ASSERT_FORMAT = 1 << 6
};
#define VOCAB_ALL                                                                              \
	(VOCAB_CORE | VOCAB_APPLICATOR | VOCAB_UNEVALUATED | VOCAB_VALIDATION | VOCAB_FORMAT | \
		VOCAB_OTHER)

struct dialect {
	enum schema_draft draft;
	unsigned vocab;
};

struct dynamic_anchor {
	const char *name; /* interned: equal names are equal pointers */
	struct location *at;
	struct dynamic_anchor *next;
};

/* A (sub)document with a base URI of its own. */
struct resource {
	const char *uri; /* without fragment */
	struct dialect dialect;
	struct location *root;
	struct dynamic_anchor *dynamic;
	unsigned long compiled_in; /* the compile run that took the dynamic anchors along */
};

/* One subschema that is an object. */
struct location {
	json_t *json; /* borrowed from the store's copy of the document */
	struct resource *resource;
	const struct location *up; /* NULL: root of a document */
	const char *key;           /* pointer from `up` to here, escaped: "/properties/a"; arena */
	struct node *node;         /* NULL until something compiled needs it */
	bool scanned;
};

struct schema_store {
	struct dialect dialect;
	unsigned flags;
	schema_resolve_fn *resolve;
	void *resolve_arg;
	struct arena arena;
	struct map documents; /* URI -> json_t, one reference held */
	struct map resources; /* URI -> resource */
	struct map anchors;   /* URI#name -> location */
	struct map dynamic;   /* URI#name -> location, those by $dynamicAnchor */
	struct map names;     /* name -> itself: interned */
	struct map locations; /* json_t pointer -> location */
	json_t *held;         /* array that holds the documents */
	struct pattern *patterns;
	unsigned long compiles;
	uint64_t seed;                   /* for hashing values of strangers */
	_Atomic(struct scratch *) spare; /* one kept, so that checking does not allocate */
	pcre2_compile_context *pattern_context;
};

/* schema_store.c */
const char *store_intern(struct schema_store *store, const char *name);
/* The document at `uri` (no fragment): added, built in, or from the resolver. NULL in `*doc`:
 * there is none. */
int store_document(struct schema_store *store, const char *uri, json_t **doc, struct err *e);
/* The dialect that `uri`, the value of $schema, stands for. */
int store_dialect(struct schema_store *store, const char *uri, struct dialect *d, struct err *e);
/* What an absolute URI with or without fragment leads to: a location, or (then `*loc` is NULL) a
 * boolean. */
struct target {
	struct location *loc;
	bool truth;
};
int store_find(struct schema_store *store, const char *uri, struct target *t, struct err *e);

/* schema_scan.c */
/* Register everything in `doc`, found at `uri`. */
int scan_document(struct schema_store *store, const char *uri, json_t *doc, struct err *e);
/* Register a subschema that was reached by pointer only; `key` is the pointer from `up`. */
int scan_extra(struct schema_store *store, struct location *up, const char *key, json_t *json,
	struct err *e);
/* -ERR_CONFIG, the sentence prefixed by where in which document. */
int location_error(const struct location *loc, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* schema_meta.c: the text of a built-in metaschema, or NULL. */
const char *meta_text(const char *uri, size_t *len);

#endif
