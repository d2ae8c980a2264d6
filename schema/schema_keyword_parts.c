/* SPDX-License-Identifier: MIT */
/* Keywords of which several make one op: members of objects, items of arrays. */
#include "schema/schema_build.h"

static int check_names(struct build *b, const char *keyword, const json_t *list, struct err *e)
{
	size_t i;
	json_t *name;

	if (list != NULL && !json_is_array(list))
		return build_error(b, e, "%s is not an array of names", keyword);
	json_array_foreach (list, i, name)
		if (!json_is_string(name))
			return build_error(b, e, "%s is not an array of names", keyword);
	return 0;
}

/* The slot for a name: its own, or a free one. */
static struct property *slot_for(struct object_op *o, const char *name, size_t len)
{
	uint64_t hash = hash_bytes(0, name, len);
	size_t i = hash & o->mask;

	while (o->slots[i].name != NULL) {
		struct property *p = &o->slots[i];
		if (p->len == len && memcmp(p->name, name, len) == 0)
			return p;
		i = (i + 1) & o->mask;
	}
	o->slots[i] = (struct property){name, len, hash, NULL, false};
	o->n_names++;
	return &o->slots[i];
}

static int add_properties(struct build *b, struct object_op *o, json_t *properties, struct err *e)
{
	const char *name;
	json_t *schema;
	int rc = 0;

	json_object_foreach (properties, name, schema) {
		rc = build_node(b, schema, &slot_for(o, name, strlen(name))->node, e);
		if (rc < 0)
			break;
	}
	return rc;
}

static void add_required(struct build *b, struct object_op *o, const json_t *required)
{
	size_t i;
	json_t *name;

	o->required = arena_array(
		&b->store->arena, json_array_size(required), sizeof(const char *));
	json_array_foreach (required, i, name) {
		const char *text = json_string_value(name);
		struct property *p = slot_for(o, text, json_string_length(name));
		if (!p->required)
			o->required[o->n_required++] = text;
		p->required = true;
	}
}

static int add_patterns(struct build *b, struct object_op *o, json_t *patterns, struct err *e)
{
	const char *text;
	json_t *schema;
	struct err why = {0};
	int rc = 0;

	o->patterns = arena_array(
		&b->store->arena, json_object_size(patterns), sizeof(struct pattern_property));
	json_object_foreach (patterns, text, schema) {
		struct pattern_property *p = &o->patterns[o->n_patterns++];
		if (pattern_new(b->store, text, &p->pattern, &why) < 0)
			return build_error(b, e, "%s", why.text);
		rc = build_node(b, schema, &p->node, e);
		if (rc < 0)
			break;
	}
	return rc;
}

int keyword_object(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	json_t *properties = build_sibling(b, "properties", VOCAB_APPLICATOR);
	json_t *patterns = build_sibling(b, "patternProperties", VOCAB_APPLICATOR);
	json_t *rest = build_sibling(b, "additionalProperties", VOCAB_APPLICATOR);
	json_t *names = build_sibling(b, "propertyNames", VOCAB_APPLICATOR);
	json_t *required = build_sibling(b, "required", VOCAB_VALIDATION);
	struct arena *a = &b->store->arena;
	size_t cap = 4;

	UNUSED(value);
	if (build_find_op(b, k->run) != NULL)
		return 0;
	if (properties != NULL && !json_is_object(properties))
		return build_error(b, e, "properties is not an object");
	if (patterns != NULL && !json_is_object(patterns))
		return build_error(b, e, "patternProperties is not an object");
	int rc = check_names(b, "required", required, e);
	if (rc < 0)
		return rc;
	while (cap < 2 * (json_object_size(properties) + json_array_size(required)))
		cap *= 2;
	struct object_op *o = arena_alloc(a, sizeof *o);
	o->slots = arena_array(a, cap, sizeof *o->slots);
	o->mask = cap - 1;
	build_op(b, k->run, k->applies)->object = o;
	add_required(b, o, required);
	rc = add_properties(b, o, properties, e);
	if (rc == 0 && patterns != NULL)
		rc = add_patterns(b, o, patterns, e);
	if (rc == 0 && rest != NULL)
		rc = build_node(b, rest, &o->rest, e);
	if (rc == 0 && names != NULL)
		rc = build_node(b, names, &o->names, e);
	return rc;
}

int keyword_array(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	bool draft_7 = b->loc->resource->dialect.draft == SCHEMA_DRAFT_7;
	json_t *items = build_sibling(b, "items", VOCAB_APPLICATOR);
	json_t *prefix = build_sibling(b, "prefixItems", VOCAB_APPLICATOR);
	json_t *rest = items;
	int rc = 0;

	UNUSED(value);
	if (build_find_op(b, k->run) != NULL)
		return 0;
	if (draft_7) {
		prefix = json_is_array(items) ? items : NULL;
		if (items == NULL || prefix != NULL)
			rest = build_sibling(b, "additionalItems", VOCAB_APPLICATOR);
		if (items == NULL) /* then additionalItems says nothing (draft 7, 6.4.2) */
			return 0;
	}
	if (prefix != NULL && !json_is_array(prefix))
		return build_error(b, e, "prefixItems is not an array of schemas");
	struct array_op *a = arena_alloc(&b->store->arena, sizeof *a);
	build_op(b, k->run, k->applies)->array = a;
	a->n_prefix = json_array_size(prefix);
	a->prefix = arena_array(&b->store->arena, a->n_prefix, sizeof(struct node *));
	for (size_t i = 0; i < a->n_prefix && rc == 0; i++)
		rc = build_node(b, json_array_get(prefix, i), &a->prefix[i], e);
	if (rc == 0 && rest != NULL)
		rc = build_node(b, rest, &a->rest, e);
	return rc;
}

int keyword_contains(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	bool draft_7 = b->loc->resource->dialect.draft == SCHEMA_DRAFT_7;
	struct contains_op *c = arena_alloc(&b->store->arena, sizeof *c);
	json_t *min = draft_7 ? NULL : build_sibling(b, "minContains", VOCAB_VALIDATION);
	json_t *max = draft_7 ? NULL : build_sibling(b, "maxContains", VOCAB_VALIDATION);

	*c = (struct contains_op){NULL, 1, SIZE_MAX, !draft_7};
	build_op(b, k->run, k->applies)->contains = c;
	int rc = build_node(b, value, &c->node, e);
	if (rc == 0 && min != NULL)
		rc = keyword_count(b, "minContains", min, &c->min, e);
	if (rc == 0 && max != NULL)
		rc = keyword_count(b, "maxContains", max, &c->max, e);
	return rc;
}

static int add_dependent(
	struct build *b, const struct keyword *k, struct dependent *d, json_t *value, struct err *e)
{
	size_t i;
	json_t *name;

	if (k->shape == SHAPE_MAP || !json_is_array(value))
		if (k->shape != SHAPE_NONE)
			return build_node(b, value, &d->node, e);
	int rc = check_names(b, k->name, value, e);
	if (rc < 0)
		return rc;
	if (!json_is_array(value))
		return build_error(b, e, "%s has no array of names", k->name);
	d->needs = arena_array(&b->store->arena, json_array_size(value), sizeof(const char *));
	json_array_foreach (value, i, name)
		d->needs[d->n_needs++] = json_string_value(name);
	return 0;
}

int keyword_dependents(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	const char *name;
	json_t *item;
	int rc = 0;
	size_t n = 0;

	if (!json_is_object(value))
		return build_error(b, e, "%s is not an object", k->name);
	struct dependent *rows = arena_array(
		&b->store->arena, json_object_size(value), sizeof *rows);
	json_object_foreach (value, name, item) {
		rows[n].name = name;
		rc = add_dependent(b, k, &rows[n++], item, e);
		if (rc < 0)
			return rc;
	}
	struct op *op = build_op(b, k->run, k->applies);
	op->dependents.rows = rows;
	op->dependents.n = n;
	return 0;
}
