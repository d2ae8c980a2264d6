/* SPDX-License-Identifier: MIT */
/* stream_id - ids of the entries of Redis streams: jobs have them, and the cursors of outboxes are such. Pure. */
#ifndef CORE_STREAM_ID_H
#define CORE_STREAM_ID_H

/* Reads "MS-SEQ" (Redis, "Entry IDs" of the stream data type); returns what follows, or NULL when there is none. */
const char *stream_id_scan(const char *text, unsigned long long *ms, unsigned long long *seq);
/* < 0, 0, > 0 as `a` is before, at, after `b`; "" is before all. Both valid. */
int stream_id_compare(const char *a, const char *b);

#endif
