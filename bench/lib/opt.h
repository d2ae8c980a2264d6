/* SPDX-License-Identifier: MIT */
/* opt - command line of a load tool: a table of long options, and --help made from it.
 *
 * Only `--name value`, `--name=value` and flags. A wrong command line prints one sentence and
 * ends the process with status 2: nothing has been started yet. */
#ifndef BENCH_OPT_H
#define BENCH_OPT_H

enum opt_kind {
	OPT_FLAG,   /* int, set to 1 */
	OPT_TEXT,   /* const char *, borrowed from argv */
	OPT_COUNT,  /* unsigned, 0 .. 1,000,000,000 */
	OPT_SECONDS /* double, 0 .. 86,400 */
};

struct opt {
	const char *name; /* without the dashes; NULL ends the table */
	enum opt_kind kind;
	void *to;         /* holds the default beforehand */
	const char *help; /* begins with the word for the value, as in "N  connections" */
};

/* `summary` is the first paragraph of --help. */
void opt_read(const char *summary, const struct opt *opts, int argc, char **argv);

#endif
