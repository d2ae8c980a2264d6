/* SPDX-License-Identifier: MIT */
#include "core/redis_args.h"

#include <stdio.h>
#include <string.h>

#include "core/digits.h"

#define ARGS_HEAD 24 /* room for "*2147483647\r\n" in front of the arguments */

void redis_args_begin(struct redis_args *a)
{
	buf_clear(&a->text);
	buf_reserve(&a->text, ARGS_HEAD);
	memset(a->text.data, ' ', ARGS_HEAD);
	buf_added(&a->text, ARGS_HEAD);
	a->count = 0;
}

void redis_arg(struct redis_args *a, const void *bytes, size_t len)
{
	char head[DIGITS_MAX + 3];
	size_t n = 1 + digits_write(len, head + 1);

	head[0] = '$';
	head[n++] = '\r';
	head[n++] = '\n';
	buf_reserve(&a->text, n + len + 2);
	buf_add(&a->text, head, n);
	buf_add(&a->text, bytes, len);
	buf_add(&a->text, "\r\n", 2);
	a->count++;
}

void redis_arg_str(struct redis_args *a, const char *s)
{
	redis_arg(a, s, strlen(s));
}

void redis_arg_int(struct redis_args *a, long long n)
{
	char text[1 + DIGITS_MAX] = "-";
	size_t sign = n < 0;

	redis_arg(a, text,
		sign + digits_write(n < 0 ? 0 - (unsigned long long)n : (unsigned long long)n,
			       text + sign));
}

void redis_args_words(struct redis_args *words)
{
	buf_clear(&words->text);
	words->count = 0;
}

void redis_args_append(struct redis_args *a, const struct redis_args *words)
{
	buf_add(&a->text, words->text.data, words->text.len);
	a->count += words->count;
}

void redis_args_release(struct redis_args *a)
{
	buf_release(&a->text);
}

void redis_args_finish(struct redis_args *a)
{
	char head[ARGS_HEAD];
	int n = snprintf(head, sizeof head, "*%d\r\n", a->count);

	a->start = ARGS_HEAD - (size_t)n;
	memcpy(a->text.data + a->start, head, (size_t)n);
}
