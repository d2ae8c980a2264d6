/* SPDX-License-Identifier: MIT */
/* sockethubctl - the operator's tool: the first argument names a command of the table below. */
#include "control/validate.h"
#include "core/base.h"

#include <stdio.h>
#include <string.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{"validate", validate_command, "check JSON files against a JSON Schema"},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fputs("Usage: sockethubctl COMMAND ...\n", stderr);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(stderr, "  %-12s %s\n", commands[i].name, commands[i].summary);
	return 2;
}
