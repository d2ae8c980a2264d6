/* SPDX-License-Identifier: MIT */
#include "core/conf.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/mem.h"

enum conf_type { TYPE_STR, TYPE_INT, TYPE_BOOL, TYPE_LIST };

struct conf_row {
	const char *path;
	enum conf_type type;
	size_t offset;
	const char *str;
	long long num, min, max;
	const char *unit;
	const char *text;
};

static const struct conf_row rows[] = {
#define CONF_STR(path, field, def, unit, text) \
	{path, TYPE_STR, offsetof(struct conf, field), def, 0, 0, 0, unit, text},
#define CONF_INT(path, field, def, min, max, unit, text) \
	{path, TYPE_INT, offsetof(struct conf, field), NULL, def, min, max, unit, text},
#define CONF_BOOL(path, field, def, unit, text) \
	{path, TYPE_BOOL, offsetof(struct conf, field), NULL, def, 0, 1, unit, text},
#define CONF_LIST(path, field, unit, text) \
	{path, TYPE_LIST, offsetof(struct conf, field), NULL, 0, 0, 0, unit, text},
#include "core/conf.def"
#undef CONF_STR
#undef CONF_INT
#undef CONF_BOOL
#undef CONF_LIST
};

static void *field_of(struct conf *c, const struct conf_row *row)
{
	return (char *)c + row->offset;
}

/* What goes may be a URL with a password. */
static void string_set(char **field, const char *value)
{
	if (*field != NULL)
		mem_wipe(*field, strlen(*field));
	mem_free(*field);
	*field = mem_strdup(value);
}

static void list_clear(struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		mem_wipe(list->items[i], strlen(list->items[i]));
		mem_free(list->items[i]);
	}
	mem_free(list->items);
	*list = (struct conf_list){0, NULL};
}

static void list_add(struct conf_list *list, const char *word, size_t len)
{
	list->items = mem_realloc(list->items, (list->n + 1) * sizeof *list->items);
	list->items[list->n++] = mem_dup(word, len);
}

static int list_set(
	struct conf_list *list, const struct conf_row *row, const json_t *value, struct err *e)
{
	size_t i;
	const json_t *item;

	if (!json_is_array(value))
		return err_set(e, ERR_CONFIG, "%s: has to be an array of strings", row->path);
	list_clear(list);
	json_array_foreach ((json_t *)value, i, item) {
		if (!json_is_string(item))
			return err_set(e, ERR_CONFIG, "%s[%zu]: has to be a string", row->path, i);
		list_add(list, json_string_value(item), json_string_length(item));
	}
	return 0;
}

static int row_set(struct conf *c, const struct conf_row *row, const json_t *value, struct err *e)
{
	void *field = field_of(c, row);

	switch (row->type) {
	case TYPE_STR:
		if (!json_is_string(value) && !json_is_null(value))
			return err_set(
				e, ERR_CONFIG, "%s: has to be a string (%s)", row->path, row->unit);
		string_set(field, json_string_value(value));
		return 0;
	case TYPE_INT:
		if (!json_is_integer(value) || json_integer_value(value) < row->min ||
			json_integer_value(value) > row->max)
			return err_set(e, ERR_CONFIG,
				"%s: has to be a whole number from %lld to %lld (%s)", row->path,
				row->min, row->max, row->unit);
		*(long long *)field = json_integer_value(value);
		return 0;
	case TYPE_BOOL:
		if (!json_is_boolean(value))
			return err_set(e, ERR_CONFIG, "%s: has to be true or false", row->path);
		*(int *)field = json_is_true(value);
		return 0;
	case TYPE_LIST:
		return list_set(field, row, value, e);
	}
	return err_set(e, ERR_INTERNAL, NULL);
}

static const struct conf_row *row_find(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].path, path) == 0)
			return &rows[i];
	return NULL;
}

/* 1 when `path` is the first part of a row's path: "session" of "session.ttl_s". */
static int is_group(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strncmp(rows[i].path, path, len) == 0 && rows[i].path[len] == '.')
			return 1;
	return 0;
}

static int platforms_set(struct conf *c, json_t *value, struct err *e)
{
	const char *name;
	json_t *settings;

	if (!json_is_object(value))
		return err_set(e, ERR_CONFIG, "platforms: has to be an object");
	json_object_foreach (value, name, settings)
		if (!json_is_object(settings))
			return err_set(e, ERR_CONFIG, "platforms.%s: has to be an object", name);
	json_decref(c->platforms);
	c->platforms = json_incref(value);
	return 0;
}

/* Walks the file's object; `prefix` is "" or "session.". Groups do not nest further. */
static int object_read(struct conf *c, const char *prefix, json_t *object, struct err *e)
{
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		char path[128];
		const struct conf_row *row;
		int rc;

		snprintf(path, sizeof path, "%s%s", prefix, key);
		row = row_find(path);
		if (strcmp(path, "platforms") == 0) {
			rc = platforms_set(c, value, e);
		} else if (row != NULL) {
			rc = row_set(c, row, value, e);
		} else if (*prefix == '\0' && is_group(path)) {
			if (!json_is_object(value))
				return err_set(e, ERR_CONFIG, "%s: has to be an object", path);
			snprintf(path, sizeof path, "%s.", key);
			rc = object_read(c, path, value, e);
		} else {
			return err_set(e, ERR_CONFIG, "%s: unknown key", path);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* platforms.NAME.KEY=value: makes what is missing on the way. */
static int platform_setting_set(struct conf *c, const char *path, json_t *value, struct err *e)
{
	char *copy = mem_strdup(path + strlen("platforms."));
	char *key = strchr(copy, '.');
	json_t *settings;
	int rc = 0;

	if (key != NULL)
		*key++ = '\0';
	settings = json_object_get(c->platforms, copy);
	if (key == NULL && json_is_object(value))
		json_object_set(c->platforms, copy, value);
	else if (key == NULL || *key == '\0' || *copy == '\0')
		rc = err_set(e, ERR_CONFIG, "%s: has to be platforms.NAME.KEY", path);
	else if (settings == NULL &&
		 json_object_set_new(c->platforms, copy, json_pack("{s:O}", key, value)) < 0)
		rc = err_set(e, ERR_CONFIG, "--set %s: the name is not UTF-8", path);
	else if (settings != NULL && json_object_set(settings, key, value) < 0)
		rc = err_set(e, ERR_CONFIG, "--set %s: the name is not UTF-8", path);
	mem_free(copy);
	return rc;
}

static int set_apply(struct conf *c, const char *set, struct err *e)
{
	const char *eq = strchr(set, '=');
	const struct conf_row *row;
	char *path;
	json_t *value;
	int rc;

	if (eq == NULL)
		return err_set(e, ERR_CONFIG, "--set %s: has to be key.path=value", set);
	path = mem_dup(set, (size_t)(eq - set));
	row = row_find(path);
	value = json_loads(eq + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (value == NULL || (row != NULL && row->type == TYPE_STR && !json_is_null(value) &&
				     !json_is_string(value))) {
		json_decref(value);
		value = json_string(eq + 1);
	}
	if (value == NULL)
		rc = err_set(e, ERR_CONFIG, "--set %s: the value is not UTF-8", path);
	else if (row != NULL)
		rc = row_set(c, row, value, e);
	else if (strcmp(path, "platforms") == 0)
		rc = platforms_set(c, value, e);
	else if (strncmp(path, "platforms.", strlen("platforms.")) == 0)
		rc = platform_setting_set(c, path, value, e);
	else
		rc = err_set(e, ERR_CONFIG, "--set %s: unknown key", path);
	json_decref(value);
	mem_free(path);
	return rc;
}

static void environment_apply(struct conf *c)
{
	const char *redis = getenv("SOCKETHUB_REDIS");
	const char *secrets = getenv("SOCKETHUB_SECRETS");

	if (redis != NULL && *redis != '\0')
		string_set(&c->redis, redis);
	if (secrets == NULL || *secrets == '\0')
		return;
	list_clear(&c->secrets);
	while (*secrets != '\0') {
		size_t len = strcspn(secrets, ",");
		if (len > 0)
			list_add(&c->secrets, secrets, len);
		secrets += len + (secrets[len] == ',');
	}
}

static int dir_find(struct conf *c, const char *file, struct err *e)
{
	char *path = file != NULL ? realpath(file, NULL) : getcwd(NULL, 0);

	if (path == NULL)
		return err_set_sys(
			e, ERR_CONFIG, errno, "%s", file != NULL ? file : "current folder");
	if (file != NULL)
		*(strrchr(path, '/') + (strrchr(path, '/') == path)) = '\0';
	c->dir = path;
	return 0;
}

static int file_read(struct conf *c, const char *file, struct err *e)
{
	json_error_t je;
	json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &je);
	int rc;

	if (root == NULL)
		return err_set(e, ERR_CONFIG, "%s: line %d: %s", file, je.line, je.text);
	rc = json_is_object(root) ? object_read(c, "", root, e)
				  : err_set(e, ERR_CONFIG, "the configuration has to be an object");
	if (rc < 0)
		err_prefix(e, "%s", file);
	json_decref(root);
	return rc;
}

/* What one row alone cannot tell. */
static int whole_check(const struct conf *c, struct err *e)
{
	size_t len = strlen(c->base);

	if (c->base[0] != '/' || (len > 1 && c->base[len - 1] == '/') ||
		strpbrk(c->base, "?#% ") != NULL)
		return err_set(e, ERR_CONFIG,
			"base: has to be a plain path like /sockethub, without a slash at its end");
	return 0;
}

int conf_load(
	struct conf *c, const char *file, const char *const *sets, size_t n_sets, struct err *e)
{
	int rc;

	memset(c, 0, sizeof *c);
	c->platforms = json_object();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].type == TYPE_STR)
			string_set(field_of(c, &rows[i]), rows[i].str);
		else if (rows[i].type == TYPE_INT)
			*(long long *)field_of(c, &rows[i]) = rows[i].num;
		else if (rows[i].type == TYPE_BOOL)
			*(int *)field_of(c, &rows[i]) = (int)rows[i].num;
	}
	rc = dir_find(c, file, e);
	if (rc == 0 && file != NULL)
		rc = file_read(c, file, e);
	for (size_t i = 0; rc == 0 && i < n_sets; i++)
		rc = set_apply(c, sets[i], e);
	environment_apply(c);
	if (rc == 0)
		rc = whole_check(c, e);
	if (rc < 0)
		conf_release(c);
	return rc;
}

void conf_release(struct conf *c)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].type == TYPE_STR)
			string_set(field_of(c, &rows[i]), NULL);
		else if (rows[i].type == TYPE_LIST)
			list_clear(field_of(c, &rows[i]));
	}
	json_decref(c->platforms);
	free(c->dir);
	memset(c, 0, sizeof *c);
}

char *conf_path(const struct conf *c, const char *path)
{
	if (*path == '/')
		return mem_strdup(path);
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (*path == '\0' || strcmp(path, ".") == 0)
		return mem_strdup(c->dir);
	return mem_printf("%s/%s", strcmp(c->dir, "/") == 0 ? "" : c->dir, path);
}

char *conf_state_path(const struct conf *c, const char *name)
{
	char *dir = conf_path(c, c->state_dir);
	char *path = mem_printf("%s/%s", dir, name);

	mem_free(dir);
	return path;
}

void conf_print_help(FILE *out)
{
	fputs("The configuration file is a JSON object. A key with a dot is a member of an inner "
	      "object.\n\n",
		out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct conf_row *row = &rows[i];

		fprintf(out, "%s", row->path);
		if (row->type == TYPE_INT)
			fprintf(out, " = %lld   (%lld to %lld %s)", row->num, row->min, row->max,
				row->unit);
		else if (row->type == TYPE_BOOL)
			fprintf(out, " = %s", row->num ? "true" : "false");
		else if (row->type == TYPE_LIST)
			fprintf(out, " = []   (%s)", row->unit);
		else
			fprintf(out, " = %s   (%s)", row->str != NULL ? row->str : "absent",
				row->unit);
		fprintf(out, "\n    %s\n", row->text);
	}
	fputs("platforms = {}   (an object per platform)\n"
	      "    {\"NAME\": {\"workers\": 1, \"concurrency\": 1000, ...}}: the platforms that "
	      "may be used; what else each\n"
	      "    takes is in schema/platforms/NAME.json, member `settings`\n",
		out);
}

static json_t *row_schema(const struct conf_row *row)
{
	switch (row->type) {
	case TYPE_INT:
		return json_pack("{s:s, s:s, s:I, s:I, s:I}", "description", row->text, "type",
			"integer", "minimum", (json_int_t)row->min, "maximum", (json_int_t)row->max,
			"default", (json_int_t)row->num);
	case TYPE_BOOL:
		return json_pack("{s:s, s:s, s:b}", "description", row->text, "type", "boolean",
			"default", (int)row->num);
	case TYPE_LIST:
		return json_pack("{s:s, s:s, s:{s:s}}", "description", row->text, "type", "array",
			"items", "type", "string");
	case TYPE_STR:
		break;
	}
	return json_pack("{s:s, s:[s, s], s:s?}", "description", row->text, "type", "string",
		"null", "default", row->str);
}

static json_t *object_schema(void)
{
	return json_pack(
		"{s:s, s:{}, s:b}", "type", "object", "properties", "additionalProperties", 0);
}

json_t *conf_schema(void)
{
	json_t *root = object_schema();
	json_t *top = json_object_get(root, "properties");

	json_object_set_new(
		root, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	json_object_set_new(root, "$id", json_string("https://sockethub.org/schema/config"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *dot = strchr(rows[i].path, '.');
		json_t *into = top;
		const char *key = rows[i].path;

		if (dot != NULL) {
			char *group = mem_dup(rows[i].path, (size_t)(dot - rows[i].path));
			if (json_object_get(top, group) == NULL)
				json_object_set_new(top, group, object_schema());
			into = json_object_get(json_object_get(top, group), "properties");
			key = dot + 1;
			mem_free(group);
		}
		json_object_set_new(into, key, row_schema(&rows[i]));
	}
	json_object_set_new(top, "platforms",
		json_pack("{s:s, s:{s:s}}", "type", "object", "additionalProperties", "type",
			"object"));
	return root;
}
