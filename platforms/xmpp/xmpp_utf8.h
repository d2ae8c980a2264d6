/* SPDX-License-Identifier: MIT */
/* xmpp_utf8 - one character of UTF-8 (RFC 3629), and which characters a text may keep. Pure. */
#ifndef PLATFORMS_XMPP_UTF8_H
#define PLATFORMS_XMPP_UTF8_H

#include "core/buf.h"

/* The length in bytes of the character that `s` (`len` bytes, at least 1) begins with, its number in `*code`; 0 when that
 * is no UTF-8. Surrogates and overlong forms are none. */
size_t xmpp_utf8_char(const char *s, size_t len, uint32_t *code);
/* 1 when JSON, XML 1.0 (2.2) and a terminal can all carry the character as text: no control but tab and line ends. */
int xmpp_utf8_is_text(uint32_t code);
/* Appends what may be kept of `len` bytes, U+FFFD in place of what is no UTF-8, until `out` holds `max` bytes. 1 when
 * something had to be left out for `max`, else 0. */
int xmpp_utf8_clean(struct buf *out, const char *s, size_t len, size_t max);

#endif
