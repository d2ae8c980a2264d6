/* SPDX-License-Identifier: MIT */
/* email_read_address - lists of mail addresses (RFC 5322, 3.4) as [{address, name}].
 *
 * Knows no field by name. Groups are dissolved; what is no address keeps its text as a name, for a person to read. */
#ifndef PLATFORMS_EMAIL_READ_ADDRESS_H
#define PLATFORMS_EMAIL_READ_ADDRESS_H

#include <jansson.h>

#include "core/base.h"

#define EMAIL_READ_ADDRESS_MAX   ((size_t)1000) /* per field; the rest is left out */
#define EMAIL_READ_ADDRESS_BYTES ((size_t)320)  /* of an address, and of a name */

/* Appends what the raw, unfolded value has to `list`, an array; both members are always there, maybe "". `charset` is for
 * raw 8-bit bytes, as in email_read_word_decode(). 1 when something was left out, else 0. */
int email_read_address_list(const char *value, size_t len, const char *charset, json_t *list);

#endif
