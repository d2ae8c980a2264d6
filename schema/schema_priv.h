/* SPDX-License-Identifier: MIT */
/* schema_priv - what the files of the validator share; nobody else includes it.
 *
 * Documents are scanned into locations (one per subschema) and resources (one per $id); compiling turns
 * locations into nodes with ops; running walks nodes. Order of reading: schema_store.c (documents, URIs),
 * schema_scan.c (locations), schema_compile.c (nodes), schema_keyword_*.c (ops), schema_run.c. */
#ifndef SCHEMA_SCHEMA_PRIV_H
#define SCHEMA_SCHEMA_PRIV_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include "core/buf.h"
#include "core/mem.h"
#include "schema/schema.h"

#include <pcre2.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

/* ---- schema_map.c: bytes to pointer; keys are copied into the arena */

struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t room;
};
/* Zeroed memory that lives as long as the arena. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size);
char *arena_dup(struct arena *a, const char *bytes, size_t len);
void arena_release(struct arena *a);

struct map_slot;
struct map {
	struct map_slot *slots;
	size_t n, cap;
};
void *map_get(const struct map *m, const void *key, size_t len);
void map_put(struct map *m, struct arena *a, const void *key, size_t len, void *value);
void map_release(struct map *m);

static inline uint64_t hash_mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9E3779B97F4A7C15u;
	return h ^ h >> 29;
}

/* A hash of all bytes; not proof against chosen keys. Whole words, the last ones overlapping: names of members
 * are short, and they are hashed all the time. */
static inline uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t h = seed ^ len * 0xD6E8FEB86659FD93u;
	uint64_t word = 0;
	uint32_t half[2];

	if (len >= 8) {
		const unsigned char *last = p + len - 8;
		for (; p < last; p += 8) {
			memcpy(&word, p, 8);
			h = hash_mix(h ^ word);
		}
		memcpy(&word, last, 8);
	} else if (len >= 4) {
		memcpy(&half[0], p, 4);
		memcpy(&half[1], p + len - 4, 4);
		word = (uint64_t)half[0] << 32 | half[1];
	} else if (len > 0) {
		word = (uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 | p[len - 1];
	}
	return hash_mix(h ^ word);
}

/* ---- schema_uri.c: RFC 3986 and RFC 6901 */

/* RFC 3986 5.2: `ref` against `base`, either may be relative. GIVES (mem_free). */
char *uri_resolve(const char *base, const char *ref);
/* Where the fragment starts (at '#'), or the end. */
const char *uri_fragment(const char *uri);
/* Undo %XX in place. False: malformed, or a NUL. */
bool uri_decode(char *text);
/* The next token of a JSON pointer: moves `*p` behind it and undoes ~0 and ~1 in place; `*p` is NULL
 * after the last. Gives NULL on bad escapes or when `*p` does not start with '/'. */
char *pointer_next(char **p);
/* What `token` names inside `json`, or NULL. */
json_t *pointer_step(const json_t *json, const char *token);
/* Append '/' and `token`, escaped. */
void pointer_add(struct buf *b, const char *token, size_t len);

/* ---- documents and subschemas */

enum vocabulary {
	VOCAB_CORE = 1 << 0,
	VOCAB_APPLICATOR = 1 << 1,
	VOCAB_UNEVALUATED = 1 << 2,
	VOCAB_VALIDATION = 1 << 3,
	VOCAB_FORMAT = 1 << 4, /* format-annotation or format-assertion */
	VOCAB_OTHER = 1 << 5,  /* meta-data and content: describe, never decide */
	VOCAB_ASSERT_FORMAT = 1 << 6
};
#define VOCAB_ALL                                                                              \
	(VOCAB_CORE | VOCAB_APPLICATOR | VOCAB_UNEVALUATED | VOCAB_VALIDATION | VOCAB_FORMAT | \
		VOCAB_OTHER)

struct dialect {
	enum schema_draft draft;
	unsigned vocab;
};

struct dynamic_anchor {
	const char *name; /* interned: equal names are equal pointers */
	struct location *at;
	struct dynamic_anchor *next;
};

/* A (sub)document with a base URI of its own. */
struct resource {
	const char *uri; /* without fragment */
	struct dialect dialect;
	struct location *root;
	struct dynamic_anchor *dynamic;
	unsigned long compiled_in; /* the compile run that took the dynamic anchors along */
};

/* One subschema that is an object. */
struct location {
	json_t *json; /* borrowed from the store's copy of the document */
	struct resource *resource;
	const struct location *up; /* NULL: root of a document */
	const char *key;           /* pointer from `up` to here, escaped: "/properties/a"; arena */
	struct node *node;         /* NULL until something compiled needs it */
	bool scanned;
};

struct schema_store {
	struct dialect dialect;
	unsigned flags;
	schema_resolve_fn *resolve;
	void *resolve_arg;
	struct arena arena;
	struct map documents; /* URI -> json_t, one reference held */
	struct map resources; /* URI -> resource */
	struct map anchors;   /* URI#name -> location */
	struct map dynamic;   /* URI#name -> location, those by $dynamicAnchor */
	struct map names;     /* name -> itself: interned */
	struct map locations; /* json_t pointer -> location */
	json_t *held;         /* array that holds the documents */
	struct pattern *patterns;
	unsigned long compiles;
	uint64_t seed;                   /* for hashing values of strangers */
	_Atomic(struct scratch *) spare; /* one kept, so that checking does not allocate */
	pcre2_compile_context *pattern_context;
};

/* schema_store.c */
const char *store_intern(struct schema_store *store, const char *name);
/* The document at `uri` (no fragment): added, built in, or from the resolver. NULL in `*doc`: there is none. */
int store_document(struct schema_store *store, const char *uri, json_t **doc, struct err *e);
/* The dialect that `uri`, the value of $schema, stands for. */
int store_dialect(struct schema_store *store, const char *uri, struct dialect *d, struct err *e);
/* What an absolute URI with or without fragment leads to: a location, or (then `*loc` is NULL) a boolean. */
struct target {
	struct location *loc;
	bool truth;
};
int store_find(struct schema_store *store, const char *uri, struct target *t, struct err *e);

/* schema_scan.c */
/* Register everything in `doc`, found at `uri`. */
int scan_document(struct schema_store *store, const char *uri, json_t *doc, struct err *e);
/* Register a subschema that was reached by pointer only; `key` is the pointer from `up`. */
int scan_extra(struct schema_store *store, struct location *up, const char *key, json_t *json,
	struct err *e);
/* -ERR_CONFIG, the sentence prefixed by where in which document. */
int location_error(const struct location *loc, struct err *e, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* schema_meta.c: the text of a built-in metaschema, or NULL. */
const char *meta_text(const char *uri, size_t *len);

/* ---- keywords, schema_table.c */

enum shape { /* where a keyword holds subschemas */
	SHAPE_NONE,
	SHAPE_ONE,
	SHAPE_LIST,
	SHAPE_ONE_OR_LIST,
	SHAPE_MAP,
	SHAPE_MAP_OR_NAMES /* draft 7 dependencies: subschemas or arrays of names */
};

struct build;
struct run;
struct at;
struct seen;
struct op;
struct keyword {
	const char *name;
	unsigned char drafts; /* bit 1 << enum schema_draft */
	unsigned char vocab;
	enum shape shape;
	/* NULL: nothing to run. Adds ops; reads siblings where it must. */
	int (*compile)(struct build *b, const struct keyword *k, json_t *value, struct err *e);
	int (*run)(struct run *r, const struct op *op, const struct at *at, struct seen *seen);
	unsigned applies; /* enum type bits of the values `run` looks at */
};
/* In the order in which checks run; ends at a NULL name. */
extern const struct keyword schema_keywords[];

/* ---- compiled form */

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

/* 0: holds, 1: does not (and said so by run_fail), negative: gave up. */
typedef int op_fn(struct run *r, const struct op *op, const struct at *at, struct seen *seen);

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

struct decimal { /* mantissa * 10^exponent, mantissa without trailing zeros */
	bool negative;
	uint64_t mantissa;
	int exponent;
};

struct property {
	const char *name; /* NULL: free slot */
	size_t len;
	uint64_t hash;
	const struct node *node; /* NULL: only named by `required` */
	bool required;
};

struct pattern_property {
	const struct pattern *pattern;
	const struct node *node;
};

/* properties, required, patternProperties, additionalProperties and propertyNames in one pass. */
struct object_op {
	struct property *slots; /* open addressing, at most half full */
	size_t mask, n_names;
	const char **required;
	size_t n_required;
	struct pattern_property *patterns;
	size_t n_patterns;
	const struct node *rest, *names; /* NULL: anything */
};

struct array_op {
	const struct node **prefix;
	size_t n_prefix;
	const struct node *rest; /* NULL: anything */
};

struct contains_op {
	const struct node *node;
	size_t min, max;
	bool marks; /* 2020-12: what it matches counts as evaluated */
};

struct dependent { /* when `name` is there: these names, or this schema */
	const char *name;
	const char **needs;
	size_t n_needs;
	const struct node *node;
};

struct op {
	op_fn *run;
	unsigned applies; /* enum type bits of values it looks at */
	union {
		const json_t *value; /* const, minimum ... */
		struct {
			size_t min, max;
		} count;
		struct {
			const json_t *value;
			struct decimal decimal;
		} divisor;
		const struct pattern *pattern;
		const struct format *format;
		struct {
			const struct node **nodes;
			size_t n;
		} list;
		const struct node *node;
		struct {
			const struct node *test, *yes, *no;
		} branch;
		struct {
			const struct node *node;
			const char *name; /* interned */
		} dynamic;
		struct object_op *object;
		struct array_op *array;
		struct contains_op *contains;
		struct {
			struct dependent *rows;
			size_t n;
		} dependents;
	};
};

struct node {
	unsigned types; /* allowed, with TYPE_INTEGER; 0: the schema false */
	bool tracks;    /* has unevaluated*: collects what its subschemas evaluate */
	bool done;
	unsigned long compiled_in; /* the compile run that has it on its list */
	size_t n_ops;
	const struct op *ops;
	const struct resource *resource; /* NULL: true or false */
	struct location *loc;
};
extern const struct node node_true, node_false;

struct schema {
	const struct node *root;
	struct schema_store *store;
};

/* ---- compiling, schema_compile.c */

struct build { /* one node under construction */
	struct compiler *compiler;
	struct schema_store *store;
	struct location *loc;
	struct node *node;
	struct op *ops; /* moved to the arena when complete */
	size_t n_ops, cap_ops;
};
/* A zeroed op behind the others; valid until the next call. */
struct op *build_op(struct build *b, op_fn *run, unsigned applies);
/* The op with this function when the node has one, else NULL. */
struct op *build_find_op(const struct build *b, op_fn *run);
/* The node of a subschema; its own ops are compiled later. */
int build_node(struct build *b, json_t *json, const struct node **out, struct err *e);
/* The value of a sibling keyword, or NULL when it is absent or its vocabulary is not in force. */
json_t *build_sibling(const struct build *b, const char *name, unsigned vocab);
int build_error(const struct build *b, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* What `ref` leads to from here. */
int build_target(struct build *b, const char *ref, struct target *t, struct err *e);

/* Keywords by file: schema_keyword.c, schema_keyword_parts.c (those with more than one in an op). */
typedef int keyword_fn(struct build *b, const struct keyword *k, json_t *value, struct err *e);
keyword_fn keyword_type, keyword_value, keyword_list_of_values, keyword_number, keyword_multiple,
	keyword_min, keyword_max, keyword_pattern, keyword_format, keyword_unique, keyword_one,
	keyword_list, keyword_if, keyword_ref, keyword_dynamic_ref, keyword_unevaluated;
keyword_fn keyword_object, keyword_array, keyword_contains, keyword_dependents;
/* A whole number, not negative; above SIZE_MAX it is taken as SIZE_MAX. */
int keyword_count(
	struct build *b, const char *name, const json_t *value, size_t *out, struct err *e);

/* schema_pattern.c */
int pattern_new(
	struct schema_store *store, const char *text, const struct pattern **out, struct err *e);
/* Whether `text` is a pattern; for the format regex. */
bool pattern_is_valid(const char *text);
void pattern_release_all(struct schema_store *store);
/* 1: matches, 0: does not, negative: gave up. */
int pattern_match(struct run *r, const struct pattern *p, const char *text, size_t len);

/* schema_format.c */
const struct format *format_find(const char *name, enum schema_draft draft);
const char *format_name(const struct format *f);
bool format_holds(const struct format *f, const char *text, size_t len);

/* schema_value.c */
int value_compare(const json_t *a, const json_t *b); /* numbers, exactly: -1, 0, 1 */
bool value_is_integer(const json_t *v);
void decimal_from(struct decimal *d, const json_t *number);
bool decimal_is_multiple(const struct decimal *v, const struct decimal *of);
size_t text_length(const char *text, size_t len); /* code points */
/* 1: equal as JSON, 0: not, negative: gave up. */
int value_equal(struct run *r, const json_t *a, const json_t *b);
/* Equal values have equal hashes. Negative in r->trouble when it gave up. */
uint64_t value_hash(struct run *r, const json_t *v);

/* ---- running, schema_run.c */

struct at { /* the place in the value; a chain of stack frames */
	const struct at *up;
	const json_t *value;
	const char *key; /* NULL: an array's item, or the root */
	size_t key_len, index;
};

struct scope { /* resources entered, innermost first */
	const struct resource *resource;
	const struct scope *up;
};

struct seen { /* which members or items were evaluated, by position */
	uint64_t *bits;
	size_t n_words;
};

struct record { /* the failure that got furthest */
	bool have;
	size_t rank;
	struct schema_failure f;
};

struct run {
	const struct schema_store *store;
	struct schema_store *owner; /* the same, for its spare alone */
	long steps;
	unsigned depth;
	int trouble;     /* 0, or the error it gave up with */
	const char *why; /* and the sentence */
	const struct scope *scope;
	struct record *record;   /* NULL: nobody wants to know, or inside `not` */
	struct scratch *scratch; /* NULL until a pattern needs it */
};

int node_run(struct run *r, const struct node *n, const struct at *at, struct seen *seen);
/* As node_run(), but `seen` only learns what a valid value made it see. */
int node_try(struct run *r, const struct node *n, const struct at *at, struct seen *seen);
/* Take `n` steps off; negative when none are left. */
int run_charge(struct run *r, size_t n);
int run_give_up(struct run *r, const char *why); /* `why`: a constant sentence */
extern const char run_too_deep[], run_too_long[];
/* Say why; always 1. `rank` tells branches apart: FAIL_KIND for a value of another kind than meant. */
enum fail_rank { FAIL_KIND, FAIL_RULE = 3 };
int run_fail(struct run *r, const struct at *at, enum fail_rank rank, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* `value` as JSON for a report, cut to fit. */
const char *run_quote(const json_t *value, char *text, size_t size);

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

static inline void seen_mark(struct seen *s, size_t i)
{
	if (s != NULL)
		s->bits[i / 64] |= (uint64_t)1 << (i % 64);
}
bool seen_has(const struct seen *s, size_t i);
void seen_mark_all(struct seen *s);

/* Ops, by file. schema_run_logic.c */
op_fn run_all_of, run_any_of, run_one_of, run_not, run_if, run_ref, run_dynamic_ref;
/* schema_run_object.c */
op_fn run_object, run_property_count, run_dependents, run_unevaluated_properties;
/* schema_run_array.c */
op_fn run_array, run_item_count, run_contains, run_unique, run_unevaluated_items;
/* schema_run_scalar.c */
op_fn run_const, run_enum, run_minimum, run_exclusive_minimum, run_maximum, run_exclusive_maximum,
	run_multiple, run_length, run_pattern, run_format;

#endif
