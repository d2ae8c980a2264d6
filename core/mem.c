/* SPDX-License-Identifier: MIT */
#include "core/mem.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
	if (p == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return checked(calloc(1, size > 0 ? size : 1));
}

void *mem_array(size_t n, size_t size)
{
	return checked(calloc(n > 0 ? n : 1, size > 0 ? size : 1));
}

void *mem_realloc(void *p, size_t size)
{
	return checked(realloc(p, size > 0 ? size : 1));
}

char *mem_dup(const void *bytes, size_t len)
{
	char *copy = checked(malloc(len + 1));

	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

char *mem_strdup(const char *s)
{
	return s == NULL ? NULL : mem_dup(s, strlen(s));
}

char *mem_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return checked(s);
}

void mem_free(void *p)
{
	free(p);
}

void mem_wipe(void *p, size_t len)
{
	sodium_memzero(p, len);
}

void secret_init(struct secret *s, const void *bytes, size_t len)
{
	s->bytes = (unsigned char *)mem_dup(bytes, len);
	s->len = len;
}

void secret_release(struct secret *s)
{
	if (s->bytes != NULL) {
		mem_wipe(s->bytes, s->len);
		mem_free(s->bytes);
	}
	s->bytes = NULL;
	s->len = 0;
}

int secret_equals(const struct secret *s, const void *bytes, size_t len)
{
	return s->len == len && sodium_memcmp(s->bytes, bytes, len) == 0;
}
