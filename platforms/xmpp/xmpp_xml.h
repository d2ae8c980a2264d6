/* SPDX-License-Identifier: MIT */
/* xmpp_xml - libstrophe's trees as the mapping needs them: read without trust, built without surprise.
 *
 * Reading: every text is bounded and rid of what a JSON string or an XML document cannot carry. Building: what fails only
 * without memory aborts, as in core/mem.h; texts are filtered the same way and escaped by libstrophe when it writes, so no
 * string becomes markup. Pure; any thread that has the context to itself or an allocator that is safe. */
#ifndef PLATFORMS_XMPP_XML_H
#define PLATFORMS_XMPP_XML_H

#include <jansson.h>
#include <strophe.h>

#include "core/base.h"

/* The longest text of a message, in bytes; what is longer is cut between two characters. */
#define XMPP_XML_BODY_MAX 65536
/* The same for all else: status texts, subjects, reasons, names. */
#define XMPP_XML_TEXT_MAX 4096
/* The longest attribute that is looked at, ids above all; a longer one counts as absent. */
#define XMPP_XML_ATTR_MAX 4096

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* The attribute; NULL when absent, longer than XMPP_XML_ATTR_MAX, or with a character that JSON cannot carry. Borrowed. */
const char *xmpp_xml_attr(const xmpp_stanza_t *s, const char *name);
/* 1 when the attribute is there and xmpp_xml_attr() does not give it: that is not the same as none. */
int xmpp_xml_has_bad_attr(const xmpp_stanza_t *s, const char *name);
/* 1 when `s` is an element of this name and namespace; NULL: any. No namespace counts as jabber:client. */
int xmpp_xml_is(const xmpp_stanza_t *s, const char *name, const char *ns);
/* The first such child; NULL when there is none, or when `s` is NULL: paths can be followed without asking. Borrowed. */
const xmpp_stanza_t *xmpp_xml_child(const xmpp_stanza_t *s, const char *name, const char *ns);
/* The next such sibling; as above. */
const xmpp_stanza_t *xmpp_xml_next(const xmpp_stanza_t *s, const char *name, const char *ns);
/* The text directly below `s` (not that of its children), at most `max` bytes; "" when there is none. `*cut` becomes 1
 * when there was more; `cut` may be NULL. GIVES. */
char *xmpp_xml_text(const xmpp_stanza_t *s, size_t max, int *cut);
/* The same as a JSON string. GIVES. */
json_t *xmpp_xml_json(const xmpp_stanza_t *s, size_t max);
/* The text as a whole number from 0 to `max`; -1 when it is none. */
long long xmpp_xml_number(const xmpp_stanza_t *s, long long max);

/* --- building ---------------------------------------------------------------------------------------------------- */

/* A new element; `ns` NULL: none of its own. GIVES. */
xmpp_stanza_t *xmpp_xml_new(xmpp_ctx_t *ctx, const char *name, const char *ns);
/* A new element at the end of `parent`; `ns` NULL: the parent's. Borrowed, the parent owns it. */
xmpp_stanza_t *xmpp_xml_add(xmpp_stanza_t *parent, const char *name, const char *ns);
/* The same with a text in it; `text` NULL: an empty element. */
xmpp_stanza_t *xmpp_xml_add_text(xmpp_stanza_t *parent, const char *name, const char *text);
/* Sets an attribute, control characters left out; `value` NULL: nothing happens. */
void xmpp_xml_set(xmpp_stanza_t *s, const char *name, const char *value);

#endif
