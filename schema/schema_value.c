/* SPDX-License-Identifier: MIT */
/* Numbers, equality and hashes of JSON values. */
#include "schema/schema_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 wide;

#define TWO_63 9223372036854775808.0

bool value_is_integer(const json_t *v)
{
	if (json_is_integer(v))
		return true;
	double d = json_real_value(v);
	return json_is_real(v) && isfinite(d) && trunc(d) == d;
}

/* An integer against a real without rounding either. */
static int compare_mixed(json_int_t i, double d)
{
	if (d >= TWO_63)
		return -1;
	if (d < -TWO_63)
		return 1;
	json_int_t whole = (json_int_t)d;
	if (i != whole)
		return i < whole ? -1 : 1;
	double fraction = d - trunc(d);
	return fraction > 0 ? -1 : fraction < 0;
}

int value_compare(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);
		return x < y ? -1 : x > y;
	}
	if (json_is_integer(a))
		return compare_mixed(json_integer_value(a), json_real_value(b));
	if (json_is_integer(b))
		return -compare_mixed(json_integer_value(b), json_real_value(a));
	double x = json_real_value(a), y = json_real_value(b);
	return x < y ? -1 : x > y;
}

/* The digits of the shortest text that reads back as the same double: what the author wrote. */
static void decimal_from_real(struct decimal *d, double real)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*e", digits - 1, real);
		if (strtod(text, NULL) == real)
			break;
	}
	d->negative = text[0] == '-';
	int fraction = 0;
	bool behind_point = false;
	const char *c = text + d->negative;
	for (; *c != '\0' && *c != 'e'; c++) {
		if (*c < '0' || *c > '9') {
			behind_point = true;
			continue;
		}
		d->mantissa = d->mantissa * 10 + (uint64_t)(*c - '0');
		fraction += behind_point;
	}
	d->exponent = (*c == 'e' ? atoi(c + 1) : 0) - fraction;
}

void decimal_from(struct decimal *d, const json_t *number)
{
	*d = (struct decimal){false, 0, 0};
	if (json_is_integer(number)) {
		json_int_t i = json_integer_value(number);
		d->negative = i < 0;
		d->mantissa = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
	} else {
		decimal_from_real(d, json_real_value(number));
	}
	while (d->mantissa != 0 && d->mantissa % 10 == 0) {
		d->mantissa /= 10;
		d->exponent++;
	}
}

bool decimal_is_multiple(const struct decimal *v, const struct decimal *of)
{
	int shift = v->exponent - of->exponent;
	uint64_t rest;

	if (v->mantissa == 0)
		return true;
	if (shift >= 0) { /* (mantissa * 10^shift) mod divisor, one digit at a time */
		rest = v->mantissa % of->mantissa;
		for (; shift > 0 && rest != 0; shift--)
			rest = (uint64_t)((wide)rest * 10 % of->mantissa);
		return rest == 0;
	}
	wide divisor = of->mantissa;
	for (; shift < 0 && divisor <= v->mantissa; shift++)
		divisor *= 10;
	return shift == 0 && v->mantissa % divisor == 0;
}

size_t text_length(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xC0) != 0x80;
	return n;
}

static int equal_objects(struct run *r, const json_t *a, const json_t *b)
{
	int rc = 1;

	if (json_object_size(a) != json_object_size(b))
		return 0;
	for (void *i = json_object_iter((json_t *)a); i != NULL && rc == 1;
		i = json_object_iter_next((json_t *)a, i)) {
		const char *key = json_object_iter_key(i);
		const json_t *other = json_object_getn(b, key, json_object_iter_key_len(i));
		rc = other == NULL ? 0 : value_equal(r, json_object_iter_value(i), other);
	}
	return rc;
}

static int equal_arrays(struct run *r, const json_t *a, const json_t *b)
{
	size_t n = json_array_size(a);
	int rc = n == json_array_size(b);

	for (size_t i = 0; i < n && rc == 1; i++)
		rc = value_equal(r, json_array_get(a, i), json_array_get(b, i));
	return rc;
}

int value_equal(struct run *r, const json_t *a, const json_t *b)
{
	int rc;

	if (type_of(a) != type_of(b))
		return 0;
	switch (json_typeof(a)) {
	case JSON_STRING:
		rc = json_string_length(a) == json_string_length(b) &&
		     memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
		return rc;
	case JSON_INTEGER:
	case JSON_REAL:
		return value_compare(a, b) == 0;
	case JSON_OBJECT:
	case JSON_ARRAY:
		if (run_charge(r, 1) < 0)
			return r->trouble;
		if (++r->depth > SCHEMA_MAX_DEPTH)
			return run_give_up(r, run_too_deep);
		rc = json_is_object(a) ? equal_objects(r, a, b) : equal_arrays(r, a, b);
		r->depth--;
		return rc;
	default:
		return json_typeof(a) == json_typeof(b);
	}
}

static uint64_t hash_number(uint64_t seed, const json_t *v)
{
	double d = json_number_value(v);
	json_int_t i = json_integer_value(v);

	if (json_is_real(v) && value_is_integer(v) && d >= -TWO_63 && d < TWO_63)
		i = (json_int_t)d;
	else if (json_is_real(v))
		return hash_bytes(seed + 1, &d, sizeof d);
	return hash_bytes(seed, &i, sizeof i);
}

static uint64_t hash_members(struct run *r, const json_t *v)
{
	uint64_t sum = 0;

	/* A sum, because the order of members does not count. */
	for (void *i = json_object_iter((json_t *)v); i != NULL;
		i = json_object_iter_next((json_t *)v, i)) {
		uint64_t inner = value_hash(r, json_object_iter_value(i));
		sum += hash_bytes(inner, json_object_iter_key(i), json_object_iter_key_len(i));
	}
	return sum;
}

uint64_t value_hash(struct run *r, const json_t *v)
{
	uint64_t hash = r->store->seed + (uint64_t)json_typeof(v);

	if (run_charge(r, 1) < 0)
		return 0;
	if (json_is_number(v))
		return hash_number(r->store->seed, v);
	if (json_is_string(v))
		return hash_bytes(hash, json_string_value(v), json_string_length(v));
	if (!json_is_array(v) && !json_is_object(v))
		return hash;
	if (++r->depth > SCHEMA_MAX_DEPTH) {
		run_give_up(r, run_too_deep);
	} else if (json_is_object(v)) {
		hash += hash_members(r, v);
	} else {
		for (size_t i = 0; i < json_array_size(v) && r->trouble == 0; i++)
			hash = hash * 31 + value_hash(r, json_array_get(v, i));
	}
	r->depth--;
	return hash_bytes(hash, &hash, sizeof hash);
}
