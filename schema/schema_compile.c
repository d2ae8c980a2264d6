/* SPDX-License-Identifier: MIT */
#include "core/mem.h"
#include "schema/schema_build.h"
#include "schema/schema_uri.h"

#include <stdarg.h>
#include <stdio.h>

const struct node node_true = {.types = TYPE_ANY, .done = true};
const struct node node_false = {.types = 0, .done = true};

/* One schema_compile(): a list of nodes that grows while it is worked off, so that neither deep
 * nor circular schemas make it recurse. */
struct compiler {
	struct schema_store *store;
	struct node **nodes;
	size_t n, cap;
	unsigned long id;
};

struct op *build_op(struct build *b, op_fn *run, unsigned applies)
{
	if (b->n_ops == b->cap_ops) {
		b->cap_ops = MAX(b->cap_ops * 2, (size_t)8);
		b->ops = mem_realloc(b->ops, b->cap_ops * sizeof *b->ops);
	}
	struct op *op = &b->ops[b->n_ops++];
	memset(op, 0, sizeof *op);
	op->run = run;
	op->applies = applies;
	return op;
}

struct op *build_find_op(const struct build *b, op_fn *run)
{
	for (size_t i = 0; i < b->n_ops; i++)
		if (b->ops[i].run == run)
			return &b->ops[i];
	return NULL;
}

int build_error(const struct build *b, struct err *e, const char *fmt, ...)
{
	char why[ERR_TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return location_error(b->loc, e, "%s", why);
}

json_t *build_sibling(const struct build *b, const char *name, unsigned vocab)
{
	if (!(b->loc->resource->dialect.vocab & vocab))
		return NULL;
	return json_object_get(b->loc->json, name);
}

/* The node of a location, put on the list when its ops are not there yet. */
static struct node *node_of(struct compiler *c, struct location *loc)
{
	if (loc->node == NULL) {
		loc->node = arena_alloc(&c->store->arena, sizeof *loc->node);
		loc->node->loc = loc;
		loc->node->resource = loc->resource;
	}
	if (loc->node->compiled_in == c->id || loc->node->done)
		return loc->node;
	loc->node->compiled_in = c->id;
	if (c->n == c->cap) {
		c->cap = MAX(c->cap * 2, (size_t)32);
		c->nodes = mem_realloc(c->nodes, c->cap * sizeof *c->nodes);
	}
	c->nodes[c->n++] = loc->node;
	return loc->node;
}

int build_node(struct build *b, json_t *json, const struct node **out, struct err *e)
{
	if (json_is_boolean(json)) {
		*out = json_is_true(json) ? &node_true : &node_false;
		return 0;
	}
	struct location *loc = map_get(&b->store->locations, &json, sizeof json);
	if (loc == NULL)
		return build_error(b, e, "a schema has to be an object, true or false");
	*out = node_of(b->compiler, loc);
	return 0;
}

int build_target(struct build *b, const char *ref, struct target *t, struct err *e)
{
	char *uri = uri_resolve(b->loc->resource->uri, ref);
	struct err why = {0};
	int rc = store_find(b->store, uri, t, &why);

	if (rc < 0)
		rc = build_error(b, e, "%s", why.text);
	mem_free(uri);
	return rc;
}

/* Whatever the dynamic scope may lead to has to be compiled: all dynamic anchors of each
 * resource entered. */
static void take_anchors(struct compiler *c, struct resource *res)
{
	if (res->compiled_in == c->id)
		return;
	res->compiled_in = c->id;
	for (const struct dynamic_anchor *d = res->dynamic; d != NULL; d = d->next)
		node_of(c, d->at);
}

static int compile_node(struct compiler *c, struct node *node, struct err *e)
{
	struct location *loc = node->loc;
	const struct dialect *d = &loc->resource->dialect;
	struct build b = {c, c->store, loc, node, NULL, 0, 0};
	/* Draft 7 core, 8.3: beside $ref nothing counts. */
	bool only_ref = d->draft == SCHEMA_DRAFT_7 && json_object_get(loc->json, "$ref") != NULL;
	int rc = 0;

	node->types = TYPE_ANY;
	take_anchors(c, loc->resource);
	for (const struct keyword *k = schema_keywords; rc == 0 && k->name != NULL; k++) {
		if (k->compile == NULL || !(k->drafts & (1 << d->draft)) || !(k->vocab & d->vocab))
			continue;
		json_t *value = json_object_get(loc->json, k->name);
		if (value != NULL && (!only_ref || strcmp(k->name, "$ref") == 0))
			rc = k->compile(&b, k, value, e);
	}
	struct op *ops = arena_array(&c->store->arena, b.n_ops, sizeof *ops);
	if (b.n_ops > 0)
		memcpy(ops, b.ops, b.n_ops * sizeof *ops);
	node->ops = ops;
	node->n_ops = b.n_ops;
	mem_free(b.ops);
	return rc;
}

int schema_compile(
	struct schema_store *store, const char *uri, const struct schema **out, struct err *e)
{
	struct compiler c = {store, NULL, 0, 0, ++store->compiles};
	struct target t;
	const struct node *root;

	int rc = store_find(store, uri, &t, e);
	if (rc < 0)
		return rc;
	if (t.loc != NULL)
		root = node_of(&c, t.loc);
	else
		root = t.truth ? &node_true : &node_false;
	for (size_t i = 0; i < c.n && rc == 0; i++)
		rc = compile_node(&c, c.nodes[i], e);
	/* After a failure all of them are open again: the next run builds them anew. */
	for (size_t i = 0; i < c.n; i++)
		c.nodes[i]->done = rc == 0;
	mem_free(c.nodes);
	if (rc < 0)
		return rc;
	struct schema *s = arena_alloc(&store->arena, sizeof *s);
	*s = (struct schema){root, store};
	*out = s;
	return 0;
}
