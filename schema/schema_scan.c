/* SPDX-License-Identifier: MIT */
#include "core/mem.h"
#include "schema/schema_build.h"
#include "schema/schema_uri.h"

#include <stdarg.h>
#include <stdio.h>

struct scan { /* locations still to be looked at; no recursion, however deep the document */
	struct schema_store *store;
	struct location **todo;
	size_t n, cap;
};

int location_error(const struct location *loc, struct err *e, const char *fmt, ...)
{
	const struct location *chain[64];
	size_t n = 0;
	struct buf where = BUF_INIT;
	char why[ERR_TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	for (; loc->up != NULL && n < ARRAY_LEN(chain); loc = loc->up)
		chain[n++] = loc;
	while (n > 0)
		buf_add_str(&where, chain[--n]->key);
	err_set(e, ERR_CONFIG, "%.80s#%.100s: %s", loc->resource->uri, buf_str(&where), why);
	buf_release(&where);
	return -ERR_CONFIG;
}

/* Note an object as a subschema. `key` is a pointer from `up`, or NULL for the root of a
 * document. */
static struct location *visit(struct scan *s, struct location *up, const char *key, json_t *json)
{
	struct arena *a = &s->store->arena;
	struct location *loc = map_get(&s->store->locations, &json, sizeof json);

	if (loc == NULL) {
		loc = arena_alloc(a, sizeof *loc);
		loc->json = json;
		loc->up = up;
		loc->key = key != NULL ? arena_dup(a, key, strlen(key)) : "";
		loc->resource = up != NULL ? up->resource : NULL;
		map_put(&s->store->locations, a, &json, sizeof json, loc);
	}
	if (loc->scanned)
		return loc;
	if (s->n == s->cap) {
		s->cap = MAX(s->cap * 2, (size_t)32);
		s->todo = mem_realloc(s->todo, s->cap * sizeof *s->todo);
	}
	s->todo[s->n++] = loc;
	return loc;
}

static int add_resource(struct scan *s, struct location *loc, const char *uri,
	const struct resource *outer, struct err *e)
{
	struct schema_store *store = s->store;
	struct resource *known = map_get(&store->resources, uri, strlen(uri));

	if (known != NULL)
		return location_error(known->root, e, "two schemas have this $id");
	struct resource *res = arena_alloc(&store->arena, sizeof *res);
	res->uri = arena_dup(&store->arena, uri, strlen(uri));
	res->root = loc;
	res->dialect = outer != NULL ? outer->dialect : store->dialect;
	map_put(&store->resources, &store->arena, uri, strlen(uri), res);
	loc->resource = res;
	json_t *dialect = json_object_get(loc->json, "$schema");
	if (dialect == NULL)
		return 0;
	if (!json_is_string(dialect))
		return location_error(loc, e, "$schema is not a string");
	int rc = store_dialect(store, json_string_value(dialect), &res->dialect, e);
	if (rc < 0 && e != NULL)
		err_prefix(e, "%s", res->uri);
	return rc;
}

static int add_anchor(
	struct scan *s, struct location *loc, const char *name, bool dynamic, struct err *e)
{
	struct schema_store *store = s->store;
	struct arena *a = &store->arena;
	char *full = mem_printf("%s#%s", loc->resource->uri, name);
	size_t len = strlen(full);
	struct location *known = map_get(&store->anchors, full, len);
	int rc = 0;

	if (*name == '\0' || strpbrk(name, "#/") != NULL)
		rc = location_error(loc, e, "\"%.100s\" is not a name for an anchor", name);
	else if (known != NULL && known != loc)
		rc = location_error(loc, e, "the anchor \"%.100s\" is there twice", name);
	if (rc == 0)
		map_put(&store->anchors, a, full, len, loc);
	if (rc == 0 && dynamic) {
		struct dynamic_anchor *d = arena_alloc(a, sizeof *d);
		*d = (struct dynamic_anchor){
			store_intern(store, name), loc, loc->resource->dynamic};
		loc->resource->dynamic = d;
		map_put(&store->dynamic, a, full, len, loc);
	}
	mem_free(full);
	return rc;
}

/* $id: a base of its own, in draft 7 also (as fragment) an anchor. */
static int scan_id(struct scan *s, struct location *loc, const json_t *id, struct err *e)
{
	bool draft_7 = loc->resource->dialect.draft == SCHEMA_DRAFT_7;
	int rc = 0;

	if (!json_is_string(id))
		return location_error(loc, e, "$id is not a string");
	const char *text = json_string_value(id);
	const char *hash = uri_fragment(text);
	if (!draft_7 && hash[0] == '#' && hash[1] != '\0')
		return location_error(loc, e, "$id has a fragment");
	if (hash != text) {
		char *uri = uri_resolve(loc->resource->uri, text);
		uri[uri_fragment(uri) - uri] = '\0';
		/* The root of a document may repeat the URI it was found at. */
		if (strcmp(uri, loc->resource->uri) != 0 || loc->resource->root != loc)
			rc = add_resource(s, loc, uri, loc->resource, e);
		mem_free(uri);
	}
	if (rc == 0 && hash[0] == '#' && hash[1] != '\0')
		rc = add_anchor(s, loc, hash + 1, false, e);
	return rc;
}

static int scan_anchors(struct scan *s, struct location *loc, struct err *e)
{
	static const char *const names[] = {"$anchor", "$dynamicAnchor"};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(names) && rc == 0; i++) {
		const json_t *value = json_object_get(loc->json, names[i]);
		if (value == NULL)
			continue;
		if (!json_is_string(value))
			return location_error(loc, e, "%s is not a string", names[i]);
		rc = add_anchor(s, loc, json_string_value(value), i == 1, e);
	}
	return rc;
}

static void visit_child(
	struct scan *s, struct location *loc, const char *keyword, const char *token, json_t *child)
{
	struct buf key = BUF_INIT;

	if (!json_is_object(child))
		return;
	pointer_add(&key, keyword, strlen(keyword));
	if (token != NULL)
		pointer_add(&key, token, strlen(token));
	visit(s, loc, buf_str(&key), child);
	buf_release(&key);
}

static void scan_list(struct scan *s, struct location *loc, const char *keyword, json_t *list)
{
	char number[32];
	size_t i;
	json_t *child;

	json_array_foreach (list, i, child) {
		snprintf(number, sizeof number, "%zu", i);
		visit_child(s, loc, keyword, number, child);
	}
}

static void scan_keyword(
	struct scan *s, struct location *loc, const struct keyword *k, json_t *value)
{
	const char *name;
	json_t *child;
	bool one = k->shape == SHAPE_ONE || k->shape == SHAPE_ONE_OR_LIST;
	bool list = k->shape == SHAPE_LIST || k->shape == SHAPE_ONE_OR_LIST;

	if (one && json_is_object(value))
		visit_child(s, loc, k->name, NULL, value);
	else if (list && json_is_array(value))
		scan_list(s, loc, k->name, value);
	else if ((k->shape == SHAPE_MAP || k->shape == SHAPE_MAP_OR_NAMES) && json_is_object(value))
		json_object_foreach (value, name, child)
			visit_child(s, loc, k->name, name, child);
}

static int scan_location(struct scan *s, struct location *loc, struct err *e)
{
	const json_t *id = json_object_get(loc->json, "$id");
	int rc = 0;

	if (loc->resource == NULL)
		loc->resource = loc->up->resource;
	/* Draft 7 core, 8.3: beside $ref nothing counts, not even $id. */
	if (loc->resource->dialect.draft == SCHEMA_DRAFT_7 &&
		json_object_get(loc->json, "$ref") != NULL)
		id = NULL;
	if (id != NULL)
		rc = scan_id(s, loc, id, e);
	if (rc == 0 && loc->resource->dialect.draft != SCHEMA_DRAFT_7)
		rc = scan_anchors(s, loc, e);
	const struct dialect *d = &loc->resource->dialect;
	for (const struct keyword *k = schema_keywords; rc == 0 && k->name != NULL; k++) {
		if (k->shape == SHAPE_NONE || !(k->drafts & (1 << d->draft)))
			continue;
		json_t *value = json_object_get(loc->json, k->name);
		if (value != NULL)
			scan_keyword(s, loc, k, value);
	}
	return rc;
}

/* Depth first and children in order, so that `up` is complete before its children are looked at. */
static int scan_all(struct scan *s, struct err *e)
{
	int rc = 0;

	while (rc == 0 && s->n > 0) {
		struct location *loc = s->todo[--s->n];
		if (loc->scanned)
			continue;
		loc->scanned = true;
		loc->resource = loc->up != NULL ? loc->up->resource : loc->resource;
		rc = scan_location(s, loc, e);
	}
	mem_free(s->todo);
	return rc;
}

int scan_document(struct schema_store *store, const char *uri, json_t *doc, struct err *e)
{
	struct scan s = {store, NULL, 0, 0};

	if (json_is_boolean(doc))
		return 0;
	if (!json_is_object(doc))
		return err_set(e, ERR_CONFIG, "%s: a schema is an object, true or false", uri);
	struct location *loc = visit(&s, NULL, NULL, doc);
	int rc = add_resource(&s, loc, uri, NULL, e);
	if (rc < 0) {
		mem_free(s.todo);
		return rc;
	}
	return scan_all(&s, e);
}

int scan_extra(struct schema_store *store, struct location *up, const char *key, json_t *json,
	struct err *e)
{
	struct scan s = {store, NULL, 0, 0};

	visit(&s, up, key, json);
	return scan_all(&s, e);
}
