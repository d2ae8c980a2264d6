/* SPDX-License-Identifier: MIT */
#include "core/redis_args.h"

#include <stdio.h>
#include <string.h>

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
	char head[24];
	int n = 0;
	char digits[20];
	size_t rest = len;

	/* "$LEN\r\n" by hand: snprintf was a tenth of the gateway's time per job. */
	do {
		digits[n++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	head[0] = '$';
	for (int i = 0; i < n; i++)
		head[1 + i] = digits[n - 1 - i];
	head[1 + n] = '\r';
	head[2 + n] = '\n';
	buf_reserve(&a->text, (size_t)n + 3 + len + 2);
	buf_add(&a->text, head, (size_t)n + 3);
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
	char digits[24];

	redis_arg(a, digits, (size_t)snprintf(digits, sizeof digits, "%lld", n));
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
