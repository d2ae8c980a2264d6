/* SPDX-License-Identifier: MIT */
#include "workers/platforms.h"

#include <string.h>

#include "platforms/platform.h"

#define PLATFORM(name) extern const struct platform platform_##name;
#include "platforms/platforms.def"
#undef PLATFORM

static const struct platform *const platforms[] = {
#define PLATFORM(name) &platform_##name,
#include "platforms/platforms.def"
#undef PLATFORM
};

const struct platform *platforms_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(platforms); i++)
		if (strcmp(platforms[i]->name, name) == 0)
			return platforms[i];
	return NULL;
}

const char *platforms_names(void)
{
#define PLATFORM(name) " " #name
	static const char names[] =
#include "platforms/platforms.def"
		;
#undef PLATFORM
	return names + 1;
}
