/* SPDX-License-Identifier: MIT */
#include "schema/schema_store.h"

#include "metaschemas.inc"

struct meta_row {
	const char *uri, *text;
	size_t len;
};

#define ROW(uri, text)                 \
	{                              \
		uri, text, sizeof text \
	}
#define DRAFT_2020 "https://json-schema.org/draft/2020-12/"

static const struct meta_row rows[] = {
	ROW("http://json-schema.org/draft-07/schema", json_draft_07),
	ROW(DRAFT_2020 "schema", json_draft_2020_12),
	ROW(DRAFT_2020 "meta/core", json_draft_2020_12_core),
	ROW(DRAFT_2020 "meta/applicator", json_draft_2020_12_applicator),
	ROW(DRAFT_2020 "meta/unevaluated", json_draft_2020_12_unevaluated),
	ROW(DRAFT_2020 "meta/validation", json_draft_2020_12_validation),
	ROW(DRAFT_2020 "meta/meta-data", json_draft_2020_12_meta_data),
	ROW(DRAFT_2020 "meta/content", json_draft_2020_12_content),
	ROW(DRAFT_2020 "meta/format-annotation", json_draft_2020_12_format_annotation),
	ROW(DRAFT_2020 "meta/format-assertion", json_draft_2020_12_format_assertion),
};

const char *meta_text(const char *uri, size_t *len)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].uri, uri) == 0) {
			*len = rows[i].len;
			return rows[i].text;
		}
	}
	return NULL;
}
