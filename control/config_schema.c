/* SPDX-License-Identifier: MIT */
#include "control/config_schema.h"

#include <stdio.h>

#include "core/conf.h"

int config_schema_command(int argc, char **argv)
{
	json_t *schema;

	if (argc > 1) {
		fprintf(stderr, "Usage: sockethubctl %s\n", argv[0]);
		return 2;
	}
	schema = conf_schema();
	json_dumpf(schema, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(schema);
	return 0;
}
