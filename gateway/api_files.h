/* SPDX-License-Identifier: MIT */
/* api_files - the web console and the examples: the files of a folder, read at the start and served from memory.
 *
 * A request is compared with the paths of the files that were found, so no path leads anywhere else. What is large, hidden or
 * of no known type is left out. Knows nothing of what is in them. */
#ifndef GATEWAY_API_FILES_H
#define GATEWAY_API_FILES_H

struct api_files;
struct err;

/* Reads the folder and those below it. < 0 (ERR_NOT_FOUND, ERR_TOO_LARGE) and `*out` is NULL. GIVES. */
int api_files_load(const char *dir, struct api_files **out, struct err *e);
/* NULL is legal. */
void api_files_free(struct api_files *files);

#endif
