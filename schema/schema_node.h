/* SPDX-License-Identifier: MIT */
/* schema_node - the compiled form: nodes (one per subschema) and their ops. Never changes once it
 * is done.
 *
 * Made by schema_compile.c and the keywords (schema_build.h), walked by schema_run.c
 * (schema_run.h). */
#ifndef SCHEMA_SCHEMA_NODE_H
#define SCHEMA_SCHEMA_NODE_H

#include "schema/schema_store.h"
#include "schema/schema_value.h"

struct at;
struct seen;
struct op;
struct format;

/* 0: holds, 1: does not (and said so by run_fail), negative: gave up. */
typedef int op_fn(struct run *r, const struct op *op, const struct at *at, struct seen *seen);

struct property {
	const char *name; /* NULL: free slot */
	size_t len;
	uint64_t hash;
	const struct node *node; /* NULL: only named by `required` */
	bool required;
};

struct pattern_property {
	const struct pattern *pattern;
	const struct node *node;
};

/* properties, required, patternProperties, additionalProperties and propertyNames in one pass. */
struct object_op {
	struct property *slots; /* open addressing, at most half full */
	size_t mask, n_names;
	const char **required;
	size_t n_required;
	struct pattern_property *patterns;
	size_t n_patterns;
	const struct node *rest, *names; /* NULL: anything */
};

struct array_op {
	const struct node **prefix;
	size_t n_prefix;
	const struct node *rest; /* NULL: anything */
};

struct contains_op {
	const struct node *node;
	size_t min, max;
	bool marks; /* 2020-12: what it matches counts as evaluated */
};

struct dependent { /* when `name` is there: these names, or this schema */
	const char *name;
	const char **needs;
	size_t n_needs;
	const struct node *node;
};

struct op {
	op_fn *run;
	unsigned applies; /* enum type bits of values it looks at */
	union {
		const json_t *value; /* const, minimum ... */
		struct {
			size_t min, max;
		} count;
		struct {
			const json_t *value;
			struct decimal decimal;
		} divisor;
		const struct pattern *pattern;
		const struct format *format;
		struct {
			const struct node **nodes;
			size_t n;
		} list;
		const struct node *node;
		struct {
			const struct node *test, *yes, *no;
		} branch;
		struct {
			const struct node *node;
			const char *name; /* interned */
		} dynamic;
		struct object_op *object;
		struct array_op *array;
		struct contains_op *contains;
		struct {
			struct dependent *rows;
			size_t n;
		} dependents;
	};
};

struct node {
	unsigned types; /* allowed, with TYPE_INTEGER; 0: the schema false */
	bool tracks;    /* has unevaluated*: collects what its subschemas evaluate */
	bool done;
	unsigned long compiled_in; /* the compile run that has it on its list */
	size_t n_ops;
	const struct op *ops;
	const struct resource *resource; /* NULL: true or false */
	struct location *loc;
};
extern const struct node node_true, node_false;

struct schema {
	const struct node *root;
	struct schema_store *store;
};

#endif
