/* SPDX-License-Identifier: MIT */
/* conf - the configuration: one JSON file, overridden by --set, secrets and addresses also by the environment.
 *
 * The table is conf.def. An unknown or mistyped key is an error that names it. The `platforms` member is kept as JSON;
 * schema/registry.c checks it against the platforms' schema files. Relative paths count from the file's folder. */
#ifndef CORE_CONF_H
#define CORE_CONF_H

#include <jansson.h>
#include <stdio.h>

#include "core/base.h"

struct err;

struct conf_list {
	size_t n;
	char **items;
};

struct conf {
#define CONF_STR(path, field, def, unit, text)           char *field;
#define CONF_INT(path, field, def, min, max, unit, text) long long field;
#define CONF_BOOL(path, field, def, unit, text)          int field;
#define CONF_LIST(path, field, unit, text)               struct conf_list field;
#include "core/conf.def"
#undef CONF_STR
#undef CONF_INT
#undef CONF_BOOL
#undef CONF_LIST
	json_t *platforms; /* {"feeds": {"workers": 1}, ...}; {} when the file has none */
	char *dir;         /* the folder relative paths count from, absolute */
};

/* Reads `file` (NULL: defaults only), then `sets` ("key.path=value", value as JSON or, failing that, as a string), then
 * the environment. 0, or < 0 (ERR_CONFIG) with a sentence that names the key; `c` is then empty. Release it with
 * conf_release(), which wipes the secrets. */
int conf_load(
	struct conf *c, const char *file, const char *const *sets, size_t n_sets, struct err *e);
void conf_release(struct conf *c);

/* `path` as an absolute path, counted from the file's folder. GIVES. */
char *conf_path(const struct conf *c, const char *path);
/* The file `name` in state_dir. GIVES. */
char *conf_state_path(const struct conf *c, const char *name);

/* --help-config: a line or two per key. */
void conf_print_help(FILE *out);
/* schema/config.json is this, made from the table (`make config-schema`); a test compares. GIVES. */
json_t *conf_schema(void);

#endif
