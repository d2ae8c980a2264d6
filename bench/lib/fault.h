/* SPDX-License-Identifier: MIT */
/* fault - what went wrong during a run: a count, and the first one in full, so that a wrong
 * figure explains itself. */
#ifndef BENCH_FAULT_H
#define BENCH_FAULT_H

struct answer;

/* Zero-initialise. */
struct fault {
	unsigned long count;
	char first[300]; /* printable; "" while there is none */
};

/* `a`: the answer that shows it, NULL when there is none. */
void fault_note(struct fault *f, const char *what, const struct answer *a);

#endif
