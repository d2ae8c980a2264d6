/* SPDX-License-Identifier: MIT */
/* Any bytes as a feed: parse, select in both directions, and write every article as JSON.
 * The first byte chooses the Content-Type. */
#include <stdlib.h>

#include "core/err.h"
#include "platforms/feeds/feeds_map.h"
#include "platforms/feeds/feeds_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct feed *f, const struct feeds_options *o)
{
	struct feeds_selection s;

	feeds_select(f, o, &s);
	for (size_t i = 0; i < s.n; i++) {
		json_t *m = feeds_message(f, &f->entries[s.at[i]], "http://e.org/", "ann");
		char *text = json_dumps(m, JSON_COMPACT);
		assert(text != NULL);
		/* A string that is not UTF-8 would be a member that is not there. */
		assert(json_object_size(json_object_get(m, "object")) == 12);
		assert(json_object_size(json_object_get(m, "actor")) == 9);
		free(text);
		json_decref(m);
	}
	feeds_selection_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {NULL, "text/xml", "text/xml; charset=utf-8",
		"text/xml; charset=iso-8859-1", "text/xml; charset=utf-16",
		"text/xml; charset=shift_jis"};
	struct feeds_options o = {.limit = FEEDS_MAX_LIMIT};
	struct feed *f = NULL;
	struct err e = {0};

	if (size == 0)
		return 0;
	if (feeds_parse((const char *)data + 1, size - 1, types[data[0] % ARRAY_LEN(types)],
		    "http://e.org/a/b", &f, &e) < 0) {
		json_t *text = json_string(e.text);
		assert(text != NULL && e.code == ERR_REMOTE);
		json_decref(text);
		return 0;
	}
	json_decref(feeds_summary(f));
	check(f, &o);
	o.newest_first = 1;
	o.after = (struct feeds_bound){.kind = BOUND_DATE, .date_ms = 1000000000000};
	check(f, &o);
	feed_unref(&f);
	return 0;
}
