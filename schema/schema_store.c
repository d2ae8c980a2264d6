/* SPDX-License-Identifier: MIT */
#include "schema/schema_store.h"
#include "core/mem.h"
#include "schema/schema_uri.h"

#include <sodium.h>

#define MAX_DOCUMENTS 4096 /* a resolver may be made to hand over new ones for ever */
#define MAX_META      8    /* metaschemas of metaschemas */

static const char draft_7_uri[] = "http://json-schema.org/draft-07/schema";
static const char draft_2020_uri[] = "https://json-schema.org/draft/2020-12/schema";

struct schema_store *schema_store_new(enum schema_draft default_draft, unsigned flags)
{
	struct schema_store *store = mem_alloc(sizeof *store);

	store->dialect = (struct dialect){default_draft, VOCAB_ALL};
	store->flags = flags;
	store->held = json_array();
	assert(store->held != NULL);
	randombytes_buf(&store->seed, sizeof store->seed);
	return store;
}

void schema_store_free(struct schema_store *store)
{
	if (store == NULL)
		return;
	pattern_release_all(store);
	map_release(&store->documents);
	map_release(&store->resources);
	map_release(&store->anchors);
	map_release(&store->dynamic);
	map_release(&store->names);
	map_release(&store->locations);
	arena_release(&store->arena);
	json_decref(store->held);
	mem_free(store);
}

void schema_store_resolver(struct schema_store *store, schema_resolve_fn *fn, void *arg)
{
	store->resolve = fn;
	store->resolve_arg = arg;
}

const char *store_intern(struct schema_store *store, const char *name)
{
	size_t len = strlen(name);
	char *known = map_get(&store->names, name, len);

	if (known == NULL) {
		known = arena_dup(&store->arena, name, len);
		map_put(&store->names, &store->arena, name, len, known);
	}
	return known;
}

/* Keep a document under its URI. TAKES `doc`. */
static int hold(struct schema_store *store, const char *uri, json_t *doc, struct err *e)
{
	if (json_array_size(store->held) >= MAX_DOCUMENTS) {
		json_decref(doc);
		return err_set(e, ERR_CONFIG, "more than %d schema documents", MAX_DOCUMENTS);
	}
	int rc = json_array_append_new(store->held, doc);
	assert(rc == 0);
	map_put(&store->documents, &store->arena, uri, strlen(uri), doc);
	return 0;
}

int store_document(struct schema_store *store, const char *uri, json_t **doc, struct err *e)
{
	size_t len = 0;
	const char *text = NULL;
	int rc = 0;

	*doc = map_get(&store->documents, uri, strlen(uri));
	if (*doc != NULL)
		return 0;
	const struct resource *res = map_get(&store->resources, uri, strlen(uri));
	if (res != NULL) {
		*doc = res->root->json;
		return 0;
	}
	text = meta_text(uri, &len);
	if (text != NULL) {
		*doc = json_loadb(text, len, 0, NULL);
		assert(*doc != NULL);
	} else if (store->resolve != NULL) {
		json_t *given = NULL;
		rc = store->resolve(store->resolve_arg, uri, &given, e);
		/* A copy of our own, because locations are found by address. */
		*doc = rc < 0 ? NULL : json_deep_copy(given);
		json_decref(given);
	}
	if (rc < 0 || *doc == NULL)
		return rc;
	rc = hold(store, uri, *doc, e);
	if (rc < 0)
		*doc = NULL;
	return rc;
}

int schema_store_add(struct schema_store *store, const char *uri, const json_t *doc, struct err *e)
{
	char *clean = mem_dup(uri, (size_t)(uri_fragment(uri) - uri));
	json_t *copy = json_deep_copy(doc);
	int rc;

	if (copy == NULL)
		rc = err_set(e, ERR_CONFIG, "%s: the document cannot be copied", clean);
	else if (map_get(&store->documents, clean, strlen(clean)) != NULL) {
		rc = err_set(e, ERR_CONFIG, "%s: added twice", clean);
		json_decref(copy);
	} else {
		rc = hold(store, clean, copy, e);
		if (rc == 0)
			rc = scan_document(store, clean, copy, e);
	}
	mem_free(clean);
	return rc;
}

struct vocabulary_row {
	const char *name;
	unsigned bits;
};

static const struct vocabulary_row vocabularies[] = {
	{"core", VOCAB_CORE},
	{"applicator", VOCAB_APPLICATOR},
	{"unevaluated", VOCAB_UNEVALUATED},
	{"validation", VOCAB_VALIDATION},
	{"meta-data", VOCAB_OTHER},
	{"content", VOCAB_OTHER},
	{"format-annotation", VOCAB_FORMAT},
	{"format-assertion", VOCAB_FORMAT | VOCAB_ASSERT_FORMAT},
};

static unsigned vocabulary_bits(const char *uri)
{
	static const char prefix[] = "https://json-schema.org/draft/2020-12/vocab/";

	if (strncmp(uri, prefix, sizeof prefix - 1) != 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(vocabularies); i++)
		if (strcmp(uri + sizeof prefix - 1, vocabularies[i].name) == 0)
			return vocabularies[i].bits;
	return 0;
}

/* Core 2020-12, 8.1.2: a vocabulary that must be understood and is not makes the schema
 * unusable. */
static int read_vocabulary(const char *uri, const json_t *list, unsigned *bits, struct err *e)
{
	const char *name;
	json_t *needed;

	*bits = VOCAB_CORE;
	json_object_foreach ((json_t *)list, name, needed) {
		unsigned known = vocabulary_bits(name);
		if (known == 0 && json_is_true(needed))
			return err_set(
				e, ERR_CONFIG, "%s: needs the unknown vocabulary %s", uri, name);
		*bits |= known;
	}
	return 0;
}

int store_dialect(struct schema_store *store, const char *uri, struct dialect *d, struct err *e)
{
	unsigned vocab = 0;
	char *at = mem_dup(uri, (size_t)(uri_fragment(uri) - uri));
	int rc = 0;

	for (int i = 0; rc == 0; i++) {
		json_t *doc = NULL;
		bool is_7 = strcmp(at, draft_7_uri) == 0;
		if (is_7 || strcmp(at, draft_2020_uri) == 0) {
			*d = (struct dialect){is_7 ? SCHEMA_DRAFT_7 : SCHEMA_DRAFT_2020_12,
				vocab != 0 ? vocab : VOCAB_ALL};
			break;
		}
		if (i < MAX_META)
			rc = store_document(store, at, &doc, e);
		const char *next = json_string_value(json_object_get(doc, "$schema"));
		if (rc == 0 && next == NULL)
			rc = err_set(e, ERR_CONFIG, "the $schema %s is not known", uri);
		json_t *list = json_object_get(doc, "$vocabulary");
		if (rc == 0 && vocab == 0 && json_is_object(list))
			rc = read_vocabulary(uri, list, &vocab, e);
		if (rc == 0) {
			char *clean = mem_dup(next, (size_t)(uri_fragment(next) - next));
			mem_free(at);
			at = clean;
		}
	}
	mem_free(at);
	return rc;
}

/* The resource at a URI without fragment; scans its document when that was not done yet. */
static int find_resource(
	struct schema_store *store, const char *uri, struct resource **out, struct err *e)
{
	json_t *doc = NULL;

	*out = map_get(&store->resources, uri, strlen(uri));
	if (*out != NULL)
		return 0;
	int rc = store_document(store, uri, &doc, e);
	if (rc == 0 && doc == NULL)
		rc = err_set(e, ERR_CONFIG, "there is no schema at %s", uri);
	if (rc == 0 && !json_is_boolean(doc))
		rc = scan_document(store, uri, doc, e);
	*out = map_get(&store->resources, uri, strlen(uri));
	return rc;
}

/* Follow a JSON pointer; the nearest known subschema on the way decides about the base URI. */
static int find_pointer(struct schema_store *store, struct location *loc, const char *pointer,
	struct target *t, struct err *e)
{
	char *text = mem_strdup(pointer);
	struct buf key = BUF_INIT;
	json_t *json = loc->json;
	int rc = 0;

	for (char *p = text; p != NULL && *p != '\0' && json != NULL;) {
		const char *token = pointer_next(&p);
		json = token == NULL ? NULL : pointer_step(json, token);
		if (json == NULL)
			break;
		pointer_add(&key, token, strlen(token));
		struct location *known = map_get(&store->locations, &json, sizeof json);
		if (known != NULL) {
			loc = known;
			buf_clear(&key);
		}
	}
	*t = (struct target){NULL, json_is_true(json)};
	if (!json_is_object(json) && !json_is_boolean(json))
		rc = location_error(loc, e, "the pointer #%s leads to no schema", pointer);
	else if (json_is_object(json) && key.len > 0)
		rc = scan_extra(store, loc, buf_str(&key), json, e);
	if (rc == 0 && json_is_object(json))
		t->loc = map_get(&store->locations, &json, sizeof json);
	buf_release(&key);
	mem_free(text);
	return rc;
}

static int find_anchor(struct schema_store *store, const struct resource *res, const char *name,
	struct target *t, struct err *e)
{
	/* The root of a document has two resources when its $id is not where it was found. */
	char *full = mem_printf("%s#%s", res->root->resource->uri, name);

	t->loc = map_get(&store->anchors, full, strlen(full));
	int rc = t->loc != NULL ? 0 : err_set(e, ERR_CONFIG, "there is no anchor %s", full);
	mem_free(full);
	return rc;
}

int store_find(struct schema_store *store, const char *uri, struct target *t, struct err *e)
{
	const char *hash = uri_fragment(uri);
	char *base = mem_dup(uri, (size_t)(hash - uri));
	char *fragment = mem_strdup(*hash == '#' ? hash + 1 : "");
	struct resource *res = NULL;
	json_t *whole;

	*t = (struct target){NULL, false};
	int rc = find_resource(store, base, &res, e);
	whole = map_get(&store->documents, base, strlen(base));
	if (rc == 0 && res == NULL && *fragment != '\0')
		rc = err_set(e, ERR_CONFIG, "%s leads into a schema that is true or false", uri);
	else if (rc == 0 && !uri_decode(fragment))
		rc = err_set(e, ERR_CONFIG, "%s has a malformed fragment", uri);
	else if (rc == 0 && res == NULL)
		t->truth = json_is_true(whole);
	else if (rc == 0 && *fragment == '\0')
		t->loc = res->root;
	else if (rc == 0 && *fragment == '/')
		rc = find_pointer(store, res->root, fragment, t, e);
	else if (rc == 0)
		rc = find_anchor(store, res, fragment, t, e);
	mem_free(base);
	mem_free(fragment);
	return rc;
}
