/* SPDX-License-Identifier: MIT */
/* validate - `sockethubctl validate`: checks JSON files against a JSON Schema, for those who write
 * platforms.
 *
 * The same validator as the gateway's, so what passes here passes there. Knows files and
 * options; the checking is schema/schema.h. */
#ifndef CONTROL_VALIDATE_H
#define CONTROL_VALIDATE_H

/* Run the command; argv[0] is "validate". Prints a line per instance file to stdout and troubles
 * to stderr. Gives the exit code: 0 all valid, 1 some invalid, 2 wrong usage, or a schema or
 * file that cannot be used (the other files are still checked). Not to be called twice at the
 * same time (getopt). */
int validate_command(int argc, char **argv);

#endif
