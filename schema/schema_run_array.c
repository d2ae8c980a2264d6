/* SPDX-License-Identifier: MIT */
/* Ops on arrays. */
#include "core/mem.h"
#include "schema/schema_run.h"

#include <stdlib.h>

int run_array(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	const struct array_op *a = op->array;
	size_t n = json_array_size(at->value);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct node *node = i < a->n_prefix ? a->prefix[i] : a->rest;
		if (node == NULL)
			break;
		struct at item = {at, json_array_get(at->value, i), NULL, 0, i};
		rc = node_run(r, node, &item, NULL);
		seen_mark(seen, i);
	}
	return rc;
}

int run_item_count(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	size_t n = json_array_size(at->value);

	UNUSED(seen);
	if (n < op->count.min)
		return run_fail(
			r, at, FAIL_RULE, "Too few items: %zu (at least %zu)", n, op->count.min);
	if (n > op->count.max)
		return run_fail(
			r, at, FAIL_RULE, "Too many items: %zu (at most %zu)", n, op->count.max);
	return 0;
}

int run_contains(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	const struct contains_op *c = op->contains;
	struct record *record = r->record;
	size_t size = json_array_size(at->value);
	size_t n = 0;
	int rc = 0;

	r->record = NULL;
	for (size_t i = 0; i < size && rc >= 0; i++) {
		struct at item = {at, json_array_get(at->value, i), NULL, 0, i};
		rc = node_run(r, c->node, &item, NULL);
		n += rc == 0;
		if (rc == 0 && c->marks)
			seen_mark(seen, i);
		/* Enough is known, unless all matches have to be marked. */
		if (n > c->max || (n >= c->min && c->max == SIZE_MAX && seen == NULL))
			break;
	}
	r->record = record;
	if (rc < 0)
		return rc;
	if (n < c->min)
		return run_fail(r, at, FAIL_RULE,
			"Too few items match contains: %zu (at least %zu)", n, c->min);
	if (n > c->max)
		return run_fail(
			r, at, FAIL_RULE, "Too many items match contains (at most %zu)", c->max);
	return 0;
}

/* ---- uniqueItems: small arrays pair by pair, others sorted by hash */

#define FEW        8
#define STACK_ROWS 64

struct row {
	uint64_t hash;
	size_t index;
};

static int by_hash(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static int fail_twins(struct run *r, const struct at *at, size_t i, size_t k)
{
	return run_fail(r, at, FAIL_RULE, "Items %zu and %zu are equal", MIN(i, k), MAX(i, k));
}

/* Rows from `from` to `to` that may be equal, pair by pair. Different values seldom share a
 * hash; if somebody arranges it, the steps run out. */
static int check_pairs(
	struct run *r, const struct at *at, const struct row *rows, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		for (size_t k = i + 1; k < to; k++) {
			int rc = run_charge(r, 1);
			if (rc == 0)
				rc = value_equal(r, json_array_get(at->value, rows[i].index),
					json_array_get(at->value, rows[k].index));
			if (rc != 0)
				return rc < 0 ? rc
					      : fail_twins(r, at, rows[i].index, rows[k].index);
		}
	}
	return 0;
}

static int check_sorted(struct run *r, const struct at *at, struct row *rows, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct row){value_hash(r, json_array_get(at->value, i)), i};
	if (r->trouble != 0)
		return r->trouble;
	qsort(rows, n, sizeof *rows, by_hash);
	for (size_t i = 0, end; i < n && rc == 0; i = end) {
		for (end = i + 1; end < n && rows[end].hash == rows[i].hash;)
			end++;
		rc = check_pairs(r, at, rows, i, end);
	}
	return rc;
}

int run_unique(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	struct row stack[STACK_ROWS];
	struct row *heap = NULL;
	size_t n = json_array_size(at->value);
	int rc;

	UNUSED(op);
	UNUSED(seen);
	if (n <= FEW) {
		for (size_t i = 0; i < n; i++)
			stack[i] = (struct row){0, i};
		return check_pairs(r, at, stack, 0, n);
	}
	if (run_charge(r, n) < 0)
		return r->trouble;
	if (n > STACK_ROWS)
		heap = mem_array(n, sizeof *heap);
	rc = check_sorted(r, at, heap != NULL ? heap : stack, n);
	mem_free(heap);
	return rc;
}

int run_unevaluated_items(
	struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	size_t n = json_array_size(at->value);
	int rc = run_charge(r, n);

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct at item = {at, json_array_get(at->value, i), NULL, 0, i};
		if (!seen_has(seen, i))
			rc = node_run(r, op->node, &item, NULL);
	}
	seen_mark_all(seen);
	return rc;
}
