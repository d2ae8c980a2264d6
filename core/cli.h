/* SPDX-License-Identifier: MIT */
/* cli - the command line that the daemons have in common, and what a daemon does before anything else:
 * find its configuration, set up the log, ignore SIGPIPE, initialise libsodium, raise the limit of open files. */
#ifndef CORE_CLI_H
#define CORE_CLI_H

#include "core/base.h"

struct conf;

struct cli_program {
	const char *name;    /* "sockethub-gateway" */
	const char *tag;     /* of log lines: "gateway" */
	const char *usage;   /* after the name: "[options]" */
	const char *summary; /* one or two sentences for --help */
	const char *extra;   /* more lines for --help; may be NULL */
};

/* Handles --config FILE, --set KEY=VALUE, --check-config, --help-config, --help, --version; exits where the option or
 * an error asks for it (0, or 2 with a sentence on standard error). Fills `c`; returns how many words are left in
 * `args` (the first of them at args[0]; borrowed from argv). Without --config the file is $SOCKETHUB_CONFIG, or
 * ./sockethub.json when it exists, or /etc/sockethub/sockethub.json when that exists, or none.
 * With --check-config the program goes on to its own checks: `*check_only` is 1 then; it exits 0 after them. */
size_t cli_start(const struct cli_program *p, int argc, char **argv, struct conf *c,
	const char **args, size_t max_args, int *check_only);

/* The file in use, as given or found; NULL: none. For handing on to children. */
const char *cli_config_file(void);
/* The --set words, for handing on to children. */
size_t cli_sets(const char *const **sets);
/* The folder of the schema files: schema_dir when set, else found from the place of the program. GIVES. */
char *cli_schema_dir(const struct conf *c);
/* The folder of the web console and the examples, in the same way. GIVES. */
char *cli_web_dir(const struct conf *c);
/* The folder this program's file is in, absolute. GIVES. */
char *cli_program_dir(void);

#endif
