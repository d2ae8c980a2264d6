/* SPDX-License-Identifier: MIT */
/* Keywords that stand for themselves. */
#include "core/mem.h"
#include "schema/schema_build.h"
#include "schema/schema_format.h"
#include "schema/schema_uri.h"

#include <math.h>

struct type_name {
	const char *name;
	unsigned bits;
};

static const struct type_name type_names[] = {
	{"null", TYPE_NULL},
	{"boolean", TYPE_BOOLEAN},
	{"object", TYPE_OBJECT},
	{"array", TYPE_ARRAY},
	{"number", TYPE_NUMBER},
	{"string", TYPE_STRING},
	{"integer", TYPE_INTEGER},
};

static unsigned type_bits(const json_t *name)
{
	const char *text = json_string_value(name);

	for (size_t i = 0; text != NULL && i < ARRAY_LEN(type_names); i++)
		if (strcmp(text, type_names[i].name) == 0)
			return type_names[i].bits;
	return 0;
}

int keyword_type(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	unsigned types = type_bits(value);
	size_t i;
	json_t *name;

	UNUSED(k);
	json_array_foreach (value, i, name) {
		unsigned bits = type_bits(name);
		types |= bits;
		if (bits == 0) {
			types = 0;
			break;
		}
	}
	if (types == 0)
		return build_error(b, e, "type is not the name of a type, nor a list of them");
	b->node->types = types;
	return 0;
}

int keyword_value(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	UNUSED(e);
	build_op(b, k->run, k->applies)->value = value;
	return 0;
}

int keyword_list_of_values(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	if (!json_is_array(value))
		return build_error(b, e, "%s is not an array", k->name);
	return keyword_value(b, k, value, e);
}

int keyword_number(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	if (!json_is_number(value))
		return build_error(b, e, "%s is not a number", k->name);
	return keyword_value(b, k, value, e);
}

int keyword_multiple(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	if (!json_is_number(value) || json_number_value(value) <= 0)
		return build_error(b, e, "%s is not a number above 0", k->name);
	struct op *op = build_op(b, k->run, k->applies);
	op->divisor.value = value;
	decimal_from(&op->divisor.decimal, value);
	return 0;
}

int keyword_count(
	struct build *b, const char *name, const json_t *value, size_t *out, struct err *e)
{
	double number = json_number_value(value);

	if (!json_is_number(value) || number < 0 || !value_is_integer(value))
		return build_error(b, e, "%s is not a whole number from 0 up", name);
	if (json_is_integer(value))
		*out = (size_t)json_integer_value(value);
	else
		*out = number >= (double)SIZE_MAX ? SIZE_MAX : (size_t)number;
	return 0;
}

/* The op for both bounds of a count; without a bound it allows everything. */
static struct op *count_op(struct build *b, const struct keyword *k)
{
	struct op *op = build_find_op(b, k->run);

	if (op == NULL) {
		op = build_op(b, k->run, k->applies);
		op->count.max = SIZE_MAX;
	}
	return op;
}

int keyword_min(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	return keyword_count(b, k->name, value, &count_op(b, k)->count.min, e);
}

int keyword_max(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	return keyword_count(b, k->name, value, &count_op(b, k)->count.max, e);
}

int keyword_pattern(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	struct err why = {0};

	if (!json_is_string(value))
		return build_error(b, e, "%s is not a string", k->name);
	struct op *op = build_op(b, k->run, k->applies);
	if (pattern_new(b->store, json_string_value(value), &op->pattern, &why) < 0)
		return build_error(b, e, "%s", why.text);
	return 0;
}

int keyword_format(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	const struct dialect *d = &b->loc->resource->dialect;

	if (!json_is_string(value))
		return build_error(b, e, "%s is not a string", k->name);
	if (!(b->store->flags & SCHEMA_ASSERT_FORMAT) && !(d->vocab & VOCAB_ASSERT_FORMAT))
		return 0;
	const struct format *f = format_find(json_string_value(value), d->draft);
	if (f != NULL)
		build_op(b, k->run, k->applies)->format = f;
	return 0;
}

int keyword_unique(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	if (!json_is_boolean(value))
		return build_error(b, e, "%s is not true or false", k->name);
	if (json_is_true(value))
		build_op(b, k->run, k->applies);
	return 0;
}

int keyword_one(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	return build_node(b, value, &build_op(b, k->run, k->applies)->node, e);
}

int keyword_list(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	size_t n = json_array_size(value);
	const struct node **nodes = arena_array(&b->store->arena, n, sizeof(struct node *));
	int rc = 0;

	if (!json_is_array(value) || n == 0)
		return build_error(b, e, "%s is not an array of schemas", k->name);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = build_node(b, json_array_get(value, i), &nodes[i], e);
	struct op *op = build_op(b, k->run, k->applies);
	op->list.nodes = nodes;
	op->list.n = n;
	return rc;
}

int keyword_if(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	struct op *op = build_op(b, k->run, k->applies);
	json_t *yes = json_object_get(b->loc->json, "then");
	json_t *no = json_object_get(b->loc->json, "else");

	op->branch.yes = op->branch.no = &node_true;
	int rc = build_node(b, value, &op->branch.test, e);
	if (rc == 0 && yes != NULL)
		rc = build_node(b, yes, &op->branch.yes, e);
	if (rc == 0 && no != NULL)
		rc = build_node(b, no, &op->branch.no, e);
	return rc;
}

int keyword_ref(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	struct target t;

	if (!json_is_string(value))
		return build_error(b, e, "%s is not a string", k->name);
	int rc = build_target(b, json_string_value(value), &t, e);
	if (rc < 0)
		return rc;
	json_t *json = t.loc != NULL ? t.loc->json : t.truth ? json_true() : json_false();
	return build_node(b, json, &build_op(b, k->run, k->applies)->node, e);
}

/* Core 2020-12, 8.2.3.2: dynamic only when the plain reference ends at a $dynamicAnchor. */
int keyword_dynamic_ref(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	struct target t;

	if (!json_is_string(value))
		return build_error(b, e, "%s is not a string", k->name);
	const char *ref = json_string_value(value);
	int rc = build_target(b, ref, &t, e);
	if (rc < 0)
		return rc;
	json_t *json = t.loc != NULL ? t.loc->json : t.truth ? json_true() : json_false();
	struct op *op = build_op(b, k->run, k->applies);
	const char *name = uri_fragment(ref);
	if (t.loc != NULL && name[0] == '#' && name[1] != '\0' && name[1] != '/') {
		char *full = mem_printf("%s%s", t.loc->resource->uri, name);
		if (map_get(&b->store->dynamic, full, strlen(full)) == t.loc)
			op->dynamic.name = store_intern(b->store, name + 1);
		mem_free(full);
	}
	return build_node(b, json, &op->dynamic.node, e);
}

int keyword_unevaluated(struct build *b, const struct keyword *k, json_t *value, struct err *e)
{
	b->node->tracks = true;
	return keyword_one(b, k, value, e);
}
