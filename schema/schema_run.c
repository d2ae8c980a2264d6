/* SPDX-License-Identifier: MIT */
#include "schema/schema_run.h"
#include "core/mem.h"
#include "schema/schema_uri.h"

#include <stdarg.h>
#include <stdio.h>

#define SEEN_WORDS 16 /* 1024 members or items on the stack */

const char run_too_deep[] = "Schema or value go too deep";
const char run_too_long[] = "Checking the value takes too many steps";

int run_give_up(struct run *r, const char *why)
{
	if (r->trouble == 0) {
		r->trouble = -ERR_TOO_LARGE;
		r->why = why;
	}
	return r->trouble;
}

int run_charge(struct run *r, size_t n)
{
	if (r->trouble != 0)
		return r->trouble;
	if ((size_t)r->steps < n)
		return run_give_up(r, run_too_long);
	r->steps -= (long)n;
	return 0;
}

/* ---- why it failed */

static void write_where(char *out, const struct at *at)
{
	const struct at *chain[64];
	size_t n = 0;
	struct buf b = BUF_INIT;
	struct err cut;

	size_t deep = 0;
	for (const struct at *a = at; a->up != NULL; a = a->up)
		deep++;
	for (const struct at *a = at; a->up != NULL; a = a->up)
		if (deep-- <= ARRAY_LEN(chain))
			chain[n++] = a;
	while (n > 0) {
		const struct at *a = chain[--n];
		if (a->key != NULL)
			pointer_add(&b, a->key, a->key_len);
		else
			buf_printf(&b, "/%zu", a->index);
	}
	err_set(&cut, ERR_SCHEMA, "%s", buf_str(&b));
	buf_release(&b);
	size_t len = strlen(cut.text);
	if (len >= SCHEMA_WHERE_SIZE)
		for (len = SCHEMA_WHERE_SIZE - 1; len > 0 && (cut.text[len] & 0xC0) == 0x80; len--)
			continue;
	memcpy(out, cut.text, len);
	out[len] = '\0';
}

int run_fail(struct run *r, const struct at *at, enum fail_rank rank, const char *fmt, ...)
{
	struct record *rec = r->record;
	size_t deep = 0;
	char why[ERR_TEXT_SIZE + 64];
	struct err tidy;
	va_list ap;

	if (rec == NULL)
		return 1;
	for (const struct at *a = at; a->up != NULL; a = a->up)
		deep++;
	/* Two points a level and three for a rule: a branch whose member has another type or
	 * constant than this branch wants (2d + 2) was less meant than one that lacks a member
	 * (2d + 3). */
	size_t points = 2 * deep + (size_t)rank;
	if (rec->have && points <= rec->rank)
		return 1;
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	err_set(&tidy, ERR_SCHEMA, "%s", why);
	memcpy(rec->f.why, tidy.text, sizeof rec->f.why);
	write_where(rec->f.where, at);
	rec->have = true;
	rec->rank = points;
	return 1;
}

struct quote {
	char *text;
	size_t len, size;
};

static int quote_part(const char *bytes, size_t len, void *arg)
{
	struct quote *q = arg;
	size_t n = MIN(len, q->size - q->len - 1);

	memcpy(q->text + q->len, bytes, n);
	q->len += n;
	return n < len ? -1 : 0;
}

const char *run_quote(const json_t *value, char *text, size_t size)
{
	struct quote q = {text, 0, size - 3};
	int rc = json_dump_callback(
		value, quote_part, &q, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));

	if (rc < 0) { /* cut: at a character's start */
		while (q.len > 0 && (text[q.len - 1] & 0xC0) == 0x80)
			q.len--;
		if (q.len > 0 && (text[q.len - 1] & 0x80))
			q.len--;
		memcpy(text + q.len, "...", 3);
		q.len += 3;
	}
	text[q.len] = '\0';
	return text;
}

static const char *const type_names[] = {
	"null", "boolean", "object", "array", "number", "string", "integer"};

static int fail_type(struct run *r, const struct node *n, const struct at *at)
{
	char expected[80] = "";
	unsigned type = type_of(at->value);
	const char *actual = "";

	if (r->record == NULL)
		return 1;
	if (n->types == 0 && at->key != NULL)
		return run_fail(r, at, FAIL_RULE, "Property not allowed: %.200s", at->key);
	if (n->types == 0)
		return run_fail(r, at, FAIL_RULE,
			at->up != NULL ? "Item not allowed" : "No value is allowed here");
	for (size_t i = 0; i < ARRAY_LEN(type_names); i++) {
		if (type == 1u << i)
			actual = type_names[i];
		if (!(n->types & 1u << i))
			continue;
		if (expected[0] != '\0')
			strcat(expected, "/");
		strcat(expected, type_names[i]);
	}
	return run_fail(r, at, FAIL_KIND, "invalid type: %s (expected %s)", actual, expected);
}

/* ---- what was evaluated */

bool seen_has(const struct seen *s, size_t i)
{
	return s->bits[i / 64] >> (i % 64) & 1;
}

void seen_mark_all(struct seen *s)
{
	if (s != NULL)
		memset(s->bits, 0xFF, s->n_words * sizeof *s->bits);
}

static size_t words_for(const json_t *v)
{
	size_t n = json_is_object(v) ? json_object_size(v) : json_array_size(v);

	return (n + 63) / 64;
}

static uint64_t *seen_init(struct seen *s, uint64_t *stack, size_t n_words)
{
	s->n_words = n_words;
	if (n_words > SEEN_WORDS)
		return s->bits = mem_array(n_words, sizeof *s->bits);
	s->bits = stack;
	memset(stack, 0, n_words * sizeof *stack);
	return NULL;
}

static void seen_join(struct seen *to, const struct seen *from)
{
	for (size_t i = 0; i < to->n_words; i++)
		to->bits[i] |= from->bits[i];
}

/* ---- nodes */

static int run_ops(struct run *r, const struct node *n, const struct at *at, struct seen *seen)
{
	unsigned type = type_of(at->value);
	int rc = 0;

	for (size_t i = 0; i < n->n_ops && rc == 0; i++)
		if (n->ops[i].applies & type)
			rc = n->ops[i].run(r, &n->ops[i], at, seen);
	return rc;
}

/* With a set of its own, added to the outer one when all holds. */
static int run_tracked(struct run *r, const struct node *n, const struct at *at, struct seen *seen)
{
	uint64_t stack[SEEN_WORDS];
	struct seen own;
	size_t n_words = words_for(at->value);

	if (run_charge(r, n_words) < 0)
		return r->trouble;
	uint64_t *heap = seen_init(&own, stack, n_words);
	int rc = run_ops(r, n, at, &own);
	if (rc == 0 && seen != NULL)
		seen_join(seen, &own);
	mem_free(heap);
	return rc;
}

int node_try(struct run *r, const struct node *n, const struct at *at, struct seen *seen)
{
	uint64_t stack[SEEN_WORDS];
	struct seen own;

	if (seen == NULL)
		return node_run(r, n, at, NULL);
	if (run_charge(r, seen->n_words) < 0)
		return r->trouble;
	uint64_t *heap = seen_init(&own, stack, seen->n_words);
	int rc = node_run(r, n, at, &own);
	if (rc == 0)
		seen_join(seen, &own);
	mem_free(heap);
	return rc;
}

int node_run(struct run *r, const struct node *n, const struct at *at, struct seen *seen)
{
	const struct scope *outer = r->scope;
	struct scope here = {n->resource, outer};
	int rc;

	if (--r->steps < 0)
		return run_give_up(r, run_too_long);
	if (r->depth >= SCHEMA_MAX_DEPTH)
		return run_give_up(r, run_too_deep);
	unsigned type = type_of(at->value);
	if (!(n->types & type) &&
		!(type == TYPE_NUMBER && n->types & TYPE_INTEGER && value_is_integer(at->value)))
		return fail_type(r, n, at);
	if (n->n_ops == 0)
		return 0;
	r->depth++;
	if (outer == NULL || outer->resource != n->resource)
		r->scope = &here;
	rc = n->tracks ? run_tracked(r, n, at, seen) : run_ops(r, n, at, seen);
	r->scope = outer;
	r->depth--;
	return rc;
}

/* ---- the whole */

static int run_once(struct run *r, const struct schema *s, const json_t *value)
{
	struct at at = {.value = value};

	r->store = r->owner = s->store;
	r->steps = SCHEMA_MAX_STEPS;
	return node_run(r, s->root, &at, NULL);
}

/* Checked once more, this time noting what fails: so the valid ones do not pay for texts. */
static void explain(
	struct run *r, const struct schema *s, const json_t *value, struct schema_failure *f)
{
	struct record record = {.have = false, .f = {"", "Value does not match the schema"}};

	r->record = &record;
	run_once(r, s, value);
	*f = record.f;
}

int schema_validate(const struct schema *schema, const json_t *value, struct schema_failure *f)
{
	struct run r = {.record = NULL};
	int rc = run_once(&r, schema, value);

	if (rc > 0 && f != NULL)
		explain(&r, schema, value, f);
	if (rc < 0 && f != NULL) {
		f->where[0] = '\0';
		snprintf(f->why, sizeof f->why, "%s", r.why);
	}
	if (r.scratch != NULL)
		scratch_free(atomic_exchange(&schema->store->spare, r.scratch));
	return rc > 0 ? -ERR_SCHEMA : rc;
}
