/* SPDX-License-Identifier: MIT */
/* digits - writes a number in decimal. printf's machinery was a twentieth of the gateway's time per job, most of it for
 * numbers of a few digits in Redis commands and key names. */
#ifndef CORE_DIGITS_H
#define CORE_DIGITS_H

#include <stddef.h>

/* "18446744073709551615", without a NUL. */
#define DIGITS_MAX 20

/* Writes `n` to `out`; returns how many characters. No NUL. */
static inline size_t digits_write(unsigned long long n, char out[DIGITS_MAX])
{
	char reversed[DIGITS_MAX];
	size_t len = 0;

	do {
		reversed[len++] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	for (size_t i = 0; i < len; i++)
		out[i] = reversed[len - 1 - i];
	return len;
}

#endif
