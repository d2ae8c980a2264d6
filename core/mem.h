/* SPDX-License-Identifier: MIT */
/* mem - allocation that cannot fail, and secrets that are wiped.
 *
 * Out of memory ends the process: no caller could do better, and the supervisor restarts it. Sizes that come
 * from outside are bounded before they reach here. */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include "core/base.h"

/* Zeroed memory; GIVES, free with mem_free(). `size` 0 gives a valid pointer. */
void *mem_alloc(size_t size) MUST_USE;
/* Zeroed array; aborts when n * size overflows. */
void *mem_array(size_t n, size_t size) MUST_USE;
/* As realloc(); new bytes are not zeroed. */
void *mem_realloc(void *p, size_t size) MUST_USE;
/* A copy of `len` bytes plus a NUL. GIVES. */
char *mem_dup(const void *bytes, size_t len) MUST_USE;
/* A copy of a string; NULL gives NULL. GIVES. */
char *mem_strdup(const char *s) MUST_USE;
/* printf into fresh memory. GIVES. */
char *mem_printf(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_USE;
/* free(); NULL is legal. */
void mem_free(void *p);

/* A secret: bytes that are wiped on release and that no printf attribute accepts. */
struct secret {
	unsigned char *bytes; /* NULL: none; followed by a NUL that is not counted */
	size_t len;
};

/* Copies `len` bytes. Release with secret_release(). */
void secret_init(struct secret *s, const void *bytes, size_t len);
/* Wipes and frees; leaves an empty secret, so it may be called again. */
void secret_release(struct secret *s);
/* Overwrites memory in a way the compiler may not leave out. */
void mem_wipe(void *p, size_t len);
/* 1 when both have the same length and bytes; the time taken tells only the lengths. */
int secret_equals(const struct secret *s, const void *bytes, size_t len);

#endif
