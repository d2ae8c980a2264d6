/* SPDX-License-Identifier: MIT */
/* email_compose_address - one address of a mail that is to be sent: read strictly, or refused.
 *
 * What is accepted fits both the SMTP dialogue and a header field: ASCII, no white space, one address and no group
 * (RFC 5321, 4.1.2). A domain beyond ASCII becomes punycode; such a local part is refused (SMTPUTF8, RFC 6531, is not
 * spoken). Pure. */
#ifndef PLATFORMS_EMAIL_EMAIL_COMPOSE_ADDRESS_H
#define PLATFORMS_EMAIL_EMAIL_COMPOSE_ADDRESS_H

#include <jansson.h>

#include "core/base.h"

struct err;

#define EMAIL_COMPOSE_ADDRESS_SIZE 255 /* RFC 5321, 4.5.3.1.3: a path of 256 with its brackets */
#define EMAIL_COMPOSE_NAME_MAX     500

struct email_compose_address {
	char address[EMAIL_COMPOSE_ADDRESS_SIZE];
	char name[EMAIL_COMPOSE_NAME_MAX + 1]; /* UTF-8 without control characters; "" none */
};

/* Reads {"address":"bob@example.org", "name":"Bob"}; the address may also be "Bob <bob@example.org>" (a `name` beside
 * it wins), and `who` may be such a string alone. `what` names it in the error text: "target 3". ERR_INVALID. */
int email_compose_address_read(
	const json_t *who, const char *what, struct email_compose_address *out, struct err *e);
/* Where the domain begins, behind the "@". */
const char *email_compose_address_domain(const struct email_compose_address *a);

#endif
