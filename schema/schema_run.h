/* SPDX-License-Identifier: MIT */
/* schema_run - one check of one value: where it is, what it may still spend, what it found. */
#ifndef SCHEMA_SCHEMA_RUN_H
#define SCHEMA_SCHEMA_RUN_H

#include "schema/schema_node.h"

struct at { /* the place in the value; a chain of stack frames */
	const struct at *up;
	const json_t *value;
	const char *key; /* NULL: an array's item, or the root */
	size_t key_len, index;
};

struct scope { /* resources entered, innermost first */
	const struct resource *resource;
	const struct scope *up;
};

struct seen { /* which members or items were evaluated, by position */
	uint64_t *bits;
	size_t n_words;
};

struct record { /* the failure that got furthest */
	bool have;
	size_t rank;
	struct schema_failure f;
};

struct run {
	const struct schema_store *store;
	struct schema_store *owner; /* the same, for its spare alone */
	long steps;
	unsigned depth;
	int trouble;     /* 0, or the error it gave up with */
	const char *why; /* and the sentence */
	const struct scope *scope;
	struct record *record;   /* NULL: nobody wants to know, or inside `not` */
	struct scratch *scratch; /* NULL until a pattern needs it */
};

int node_run(struct run *r, const struct node *n, const struct at *at, struct seen *seen);
/* As node_run(), but `seen` only learns what a valid value made it see. */
int node_try(struct run *r, const struct node *n, const struct at *at, struct seen *seen);
/* Take `n` steps off; negative when none are left. */
int run_charge(struct run *r, size_t n);
int run_give_up(struct run *r, const char *why); /* `why`: a constant sentence */
extern const char run_too_deep[], run_too_long[];
/* Say why; always 1. `rank` tells branches apart: FAIL_KIND for a value of another kind than
 * meant. */
enum fail_rank { FAIL_KIND, FAIL_RULE = 3 };
int run_fail(struct run *r, const struct at *at, enum fail_rank rank, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* `value` as JSON for a report, cut to fit. */
const char *run_quote(const json_t *value, char *text, size_t size);

static inline void seen_mark(struct seen *s, size_t i)
{
	if (s != NULL)
		s->bits[i / 64] |= (uint64_t)1 << (i % 64);
}
bool seen_has(const struct seen *s, size_t i);
void seen_mark_all(struct seen *s);

/* Ops, by file. schema_run_logic.c */
op_fn run_all_of, run_any_of, run_one_of, run_not, run_if, run_ref, run_dynamic_ref;
/* schema_run_object.c */
op_fn run_object, run_property_count, run_dependents, run_unevaluated_properties;
/* schema_run_array.c */
op_fn run_array, run_item_count, run_contains, run_unique, run_unevaluated_items;
/* schema_run_scalar.c */
op_fn run_const, run_enum, run_minimum, run_exclusive_minimum, run_maximum, run_exclusive_maximum,
	run_multiple, run_length, run_pattern, run_format;

#endif
