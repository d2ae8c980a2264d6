/* SPDX-License-Identifier: MIT */
#include "bench/lib/fault.h"
#include "bench/lib/wire.h"
#include <stdio.h>

#define QUOTED_MAX 150u

void fault_note(struct fault *f, const char *what, const struct answer *a)
{
	if (f->count++ > 0)
		return;
	if (a == NULL)
		snprintf(f->first, sizeof(f->first), "%s", what);
	else
		snprintf(f->first, sizeof(f->first), "%s; status %d: %.*s", what, a->status,
			(int)MIN(a->body_len, QUOTED_MAX), a->body != NULL ? a->body : "");
	for (char *c = f->first; *c != '\0'; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
}
