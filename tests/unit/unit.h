/* SPDX-License-Identifier: MIT */
/* unit - what each unit test includes: cmocka and what it needs before it, and files for a test to read. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

/* cmocka.h wants these first, in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base.h"

/* A fresh folder in `path` (at least 32 bytes). */
static inline void unit_folder(char *path)
{
	strcpy(path, "/tmp/sh-unit-XXXXXX");
	assert_non_null(mkdtemp(path));
}

/* Writes `text` to `folder`/`name`; the whole path into `path` (at least 64 bytes). */
static inline void unit_file(const char *folder, const char *name, const char *text, char *path)
{
	FILE *f;

	snprintf(path, 64, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

#endif
