/* SPDX-License-Identifier: MIT */
#include "gateway/exchange.h"

#include <string.h>

enum http_method exchange_method(const char *word)
{
	static const char *const words[] = {
		[HTTP_GET] = "GET",
		[HTTP_HEAD] = "HEAD",
		[HTTP_POST] = "POST",
		[HTTP_DELETE] = "DELETE",
		[HTTP_OPTIONS] = "OPTIONS",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i], word) == 0)
			return (enum http_method)i;
	return HTTP_OTHER;
}
