/* SPDX-License-Identifier: MIT */
/* schema_value - what JSON Schema says of values: exact numbers, lengths, equality. Next:
 * schema_value.c. */
#ifndef SCHEMA_SCHEMA_VALUE_H
#define SCHEMA_SCHEMA_VALUE_H

#include "core/base.h"

#include <jansson.h>
#include <stdbool.h>

struct run;

enum type {
	TYPE_NULL = 1 << 0,
	TYPE_BOOLEAN = 1 << 1,
	TYPE_OBJECT = 1 << 2,
	TYPE_ARRAY = 1 << 3,
	TYPE_NUMBER = 1 << 4,
	TYPE_STRING = 1 << 5,
	TYPE_INTEGER = 1 << 6 /* in schemas: a NUMBER without fraction */
};
#define TYPE_ANY (TYPE_NULL | TYPE_BOOLEAN | TYPE_OBJECT | TYPE_ARRAY | TYPE_NUMBER | TYPE_STRING)

/* The bit of a value's type; TYPE_NUMBER also for integers. */
static inline unsigned type_of(const json_t *v)
{
	static const unsigned char types[] = {[JSON_OBJECT] = TYPE_OBJECT,
		[JSON_ARRAY] = TYPE_ARRAY,
		[JSON_STRING] = TYPE_STRING,
		[JSON_INTEGER] = TYPE_NUMBER,
		[JSON_REAL] = TYPE_NUMBER,
		[JSON_TRUE] = TYPE_BOOLEAN,
		[JSON_FALSE] = TYPE_BOOLEAN,
		[JSON_NULL] = TYPE_NULL};
	return types[json_typeof(v)];
}

struct decimal { /* mantissa * 10^exponent, mantissa without trailing zeros */
	bool negative;
	uint64_t mantissa;
	int exponent;
};

int value_compare(const json_t *a, const json_t *b); /* numbers, exactly: -1, 0, 1 */
/* A number without fraction, 1.0 included. */
bool value_is_integer(const json_t *v);
/* The number as its shortest decimal text gives it, so 0.1 is a tenth. */
void decimal_from(struct decimal *d, const json_t *number);
/* `of` is not 0. */
bool decimal_is_multiple(const struct decimal *v, const struct decimal *of);
size_t text_length(const char *text, size_t len); /* code points */
/* 1: equal as JSON, 0: not, negative: gave up. */
int value_equal(struct run *r, const json_t *a, const json_t *b);
/* Equal values have equal hashes. Sets r->trouble when it gave up. */
uint64_t value_hash(struct run *r, const json_t *v);

#endif
