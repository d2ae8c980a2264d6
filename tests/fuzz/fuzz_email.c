/* SPDX-License-Identifier: MIT */
/* Any bytes as a mail: read it whole, as the beginning of one, and its header alone; then get each part that was listed.
 * The first byte chooses, and whether the rest is a winmail.dat instead. */
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "platforms/email/email_read.h"
#include "platforms/email/email_tnef.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SMALL ((size_t)100)

/* A string that is not UTF-8 would make the dump fail, or would be a member that is not there. */
static void check_message(const json_t *m)
{
	char *text = json_dumps(m, JSON_COMPACT);
	const json_t *target;
	size_t i;

	assert(text != NULL);
	free(text);
	assert(json_object_size(json_object_get(m, "actor")) == 2);
	json_array_foreach (json_object_get(m, "target"), i, target)
		assert(json_object_size(target) == 3);
}

static void check_parts(const char *bytes, size_t len, const json_t *m)
{
	const json_t *list = json_object_get(json_object_get(m, "object"), "attachments"), *a;
	struct err e;
	size_t i;

	json_array_foreach (list, i, a) {
		const char *part = json_string_value(json_object_get(a, "part"));
		size_t n = (size_t)json_integer_value(json_object_get(a, "size"));
		json_t *whole = email_read_part(bytes, len, part, n, &e);

		assert(json_string_length(json_object_get(whole, "contents")) == (n + 2) / 3 * 4);
		json_decref(whole);
		if (n > 0)
			assert(email_read_part(bytes, len, part, n - 1, &e) == NULL &&
				e.code == ERR_TOO_LARGE);
	}
	assert(email_read_part(bytes, len, "999.1", 10, &e) == NULL && e.code == ERR_NOT_FOUND);
}

static void check_tnef(const char *bytes, size_t len)
{
	struct email_tnef *t = email_tnef_new(bytes, len, SMALL);

	if (t == NULL)
		return;
	assert(email_tnef_text(t)->len <= SMALL && email_tnef_html(t)->len <= SMALL);
	for (size_t i = 0; i < email_tnef_count(t); i++) {
		const struct email_tnef_attachment *a = email_tnef_at(t, i);

		assert(a->len == 0 || (a->bytes >= bytes && a->bytes + a->len <= bytes + len));
	}
	email_tnef_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct email_read_options o = {0};
	const char *bytes = (const char *)data + 1;
	json_t *m;

	if (size == 0)
		return 0;
	if (data[0] % 4 == 3) {
		check_tnef(bytes, size - 1);
		return 0;
	}
	o.cut = data[0] % 4 == 1;
	o.headers_only = data[0] % 4 == 2;
	o.max_text_bytes = o.cut ? SMALL : 0;
	m = email_read(bytes, size - 1, &o);
	check_message(m);
	if (o.cut)
		assert(json_string_length(json_object_get(json_object_get(m, "object"), "text")) <=
			SMALL);
	else
		check_parts(bytes, size - 1, m);
	json_decref(m);
	return 0;
}
