/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_compose_ids.h"

#include <string.h>

#include "core/err.h"

#define ID_MAX 250

static int is_id(const char *id, size_t len)
{
	if (len == 0 || len > ID_MAX || id[0] == '@' || id[len - 1] == '@' ||
		memchr(id, '@', len) == NULL)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (id[i] <= 0x20 || id[i] >= 0x7F || strchr("<>,;()\\\"", id[i]) != NULL)
			return 0;
	return 1;
}

/* `n` counts what is in `out`. */
static int add_ids(const char *text, const char *what, size_t *n, struct buf *out, struct err *e)
{
	while (*text != '\0') {
		size_t len = strcspn(text, " "), bare = len;
		const char *id = text;
		if (len == 0) {
			text++;
			continue;
		}
		if (len > 2 && id[0] == '<' && id[len - 1] == '>') {
			id++;
			bare -= 2;
		}
		if (!is_id(id, bare))
			return err_set(e, ERR_INVALID, "%s: \"%.*s\" is not a message id", what,
				(int)MIN(len, 100), text);
		buf_add_str(out, (*n)++ > 0 ? " <" : "<");
		buf_add(out, id, bare);
		buf_add_char(out, '>');
		text += len;
	}
	return 0;
}

int email_compose_ids_read(
	const json_t *value, const char *what, size_t max, struct buf *out, struct err *e)
{
	const size_t count = json_is_array(value) ? json_array_size(value) : 1;
	size_t n = 0;

	if (value == NULL || json_is_null(value))
		return 0;
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
		const char *text = json_string_value(one);
		if (text == NULL || strlen(text) != json_string_length(one))
			return err_set(e, ERR_INVALID, "%s has to be a string or strings", what);
		if (add_ids(text, what, &n, out, e) < 0)
			return -ERR_INVALID;
		if (n > max)
			return err_set(e, ERR_INVALID, "%s: %zu message ids at most", what, max);
	}
	return 0;
}
