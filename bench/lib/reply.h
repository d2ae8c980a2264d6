/* SPDX-License-Identifier: MIT */
/* reply - finds the reply objects of Sockethub in an answer's text, and checks that every job
 * was answered.
 *
 * Enough of a JSON scanner for that and no more: it follows strings, escapes and nesting, looks
 * at the three keys below of each object, and allocates nothing. Whether the text is valid JSON
 * in every other respect is for the tests. */
#ifndef BENCH_REPLY_H
#define BENCH_REPLY_H

#include <stddef.h>
#include <stdint.h>

struct reply {
	uint64_t rid; /* 0: no number there */
	int confirm;  /* "verb":"confirm" */
	int ok;       /* "status":true */
};

/* Reads the next object at or after *p and moves *p behind it. 1 found, 0 no complete object
 * before `end`, -1 nested wrongly. Works for an array of replies as well as for lines of an
 * event stream. */
int reply_next(struct reply *r, const char **p, const char *end);

/* NULL when the array in [body, body + len) holds for each rid of first .. first + n - 1 exactly
 * one confirmation and exactly one result, all with status true, and nothing else; else a
 * constant sentence. 1 <= n <= BODY_RIDS_MAX. */
const char *reply_check(const char *body, size_t len, uint64_t first, unsigned n);

#endif
