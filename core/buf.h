/* SPDX-License-Identifier: MIT */
/* buf - a growing run of bytes. Always followed by a NUL that is not counted, so `data` is also a C string
 * (except while empty: then `data` may be NULL; buf_str() never is). Zero-initialise before first use. */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include "core/base.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

#define BUF_INIT           \
	{                  \
		NULL, 0, 0 \
	}

/* Room for `more` bytes behind the end; returns where they go. Add to `len` by buf_added(). */
char *buf_reserve(struct buf *b, size_t more);
void buf_added(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The bytes as a string; "" while empty. Borrowed until the next change. */
const char *buf_str(const struct buf *b);
/* Drop the first `n` bytes. */
void buf_consume(struct buf *b, size_t n);
/* Length 0, memory kept. */
void buf_clear(struct buf *b);
/* GIVES the memory (never NULL, mem_free() it) and leaves an empty buffer. */
char *buf_take(struct buf *b);
void buf_release(struct buf *b);

#endif
