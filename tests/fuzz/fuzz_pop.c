/* SPDX-License-Identifier: MIT */
/* Any bytes from a POP3 server, split where the first byte says: a status line, then data as a mail and as a listing. */
#include <string.h>

#include "core/mem.h"
#include "platforms/email/pop_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_BYTES 300

static void read_entries(const struct buf *text)
{
	const char *at = buf_str(text), *end = at + text->len;
	struct pop_parse_entry entry;

	while (at < end)
		if (pop_parse_entry(&at, end, &entry) == 0)
			assert(entry.number > 0 && entry.text + entry.len <= end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size > 0 ? data[0] + 1u : 1;
	struct pop_parse p = {0};
	struct buf out = BUF_INIT;
	int in_data = 0, rc = 0;

	for (size_t at = 1; at < size && rc >= 0; at += piece) {
		size_t len = MIN(piece, size - at);
		char *copy = mem_dup(data + at, len);
		const char *bytes = copy;
		while (rc >= 0 && len > 0) {
			rc = in_data ? pop_parse_data(&p, &bytes, &len, &out, MAX_BYTES)
				     : pop_parse_status(&p, &bytes, &len);
			if (rc <= 0)
				continue;
			assert(out.len <= MAX_BYTES && strlen(pop_parse_words(&p)) <= p.line.len);
			read_entries(&out);
			in_data = !in_data && pop_parse_is_ok(&p);
			pop_parse_begin(&p);
			buf_clear(&out);
		}
		mem_free(copy);
	}
	pop_parse_release(&p);
	buf_release(&out);
	return 0;
}
