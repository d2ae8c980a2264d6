/* SPDX-License-Identifier: MIT */
/* What a name server may answer, and every order of it. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/mem.h"
#include "platforms/xmpp/xmpp_resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t lowest(uint32_t max)
{
	UNUSED(max);
	return 0;
}

static uint32_t highest(uint32_t max)
{
	return max;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xmpp_resolve_srvs srvs = {.n = 0};
	char *copy = mem_dup(data, size); /* so that a read past its end is seen */

	xmpp_resolve_parse((unsigned char *)copy, size, 0, &srvs);
	mem_free(copy);
	assert(srvs.n <= XMPP_RESOLVE_SRV_MAX);
	for (size_t i = 0; i < srvs.n; i++)
		assert(memchr(srvs.at[i].target, '\0', sizeof srvs.at[i].target) != NULL);
	xmpp_resolve_order(&srvs, lowest);
	xmpp_resolve_order(&srvs, highest);
	for (size_t i = 1; i < srvs.n; i++)
		assert(srvs.at[i - 1].priority <= srvs.at[i].priority);
	return 0;
}
