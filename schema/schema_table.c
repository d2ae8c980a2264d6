/* SPDX-License-Identifier: MIT */
#include "schema/schema_build.h"
#include "schema/schema_run.h"

#define D7      (1 << SCHEMA_DRAFT_7)
#define D20     (1 << SCHEMA_DRAFT_2020_12)
#define BOTH    (D7 | D20)
#define CORE    VOCAB_CORE
#define APPLY   VOCAB_APPLICATOR
#define CHECK   VOCAB_VALIDATION
#define NUMBER  TYPE_NUMBER
#define STRING  TYPE_STRING
#define ARRAY   TYPE_ARRAY
#define OBJECT  TYPE_OBJECT
#define NOTHING NULL, NULL, 0

/* Cheap checks first; unevaluated* last, because they need what all others evaluated. Where one
 * op serves several keywords, the first of them that a schema has makes it. */
/* clang-format off */
const struct keyword schema_keywords[] = {
	{"$defs", BOTH, CORE, SHAPE_MAP, NOTHING},
	{"definitions", BOTH, CORE, SHAPE_MAP, NOTHING},
	{"type", BOTH, CHECK, SHAPE_NONE, keyword_type, NULL, 0},
	{"const", BOTH, CHECK, SHAPE_NONE, keyword_value, run_const, TYPE_ANY},
	{"enum", BOTH, CHECK, SHAPE_NONE, keyword_list_of_values, run_enum, TYPE_ANY},
	{"minimum", BOTH, CHECK, SHAPE_NONE, keyword_number, run_minimum, NUMBER},
	{"exclusiveMinimum", BOTH, CHECK, SHAPE_NONE, keyword_number,
		run_exclusive_minimum, NUMBER},
	{"maximum", BOTH, CHECK, SHAPE_NONE, keyword_number, run_maximum, NUMBER},
	{"exclusiveMaximum", BOTH, CHECK, SHAPE_NONE, keyword_number,
		run_exclusive_maximum, NUMBER},
	{"multipleOf", BOTH, CHECK, SHAPE_NONE, keyword_multiple, run_multiple, NUMBER},
	{"minLength", BOTH, CHECK, SHAPE_NONE, keyword_min, run_length, STRING},
	{"maxLength", BOTH, CHECK, SHAPE_NONE, keyword_max, run_length, STRING},
	{"pattern", BOTH, CHECK, SHAPE_NONE, keyword_pattern, run_pattern, STRING},
	{"format", BOTH, VOCAB_FORMAT, SHAPE_NONE, keyword_format, run_format, STRING},
	{"minItems", BOTH, CHECK, SHAPE_NONE, keyword_min, run_item_count, ARRAY},
	{"maxItems", BOTH, CHECK, SHAPE_NONE, keyword_max, run_item_count, ARRAY},
	{"uniqueItems", BOTH, CHECK, SHAPE_NONE, keyword_unique, run_unique, ARRAY},
	{"prefixItems", D20, APPLY, SHAPE_LIST, keyword_array, run_array, ARRAY},
	{"items", D20, APPLY, SHAPE_ONE, keyword_array, run_array, ARRAY},
	{"items", D7, APPLY, SHAPE_ONE_OR_LIST, keyword_array, run_array, ARRAY},
	{"additionalItems", D7, APPLY, SHAPE_ONE, keyword_array, run_array, ARRAY},
	{"contains", BOTH, APPLY, SHAPE_ONE, keyword_contains, run_contains, ARRAY},
	{"minProperties", BOTH, CHECK, SHAPE_NONE, keyword_min, run_property_count, OBJECT},
	{"maxProperties", BOTH, CHECK, SHAPE_NONE, keyword_max, run_property_count, OBJECT},
	{"required", BOTH, CHECK, SHAPE_NONE, keyword_object, run_object, OBJECT},
	{"properties", BOTH, APPLY, SHAPE_MAP, keyword_object, run_object, OBJECT},
	{"patternProperties", BOTH, APPLY, SHAPE_MAP, keyword_object, run_object, OBJECT},
	{"additionalProperties", BOTH, APPLY, SHAPE_ONE, keyword_object, run_object, OBJECT},
	{"propertyNames", BOTH, APPLY, SHAPE_ONE, keyword_object, run_object, OBJECT},
	{"dependentRequired", D20, CHECK, SHAPE_NONE, keyword_dependents, run_dependents, OBJECT},
	{"dependentSchemas", D20, APPLY, SHAPE_MAP, keyword_dependents, run_dependents, OBJECT},
	{"dependencies", D7, APPLY, SHAPE_MAP_OR_NAMES, keyword_dependents, run_dependents, OBJECT},
	{"$ref", BOTH, CORE, SHAPE_NONE, keyword_ref, run_ref, TYPE_ANY},
	{"$dynamicRef", D20, CORE, SHAPE_NONE, keyword_dynamic_ref, run_dynamic_ref, TYPE_ANY},
	{"allOf", BOTH, APPLY, SHAPE_LIST, keyword_list, run_all_of, TYPE_ANY},
	{"if", BOTH, APPLY, SHAPE_ONE, keyword_if, run_if, TYPE_ANY},
	{"then", BOTH, APPLY, SHAPE_ONE, NOTHING},
	{"else", BOTH, APPLY, SHAPE_ONE, NOTHING},
	{"not", BOTH, APPLY, SHAPE_ONE, keyword_one, run_not, TYPE_ANY},
	{"anyOf", BOTH, APPLY, SHAPE_LIST, keyword_list, run_any_of, TYPE_ANY},
	{"oneOf", BOTH, APPLY, SHAPE_LIST, keyword_list, run_one_of, TYPE_ANY},
	{"unevaluatedItems", D20, VOCAB_UNEVALUATED, SHAPE_ONE, keyword_unevaluated,
		run_unevaluated_items, ARRAY},
	{"unevaluatedProperties", D20, VOCAB_UNEVALUATED, SHAPE_ONE, keyword_unevaluated,
		run_unevaluated_properties, OBJECT},
	{NULL, 0, 0, SHAPE_NONE, NOTHING},
};
/* clang-format on */
