/* SPDX-License-Identifier: MIT */
/* base - the few macros that every file may need.
 *
 * Checked casts: a struct that is handed to a library as `void *` begins with `unsigned magic`;
 * CAST() turns the pointer back and aborts when the magic is not the type's own, so a mixed-up callback
 * argument is a crash at the place of the mistake and not a corruption later. Asserts stay on in release. */
#ifndef CORE_BASE_H
#define CORE_BASE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/param.h> /* MIN, MAX */

#define SOCKETHUB_VERSION "0.1.0"

#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))

/* The struct that holds `member` at `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* `struct NAME *var` from the `void *` a callback was given; see the file comment. */
#define CAST(type, var, ptr, MAGIC) \
	struct type *var = (ptr);   \
	assert(var != NULL && var->magic == (MAGIC))

#define UNUSED(x)         ((void)(x))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define MUST_USE          __attribute__((warn_unused_result))
#define NO_RETURN         __attribute__((noreturn))

#endif
