/* SPDX-License-Identifier: MIT */
/* ECMA 262 patterns on PCRE2, with a bound on the work one match may take.
 *
 * PCRE2's match limit counts per place where a match may start, so the limit for a pattern that
 * may start anywhere is divided by the text's length. Most matches are done within the first,
 * small limit; those that need more are charged for it. The just-in-time compiler keeps the
 * limits (tried with nested and with polynomial patterns), and where it may not map executable
 * memory PCRE2 interprets instead. */
#include "core/buf.h"
#include "core/mem.h"
#include "schema/schema_run.h"

#define MAX_PATTERN    4096 /* bytes; PCRE2 caps what it compiles to by itself */
#define FIRST_LIMIT    200
#define SECOND_LIMIT   1000000
#define SECOND_CHARGE  20000
#define HEAP_LIMIT_KIB 16384
#define DEPTH_LIMIT    50000

struct class_name {
	const char *name, *code;
};

/* ECMA 262 allows the long names of general categories; PCRE2 10.42 knows the short ones. Unicode
 * PropertyValueAliases, section gc. */
static const struct class_name classes[] = {
	{"Letter", "L"},
	{"Cased_Letter", "L&"},
	{"Uppercase_Letter", "Lu"},
	{"Lowercase_Letter", "Ll"},
	{"Titlecase_Letter", "Lt"},
	{"Modifier_Letter", "Lm"},
	{"Other_Letter", "Lo"},
	{"Mark", "M"},
	{"Nonspacing_Mark", "Mn"},
	{"Spacing_Mark", "Mc"},
	{"Enclosing_Mark", "Me"},
	{"Number", "N"},
	{"Decimal_Number", "Nd"},
	{"digit", "Nd"},
	{"Letter_Number", "Nl"},
	{"Other_Number", "No"},
	{"Punctuation", "P"},
	{"punct", "P"},
	{"Connector_Punctuation", "Pc"},
	{"Dash_Punctuation", "Pd"},
	{"Open_Punctuation", "Ps"},
	{"Close_Punctuation", "Pe"},
	{"Initial_Punctuation", "Pi"},
	{"Final_Punctuation", "Pf"},
	{"Other_Punctuation", "Po"},
	{"Symbol", "S"},
	{"Math_Symbol", "Sm"},
	{"Currency_Symbol", "Sc"},
	{"Modifier_Symbol", "Sk"},
	{"Other_Symbol", "So"},
	{"Separator", "Z"},
	{"Space_Separator", "Zs"},
	{"Line_Separator", "Zl"},
	{"Paragraph_Separator", "Zp"},
	{"Other", "C"},
	{"Control", "Cc"},
	{"cntrl", "Cc"},
	{"Format", "Cf"},
	{"Surrogate", "Cs"},
	{"Private_Use", "Co"},
	{"Unassigned", "Cn"},
};

/* "{Name}" behind \p: write the short name. Returns what was read, 0 when it is nothing of ours. */
static size_t add_class(struct buf *out, const char *text)
{
	static const char *const prefixes[] = {"General_Category=", "gc=", "Script=", "sc="};
	const char *name = text + 1;
	const char *end = strchr(text, '}');

	if (text[0] != '{' || end == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			name += strlen(prefixes[i]);
	size_t len = (size_t)(end - name);
	const char *code = NULL;
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (strlen(classes[i].name) == len && memcmp(classes[i].name, name, len) == 0)
			code = classes[i].code;
	buf_add_char(out, '{');
	if (code != NULL)
		buf_add_str(out, code);
	else
		buf_add(out, name, len);
	buf_add_char(out, '}');
	return (size_t)(end - text) + 1;
}

/* ECMA 262 counts more as white space than ASCII does: 22.2.2.9 CharacterClassEscape. */
#define SPACES                                                                                 \
	"\\u{09}-\\u{0d} "                                                                     \
	"\\u{a0}\\u{1680}\\u{2000}-\\u{200a}\\u{2028}\\u{2029}\\u{202f}\\u{205f}\\u{3000}\\u{" \
	"feff}"

/* "(?" begins a group that ECMA 262 has: (?: (?= (?! (?<= (?<! (?<name> and (?flags: of 2025. */
static bool is_group(const char *text)
{
	size_t flags = strspn(text + 2, "ims-");

	return strchr("=!<", text[2]) != NULL ? text[2] != '\0' : text[2 + flags] == ':';
}

/* The escape at `text` (a backslash). Returns the bytes read, 0 when ECMA 262 does not have it. */
static size_t add_escape(struct buf *out, const char *text, bool in_class)
{
	char c = text[1];

	buf_add_char(out, '\\');
	if (c == '\0')
		return 1;
	if (c == 's' || (c == 'S' && !in_class)) {
		out->len--;
		buf_printf(out, in_class ? "%.0s%s" : "[%s%s]", c == 'S' ? "^" : "", SPACES);
		return 2;
	}
	/* Escapes that PCRE2 has and ECMA 262 refuses in Unicode mode. */
	if (c >= 'A' && strchr("aeghilmoqyzACEFGHIJKLMNOQRTUVXYZ", c) != NULL)
		return 0;
	buf_add_char(out, c);
	return c == 'p' || c == 'P' ? 2 + add_class(out, text + 2) : 2;
}

static bool translate(struct buf *out, const char *text)
{
	bool in_class = false;

	/* A leading "(*" would set PCRE2's own options; ECMA 262 has nothing that starts so. */
	if (strstr(text, "(*") == text)
		return false;
	while (*text != '\0') {
		size_t used = 1;
		if (*text == '\\') {
			used = add_escape(out, text, in_class);
			if (used == 0)
				return false;
		} else if (!in_class && text[0] == '(' && text[1] == '?' && !is_group(text)) {
			return false;
		} else {
			/* "[[:alpha:]]" is a set of these characters in ECMA 262. */
			if (in_class && *text == '[')
				buf_add_char(out, '\\');
			in_class = in_class ? *text != ']' : *text == '[';
			buf_add_char(out, *text);
		}
		text += used;
	}
	return true;
}

/* NULL when it is no pattern. */
static pcre2_code *compile(pcre2_compile_context *context, const char *text)
{
	struct buf pcre = BUF_INIT;
	int code = 0;
	size_t at = 0;
	pcre2_code *re = NULL;

	if (translate(&pcre, text))
		re = pcre2_compile((PCRE2_SPTR)buf_str(&pcre), pcre.len,
			PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
				PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C |
				PCRE2_ALT_BSUX,
			&code, &at, context);
	buf_release(&pcre);
	return re;
}

static pcre2_compile_context *context_new(void)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);

	assert(context != NULL);
	pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
	pcre2_set_parens_nest_limit(context, 100);
	return context;
}

bool pattern_is_valid(const char *text)
{
	if (strlen(text) > MAX_PATTERN)
		return false;
	pcre2_compile_context *context = context_new();
	pcre2_code *re = compile(context, text);
	pcre2_code_free(re);
	pcre2_compile_context_free(context);
	return re != NULL;
}

int pattern_new(
	struct schema_store *store, const char *text, const struct pattern **out, struct err *e)
{
	uint32_t options = 0;

	if (strlen(text) > MAX_PATTERN)
		return err_set(e, ERR_CONFIG, "a pattern is longer than %d bytes", MAX_PATTERN);
	if (store->pattern_context == NULL)
		store->pattern_context = context_new();
	pcre2_code *re = compile(store->pattern_context, text);
	if (re == NULL)
		return err_set(
			e, ERR_CONFIG, "the pattern %.120s is not an ECMA 262 expression", text);
	/* Fails where executable memory is forbidden; pcre2_match() then interprets. */
	pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);
	pcre2_pattern_info(re, PCRE2_INFO_ALLOPTIONS, &options);
	struct pattern *p = arena_alloc(&store->arena, sizeof *p);
	*p = (struct pattern){re, arena_dup(&store->arena, text, strlen(text)),
		(options & PCRE2_ANCHORED) != 0, store->patterns};
	store->patterns = p;
	*out = p;
	return 0;
}

void pattern_release_all(struct schema_store *store)
{
	for (struct pattern *p = store->patterns; p != NULL; p = p->next)
		pcre2_code_free(p->code);
	pcre2_compile_context_free(store->pattern_context);
	scratch_free(atomic_load(&store->spare));
}

static struct scratch *scratch_new(void)
{
	struct scratch *s = mem_alloc(sizeof *s);

	s->data = pcre2_match_data_create(1, NULL);
	s->context = pcre2_match_context_create(NULL);
	assert(s->data != NULL && s->context != NULL);
	pcre2_set_depth_limit(s->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
	return s;
}

void scratch_free(struct scratch *s)
{
	if (s == NULL)
		return;
	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->context);
	mem_free(s);
}

static int try_match(
	struct scratch *s, const struct pattern *p, const char *text, size_t len, uint32_t limit)
{
	pcre2_set_match_limit(s->context, limit);
	int rc = pcre2_match(p->code, (PCRE2_SPTR)text, len, 0, 0, s->data, s->context);
	/* The interpreter has more room for deep repeats than compiled code. */
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(
			p->code, (PCRE2_SPTR)text, len, 0, PCRE2_NO_JIT, s->data, s->context);
	return rc;
}

int pattern_match(struct run *r, const struct pattern *p, const char *text, size_t len)
{
	size_t starts = p->anchored ? 1 : len + 1;
	uint32_t more = (uint32_t)MAX((size_t)FIRST_LIMIT, SECOND_LIMIT / starts);

	if (run_charge(r, 1 + (p->anchored ? len / 8 : len)) < 0)
		return r->trouble;
	if (r->scratch == NULL) {
		r->scratch = atomic_exchange(&r->owner->spare, NULL);
		if (r->scratch == NULL)
			r->scratch = scratch_new();
	}
	int rc = try_match(r->scratch, p, text, len, FIRST_LIMIT);
	bool limited = rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT ||
		       rc == PCRE2_ERROR_HEAPLIMIT;
	if (limited && run_charge(r, SECOND_CHARGE) == 0) {
		rc = try_match(r->scratch, p, text, len, more);
		scratch_free(r->scratch); /* it may have grown to HEAP_LIMIT_KIB */
		r->scratch = NULL;
	}
	if (rc >= 0)
		return 1;
	return rc == PCRE2_ERROR_NOMATCH
		       ? 0
		       : run_give_up(r, "A text takes too long to match with a pattern");
}
