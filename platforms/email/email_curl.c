/* SPDX-License-Identifier: MIT */
#include "platforms/email/email_curl.h"

#include <curl/curl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/mem.h"

static void wiping_free(void *p)
{
	if (p != NULL)
		mem_wipe(p, malloc_usable_size(p));
	free(p);
}

/* realloc() would leave the old bytes where they were. */
static void *wiping_realloc(void *p, size_t size)
{
	void *to = malloc(size);

	if (to == NULL || p == NULL)
		return to;
	memcpy(to, p, MIN(size, malloc_usable_size(p)));
	wiping_free(p);
	return to;
}

int email_curl_start(struct err *e)
{
	if (curl_global_init_mem(CURL_GLOBAL_ALL, malloc, wiping_free, wiping_realloc, strdup,
		    calloc) != CURLE_OK)
		return err_set(e, ERR_INTERNAL, "libcurl could not be initialised");
	return 0;
}
