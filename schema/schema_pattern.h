/* SPDX-License-Identifier: MIT */
/* schema_pattern - ECMA 262 patterns on PCRE2, each match bounded. */
#ifndef SCHEMA_SCHEMA_PATTERN_H
#define SCHEMA_SCHEMA_PATTERN_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include "core/err.h"

#include <pcre2.h>
#include <stdbool.h>

struct schema_store;
struct run;

struct pattern {
	pcre2_code *code;
	const char *text;
	bool anchored;
	struct pattern *next; /* in the store */
};

struct scratch { /* what matching needs, one user at a time */
	pcre2_match_data *data;
	pcre2_match_context *context;
};
void scratch_free(struct scratch *s);

/* Compile; the store owns it. -ERR_CONFIG when it is no pattern. */
int pattern_new(
	struct schema_store *store, const char *text, const struct pattern **out, struct err *e);
/* Whether `text` is a pattern; for the format regex. */
bool pattern_is_valid(const char *text);
/* Free what the store has of patterns. */
void pattern_release_all(struct schema_store *store);
/* 1: matches, 0: does not, negative: gave up. */
int pattern_match(struct run *r, const struct pattern *p, const char *text, size_t len);

#endif
