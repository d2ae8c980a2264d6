/* SPDX-License-Identifier: MIT */
#include "control/settings.h"

#include <jansson.h>
#include <stdio.h>

#include "core/cli.h"
#include "core/conf.h"
#include "core/err.h"
#include "core/mem.h"
#include "schema/registry.h"

static const struct cli_program program = {
	.name = "sockethubctl settings",
	.tag = "sockethubctl",
	.usage = "PLATFORM [options]",
	.summary =
		"Lists what may stand below platforms.PLATFORM of the configuration, with the "
		"value "
		"in\n"
		"effect and its bounds. workers and concurrency, which every platform takes, are "
		"not listed.\n",
	.extra = "\nExit status: 0, or 2 for an unknown platform or a configuration that is "
		 "refused.\n",
};

/* "   (1 to 900)", when the schema says so. */
static void bounds_print(const json_t *row)
{
	const json_t *min = json_object_get(row, "minimum");
	const json_t *max = json_object_get(row, "maximum");

	if (json_is_integer(min) && json_is_integer(max))
		printf("   (%lld to %lld)", (long long)json_integer_value(min),
			(long long)json_integer_value(max));
}

static void settings_print(const struct registry_platform *p)
{
	json_t *rows = json_object_get(json_object_get(p->document, "settings"), "properties");
	const char *name;
	json_t *row;

	json_object_foreach (rows, name, row) {
		const json_t *value = json_object_get(p->settings, name);
		const char *text = json_string_value(json_object_get(row, "description"));

		if (value == NULL)
			value = json_object_get(row, "default");
		printf("platforms.%s.%s", p->name, name);
		if (value != NULL) {
			printf(" = ");
			json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
		}
		bounds_print(row);
		putchar('\n');
		if (text != NULL)
			printf("    %s\n", text);
	}
}

static int platform_show(const struct conf *c, const char *name, struct err *e)
{
	char *dir = cli_schema_dir(c);
	struct registry *registry = NULL;
	int rc = registry_load(dir, c->platforms, &registry, e);
	const struct registry_platform *p;

	mem_free(dir);
	if (rc < 0)
		return rc;
	p = registry_find(registry, name);
	if (p == NULL)
		rc = err_set(e, ERR_CONFIG, "there is no platform %s", name);
	else
		settings_print(p);
	registry_free(registry);
	return rc;
}

int settings_command(int argc, char **argv)
{
	struct conf c;
	const char *name = NULL;
	struct err e;
	int check_only;
	int rc = 0;

	if (cli_start(&program, argc, argv, &c, &name, 1, &check_only) < 1)
		rc = err_set(&e, ERR_CONFIG, "settings of which platform?");
	else
		rc = platform_show(&c, name, &e);
	if (rc < 0)
		fprintf(stderr, "sockethubctl: %s\n", e.text);
	conf_release(&c);
	return rc < 0 ? 2 : 0;
}
