/* SPDX-License-Identifier: MIT */
/* imap_flag - the flags of a mail as bits (RFC 3501, 2.3.2). Pure. */
#ifndef PLATFORMS_EMAIL_IMAP_FLAG_H
#define PLATFORMS_EMAIL_IMAP_FLAG_H

#include "core/base.h"

enum imap_flag {
	IMAP_SEEN = 1 << 0,
	IMAP_ANSWERED = 1 << 1,
	IMAP_FLAGGED = 1 << 2,
	IMAP_DELETED = 1 << 3,
	IMAP_DRAFT = 1 << 4,
	IMAP_RECENT = 1 << 5,  /* never stored */
	IMAP_KEYWORDS = 1 << 6 /* among permanent flags: keywords of one's own can be stored */
};

#define IMAP_FLAG_STORABLE 0x1fu

/* The bit of "\Seen" and so on, in any case; 0 for all others. */
unsigned imap_flag_parse(const char *bytes, size_t len);
/* "\\Seen" of a single bit; NULL for what is not a flag of IMAP. */
const char *imap_flag_name(unsigned flag);

#endif
