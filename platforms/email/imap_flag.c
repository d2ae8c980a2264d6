/* SPDX-License-Identifier: MIT */
#include "platforms/email/imap_flag.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	unsigned flag;
} flags[] = {
	{"\\Seen", IMAP_SEEN},
	{"\\Answered", IMAP_ANSWERED},
	{"\\Flagged", IMAP_FLAGGED},
	{"\\Deleted", IMAP_DELETED},
	{"\\Draft", IMAP_DRAFT},
	{"\\Recent", IMAP_RECENT},
	{"\\*", IMAP_KEYWORDS},
};

unsigned imap_flag_parse(const char *bytes, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strlen(flags[i].name) == len && strncasecmp(flags[i].name, bytes, len) == 0)
			return flags[i].flag;
	return 0;
}

const char *imap_flag_name(unsigned flag)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].flag == flag)
			return flags[i].name;
	return NULL;
}
