/* SPDX-License-Identifier: MIT */
/* schema_build - compiling: the table of keywords, and what their functions use to make ops.
 *
 * A new keyword is a row in schema_table.c, a function here and one in schema_run.h. */
#ifndef SCHEMA_SCHEMA_BUILD_H
#define SCHEMA_SCHEMA_BUILD_H

#include "schema/schema_node.h"

enum shape { /* where a keyword holds subschemas */
	SHAPE_NONE,
	SHAPE_ONE,
	SHAPE_LIST,
	SHAPE_ONE_OR_LIST,
	SHAPE_MAP,
	SHAPE_MAP_OR_NAMES /* draft 7 dependencies: subschemas or arrays of names */
};

struct build;
struct keyword {
	const char *name;
	unsigned char drafts; /* bit 1 << enum schema_draft */
	unsigned char vocab;
	enum shape shape;
	/* NULL: nothing to run. Adds ops; reads siblings where it must. */
	int (*compile)(struct build *b, const struct keyword *k, json_t *value, struct err *e);
	op_fn *run;
	unsigned applies; /* enum type bits of the values `run` looks at */
};
/* In the order in which checks run; ends at a NULL name. */
extern const struct keyword schema_keywords[];

struct build { /* one node under construction */
	struct compiler *compiler;
	struct schema_store *store;
	struct location *loc;
	struct node *node;
	struct op *ops; /* moved to the arena when complete */
	size_t n_ops, cap_ops;
};
/* A zeroed op behind the others; valid until the next call. */
struct op *build_op(struct build *b, op_fn *run, unsigned applies);
/* The op with this function when the node has one, else NULL. */
struct op *build_find_op(const struct build *b, op_fn *run);
/* The node of a subschema; its own ops are compiled later. */
int build_node(struct build *b, json_t *json, const struct node **out, struct err *e);
/* The value of a sibling keyword, or NULL when it is absent or its vocabulary is not in force. */
json_t *build_sibling(const struct build *b, const char *name, unsigned vocab);
int build_error(const struct build *b, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* What `ref` leads to from here. */
int build_target(struct build *b, const char *ref, struct target *t, struct err *e);

/* Keywords by file: schema_keyword.c, schema_keyword_parts.c (those with more than one in an
 * op). */
typedef int keyword_fn(struct build *b, const struct keyword *k, json_t *value, struct err *e);
keyword_fn keyword_type, keyword_value, keyword_list_of_values, keyword_number, keyword_multiple,
	keyword_min, keyword_max, keyword_pattern, keyword_format, keyword_unique, keyword_one,
	keyword_list, keyword_if, keyword_ref, keyword_dynamic_ref, keyword_unevaluated;
keyword_fn keyword_object, keyword_array, keyword_contains, keyword_dependents;
/* A whole number, not negative; above SIZE_MAX it is taken as SIZE_MAX. */
int keyword_count(
	struct build *b, const char *name, const json_t *value, size_t *out, struct err *e);

#endif
