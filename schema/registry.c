/* SPDX-License-Identifier: MIT */
#include "schema/registry.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/mem.h"
#include "schema/schema.h"

#define BASE_URI "https://sockethub.org/schema/"

struct registry {
	struct schema_store *store;
	json_t *verbs;    /* name -> {"schema":...}, general and local together */
	json_t *document; /* what clients may read */
	struct registry_platform *platforms;
	size_t n;
};

/* What every platform takes besides its own settings. */
static const struct {
	const char *name;
	json_int_t min, max, def;
} common_settings[] = {
	{"workers", 0, 64, 1}, /* processes that sockethubd runs; 0: they run elsewhere */
	{"concurrency", 1, 100000, 1000}, /* jobs one worker prepares or runs at the same time */
	{"job_timeout_s", 1, 86400, 300}, /* a job not answered by then fails */
};

static json_t *file_read(const char *path, struct err *e)
{
	json_error_t je;
	json_t *doc = json_load_file(path, JSON_REJECT_DUPLICATES, &je);

	if (doc == NULL)
		err_set(e, ERR_CONFIG, "%s: line %d: %s", path, je.line, je.text);
	else if (!json_is_object(doc)) {
		err_set(e, ERR_CONFIG, "%s: has to be an object", path);
		json_decref(doc);
		doc = NULL;
	}
	return doc;
}

static int name_valid(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len <= REGISTRY_NAME_MAX && name[len] == '\0';
}

/* --- verbs ---------------------------------------------------------------------------------------------------------- */

static int verbs_read(struct registry *r, const char *path, const char *uri, struct err *e)
{
	json_t *doc = file_read(path, e);
	const char *name;
	json_t *verb;
	int rc = 0;

	if (doc == NULL)
		return -(int)ERR_CONFIG;
	if (!json_is_object(json_object_get(doc, "verbs")))
		rc = err_set(e, ERR_CONFIG, "%s: has to have an object `verbs`", path);
	if (rc == 0)
		rc = schema_store_add(r->store, uri, doc, e);
	json_object_foreach (rc == 0 ? json_object_get(doc, "verbs") : NULL, name, verb) {
		if (json_object_get(r->verbs, name) != NULL) {
			rc = err_set(e, ERR_CONFIG,
				"%s: verb %s exists already; local files may only add", path, name);
			break;
		}
		json_object_set_new(r->verbs, name,
			json_pack("{s:s, s:b}", "uri", uri, "schema",
				json_object_get(verb, "schema") != NULL));
		json_object_set(json_object_get(r->document, "verbs"), name, verb);
	}
	json_decref(doc);
	return rc;
}

/* The schema at `pointer` of document `uri`; NULL in `*out` when `there` is not. */
static int compile(struct registry *r, const char *uri, const char *pointer, const json_t *there,
	const struct schema **out, struct err *e)
{
	char *whole;
	int rc;

	*out = NULL;
	if (there == NULL || json_is_null(there))
		return 0;
	whole = mem_printf("%s#%s", uri, pointer);
	rc = schema_compile(r->store, whole, out, e);
	mem_free(whole);
	return rc;
}

static int general_compile(
	struct registry *r, const char *verb, const struct schema **out, struct err *e)
{
	const json_t *row = json_object_get(r->verbs, verb);
	char *pointer;
	int rc;

	*out = NULL;
	if (row == NULL || !json_is_true(json_object_get(row, "schema")))
		return 0;
	pointer = mem_printf("/verbs/%s/schema", verb);
	rc = compile(r, json_string_value(json_object_get(row, "uri")), pointer, row, out, e);
	mem_free(pointer);
	return rc;
}

/* --- one platform ----------------------------------------------------------------------------------------------------- */

static int verb_fill(struct registry *r, struct registry_verb *v, const char *uri, const char *name,
	const json_t *row, struct err *e)
{
	const json_t *own = json_object_get(row, "schema");
	char *pointer = mem_printf("/verbs/%s/schema", name);
	int rc = compile(r, uri, pointer, own, &v->own, e);

	v->name = name;
	mem_free(pointer);
	if (rc == 0)
		rc = general_compile(r, name, &v->general, e);
	if (rc == 0 && v->own == NULL && v->general == NULL)
		rc = err_set(e, ERR_CONFIG, "verb %s has no schema, here or in verbs.json", name);
	return rc;
}

/* Every platform also has `set`, which it may not define itself. */
static int verbs_fill(
	struct registry *r, struct registry_platform *p, const char *uri, struct err *e)
{
	json_t *verbs = json_object_get(p->document, "verbs");
	int internal = strcmp(p->name, REGISTRY_DISPATCHER) == 0;
	struct registry_verb *list;
	const char *name;
	json_t *row;

	if (!json_is_object(verbs))
		return err_set(e, ERR_CONFIG, "has to have an object `verbs`");
	list = mem_array(json_object_size(verbs) + 1, sizeof *list);
	p->verbs = list;
	json_object_foreach (verbs, name, row) {
		int rc = verb_fill(r, &list[p->n_verbs++], uri, name, row, e);

		if (rc < 0)
			return rc;
		if (!internal && strcmp(name, "set") == 0)
			return err_set(e, ERR_CONFIG,
				"`set` is the dispatcher's and may not be defined here");
	}
	if (internal)
		return 0;
	list[p->n_verbs].name = "set";
	return general_compile(r, "set", &list[p->n_verbs++].general, e);
}

static int common_setting_take(json_t *settings, size_t i, const char *platform, struct err *e)
{
	const char *name = common_settings[i].name;
	const json_t *value = json_object_get(settings, name);

	if (value == NULL)
		return json_object_set_new(settings, name, json_integer(common_settings[i].def));
	if (!json_is_integer(value) || json_integer_value(value) < common_settings[i].min ||
		json_integer_value(value) > common_settings[i].max)
		return err_set(e, ERR_CONFIG,
			"platforms.%s.%s: has to be a whole number from %lld to %lld", platform,
			name, (long long)common_settings[i].min, (long long)common_settings[i].max);
	return 0;
}

/* The platform's own settings, without the common ones, against its schema. */
static int own_settings_check(struct registry *r, const struct registry_platform *p,
	const char *uri, const json_t *given, struct err *e)
{
	const struct schema *schema;
	struct schema_failure f;
	json_t *own = json_copy((json_t *)given);
	int rc = compile(r, uri, "/settings", json_object_get(p->document, "settings"), &schema, e);

	for (size_t i = 0; i < ARRAY_LEN(common_settings); i++)
		json_object_del(own, common_settings[i].name);
	if (rc == 0 && schema == NULL && json_object_size(own) > 0)
		rc = err_set(e, ERR_CONFIG, "platforms.%s.%s: unknown key", p->name,
			json_object_iter_key(json_object_iter(own)));
	if (rc == 0 && schema != NULL && schema_validate(schema, own, &f) < 0)
		rc = err_set(e, ERR_CONFIG, "platforms.%s%s: %s", p->name, f.where, f.why);
	json_decref(own);
	return rc;
}

static int settings_fill(struct registry *r, struct registry_platform *p, const char *uri,
	const json_t *given, struct err *e)
{
	json_t *properties = json_object_get(
		json_object_get(p->document, "settings"), "properties");
	json_t *settings = given != NULL ? json_deep_copy(given) : json_object();
	const char *name;
	json_t *property;
	int rc = own_settings_check(r, p, uri, settings, e);

	p->settings = settings;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(common_settings); i++)
		rc = common_setting_take(settings, i, p->name, e);
	json_object_foreach (properties, name, property) {
		json_t *def = json_object_get(property, "default");

		if (def != NULL && json_object_get(settings, name) == NULL)
			json_object_set(settings, name, def);
	}
	return rc;
}

static int platform_add(struct registry *r, const char *path, const char *name,
	const json_t *configured, struct err *e)
{
	struct registry_platform *p;
	json_t *doc = file_read(path, e);
	char *uri;
	int rc;

	if (doc == NULL)
		return -(int)ERR_CONFIG;
	r->platforms = mem_realloc(r->platforms, (r->n + 1) * sizeof *r->platforms);
	p = &r->platforms[r->n++];
	memset(p, 0, sizeof *p);
	p->document = doc;
	p->name = json_string_value(json_object_get(doc, "name"));
	if (p->name == NULL || strcmp(p->name, name) != 0)
		return err_set(
			e, ERR_CONFIG, "%s: `name` has to be the file's name, \"%s\"", path, name);
	for (size_t i = 0; i + 1 < r->n; i++)
		if (strcmp(r->platforms[i].name, name) == 0)
			return err_set(e, ERR_CONFIG,
				"%s: platform %s exists already; local files may only add", path,
				name);
	p->loaded = strcmp(name, REGISTRY_DISPATCHER) == 0 ||
		    json_object_get(configured, name) != NULL;
	uri = mem_printf(BASE_URI "platforms/%s", name);
	rc = schema_store_add(r->store, uri, doc, e);
	if (rc == 0)
		rc = verbs_fill(r, p, uri, e);
	if (rc == 0)
		rc = compile(r, uri, "/credentials", json_object_get(doc, "credentials"),
			&p->credentials, e);
	if (rc < 0)
		err_prefix(e, "%s", path);
	else
		rc = settings_fill(r, p, uri, json_object_get(configured, name), e);
	mem_free(uri);
	if (rc == 0 && p->loaded)
		json_object_set(json_object_get(r->document, "platforms"), name, doc);
	return rc;
}

/* --- the folder -------------------------------------------------------------------------------------------------------- */

static int is_platform_file(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');
	char name[REGISTRY_NAME_MAX + 1];

	if (dot == NULL || strcmp(dot, ".json") != 0 || (size_t)(dot - d->d_name) >= sizeof name)
		return 0;
	memcpy(name, d->d_name, (size_t)(dot - d->d_name));
	name[dot - d->d_name] = '\0';
	return name_valid(name);
}

/* Sorted, so that errors and listings do not depend on the file system. `optional`: the folder may be missing. */
static int folder_read(
	struct registry *r, const char *path, int optional, const json_t *configured, struct err *e)
{
	struct dirent **files;
	int n = scandir(path, &files, is_platform_file, alphasort);
	int rc = 0;

	if (n < 0)
		return optional && errno == ENOENT ? 0
						   : err_set_sys(e, ERR_CONFIG, errno, "%s", path);
	for (int i = 0; i < n; i++) {
		char *file = mem_printf("%s/%s", path, files[i]->d_name);

		*strrchr(files[i]->d_name, '.') = '\0';
		if (rc == 0)
			rc = platform_add(r, file, files[i]->d_name, configured, e);
		mem_free(file);
		free(files[i]);
	}
	free(files);
	return rc;
}

static int local_verbs_read(struct registry *r, const char *path, struct err *e)
{
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return errno == ENOENT ? 0 : err_set_sys(e, ERR_CONFIG, errno, "%s", path);
	fclose(f);
	return verbs_read(r, path, BASE_URI "verbs.local", e);
}

static int all_read(struct registry *r, const char *dir, const json_t *configured, struct err *e)
{
	char *paths[] = {
		mem_printf("%s/verbs.json", dir),
		mem_printf("%s/verbs.local.json", dir),
		mem_printf("%s/platforms", dir),
		mem_printf("%s/platforms.local", dir),
	};
	int rc = verbs_read(r, paths[0], BASE_URI "verbs", e);

	if (rc == 0)
		rc = local_verbs_read(r, paths[1], e);
	if (rc == 0)
		rc = folder_read(r, paths[2], 0, configured, e);
	if (rc == 0)
		rc = folder_read(r, paths[3], 1, configured, e);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		mem_free(paths[i]);
	return rc;
}

static int configured_check(const struct registry *r, const json_t *configured, struct err *e)
{
	const char *name;
	json_t *settings;

	json_object_foreach ((json_t *)configured, name, settings)
		if (registry_find(r, name) == NULL || strcmp(name, REGISTRY_DISPATCHER) == 0)
			return err_set(
				e, ERR_CONFIG, "platforms.%s: there is no such platform", name);
	if (registry_find(r, REGISTRY_DISPATCHER) == NULL)
		return err_set(e, ERR_CONFIG, "platforms/" REGISTRY_DISPATCHER ".json is missing");
	return 0;
}

int registry_load(const char *dir, const json_t *configured, struct registry **out, struct err *e)
{
	struct registry *r = mem_alloc(sizeof *r);
	int rc;

	r->store = schema_store_new(SCHEMA_DRAFT_2020_12, 0);
	r->verbs = json_object();
	r->document = json_pack("{s:{}, s:{}}", "verbs", "platforms");
	rc = all_read(r, dir, configured, e);
	if (rc == 0)
		rc = configured_check(r, configured, e);
	if (rc < 0) {
		registry_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		mem_free((void *)r->platforms[i].verbs);
		json_decref((json_t *)r->platforms[i].settings);
		json_decref((json_t *)r->platforms[i].document);
	}
	mem_free(r->platforms);
	json_decref(r->verbs);
	json_decref(r->document);
	schema_store_free(r->store);
	mem_free(r);
}

size_t registry_count(const struct registry *r)
{
	return r->n;
}

const struct registry_platform *registry_at(const struct registry *r, size_t i)
{
	assert(i < r->n);
	return &r->platforms[i];
}

const struct registry_platform *registry_find(const struct registry *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->platforms[i].name, name) == 0)
			return &r->platforms[i];
	return NULL;
}

const struct registry_verb *registry_verb(const struct registry_platform *p, const char *name)
{
	for (size_t i = 0; i < p->n_verbs; i++)
		if (strcmp(p->verbs[i].name, name) == 0)
			return &p->verbs[i];
	return NULL;
}

const json_t *registry_document(const struct registry *r)
{
	return r->document;
}
