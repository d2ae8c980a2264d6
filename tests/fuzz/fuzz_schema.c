/* SPDX-License-Identifier: MIT */
/* Input: a schema, the byte 0x1E, and a value (JSON each). Both drafts, formats asserted;
 * checking has to end, to say the same with and without a report, and to report printable text. */
#include "core/mem.h"
#include "schema/schema.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum schema_draft draft, const json_t *doc, const json_t *value)
{
	struct schema_store *store = schema_store_new(draft, SCHEMA_ASSERT_FORMAT);
	const struct schema *schema = NULL;
	struct schema_failure f = {"", ""};
	struct err e = {0};

	if (schema_store_add(store, "fuzz:/schema", doc, &e) == 0 &&
		schema_compile(store, "fuzz:/schema", &schema, &e) == 0) {
		int fast = schema_validate(schema, value, NULL);
		int rc = schema_validate(schema, value, &f);
		json_t *where = json_string(f.where);
		json_t *why = json_string(f.why);
		if (fast != rc || (rc != 0) != (f.why[0] != '\0') || where == NULL || why == NULL)
			abort();
		json_decref(where);
		json_decref(why);
	} else if (e.text[0] == '\0') {
		abort();
	}
	schema_store_free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *mark = size > 0 ? memchr(data, 0x1E, size) : NULL;
	const int flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;

	if (mark == NULL)
		return 0;
	json_t *doc = json_loadb((const char *)data, (size_t)(mark - data), flags, NULL);
	json_t *value = json_loadb(
		(const char *)mark + 1, size - (size_t)(mark - data) - 1, flags, NULL);
	if (doc != NULL && value != NULL) {
		check(SCHEMA_DRAFT_7, doc, value);
		check(SCHEMA_DRAFT_2020_12, doc, value);
	}
	json_decref(doc);
	json_decref(value);
	return 0;
}
