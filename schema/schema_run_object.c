/* SPDX-License-Identifier: MIT */
/* Ops on objects. */
#include "schema/schema_run.h"

static const struct property *find(const struct object_op *o, const char *key, size_t len)
{
	uint64_t hash = hash_bytes(0, key, len);

	for (size_t i = hash & o->mask; o->slots[i].name != NULL; i = (i + 1) & o->mask) {
		const struct property *p = &o->slots[i];
		if (p->hash == hash && p->len == len && memcmp(p->name, key, len) == 0)
			return p;
	}
	return NULL;
}

static int run_name(struct run *r, const struct node *names, const struct at *member)
{
	json_t *name = json_stringn_nocheck(member->key, member->key_len);
	struct at at = *member;

	at.value = name;
	int rc = node_run(r, names, &at, NULL);
	json_decref(name);
	return rc;
}

/* One member. Sets `*known` when properties, patternProperties or additionalProperties had a
 * schema for it, and adds to `*found` when it is a required one. */
static int run_member(struct run *r, const struct object_op *o, const struct at *member,
	bool *known, size_t *found)
{
	const struct property *p = o->n_names > 0 ? find(o, member->key, member->key_len) : NULL;
	int rc = 0;

	*known = p != NULL && p->node != NULL;
	*found += p != NULL && p->required;
	if (*known)
		rc = node_run(r, p->node, member, NULL);
	for (size_t i = 0; i < o->n_patterns && rc == 0; i++) {
		rc = pattern_match(r, o->patterns[i].pattern, member->key, member->key_len);
		if (rc > 0) {
			*known = true;
			rc = node_run(r, o->patterns[i].node, member, NULL);
		}
	}
	if (rc == 0 && !*known && o->rest != NULL) {
		*known = true;
		rc = node_run(r, o->rest, member, NULL);
	}
	if (rc == 0 && o->names != NULL)
		rc = run_name(r, o->names, member);
	return rc;
}

/* Fails for the first required member that is not there; 0 when all are. */
static int fail_missing(struct run *r, const struct object_op *o, const struct at *at)
{
	for (size_t i = 0; i < o->n_required; i++)
		if (json_object_get(at->value, o->required[i]) == NULL)
			return run_fail(r, at, FAIL_RULE, "Missing required property: %.200s",
				o->required[i]);
	return 0;
}

int run_object(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	const struct object_op *o = op->object;
	json_t *object =
		(json_t *)at->value; /* jansson's iterator is not const; nothing is changed */
	size_t found = 0, i = 0;
	int rc = run_charge(r, json_object_size(object));

	/* What is missing is reported before what is wrong. */
	if (rc == 0 && r->record != NULL)
		rc = fail_missing(r, o, at);
	for (void *m = json_object_iter(object); m != NULL && rc == 0;
		m = json_object_iter_next(object, m), i++) {
		struct at member = {at, json_object_iter_value(m), json_object_iter_key(m),
			json_object_iter_key_len(m), 0};
		bool known = false;
		rc = run_member(r, o, &member, &known, &found);
		if (known)
			seen_mark(seen, i);
	}
	return rc == 0 ? found != o->n_required : rc;
}

int run_property_count(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	size_t n = json_object_size(at->value);

	UNUSED(seen);
	if (n < op->count.min)
		return run_fail(r, at, FAIL_RULE, "Too few properties: %zu (at least %zu)", n,
			op->count.min);
	if (n > op->count.max)
		return run_fail(r, at, FAIL_RULE, "Too many properties: %zu (at most %zu)", n,
			op->count.max);
	return 0;
}

int run_dependents(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	int rc = run_charge(r, op->dependents.n);

	for (size_t i = 0; i < op->dependents.n && rc == 0; i++) {
		const struct dependent *d = &op->dependents.rows[i];
		if (json_object_get(at->value, d->name) == NULL)
			continue;
		for (size_t k = 0; k < d->n_needs; k++)
			if (json_object_get(at->value, d->needs[k]) == NULL)
				return run_fail(r, at, FAIL_RULE,
					"Missing property: %.120s (needed by %.120s)", d->needs[k],
					d->name);
		if (d->node != NULL)
			rc = node_run(r, d->node, at, seen);
	}
	return rc;
}

int run_unevaluated_properties(
	struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	json_t *object = (json_t *)at->value; /* as in run_object() */
	size_t i = 0;
	int rc = run_charge(r, json_object_size(object));

	for (void *m = json_object_iter(object); m != NULL && rc == 0;
		m = json_object_iter_next(object, m), i++) {
		struct at member = {at, json_object_iter_value(m), json_object_iter_key(m),
			json_object_iter_key_len(m), 0};
		if (!seen_has(seen, i))
			rc = node_run(r, op->node, &member, NULL);
	}
	seen_mark_all(seen);
	return rc;
}
