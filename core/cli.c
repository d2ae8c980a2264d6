/* SPDX-License-Identifier: MIT */
#include "core/cli.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/err.h"
#include "core/log.h"
#include "core/mem.h"

#define MAX_FILES 1048576
#define MAX_SETS  64

static const char *config_file;
static const char *sets[MAX_SETS];
static size_t n_sets;

static const char options_text[] =
	"\nOptions:\n"
	"  --config FILE     the configuration (else $SOCKETHUB_CONFIG, ./sockethub.json,\n"
	"                    /etc/sockethub/sockethub.json: the first that exists)\n"
	"  --set KEY=VALUE   override one key, e.g. --set log.level=debug; may be repeated\n"
	"  --check-config    read and check the configuration and the schema files, then exit\n"
	"  --help-config     list every key of the configuration\n"
	"  --version         print the version\n"
	"  --help            print this\n";

static void NO_RETURN usage_error(const struct cli_program *p, const char *what, const char *word)
{
	fprintf(stderr, "%s: %s%s\nTry '%s --help'.\n", p->name, what, word, p->name);
	exit(2);
}

static void NO_RETURN help(const struct cli_program *p)
{
	printf("Usage: %s %s\n\n%s\n%s%s", p->name, p->usage, p->summary,
		p->extra != NULL ? p->extra : "", options_text);
	exit(0);
}

static void file_find(void)
{
	const char *env = getenv("SOCKETHUB_CONFIG");

	if (env != NULL && *env != '\0')
		config_file = env;
	else if (access("sockethub.json", R_OK) == 0)
		config_file = "sockethub.json";
	else if (access("/etc/sockethub/sockethub.json", R_OK) == 0)
		config_file = "/etc/sockethub/sockethub.json";
}

/* One option; returns how many words it took, 0: not an option. */
static int option_take(const struct cli_program *p, int argc, char **argv, int *check_only)
{
	const char *word = argv[0];

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		help(p);
	if (strcmp(word, "--version") == 0) {
		printf("%s %s\n", p->name, SOCKETHUB_VERSION);
		exit(0);
	}
	if (strcmp(word, "--help-config") == 0) {
		conf_print_help(stdout);
		exit(0);
	}
	if (strcmp(word, "--check-config") == 0) {
		*check_only = 1;
		return 1;
	}
	if (strcmp(word, "--config") != 0 && strcmp(word, "--set") != 0) {
		if (word[0] == '-' && word[1] != '\0')
			usage_error(p, "unknown option ", word);
		return 0;
	}
	if (argc < 2)
		usage_error(p, "a value is missing after ", word);
	if (strcmp(word, "--config") == 0)
		config_file = argv[1];
	else if (n_sets == MAX_SETS)
		usage_error(p, "too many --set", "");
	else
		sets[n_sets++] = argv[1];
	return 2;
}

/* Thousands of parked connections need as many descriptors; children inherit the limit. */
static void files_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = MAX(limit.rlim_cur, MIN(limit.rlim_max, MAX_FILES));
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void log_start(const struct cli_program *p, const struct conf *c)
{
	int level = log_level_parse(c->log_level);
	int format = log_format_parse(c->log_format);

	if (level < 0)
		usage_error(
			p, "log.level: has to be debug, info, warn or error, not ", c->log_level);
	if (format < 0)
		usage_error(p, "log.format: has to be logfmt or json, not ", c->log_format);
	log_setup(p->tag, (enum log_level)level, (enum log_format)format);
}

size_t cli_start(const struct cli_program *p, int argc, char **argv, struct conf *c,
	const char **args, size_t max_args, int *check_only)
{
	size_t n = 0;
	struct err e;

	*check_only = 0;
	for (int i = 1; i < argc;) {
		int took = option_take(p, argc - i, argv + i, check_only);
		if (took == 0 && n == max_args)
			usage_error(p, "one word too many: ", argv[i]);
		if (took == 0)
			args[n++] = argv[i++];
		i += took;
	}
	if (config_file == NULL)
		file_find();
	if (sodium_init() < 0)
		usage_error(p, "libsodium cannot be initialised", "");
	signal(SIGPIPE, SIG_IGN);
	if (conf_load(c, config_file, sets, n_sets, &e) < 0) {
		fprintf(stderr, "%s: %s\n", p->name, e.text);
		exit(2);
	}
	log_start(p, c);
	files_raise();
	return n;
}

const char *cli_config_file(void)
{
	return config_file;
}

size_t cli_sets(const char *const **out)
{
	*out = sets;
	return n_sets;
}

char *cli_program_dir(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n < 0)
		return mem_strdup(".");
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return mem_strdup(path);
}

/* Installed: PREFIX/bin/../share/sockethub/schema. In the source tree: build/plain/../../schema. */
/* A folder that is installed with the program, or stands beside it in the source tree. GIVES. */
static char *shared_dir(const char *name)
{
	static const char *const places[] = {"../share/sockethub", "../.."};
	char *bin = cli_program_dir();
	char *dir = NULL;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		mem_free(dir);
		dir = mem_printf("%s/%s/%s", bin, places[i], name);
		if (access(dir, R_OK) == 0)
			break;
	}
	mem_free(bin);
	return dir;
}

char *cli_schema_dir(const struct conf *c)
{
	return c->schema_dir != NULL ? conf_path(c, c->schema_dir) : shared_dir("schema");
}

char *cli_web_dir(const struct conf *c)
{
	return c->web_dir != NULL ? conf_path(c, c->web_dir) : shared_dir("web");
}
