/* SPDX-License-Identifier: MIT */
/* err - what went wrong, in a form that a caller can branch on and a person can read.
 *
 * A function that can fail for outside reasons returns 0 or a negative `enum err_code`, and fills the
 * `struct err` its caller keeps on the stack. Callers test `< 0`, never one value. The table is err.def.
 * This file knows nothing of logging or of any wire format. */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include "core/base.h"

#define ERR_TEXT_SIZE 320

enum err_code {
	ERR_NONE = 0,
#define ERR(id, token, status, text) ERR_##id,
#include "core/err.def"
#undef ERR
	ERR_CODE_COUNT
};

struct err {
	enum err_code code;       /* ERR_NONE: nothing failed */
	int sys;                  /* errno at the time, or 0 */
	char text[ERR_TEXT_SIZE]; /* one sentence, no newline, cut when longer */
};

/* Fill `e` (NULL: only the return value matters) and return -code. A NULL `fmt` takes the table's text.
 * Bytes below 0x20 in the result are replaced by '?': the text may quote what strangers sent. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As err_set(), and appends ": " and the text of errno value `sys`. */
int err_set_sys(struct err *e, enum err_code code, int sys, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Put "what: " before the text already there, for a caller that knows more. Returns -e->code. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The row of err.def. `code` may be given as the negative return value. Never NULL. */
const char *err_token(int code);
const char *err_default_text(int code);
int err_http_status(int code);

#endif
