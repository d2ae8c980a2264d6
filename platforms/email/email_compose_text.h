/* SPDX-License-Identifier: MIT */
/* email_compose_text - the texts of a mail: line ends, and a plain text for a mail that has only HTML.
 *
 * Pure, and safe in any thread once xmlInitParser() was called. */
#ifndef PLATFORMS_EMAIL_EMAIL_COMPOSE_TEXT_H
#define PLATFORMS_EMAIL_EMAIL_COMPOSE_TEXT_H

#include "core/buf.h"

/* Appends the text with `newline` at each end of a line (given as CR LF, LF or CR), also the last. A bare CR would be a
 * line end to some servers and none to others, which is how mails are smuggled into mails. */
void email_compose_text_lines(struct buf *out, const char *text, size_t len, const char *newline);
/* Appends what a reader of the HTML would see: tags gone, blocks on lines of their own, list items with "* ", links
 * with their address behind them. Lines end with LF. */
void email_compose_text_of_html(struct buf *out, const char *html, size_t len);

#endif
