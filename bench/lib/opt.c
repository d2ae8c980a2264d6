/* SPDX-License-Identifier: MIT */
#include "bench/lib/opt.h"
#include "core/base.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX   1000000000.0
#define SECONDS_MAX 86400.0

static void NO_RETURN refuse(const char *what, const char *problem)
{
	fprintf(stderr, "%s: %s (--help lists the options)\n", what, problem);
	exit(2);
}

static void NO_RETURN help(const char *summary, const struct opt *opts)
{
	printf("%s\n\n", summary);
	for (const struct opt *o = opts; o->name != NULL; o++)
		printf("  --%-13s %s\n", o->name, o->help);
	exit(0);
}

static const struct opt *find(const struct opt *opts, const char *name, size_t len)
{
	for (const struct opt *o = opts; o->name != NULL; o++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static double number(const struct opt *o, const char *text, double max)
{
	char *end;
	double v = strtod(text, &end);
	if (end == text || *end != '\0' || !(v >= 0 && v <= max))
		refuse(o->name, "not a number in its range");
	return v;
}

static void store(const struct opt *o, const char *text)
{
	switch (o->kind) {
	case OPT_FLAG:
		*(int *)o->to = 1;
		break;
	case OPT_TEXT:
		*(const char **)o->to = text;
		break;
	case OPT_COUNT:
		*(unsigned *)o->to = (unsigned)number(o, text, COUNT_MAX);
		break;
	case OPT_SECONDS:
		*(double *)o->to = number(o, text, SECONDS_MAX);
		break;
	}
}

void opt_read(const char *summary, const struct opt *opts, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) != 0)
			refuse(argv[i], "not an option");
		const char *name = argv[i] + 2;
		size_t len = strcspn(name, "=");
		if (strcmp(name, "help") == 0)
			help(summary, opts);
		const struct opt *o = find(opts, name, len);
		if (o == NULL)
			refuse(argv[i], "unknown option");
		const char *value = name[len] == '=' ? name + len + 1 : NULL;
		if (o->kind == OPT_FLAG && value != NULL)
			refuse(argv[i], "takes no value");
		if (o->kind != OPT_FLAG && value == NULL) {
			if (++i == argc)
				refuse(o->name, "needs a value");
			value = argv[i];
		}
		store(o, value);
	}
}
