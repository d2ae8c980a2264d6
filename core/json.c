/* SPDX-License-Identifier: MIT */
#include "core/json.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digits.h"
#include "core/err.h"
#include "core/mem.h"

static void wiping_free(void *p)
{
	if (p == NULL)
		return;
	explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void json_setup(void)
{
	json_set_alloc_funcs(malloc, wiping_free);
	json_object_seed(0);
}

/* jansson's own bound is 2,048 levels and cannot be lowered; brackets in strings do not count. */
static int depth_within(const char *text, size_t len, unsigned max)
{
	unsigned depth = 0;
	int in_string = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = 0;
		} else if (c == '"') {
			in_string = 1;
		} else if (c == '[' || c == '{') {
			if (++depth > max)
				return 0;
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
	}
	return 1;
}

json_t *json_read(const char *text, size_t len, unsigned max_depth, struct err *e)
{
	json_error_t je;
	json_t *value;

	if (!depth_within(text, len, max_depth)) {
		err_set(e, ERR_JSON, "JSON nested deeper than %u levels", max_depth);
		return NULL;
	}
	/* jansson passes over a NUL that follows a number. */
	value = memchr(text, '\0', len) != NULL
			? NULL
			: json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	if (value == NULL)
		err_set(e, ERR_JSON, "%s", err_default_text(ERR_JSON));
	return value;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void append_real(struct buf *b, double d)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, d);
		if (strtod(text, NULL) == d) /* NOLINT: exact on purpose */
			break;
	}
	buf_add_str(b, text);
	if (strpbrk(text, ".en") == NULL)
		buf_add_str(b, ".0");
}

static void append_integer(struct buf *b, json_int_t n)
{
	char text[DIGITS_MAX];

	if (n < 0)
		buf_add_char(b, '-');
	buf_add(b, text,
		digits_write(n < 0 ? 0 - (unsigned long long)n : (unsigned long long)n, text));
}

/* The length of the valid UTF-8 sequence at `s` (RFC 3629 section 4), 0 when there is none. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80                   ? 1
		   : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
		   : s[0] >= 0xE0 && s[0] < 0xF0 ? 3
						 : 4;

	if (s[0] >= 0x80 && (s[0] < 0xC2 || s[0] > 0xF4))
		return 0;
	if (n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
		(s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return n;
}

static void append_escape(struct buf *b, unsigned char c)
{
	static const char letters[] = "\bb\ff\nn\rr\tt\"\"\\\\";

	for (const char *l = letters; *l != '\0'; l += 2)
		if ((unsigned char)*l == c) {
			char pair[2] = {'\\', l[1]};
			buf_add(b, pair, sizeof pair);
			return;
		}
	buf_printf(b, "\\u%04X", c);
}

void json_append_string(struct buf *b, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t from = 0;

	buf_reserve(b, len + 2);
	buf_add_char(b, '"');
	for (size_t i = 0; i < len;) {
		if (s[i] >= 0x20 && s[i] < 0x80 && s[i] != '"' && s[i] != '\\') {
			i++;
			continue;
		}
		if (s[i] >= 0x80) {
			size_t n = utf8_len(s + i, len - i);
			if (n > 0) {
				i += n;
				continue;
			}
		}
		buf_add(b, text + from, i - from);
		if (s[i] < 0x80)
			append_escape(b, s[i]);
		else
			buf_add_str(b, "\xEF\xBF\xBD");
		from = ++i;
	}
	buf_add(b, text + from, len - from);
	buf_add_char(b, '"');
}

static void append_object(struct buf *b, const json_t *value)
{
	const char *key;
	json_t *member;
	char sep = '{';

	json_object_foreach ((json_t *)value, key, member) {
		buf_add_char(b, sep);
		json_append_string(b, key, strlen(key));
		buf_add_char(b, ':');
		json_append(b, member);
		sep = ',';
	}
	buf_add_str(b, sep == '{' ? "{}" : "}");
}

static void append_array(struct buf *b, const json_t *value)
{
	size_t i;
	json_t *item;

	buf_add_char(b, '[');
	json_array_foreach ((json_t *)value, i, item) {
		if (i > 0)
			buf_add_char(b, ',');
		json_append(b, item);
	}
	buf_add_char(b, ']');
}

/* Our own writer, not json_dumpb(): jansson 2.14 prints reals with 17 digits always (0.1 becomes
 * 0.10000000000000001), which a client that compares ids would see. Depth is bounded where values come in. */
void json_append(struct buf *b, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		append_object(b, value);
		break;
	case JSON_ARRAY:
		append_array(b, value);
		break;
	case JSON_STRING:
		json_append_string(b, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		append_integer(b, json_integer_value(value));
		break;
	case JSON_REAL:
		append_real(b, json_real_value(value));
		break;
	case JSON_TRUE:
		buf_add_str(b, "true");
		break;
	case JSON_FALSE:
		buf_add_str(b, "false");
		break;
	case JSON_NULL:
		buf_add_str(b, "null");
		break;
	}
}
