/* SPDX-License-Identifier: MIT */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct err_row {
	const char *token;
	int status;
	const char *text;
};

static const struct err_row rows[ERR_CODE_COUNT] = {
	[ERR_NONE] = {"none", 200, "no error"},
#define ERR(id, token, status, text) [ERR_##id] = {token, status, text},
#include "core/err.def"
#undef ERR
};

static const struct err_row *row_of(int code)
{
	if (code < 0)
		code = -code;
	return code < ERR_CODE_COUNT ? &rows[code] : &rows[ERR_INTERNAL];
}

const char *err_token(int code)
{
	return row_of(code)->token;
}

const char *err_default_text(int code)
{
	return row_of(code)->text;
}

int err_http_status(int code)
{
	return row_of(code)->status;
}

/* Cut at a character boundary and take control bytes out, so that the text is always valid to print. */
static void tidy(char *text)
{
	size_t len = strlen(text);

	if (len == ERR_TEXT_SIZE - 1) {
		while (len > 0 && ((unsigned char)text[len - 1] & 0xC0) == 0x80)
			len--;
		if (len > 0 && (unsigned char)text[len - 1] >= 0xC0)
			len--;
		text[len] = '\0';
	}
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7F)
			*c = '?';
}

static void fill(struct err *e, enum err_code code, int sys, const char *fmt, va_list ap)
{
	e->code = code;
	e->sys = sys;
	if (fmt == NULL)
		snprintf(e->text, sizeof e->text, "%s", err_default_text((int)code));
	else
		vsnprintf(e->text, sizeof e->text, fmt, ap);
	if (sys != 0) {
		size_t len = strlen(e->text);
		snprintf(e->text + len, sizeof e->text - len, ": %s", strerror(sys));
	}
	tidy(e->text);
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	if (e != NULL) {
		va_list ap;
		va_start(ap, fmt);
		fill(e, code, 0, fmt, ap);
		va_end(ap);
	}
	return -(int)code;
}

int err_set_sys(struct err *e, enum err_code code, int sys, const char *fmt, ...)
{
	if (e != NULL) {
		va_list ap;
		va_start(ap, fmt);
		fill(e, code, sys, fmt, ap);
		va_end(ap);
	}
	return -(int)code;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char head[ERR_TEXT_SIZE];
	char whole[2 * ERR_TEXT_SIZE + 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof whole, "%s: %s", head, e->text);
	whole[ERR_TEXT_SIZE - 1] = '\0';
	memcpy(e->text, whole, strlen(whole) + 1);
	tidy(e->text);
	return -(int)e->code;
}
