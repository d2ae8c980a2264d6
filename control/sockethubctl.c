/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "control/config_schema.h"
#include "control/settings.h"
#include "control/status.h"
#include "control/validate.h"
#include "core/base.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command; returns the exit status */
	const char *summary;
};

static const struct command commands[] = {
	{"status", status_command, "workers, accounts, queues and sessions, asked from Redis"},
	{"settings", settings_command, "what a platform can be told in the configuration"},
	{"validate", validate_command, "check JSON files against a JSON Schema"},
	{"config-schema", config_schema_command, "print the JSON Schema of the configuration"},
};

static void help(FILE *out)
{
	fputs("Usage: sockethubctl COMMAND [options]\n\nFor the operator of "
	      "Sockethub.\n\nCommands:\n",
		out);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].summary);
	fputs("\n  --version      print the version\n  --help         print this; after a command: "
	      "its "
	      "options\n",
		out);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		help(stdout);
		return 0;
	}
	if (strcmp(word, "--version") == 0) {
		printf("sockethubctl %s\n", SOCKETHUB_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(word, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (*word != '\0')
		fprintf(stderr, "sockethubctl: unknown command %s\n", word);
	help(stderr);
	return 2;
}
