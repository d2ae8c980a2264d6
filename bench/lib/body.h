/* SPDX-License-Identifier: MIT */
/* body - the tail of a request: one job or an array of jobs, in the frame of its wire, made once
 * and then only renumbered. Every "@RID@" of the template becomes a number of ten digits, so the
 * length never changes. */
#ifndef BENCH_BODY_H
#define BENCH_BODY_H

#include "core/buf.h"

struct wire;
struct err;

#define BODY_FIRST_RID 1000000000ull
/* The job whose speed is measured everywhere. */
#define BODY_ECHO_JOB                                                                     \
	"{\"rid\":@RID@,\"platform\":\"dummy\",\"verb\":\"echo\",\"actor\":{\"address\":" \
	"\"bench\"},\"object\":{\"text\":\"The quick brown fox jumps over the lazy dog\"}}"
#define BODY_RIDS_MAX 1000u

struct body {
	struct buf bytes; /* what is sent after the head */
	size_t len;       /* of the body alone, without its frame */
	size_t *rid_at;   /* where in `bytes` each number begins */
	unsigned n_rids;
};

/* `jobs` copies of `template` (more than one: as a JSON array). An empty template: no body.
 * ERR_INVALID when it is too long for the wire or holds more than BODY_RIDS_MAX numbers. */
int body_init(struct body *b, const char *template, unsigned jobs, const struct wire *wire,
	struct err *e);
void body_release(struct body *b);

/* Writes first, first + 1, ... where the template had @RID@. `first` >= BODY_FIRST_RID and below
 * ten times that. */
void body_number(struct body *b, uint64_t first);

#endif
