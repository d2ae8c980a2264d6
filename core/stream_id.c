/* SPDX-License-Identifier: MIT */
#include "core/stream_id.h"

#include <stdlib.h>
#include <string.h>

const char *stream_id_scan(const char *text, unsigned long long *ms, unsigned long long *seq)
{
	size_t n_ms = strspn(text, "0123456789");
	const char *rest = text + n_ms;
	size_t n_seq;

	if (n_ms == 0 || n_ms > 19 || *rest != '-')
		return NULL;
	n_seq = strspn(rest + 1, "0123456789");
	if (n_seq == 0 || n_seq > 19)
		return NULL;
	*ms = strtoull(text, NULL, 10);
	*seq = strtoull(rest + 1, NULL, 10);
	return rest + 1 + n_seq;
}

int stream_id_compare(const char *a, const char *b)
{
	unsigned long long ams = 0, aseq = 0, bms = 0, bseq = 0;
	int has_a = stream_id_scan(a, &ams, &aseq) != NULL;
	int has_b = stream_id_scan(b, &bms, &bseq) != NULL;

	if (has_a != has_b)
		return has_a - has_b;
	if (ams != bms)
		return ams < bms ? -1 : 1;
	if (aseq != bseq)
		return aseq < bseq ? -1 : 1;
	return 0;
}
