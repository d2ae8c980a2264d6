/* SPDX-License-Identifier: MIT */
/* Ops on strings and numbers, const and enum. */
#include "schema/schema_format.h"
#include "schema/schema_run.h"

#define QUOTE_SIZE 120

int run_const(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	char want[QUOTE_SIZE];
	int rc = value_equal(r, at->value, op->value);

	UNUSED(seen);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (r->record == NULL)
		return 1;
	return run_fail(
		r, at, FAIL_KIND, "Value is not %s", run_quote(op->value, want, sizeof want));
}

int run_enum(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	char have[QUOTE_SIZE];
	size_t n = json_array_size(op->value);

	UNUSED(seen);
	if (run_charge(r, n / 8) < 0)
		return r->trouble;
	for (size_t i = 0; i < n; i++) {
		int rc = value_equal(r, at->value, json_array_get(op->value, i));
		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	if (r->record == NULL)
		return 1;
	return run_fail(
		r, at, FAIL_KIND, "No enum match for: %s", run_quote(at->value, have, sizeof have));
}

/* `what` is the rule's beginning: "less than". */
static int fail_bound(struct run *r, const struct op *op, const struct at *at, const char *what)
{
	char have[QUOTE_SIZE], bound[QUOTE_SIZE];

	if (r->record == NULL)
		return 1;
	return run_fail(r, at, FAIL_RULE, "Number %s is %s %s",
		run_quote(at->value, have, sizeof have), what,
		run_quote(op->value, bound, sizeof bound));
}

int run_minimum(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	UNUSED(seen);
	return value_compare(at->value, op->value) < 0 ? fail_bound(r, op, at, "less than") : 0;
}

int run_exclusive_minimum(
	struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	UNUSED(seen);
	return value_compare(at->value, op->value) <= 0 ? fail_bound(r, op, at, "not more than")
							: 0;
}

int run_maximum(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	UNUSED(seen);
	return value_compare(at->value, op->value) > 0 ? fail_bound(r, op, at, "more than") : 0;
}

int run_exclusive_maximum(
	struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	UNUSED(seen);
	return value_compare(at->value, op->value) >= 0 ? fail_bound(r, op, at, "not less than")
							: 0;
}

int run_multiple(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	struct decimal d;
	bool holds;

	UNUSED(seen);
	if (json_is_integer(at->value) && json_is_integer(op->divisor.value)) {
		holds = json_integer_value(at->value) % json_integer_value(op->divisor.value) == 0;
	} else {
		decimal_from(&d, at->value);
		holds = decimal_is_multiple(&d, &op->divisor.decimal);
	}
	return holds ? 0 : fail_bound(r, op, at, "not a multiple of");
}

int run_length(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	size_t len = json_string_length(at->value);

	UNUSED(seen);
	/* A code point has one to four bytes: often that is answer enough. */
	if ((len + 3) / 4 >= op->count.min && len <= op->count.max)
		return 0;
	size_t n = text_length(json_string_value(at->value), len);
	if (n < op->count.min)
		return run_fail(r, at, FAIL_RULE, "Text too short: %zu characters (at least %zu)",
			n, op->count.min);
	if (n > op->count.max)
		return run_fail(r, at, FAIL_RULE, "Text too long: %zu characters (at most %zu)", n,
			op->count.max);
	return 0;
}

int run_pattern(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	int rc = pattern_match(
		r, op->pattern, json_string_value(at->value), json_string_length(at->value));

	UNUSED(seen);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	return run_fail(r, at, FAIL_RULE, "String does not match pattern: %s", op->pattern->text);
}

int run_format(struct run *r, const struct op *op, const struct at *at, struct seen *seen)
{
	UNUSED(seen);
	if (run_charge(r, json_string_length(at->value) / 16) < 0)
		return r->trouble;
	if (format_holds(op->format, json_string_value(at->value), json_string_length(at->value)))
		return 0;
	return run_fail(r, at, FAIL_RULE, "Text is not of the format %s", format_name(op->format));
}
