/* SPDX-License-Identifier: MIT */
/* imap_reason - why an IMAP server said NO, BAD or BYE, as one of our errors (RFC 3501, 7.1; RFC 5530). Pure. */
#ifndef PLATFORMS_EMAIL_IMAP_REASON_H
#define PLATFORMS_EMAIL_IMAP_REASON_H

#include "core/err.h"
#include "platforms/email/imap_parse.h"

/* By the response code; where there is none, by the commonest words. The text is "SERVER: words of the server", valid
 * UTF-8. Negative. */
int imap_reason_explain(const char *server, const struct imap_parse_response *r, struct err *e);

#endif
