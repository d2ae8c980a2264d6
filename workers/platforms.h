/* SPDX-License-Identifier: MIT */
/* platforms - the platforms compiled into this program (platforms/platforms.def). */
#ifndef WORKERS_PLATFORMS_H
#define WORKERS_PLATFORMS_H

struct platform;

/* NULL when there is none of that name. */
const struct platform *platforms_find(const char *name);
/* Names, separated by blanks, for messages to people. */
const char *platforms_names(void);

#endif
