/* SPDX-License-Identifier: MIT */
/* feeds_xml - libxml2 with the settings that are right for documents of strangers, and names without prefixes.
 *
 * See feeds_parse.h for what is promised. Knows which vocabularies feeds use, not what their words mean. */
#ifndef PLATFORMS_FEEDS_XML_H
#define PLATFORMS_FEEDS_XML_H

#include <libxml/tree.h>

#include "core/buf.h"

enum feeds_ns {
	NS_RSS, /* no namespace, one of RSS's, or an unknown one that is the default */
	NS_ATOM,
	NS_CONTENT,
	NS_DC,
	NS_MEDIA,
	NS_ITUNES,
	NS_FEEDBURNER,
	NS_XHTML,
	NS_OTHER
};

/* Makes libxml2 ready for threads; before the first feeds_xml_read() of another thread. May be repeated. */
void feeds_xml_init(void);

/* Appends a copy of `text` in which HTML's entities are character references and a bare "&" is "&amp;": both are
 * common in feeds, and the parser would drop them. Comments are left out, as the parser needs a minute for 5 MiB of
 * "<!--". Lines stay. At most five times as long. */
void feeds_xml_repair(const char *text, size_t len, struct buf *out);

/* `text` is valid UTF-8. GIVES the tree of what could be read, xmlFreeDoc() it; NULL when that is nothing. `why`
 * holds libxml2's first complaint and its line, or "". */
xmlDocPtr feeds_xml_read(const char *text, size_t len, char *why, size_t why_size);

/* Which vocabulary an element belongs to; `*local` is its name in it, borrowed. */
enum feeds_ns feeds_xml_name(const xmlNode *n, const char **local);
/* 1 when `n` is that element. */
int feeds_xml_is(const xmlNode *n, enum feeds_ns ns, const char *local);
/* The value of an attribute with this local name, whatever its prefix; NULL when absent, or when it is not one piece
 * of text. Borrowed. */
const char *feeds_xml_attr(const xmlNode *n, const char *local);

#endif
